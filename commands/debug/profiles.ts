import type { Container, Pod, PodSpec, SecurityContext } from "../../core/kinds/pod.ts";

/** What of a pod stays as it is in its copy. */
export interface KeepFlags {
  readonly "keep-labels": boolean;
  readonly "keep-annotations": boolean;
  readonly "keep-liveness": boolean;
  readonly "keep-readiness": boolean;
  readonly "keep-startup": boolean;
  readonly "keep-init-containers": boolean;
}

/** How much the container that debugs may see and do. */
interface Profile {
  /** Of a container in a running pod, and of one in a copy of it. */
  readonly inPod: (container: Container) => Container;
  /** Of the container of a pod on a node. */
  readonly onNode: (container: Container) => Container;
  /** Whether that pod shares the namespaces of the node's own processes. */
  readonly hostNamespaces: boolean;
  /** Whether it has the node's files at /host. */
  readonly hostFiles: boolean;
}

const same = (container: Container) => container;
const unprivileged = (container: Container) => confined(container);
const restricted = (container: Container) =>
  confined(container, {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
const netadmin = (container: Container) => withCapabilities(container, "NET_ADMIN", "NET_RAW");
const sysadmin = (container: Container) => ({
  ...container,
  securityContext: { ...container.securityContext, privileged: true },
});
const isolated = { hostNamespaces: false, hostFiles: false };

/** By the names that `--profile` takes. @see k8s.io/kubectl/pkg/cmd/debug/profiles.go */
const profiles: ReadonlyMap<string, Profile> = new Map<string, Profile>([
  ["legacy", { inPod: same, onNode: same, hostNamespaces: true, hostFiles: true }],
  [
    "general",
    {
      inPod: (container) => withCapabilities(container, "SYS_PTRACE"),
      onNode: unprivileged,
      hostNamespaces: true,
      hostFiles: true,
    },
  ],
  ["baseline", { inPod: unprivileged, onNode: unprivileged, ...isolated }],
  ["restricted", { inPod: restricted, onNode: restricted, ...isolated }],
  ["netadmin", { inPod: netadmin, onNode: netadmin, hostNamespaces: true, hostFiles: false }],
  ["sysadmin", { inPod: sysadmin, onNode: sysadmin, hostNamespaces: true, hostFiles: true }],
]);

/** Whether there is a profile of that name. */
export function isProfile(name: string): boolean {
  return profiles.has(name);
}

/** A container for a running pod, as the profile has it. */
export function profiledContainer(container: Container, profile: string): Container {
  return profiles.get(profile)?.inPod(container) ?? container;
}

/** The copy of a pod, as the profile has it: nothing takes it for the pod itself, and the container named sees its processes. */
export function profiledCopy(pod: Pod, containerName: string, profile: string, keep: KeepFlags): Pod {
  const { labels, annotations, ...metadata } = pod.metadata;
  // The oldest profile only takes care that no service and no owner finds the copy.
  if (profile === "legacy") return { ...pod, metadata: { ...metadata, ...(annotations ? { annotations } : {}) } };
  const { initContainers, ...spec } = pod.spec;
  const containers = spec.containers.map((container) =>
    withoutProbes(container.name === containerName ? profiledContainer(container, profile) : container, keep),
  );
  return {
    ...pod,
    metadata: {
      ...metadata,
      ...(labels && keep["keep-labels"] ? { labels } : {}),
      ...(annotations && keep["keep-annotations"] ? { annotations } : {}),
    },
    spec: {
      ...spec,
      ...(initContainers && keep["keep-init-containers"] ? { initContainers } : {}),
      containers,
      shareProcessNamespace: spec.shareProcessNamespace ?? true,
    },
  };
}

/** A pod of one container for a node, as the profile has it. */
export function profiledNodePod(spec: PodSpec, profile: string): PodSpec {
  const { onNode = same, hostFiles, hostNamespaces } = profiles.get(profile) ?? {};
  const containers = spec.containers.map(onNode);
  const name = "host-root";
  return {
    ...spec,
    ...(hostNamespaces ? { hostNetwork: true, hostPID: true, hostIPC: true } : {}),
    ...(hostFiles ? { volumes: [{ name, hostPath: { path: "/" } }] } : {}),
    containers: hostFiles
      ? containers.map((one) => ({ ...one, volumeMounts: [{ name, mountPath: "/host" }] }))
      : containers,
  };
}

function confined({ securityContext: _any, ...container }: Container, securityContext?: SecurityContext): Container {
  return securityContext ? { ...container, securityContext } : container;
}

function withCapabilities({ securityContext, ...container }: Container, ...names: readonly string[]): Container {
  const { capabilities } = securityContext ?? {};
  const add = [...(capabilities?.add ?? []), ...names];
  return { ...container, securityContext: { ...securityContext, capabilities: { ...capabilities, add } } };
}

function withoutProbes(container: Container, keep: KeepFlags): Container {
  const { livenessProbe, readinessProbe, startupProbe, ...rest } = container;
  return {
    ...rest,
    ...(livenessProbe && keep["keep-liveness"] ? { livenessProbe } : {}),
    ...(readinessProbe && keep["keep-readiness"] ? { readinessProbe } : {}),
    ...(startupProbe && keep["keep-startup"] ? { startupProbe } : {}),
  };
}
