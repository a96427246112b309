import type { StringMap } from "../../core/api/meta.ts";
import type { InterfaceUsage } from "../../core/platform/machine_usage.ts";
import type { Pressures } from "../../core/platform/pressure.ts";
import { errorMessage } from "../../core/util/log.ts";

/** Who a sandbox belongs to. Containers are found by these labels, never by memory. */
export interface SandboxIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Grows when the sandbox has to be made anew. */
  readonly attempt: number;
  /** What is to run its containers, as its RuntimeClass calls it. Absent: what runs those of other pods. */
  readonly runtimeHandler?: string | undefined;
}

/** What a pod shares: its network, its folder of logs. */
export interface SandboxConfig extends SandboxIdentity {
  readonly hostname: string;
  /** The address given to the pod by the kubelet, in runtimes that do not choose their own; undefined with hostNetwork. */
  readonly podIP: string | undefined;
  readonly hostNetwork: boolean;
  /** Whether containers use the node's semaphores and shared memory rather than the pod's own. */
  readonly hostIPC?: boolean;
  /** Kernel parameters of the pod's namespaces. */
  readonly sysctls?: StringMap;
  readonly hostPorts: readonly {
    readonly containerPort: number;
    readonly hostPort: number;
    readonly protocol: "TCP" | "UDP";
    readonly hostIP: string;
  }[];
  readonly labels: StringMap;
}

/** A sandbox as the runtime sees it. */
export interface Sandbox extends SandboxIdentity {
  readonly id: string;
  readonly ready: boolean;
  readonly ip: string | undefined;
  readonly createdAt: number;
}

/** A folder or file of the host seen inside a container. */
export interface Mount {
  readonly hostPath: string;
  /** Another name of the same until the container was started, one that other containers cannot exchange for something else. */
  readonly pinnedPath?: string;
  readonly containerPath: string;
  /** Name of the volume; absent for files of the kubelet's own. */
  readonly volume?: string;
  readonly readOnly: boolean;
  /** Whether `readOnly` is what the container asks for, of a volume that could be written to. Default false. */
  readonly isReadOnlyAsked?: boolean;
  /** Whether mounts that are made below it later are seen: from here in there (`slave`), or both ways. Default `private`. */
  readonly propagation?: "private" | "slave" | "shared";
  /** Whether what is mounted below a read-only mount is read-only, too. Default `no`. */
  readonly recursiveReadOnly?: "no" | "possible" | "required";
}

/** What a container may use, in the units of the API. */
export interface ContainerLimits {
  readonly milliCpuRequest: number | undefined;
  readonly milliCpuLimit: number | undefined;
  readonly memoryBytesLimit: number | undefined;
}

/** A limit of a process, as setrlimit(2) knows it; -1 is none. */
export interface Ulimit {
  /** In lower case: `nofile`. */
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** Whose processes a container sees: only its own, those of its pod, of the node, or of one other container (by its id). */
export type ProcessScope = "own" | "pod" | "node" | { readonly containerId: string };

/** Which system calls a container may make: all, what the runtime holds safe, or what a profile (JSON) of the node says. */
export type SeccompProfile =
  | { readonly type: "Unconfined" | "RuntimeDefault" }
  | { readonly type: "Localhost"; readonly profile: string };

/** Everything needed to make a container: expanded, resolved, decided. */
export interface ContainerConfig {
  readonly name: string;
  /** Restart number: 0 for the first. */
  readonly attempt: number;
  readonly image: string;
  /** Id of that image, where it was just found. Default: nobody has looked. */
  readonly imageId?: string;
  /** Empty: the image's own. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string | undefined;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly limits: ContainerLimits;
  /** What it may use together with the other containers of its pod. Absent: nothing is said of them together. */
  readonly podLimits?: ContainerLimits;
  /** How soon the kernel ends it when memory runs out: -1000 (never) to 1000 (first). Default: as the runtime's own programs. */
  readonly oomScoreAdj?: number;
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Whether the first attach that closes its input ends the container's. Default false. */
  readonly stdinOnce?: boolean;
  readonly user: {
    readonly uid: number | undefined;
    readonly gid: number | undefined;
    readonly supplementalGids: readonly number[];
  };
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly capabilities: { readonly add: readonly string[]; readonly drop: readonly string[] };
  /** Whether a program may gain rights beyond those of who started it. Default true. */
  readonly allowPrivilegeEscalation?: boolean;
  /** Default `own`. */
  readonly processes?: ProcessScope;
  /** Default: what the runtime holds safe. */
  readonly seccomp?: SeccompProfile;
  /** Profile of AppArmor by its name in the kernel, or `unconfined`. Default: the runtime's own, where it has one. */
  readonly appArmor?: string | undefined;
  /** Labels of SELinux by their name, e.g. `level`. Default: the runtime's. */
  readonly seLinux?: StringMap | undefined;
  /** Whether it sees all of `/proc`. Default false: what runtimes hide is hidden. */
  readonly unmaskedProc?: boolean;
  /** What asks it to end, e.g. `SIGUSR1`. Default: what its image says, else `SIGTERM`. */
  readonly stopSignal?: string | undefined;
  /** What its spec declares of its network: where a program is held to that. Default: nothing. */
  readonly network?: {
    /** Ports that it listens on. */
    readonly ports: readonly number[];
    /** Where it connects to: names, addresses or ranges, with a port or without. */
    readonly egress: readonly string[];
  };
  /** Text kept with the container and given back by `listContainers` (the kubelet's own notes: kind of container, spec it was made from). */
  readonly annotations: StringMap;
}

/** A container as the runtime sees it. Times are milliseconds since the epoch. */
export interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageId: string;
  readonly state: "created" | "running" | "exited";
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly exitCode: number | undefined;
  readonly signal: number | undefined;
  readonly oomKilled: boolean;
  /** Why it could not start, or what the engine says of its end. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly annotations: StringMap;
  /** Whom its program begins as. Absent: the runtime cannot tell. */
  readonly user?: {
    readonly uid: number;
    readonly gid: number;
    readonly supplementalGids: readonly number[];
  };
  /** What it is limited to now. Absent: the runtime cannot tell. */
  readonly limits?: ContainerLimits | undefined;
}

/** How much of a container's log is kept. */
export interface LogLimits {
  /** Size of a file at which the next begins. */
  readonly fileBytes: number;
  /** Files that are kept, the one that is written to among them; at least 2. */
  readonly files: number;
}

/** As the kubelet's `containerLogMaxSize` and `containerLogMaxFiles`. */
export const defaultLogLimits: LogLimits = { fileBytes: 10 * 1024 * 1024, files: 5 };

/** Options of {@linkcode ContainerRuntime.logs}. */
export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  /** Only lines not older than this, milliseconds since the epoch. */
  readonly sinceMs: number | undefined;
  readonly limitBytes: number | undefined;
  readonly signal: AbortSignal;
}

/** A running exec or attach: bytes in and out, resize, and how it ended. */
export interface ExecSession {
  /** Output in order of arrival. Ends when the process closed both. With a tty everything is stdout. */
  readonly output: AsyncIterable<{ readonly stream: "stdout" | "stderr"; readonly data: Uint8Array }>;
  /** Resolves when more may be written. */
  write(data: Uint8Array): Promise<void>;
  /** Half-closes stdin. */
  closeInput(): void;
  resize(size: { readonly width: number; readonly height: number }): Promise<void>;
  /** Exit code, once it has ended. Never rejects for a non-zero code. */
  readonly exitCode: Promise<number>;
  /** Ends the process if it still runs. Idempotent. */
  kill(): void;
}

/** Options of {@linkcode ContainerRuntime.exec}. */
export interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly signal: AbortSignal;
}

/** Something changed; look with `listContainers`. Hints only: a relist is the truth. */
export interface RuntimeEvent {
  readonly podUid: string;
}

/**
 * Use of one running container. Counters grow from its start; what the runtime cannot tell is undefined.
 *
 * Bytes of memory are the working set: without what was read from files and may be dropped.
 */
export interface ContainerStats {
  readonly id: string;
  readonly podUid: string;
  readonly name: string;
  /** When it was measured, milliseconds since the epoch. */
  readonly at: number;
  /** When it was made, milliseconds since the epoch. */
  readonly createdAt?: number | undefined;
  readonly cpuNanoseconds: number;
  readonly cpuUserNanoseconds?: number | undefined;
  readonly cpuSystemNanoseconds?: number | undefined;
  /** How often its CPU limit was looked at, and how often and how long it was held up by it. */
  readonly throttling?:
    | { readonly periods: number; readonly throttledPeriods: number; readonly throttledNanoseconds: number }
    | undefined;
  readonly memoryBytes: number;
  readonly memory?: MemoryFigures | undefined;
  /** What went through disks, by the number of each in the kernel (`8:0`). */
  readonly io?: readonly DeviceFigures[] | undefined;
  /** How often something of it was ended for want of memory. */
  readonly outOfMemoryKills?: number | undefined;
  /** What its work had to wait for. */
  readonly pressures?: Pressures | undefined;
  /** Its processes by their numbers on this machine. */
  readonly pids?: readonly number[] | undefined;
  readonly processes?: number | undefined;
  readonly threads?: number | undefined;
  /** How many threads it may have. */
  readonly maxThreads?: number | undefined;
}

/** Memory of a container, in bytes and in counts of what happened. */
export interface MemoryFigures {
  readonly usageBytes?: number | undefined;
  /** The most it ever was. */
  readonly maxUsageBytes?: number | undefined;
  readonly rssBytes?: number | undefined;
  readonly cacheBytes?: number | undefined;
  readonly mappedBytes?: number | undefined;
  readonly activeFileBytes?: number | undefined;
  readonly inactiveFileBytes?: number | undefined;
  readonly dirtyBytes?: number | undefined;
  readonly writebackBytes?: number | undefined;
  readonly kernelBytes?: number | undefined;
  readonly swapBytes?: number | undefined;
  /** What it may have of the swap space; infinite without a limit. */
  readonly swapLimitBytes?: number | undefined;
  readonly pageFaults?: number | undefined;
  readonly majorPageFaults?: number | undefined;
  /** How often it came up against its limit, and against the one above which it is held up. */
  readonly limitHits?: number | undefined;
  readonly highHits?: number | undefined;
  readonly pagesScanned?: number | undefined;
  readonly pagesReclaimed?: number | undefined;
  readonly refaultsOfFiles?: number | undefined;
  readonly refaultsOfMemory?: number | undefined;
}

/** What went through a disk. */
export interface DeviceFigures {
  readonly number: string;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads?: number | undefined;
  readonly writes?: number | undefined;
}

/** Use of the network that a pod has for itself. */
export interface PodNetworkStats {
  readonly podUid: string;
  /** When it was measured, milliseconds since the epoch. */
  readonly at: number;
  readonly interfaces: readonly InterfaceUsage[];
}

/** What containers keep on disks. */
export interface DiskStats {
  /** Where images are kept; undefined where there are none, or they are kept elsewhere. */
  readonly imageFolder: string | undefined;
  readonly containers: readonly {
    readonly id: string;
    readonly podUid: string;
    readonly name: string;
    /** What it wrote over its image. */
    readonly rootBytes: number | undefined;
    readonly rootInodes: number | undefined;
    readonly logBytes: number | undefined;
  }[];
}

/** A failure the kubelet shows as a waiting reason (`ErrImagePull`, `InvalidImageName`, `CreateContainerError`, `RunContainerError`). */
export class RuntimeFailure extends Error {
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RuntimeFailure";
    this.reason = reason;
  }
}

/** A runtime that has one way of running containers was asked for another. */
export function noSuchHandler(handler: string): RuntimeFailure {
  return new RuntimeFailure("CreatePodSandboxError", `no runtime for "${handler}" is configured`);
}

/** What keeps the containers of a pod together could not be made. */
export class PodGroupFailure extends RuntimeFailure {
  constructor(cause: unknown) {
    super("CreateContainerError", errorMessage(cause), { cause });
    this.name = "PodGroupFailure";
  }
}

/** A sandbox was started, and the runtime does not tell how it is. */
export class SandboxStatusFailure extends RuntimeFailure {
  constructor(message: string, cause: unknown) {
    super("CreatePodSandboxError", message, { cause });
    this.name = "SandboxStatusFailure";
  }
}

/** What an image says of itself. */
export interface ImageFacts {
  /** Whose programs its are, as it is written there: a number or a name, with a group or without. Empty: root's. */
  readonly user: string;
  /** Undefined where an image is only a name. */
  readonly sizeBytes: number | undefined;
}

/** Images of a runtime. */
export interface ImageService {
  /** Id of a local image, undefined when it is not there. */
  find(image: string, options: { readonly signal: AbortSignal }): Promise<string | undefined>;
  /** What a local image says of itself, undefined when it is not there. */
  describe(image: string, options: { readonly signal: AbortSignal }): Promise<ImageFacts | undefined>;
  /** Fetches an image and returns its id. @throws RuntimeFailure ErrImagePull */
  pull(
    image: string,
    options: { readonly signal: AbortSignal; readonly auth?: { readonly username: string; readonly password: string } },
  ): Promise<string>;
  list(options: {
    readonly signal: AbortSignal;
  }): Promise<readonly { readonly id: string; readonly names: readonly string[]; readonly sizeBytes: number }[]>;
  /** Lays the files of a local image, by its id, out in an empty folder, with their owners and rights. Absent where images are no files. */
  unpack?(id: string, folder: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Folder of this machine where images lie; undefined where there are none, or they lie elsewhere. */
  folder(options: { readonly signal: AbortSignal }): Promise<string | undefined>;
  /** Takes one name (or an id) away, and the image with its last name. Rejects while somebody's container was made from it. */
  remove(name: string, options: { readonly signal: AbortSignal }): Promise<void>;
}

/**
 * What runs containers: the CRI, narrowed. Every method is idempotent; what is already as asked for is no error, and
 * what is not ours (without our labels) is never touched.
 */
export interface ContainerRuntime extends AsyncDisposable {
  readonly name: string;
  /** `docker://28.2.2`, for node status. */
  readonly version: string;
  /** Whether pods get their address from the kubelet (`SandboxConfig.podIP`) rather than from the runtime. */
  readonly assignsPodIP: boolean;
  /** Whether programs listen on that address on this host itself, which has to have it then. */
  readonly listensOnPodIP: boolean;
  /** Whether the runtime leads the host ports of a sandbox to it by itself. */
  readonly publishesHostPorts: boolean;
  /** Whether containers can have files of the system's of their own (`/etc/hosts`); otherwise they see the node's. */
  readonly hasOwnFiles: boolean;
  /** Whether somebody looks at what the kubelet writes for containers: the files of volumes and of `/etc`. */
  readonly readsFiles: boolean;
  /** Whether containers can be held to profiles of AppArmor. */
  readonly appArmor: boolean;
  /** Whether containers have the groups that are given and no others, whatever their image says of their user. */
  readonly strictGroups: boolean;
  /** Whether what is mounted below a read-only mount can be made read-only, too. */
  readonly recursiveReadOnly: boolean;
  /** Rejects when containers cannot be run now (engine down). */
  ping(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Sandboxes of all pods, or of one, dead ones included until removed. */
  listSandboxes(options: { readonly podUid?: string; readonly signal: AbortSignal }): Promise<readonly Sandbox[]>;
  /** `whileStarting` is called by runtimes whose sandboxes take their time, once containers can be made in it (but not started yet); it never rejects. */
  runPodSandbox(
    config: SandboxConfig,
    options: { readonly signal: AbortSignal; readonly whileStarting?: (sandbox: Sandbox) => Promise<void> },
  ): Promise<Sandbox>;
  /** Kills what still runs in it and frees its network. */
  stopPodSandbox(id: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Removes it with its containers and logs. */
  removePodSandbox(id: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Containers of all pods, or of one, dead ones included until removed. */
  listContainers(options: { readonly podUid?: string; readonly signal: AbortSignal }): Promise<readonly Container[]>;
  createContainer(
    sandbox: Sandbox,
    config: ContainerConfig,
    options: { readonly signal: AbortSignal },
  ): Promise<string>;
  /** What a container that was made does without here though its spec asks for it, in words for an event. Default: nothing. */
  shortcomings?(config: ContainerConfig): readonly string[];
  /** @throws RuntimeFailure RunContainerError (e.g. no such program) */
  startContainer(id: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** SIGTERM, and SIGKILL after the grace period, to the whole container. Resolves when it has ended. */
  stopContainer(
    id: string,
    options: { readonly gracePeriodSeconds: number; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Gives a container that runs other limits. Those that are undefined stay as they are. */
  updateResources(id: string, limits: ContainerLimits, options: { readonly signal: AbortSignal }): Promise<void>;
  /** What the containers of a sandbox are limited to together; amounts that the runtime does not know are missing. Undefined: nothing keeps them to that. */
  podLimits?(sandboxId: string, options: { readonly signal: AbortSignal }): Promise<ContainerLimits | undefined>;
  /** Gives what keeps the containers of a sandbox together other limits. Those that are undefined stay as they are. */
  updatePodLimits?(
    sandboxId: string,
    limits: ContainerLimits,
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
  /**
   * Sets what the containers of all pods may use together; returns why it cannot, once that is known. Absent: it never can.
   *
   * @throws Error where the kernel refuses it
   */
  limitPods?(limits: ContainerLimits, options: { readonly signal: AbortSignal }): Promise<string | undefined>;
  removeContainer(id: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** stdout and stderr interleaved, whole lines, timestamps (RFC 3339 with nanoseconds, then a space) when asked for. */
  logs(id: string, options: LogOptions): AsyncIterable<Uint8Array>;
  exec(id: string, options: ExecOptions): Promise<ExecSession>;
  attach(id: string, options: Omit<ExecOptions, "command">): Promise<ExecSession>;
  /** Where a port of the pod is reached from this host. */
  portAddress(sandbox: Sandbox, port: number): { readonly host: string; readonly port: number };
  /** Use of the containers that run. */
  stats(options: { readonly signal: AbortSignal }): Promise<readonly ContainerStats[]>;
  /** Use of the networks of pods that have one for themselves. */
  networkStats(options: { readonly signal: AbortSignal }): Promise<readonly PodNetworkStats[]>;
  /** What the containers that run keep on disks. Slow: files are counted. */
  diskStats(options: { readonly signal: AbortSignal }): Promise<DiskStats>;
  /** Hints that a pod's containers changed, until aborted. */
  events(options: { readonly signal: AbortSignal }): AsyncIterable<RuntimeEvent>;
  readonly images: ImageService;
}
