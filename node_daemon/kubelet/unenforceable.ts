import type { Container, Pod } from "../../core/kinds/pod.ts";
import type { PodFailure } from "./plan_pod.ts";
import { forbiddenSysctl } from "./sysctls.ts";

/** What a node can keep containers to, and what it lets them have, besides what every one does. */
export interface Confinements {
  /** Profiles of AppArmor. */
  readonly appArmor: boolean;
  /** Groups that a pod names and no others, whatever its image says of its user. */
  readonly strictGroups: boolean;
  /** Kernel parameters that pods may set here though others may feel it; with `*` at the end all that begin so. */
  readonly unsafeSysctls: readonly string[];
}

/**
 * Why a pod cannot be kept to what it asks for on this node: then it is not run at all. Pure.
 *
 * @see https://kubernetes.io/docs/tutorials/security/apparmor/
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#implicit-group-memberships-defined-in-etc-group-in-the-container-image
 */
export function unenforceable(
  pod: Pod,
  { appArmor, strictGroups, unsafeSysctls }: Confinements,
): PodFailure | undefined {
  const { spec } = pod;
  const sysctl = forbiddenSysctl(pod, unsafeSysctls);
  if (sysctl !== undefined) return { reason: "SysctlForbidden", message: sysctl };
  const policy = spec.securityContext?.supplementalGroupsPolicy;
  if (policy === "Strict" && !strictGroups) {
    return {
      reason: "SupplementalGroupsPolicyNotSupported",
      message: "SupplementalGroupsPolicy=Strict is not supported in this node",
    };
  }
  const containers: readonly Container[] = [...(spec.initContainers ?? []), ...spec.containers];
  if (appArmor || !containers.some((container) => appArmorOf(spec, container) !== undefined)) return undefined;
  return { reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host" };
}

/** The profile that a container has to run under; undefined: none, or that without limits. */
function appArmorOf(spec: Pod["spec"], { securityContext }: Container): string | undefined {
  const { type = "Unconfined" } = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile ?? {};
  return type === "Unconfined" ? undefined : type;
}
