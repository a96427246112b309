import { fieldError } from "../api/status.ts";
import type { Container, PodSpec } from "./pod.ts";
import { checkOneOf, type FieldErrors } from "./validators.ts";

/** What only Linux knows, of a pod and of the security contexts of pods and containers. */
const podOnLinux = ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] as const;
const podContextOnLinux = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const contextOnLinux = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

/** What a pod asks for that its operating system does not know. @see k8s.io/kubernetes/pkg/apis/core/validation, validateOS */
export function checkOs(spec: PodSpec, field: string): FieldErrors {
  if (!spec.os) return [];
  const { name } = spec.os;
  if (!name) return [fieldError.required(`${field}.os.name`, "cannot be empty")];
  if (name === "linux") return checkLinux(spec, field);
  return name === "windows" ? checkWindows(spec, field) : checkOneOf(`${field}.os`, name, ["linux", "windows"]);
}

function checkLinux(spec: PodSpec, field: string): FieldErrors {
  const contexts = [{ at: field, context: spec.securityContext }, ...contextsOf(spec, field)];
  return contexts.flatMap(({ at, context }) =>
    context?.windowsOptions
      ? [fieldError.forbidden(`${at}.securityContext.windowsOptions`, "windows options cannot be set for a linux pod")]
      : [],
  );
}

function checkWindows(spec: PodSpec, field: string): FieldErrors {
  const context = spec.securityContext ?? {};
  const refused = [
    ...podOnLinux.filter((name) => isSet(spec[name]) || (name === "hostUsers" && spec.hostUsers === false)),
    ...podContextOnLinux.filter((name) => isSet(context[name])).map((name) => `securityContext.${name}`),
  ].map((name) => `${field}.${name}`);
  const refusedOfContainers = contextsOf(spec, field).flatMap(({ at, context: own }) =>
    contextOnLinux.filter((name) => own?.[name] !== undefined).map((name) => `${at}.securityContext.${name}`),
  );
  return [...refused, ...refusedOfContainers].map((at) => fieldError.forbidden(at, "cannot be set for a windows pod"));
}

/** Whether something is asked for: a list of nothing, and a switch that is off, are not. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

/** Containers that run as processes of a Windows node: all of a pod's, and on its network. */
export function checkHostProcess(spec: PodSpec, field: string): FieldErrors {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const contexts = contextsOf(spec, field);
  const different = contexts.flatMap(({ at, context }) => {
    const own = context?.windowsOptions?.hostProcess;
    const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
    return ofPod === undefined || own === undefined || own === ofPod
      ? []
      : [fieldError.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, detail)];
  });
  const count = contexts.filter(({ context }) => context?.windowsOptions?.hostProcess ?? ofPod).length;
  if (count === 0) return different;
  const notAll = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
  const noNetwork = "hostNetwork must be true if pod contains any hostProcess containers";
  return [
    ...different,
    ...(count === contexts.length ? [] : [fieldError.invalid(field, "", notAll)]),
    ...(spec.hostNetwork === true ? [] : [fieldError.invalid(`${field}.hostNetwork`, false, noNetwork)]),
  ];
}

function contextsOf(
  spec: PodSpec,
  field: string,
): readonly { readonly at: string; readonly context: Container["securityContext"] }[] {
  return (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => ({
      at: `${field}.${list}[${index}]`,
      context: container.securityContext,
    })),
  );
}
