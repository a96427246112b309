import type { Volume } from "../../../core/kinds/pod.ts";
import { isSeccompType, procMount, seccompProfile } from "./baseline.ts";
import {
  type Check,
  containersOf,
  containersText,
  type JudgedPod,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
  unlessUserNamespace,
  unlessWindows,
  type Violation,
} from "./check.ts";

/**
 * The rules that the level `restricted` adds to those of `baseline`, in the order that violations are told.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export const restrictedChecks: readonly Check[] = [
  // biome-ignore format: one version a line
  { id: "allowPrivilegeEscalation", since: [[8, privilegeEscalation], [25, unlessWindows(privilegeEscalation)]] },
  // biome-ignore format: one version a line
  { id: "capabilities_restricted", since: [[22, capabilities], [25, unlessWindows(capabilities)]],
    overrides: ["capabilities_baseline"] },
  { id: "procMount_restricted", since: [[35, procMount]], overrides: ["procMount"] },
  { id: "restrictedVolumes", since: [[0, restrictedVolumes]], overrides: ["hostPathVolumes"] },
  // biome-ignore format: one version a line
  { id: "runAsNonRoot", since: [[0, runAsNonRoot], [35, unlessUserNamespace(runAsNonRoot)]] },
  // biome-ignore format: one version a line
  { id: "runAsUser", since: [[23, runAsUser], [35, unlessUserNamespace(runAsUser)]] },
  // biome-ignore format: one version a line
  { id: "seccompProfile_restricted", since: [[19, seccompRequired], [25, unlessWindows(seccompRequired)]],
    overrides: ["seccompProfile_baseline"] },
];

function privilegeEscalation(pod: JudgedPod): Violation | undefined {
  const containers = namesWhere(pod, (context) => context.allowPrivilegeEscalation !== false);
  if (containers.length === 0) return undefined;
  return {
    reason: "allowPrivilegeEscalation != false",
    detail: `${containersText(containers)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function capabilities(pod: JudgedPod): Violation | undefined {
  const added = (add: readonly string[] | undefined) => (add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
  const keeping = namesWhere(pod, (context) => !(context.capabilities?.drop ?? []).includes("ALL"));
  const adding = namesWhere(pod, (context) => added(context.capabilities?.add).length > 0);
  const names = sortedSet(
    containersOf(pod).flatMap(({ securityContext }) => added(securityContext?.capabilities?.add)),
  );
  const details = [
    ...(keeping.length > 0 ? [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [`${containersText(adding)} must not include ${quoted(names)} in securityContext.capabilities.add`]
      : []),
  ];
  return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
}

const allowedVolumes: readonly string[] = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

/** Sources that are told by name; the first that is set counts. */
const restrictedSources: readonly string[] = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "nfs",
  "iscsi",
  "glusterfs",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "fc",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "storageos",
];

function restrictedVolumes({ spec }: JudgedPod): Violation | undefined {
  const has = (volume: Volume, source: string) => Boolean(Object.entries(volume).find(([key]) => key === source)?.[1]);
  const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.some((source) => has(volume, source)));
  if (bad.length === 0) return undefined;
  const types = sortedSet(bad.map((volume) => restrictedSources.find((source) => has(volume, source)) ?? "unknown"));
  const volumes = `${plural(bad.length, "volume", "volumes")} ${quoted(bad.map(({ name }) => name))}`;
  const what = plural(types.length, "restricted volume type", "restricted volume types");
  return {
    reason: "restricted volume types",
    detail: `${volumes} ${plural(bad.length, "uses", "use")} ${what} ${quoted(types)}`,
  };
}

function runAsNonRoot(pod: JudgedPod): Violation | undefined {
  const reason = "runAsNonRoot != true";
  const ofPod = pod.spec.securityContext?.runAsNonRoot ?? undefined;
  const setters = settersText(
    ofPod === false,
    namesWhere(pod, (context) => context.runAsNonRoot === false),
  );
  if (setters !== undefined) return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  if (ofPod === true) return undefined;
  const silent = namesWhere(pod, (context) => (context.runAsNonRoot ?? undefined) === undefined);
  if (silent.length === 0) return undefined;
  return { reason, detail: `pod or ${containersText(silent)} must set securityContext.runAsNonRoot=true` };
}

function runAsUser(pod: JudgedPod): Violation | undefined {
  const setters = settersText(
    pod.spec.securityContext?.runAsUser === 0,
    namesWhere(pod, (context) => context.runAsUser === 0),
  );
  return setters === undefined ? undefined : { reason: "runAsUser=0", detail: `${setters} must not set runAsUser=0` };
}

function seccompRequired(pod: JudgedPod): Violation | undefined {
  const wrong = seccompProfile(pod);
  if (wrong || isSeccompType(pod.spec.securityContext?.seccompProfile?.type)) return wrong;
  const silent = namesWhere(pod, ({ seccompProfile: profile }) => !profile);
  if (silent.length === 0) return undefined;
  const allowed = '"RuntimeDefault" or "Localhost"';
  return {
    reason: "seccompProfile",
    detail: `pod or ${containersText(silent)} must set securityContext.seccompProfile.type to ${allowed}`,
  };
}
