import { type FieldError, fieldError } from "../api/status.ts";
import type {
  AppArmorProfile,
  Container,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from "./pod.ts";
import { checkAll, checkOneOf, checkRange, descendingPathErrors, type FieldErrors } from "./validators.ts";
import { checkWindowsOptions } from "./windows_options_validation.ts";

const maxId = 2 ** 31 - 1;
const maxSysctlLength = 253;
const sysctlFormat = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
const sysctlPattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

/** What is wrong with what all processes of a pod may do. */
export function checkPodSecurityContext(spec: PodSpec, field: string): FieldErrors {
  const context: PodSecurityContext = spec.securityContext ?? {};
  return [
    ...checkRange(`${field}.fsGroup`, context.fsGroup, 0, maxId),
    ...checkRange(`${field}.runAsUser`, context.runAsUser, 0, maxId),
    ...checkRange(`${field}.runAsGroup`, context.runAsGroup, 0, maxId),
    ...(context.supplementalGroups ?? []).flatMap((group, index) =>
      checkRange(`${field}.supplementalGroups[${index}]`, group, 0, maxId),
    ),
    ...(spec.shareProcessNamespace === true && spec.hostPID === true
      ? [
          fieldError.invalid(
            `${field}.shareProcessNamespace`,
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
          ),
        ]
      : []),
    ...checkSysctls(spec, `${field}.sysctls`),
    ...checkOneOf(`${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"]),
    ...checkSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...checkWindowsOptions(context.windowsOptions, `${field}.windowsOptions`),
    ...checkAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
    ...checkOneOf(`${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ["Merge", "Strict"]),
    ...checkOneOf(`${field}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ["MountOption", "Recursive"]),
  ];
}

/** What is wrong with what the processes of a container may do. */
export function checkSecurityContext(
  { securityContext: context }: Container,
  field: string,
  { hostUsers }: { readonly hostUsers: boolean },
): FieldErrors {
  if (!context) return [];
  return [
    ...checkRange(`${field}.runAsUser`, context.runAsUser, 0, maxId),
    ...checkRange(`${field}.runAsGroup`, context.runAsGroup, 0, maxId),
    ...checkOneOf(`${field}.procMount`, context.procMount, ["Default", "Unmasked"]),
    ...(context.procMount === "Unmasked" && hostUsers
      ? [fieldError.invalid(`${field}.procMount`, "Unmasked", "`hostUsers` must be false to use `Unmasked`")]
      : []),
    ...checkSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...checkEscalation(context, field),
    ...checkWindowsOptions(context.windowsOptions, `${field}.windowsOptions`),
    ...checkAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
  ];
}

function checkEscalation(context: SecurityContext, field: string): FieldErrors {
  if (context.allowPrivilegeEscalation !== false) return [];
  const without = "cannot set `allowPrivilegeEscalation` to false and";
  const errors: FieldError[] = [];
  if (context.privileged === true) errors.push(fieldError.invalid(field, context, `${without} \`privileged\` to true`));
  for (const capability of context.capabilities?.add ?? []) {
    if (capability === "CAP_SYS_ADMIN")
      errors.push(fieldError.invalid(field, context, `${without} \`capabilities.Add\` CAP_SYS_ADMIN`));
  }
  return errors;
}

function checkSysctls({ securityContext, hostNetwork, hostIPC }: PodSpec, field: string): FieldErrors {
  const seen = new Set<string>();
  return (securityContext?.sysctls ?? []).flatMap(({ name = "" }, index) => {
    const at = `${field}[${index}].name`;
    if (!name) return [fieldError.required(at)];
    if (name.length > maxSysctlLength || !sysctlPattern.test(name)) {
      const detail = `must have at most ${maxSysctlLength} characters and match regex ${sysctlFormat}`;
      return [fieldError.invalid(at, name, detail)];
    }
    const dotted = name.replaceAll("/", ".");
    const errors: FieldError[] = seen.has(dotted) ? [fieldError.duplicate(at, name)] : [];
    seen.add(dotted);
    // What belongs to the node cannot be set for one pod.
    if (hostNetwork === true && dotted.startsWith("net."))
      errors.push(fieldError.invalid(at, name, "may not be specified when 'hostNetwork' is true"));
    if (hostIPC === true && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(dotted))
      errors.push(fieldError.invalid(at, name, "may not be specified when 'hostIPC' is true"));
    return errors;
  });
}

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"];

function checkSeccomp(profile: SeccompProfile | undefined, field: string): FieldErrors {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const errors: FieldError[] = type
    ? [...checkOneOf(`${field}.type`, type, profileTypes)]
    : [fieldError.required(`${field}.type`, "type is required when seccompProfile is set")];
  const at = `${field}.localhostProfile`;
  if (type === "Localhost") {
    if (localhostProfile === undefined)
      errors.push(fieldError.required(at, "must be set when seccomp type is Localhost"));
    else errors.push(...checkAll(at, localhostProfile, descendingPathErrors(localhostProfile)));
  } else if (localhostProfile !== undefined)
    errors.push(fieldError.invalid(at, profile, "can only be set when seccomp type is Localhost"));
  return errors;
}

function checkAppArmor(profile: AppArmorProfile | undefined, field: string): FieldErrors {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const at = `${field}.localhostProfile`;
  if (!type) return [fieldError.required(`${field}.type`, "type is required when appArmorProfile is set")];
  if (!profileTypes.includes(type)) return [fieldError.notSupported(`${field}.type`, type, profileTypes)];
  if (type !== "Localhost") {
    return localhostProfile === undefined
      ? []
      : [fieldError.invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost")];
  }
  if (localhostProfile === undefined) return [fieldError.required(at, "must be set when AppArmor type is Localhost")];
  const errors: FieldError[] = [];
  const trimmed = localhostProfile.trim();
  if (trimmed !== localhostProfile)
    errors.push(fieldError.invalid(at, localhostProfile, "must not be padded with whitespace"));
  else if (trimmed === "") errors.push(fieldError.required(at, "must be set when AppArmor type is Localhost"));
  if (localhostProfile.length > 4095) errors.push(fieldError.tooLong(at, 4095));
  return errors;
}
