import type { ContainerCreateOptions, MountSettings } from "dockerode";
import type { StringMap } from "../../core/api/meta.ts";
import { compact } from "../../core/util/compact.ts";
import {
  type Container,
  type ContainerConfig,
  type ContainerLimits,
  type LogLimits,
  type Mount,
  type ProcessScope,
  RuntimeFailure,
  type Sandbox,
  type SandboxConfig,
  type Ulimit,
} from "./runtime.ts";

/** Labels by which this runtime knows its containers. What lacks its owner's two is not ours. */
export const label = {
  node: "wherry.dev/node",
  rootDir: "wherry.dev/root-dir",
  kind: "wherry.dev/kind",
  podUid: "wherry.dev/pod-uid",
  podName: "wherry.dev/pod-name",
  podNamespace: "wherry.dev/pod-namespace",
  containerName: "wherry.dev/container-name",
  attempt: "wherry.dev/attempt",
  sandboxId: "wherry.dev/sandbox-id",
  image: "wherry.dev/image",
  annotations: "wherry.dev/annotations",
  user: "wherry.dev/user",
  hostNetwork: "wherry.dev/host-network",
  runtimeHandler: "wherry.dev/runtime-handler",
} as const;

/** Whose containers these are: nodes of different clusters on one engine may have the same name, but not the same folder. */
export interface Owner {
  readonly nodeName: string;
  readonly rootDir: string;
}

/** The kernel takes no more. */
const maxHostnameLength = 64;

/** What all containers of a node have in common. */
export interface ContainerDefaults {
  readonly owner: Owner;
  readonly logLimits: LogLimits;
  readonly ulimits?: readonly Ulimit[];
  /** An engine that may not go below it starts nothing that is to. */
  readonly minOomScoreAdj: number;
}

function logConfig({ fileBytes, files }: LogLimits): { Type: string; Config: Record<string, string> } {
  return { Type: "json-file", Config: { "max-size": String(fileBytes), "max-file": String(files) } };
}

/** The container that holds a pod's network. */
export function sandboxOptions(
  config: SandboxConfig,
  { owner, image, logLimits, minOomScoreAdj }: ContainerDefaults & { readonly image: string },
): ContainerCreateOptions & { readonly name: string } {
  const { namespace, name, uid, attempt, hostNetwork, hostPorts, hostname, labels } = config;
  const { hostIPC = false, sysctls = {}, runtimeHandler } = config;
  const ports = hostNetwork ? [] : hostPorts;
  const bindings = new Map<string, { HostIp: string; HostPort: string }[]>();
  for (const { containerPort, hostPort, protocol, hostIP } of ports) {
    const key = `${containerPort}/${protocol.toLowerCase()}`;
    bindings.set(key, [...(bindings.get(key) ?? []), { HostIp: hostIP, HostPort: String(hostPort) }]);
  }
  return compact<ContainerCreateOptions & { readonly name: string }>({
    name: `wherry_POD_${name}_${namespace}_${uid}_${attempt}`,
    Image: image,
    Hostname: hostNetwork ? undefined : hostname.slice(0, maxHostnameLength),
    Labels: {
      ...withoutOurs(labels),
      ...podLabels(config),
      ...ownerLabels(owner),
      [label.kind]: "sandbox",
      [label.attempt]: String(attempt),
      [label.hostNetwork]: String(hostNetwork),
      ...(runtimeHandler === undefined ? {} : { [label.runtimeHandler]: runtimeHandler }),
    },
    ExposedPorts: Object.fromEntries([...bindings.keys()].map((key) => [key, {}])),
    HostConfig: {
      ...(runtimeHandler === undefined ? {} : { Runtime: runtimeHandler }),
      NetworkMode: hostNetwork ? "host" : "default",
      IpcMode: hostIPC ? "host" : "shareable",
      Sysctls: { ...sysctls },
      PortBindings: Object.fromEntries(bindings),
      OomScoreAdj: Math.max(sandboxOomScoreAdj, minOomScoreAdj),
      RestartPolicy: { Name: "no" },
      LogConfig: logConfig(logLimits),
      SecurityOpt: ["no-new-privileges"],
    },
  });
}

/** A pod's network is the last to go. @see k8s.io/kubernetes/pkg/kubelet/qos/policy.go */
const sandboxOomScoreAdj = -998;

/** A container of a pod: in its sandbox's network, with `Mounts` (a `Binds` text would be read at its colons). */
export function containerOptions(
  sandbox: Sandbox,
  config: ContainerConfig,
  {
    owner,
    logLimits,
    ulimits = [],
    minOomScoreAdj,
    beginsAs,
    cgroupParent,
  }: ContainerDefaults & { readonly beginsAs: Container["user"]; readonly cgroupParent: string | undefined },
): ContainerCreateOptions & { readonly name: string } {
  const { name, attempt, image, command, args, workingDir, env, mounts, limits, user } = config;
  return compact<ContainerCreateOptions & { readonly name: string }>({
    name: `wherry_${name}_${sandbox.name}_${sandbox.namespace}_${sandbox.uid}_${attempt}`,
    Image: image,
    Entrypoint: command.length > 0 ? [...command] : undefined,
    Cmd: args.length > 0 ? [...args] : undefined,
    WorkingDir: workingDir,
    Env: env.map(({ name, value }) => `${name}=${value}`),
    Tty: config.tty,
    OpenStdin: config.stdin,
    StdinOnce: config.stdin && config.stdinOnce === true,
    User: userOption(user),
    StopSignal: config.stopSignal,
    Labels: {
      ...podLabels(sandbox),
      ...ownerLabels(owner),
      [label.kind]: "container",
      [label.containerName]: name,
      [label.attempt]: String(attempt),
      [label.sandboxId]: sandbox.id,
      [label.image]: image,
      [label.annotations]: JSON.stringify(config.annotations),
      ...(beginsAs ? { [label.user]: JSON.stringify(beginsAs) } : {}),
    },
    HostConfig: compact<NonNullable<ContainerCreateOptions["HostConfig"]>>({
      Runtime: sandbox.runtimeHandler,
      CgroupParent: cgroupParent,
      NetworkMode: `container:${sandbox.id}`,
      IpcMode: `container:${sandbox.id}`,
      PidMode: pidMode(config.processes, sandbox),
      Mounts: mounts.map(mountOptions),
      ...resourceOptions(limits),
      OomScoreAdj: config.oomScoreAdj === undefined ? undefined : Math.max(config.oomScoreAdj, minOomScoreAdj),
      Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
      GroupAdd: user.supplementalGids.map(String),
      Privileged: config.privileged,
      ReadonlyRootfs: config.readOnlyRootFilesystem,
      CapAdd: [...config.capabilities.add],
      CapDrop: [...config.capabilities.drop],
      SecurityOpt: securityOptions(config),
      // Empty lists hide nothing; left out, the engine hides what it always does.
      MaskedPaths: config.unmaskedProc ? [] : undefined,
      ReadonlyPaths: config.unmaskedProc ? [] : undefined,
      RestartPolicy: { Name: "no" },
      LogConfig: logConfig(logLimits),
    }),
  });
}

const cpuPeriodMicroseconds = 100_000;
/** The kernel takes no less. */
const minCpuQuotaMicroseconds = 1000;
const minCpuShares = 2;

/** Limits as the engine takes them, for a new container and for one that runs. Only those that are given. */
export function resourceOptions({
  milliCpuRequest,
  milliCpuLimit,
  memoryBytesLimit,
}: ContainerLimits): EngineResources {
  return compact<EngineResources>({
    Memory: memoryBytesLimit,
    // The same figure: no swap beyond it.
    MemorySwap: memoryBytesLimit,
    // A quota, and not a number of processors: of these the engine takes no more than there are.
    CpuPeriod: milliCpuLimit === undefined ? undefined : cpuPeriodMicroseconds,
    CpuQuota:
      milliCpuLimit === undefined
        ? undefined
        : Math.max(minCpuQuotaMicroseconds, Math.round((milliCpuLimit * cpuPeriodMicroseconds) / 1000)),
    CpuShares:
      milliCpuRequest === undefined ? undefined : Math.max(minCpuShares, Math.floor((milliCpuRequest * 1024) / 1000)),
  });
}

/** What the engine says of limits; 0 is none. */
export interface EngineResources {
  readonly Memory?: number | undefined;
  readonly MemorySwap?: number | undefined;
  readonly CpuPeriod?: number | undefined;
  readonly CpuQuota?: number | undefined;
  readonly CpuShares?: number | undefined;
}

/** The limits of a container. Processor shares are coarser than requests, but no two requests from 2m have the same. */
export function limitsOf({ Memory = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0 }: EngineResources): ContainerLimits {
  const period = CpuPeriod > 0 ? CpuPeriod : cpuPeriodMicroseconds;
  return {
    milliCpuRequest: CpuShares > 0 ? Math.ceil((CpuShares * 1000) / 1024) : undefined,
    milliCpuLimit: CpuQuota > 0 ? Math.round((CpuQuota * 1000) / period) : undefined,
    memoryBytesLimit: Memory > 0 ? Memory : undefined,
  };
}

/** The engine's word for whose processes a container sees; undefined: its own. */
function pidMode(scope: ProcessScope = "own", sandbox: Sandbox): string | undefined {
  if (scope === "own") return undefined;
  if (scope === "node") return "host";
  return `container:${scope === "pod" ? sandbox.id : scope.containerId}`;
}

function securityOptions({
  allowPrivilegeEscalation = true,
  seccomp,
  appArmor,
  seLinux = {},
}: ContainerConfig): string[] {
  const options = allowPrivilegeEscalation ? [] : ["no-new-privileges"];
  if (seccomp?.type === "Unconfined") options.push("seccomp=unconfined");
  if (seccomp?.type === "Localhost") options.push(`seccomp=${seccomp.profile}`);
  if (appArmor !== undefined) options.push(`apparmor=${appArmor}`);
  for (const [name, value] of Object.entries(seLinux)) options.push(`label=${name}:${value}`);
  return options;
}

/** Whether an engine can make what lies below a read-only mount read-only, too: Docker 25 on Linux 5.12 and later. */
export function mountsRecursively(told: { readonly ApiVersion?: string; readonly KernelVersion?: string }): boolean {
  // Engines in Docker's clothes may tell neither.
  const isAtLeast = (text = "", [major, minor]: readonly [number, number]) => {
    const [first = 0, second = 0] = text.split(".", 2).map((part) => Number.parseInt(part, 10));
    return first > major || (first === major && second >= minor);
  };
  return isAtLeast(told.ApiVersion, [1, 44]) && isAtLeast(told.KernelVersion, [5, 12]);
}

/** A mount as the engine takes it. */
function mountOptions(mount: Mount) {
  const { hostPath, pinnedPath, containerPath, readOnly, propagation = "private", recursiveReadOnly = "no" } = mount;
  const isForced = recursiveReadOnly === "required";
  return {
    Type: "bind" as const,
    Source: pinnedPath ?? hostPath,
    Target: containerPath,
    ReadOnly: readOnly,
    BindOptions: {
      // Its default is private, too, except over its own folder, where it takes no such word from others.
      ...(propagation === "private" ? {} : { Propagation: `r${propagation}` as const }),
      ...(readOnly && recursiveReadOnly === "no" ? { ReadOnlyNonRecursive: true } : {}),
      ...(readOnly && isForced ? { ReadOnlyForceRecursive: true } : {}),
    } as NonNullable<MountSettings["BindOptions"]>,
  };
}

/**
 * An image name with a tag or digest: without one the engine would fetch every tag.
 *
 * @throws RuntimeFailure InvalidImageName
 */
export function imageReference(image: string): string {
  const reference =
    /^(?:[A-Za-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?<tag>:\w[\w.-]{0,127})?(?<digest>@sha256:[0-9a-f]{64})?$/;
  const match = image.length <= 512 ? reference.exec(image) : null;
  if (!match) {
    throw new RuntimeFailure(
      "InvalidImageName",
      `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
    );
  }
  return match.groups?.["tag"] || match.groups?.["digest"] ? image : `${image}:latest`;
}

/** The labels that say whose a container is. */
export function ownerLabels({ nodeName, rootDir }: Owner): StringMap {
  return { [label.node]: nodeName, [label.rootDir]: rootDir };
}

function podLabels({ uid, name, namespace }: Pick<Sandbox, "uid" | "name" | "namespace">): StringMap {
  return { [label.podUid]: uid, [label.podName]: name, [label.podNamespace]: namespace };
}

/** A pod's own labels are for people who look at the engine; they never stand in for ours. */
function withoutOurs(labels: StringMap): StringMap {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith("wherry.dev/")));
}

/** Whom a program is to begin as, in the engine's spelling; undefined: as the image says. */
export function userOption({ uid, gid }: ContainerConfig["user"]): string | undefined {
  if (uid === undefined && gid === undefined) return undefined;
  return gid === undefined ? String(uid) : `${uid ?? 0}:${gid}`;
}
