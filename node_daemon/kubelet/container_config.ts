import { hasPodLevelResources } from "../../core/kinds/pod_resources.ts";
import { errorMessage } from "../../core/util/log.ts";
import {
  type ContainerConfig,
  type Mount,
  type ProcessScope,
  RuntimeFailure,
  type SeccompProfile,
} from "../runtime/runtime.ts";
import { type ContainerNotes, writeNotes } from "./container_notes.ts";
import { declaredNetwork } from "./declared_network.ts";
import { type EnvironmentOptions, expandWith, resolveEnvironment } from "./environment.ts";
import { type MountOptions, resolveMount } from "./pod_volumes.ts";
import { containerLimits } from "./resources/container_limits.ts";
import { oomScoreAdj } from "./resources/oom_score.ts";
import { limitsTogether } from "./resources/pod_limits.ts";
import { readTail } from "./volumes/files.ts";

/** More than any list of system calls has. */
const maxProfileBytes = 1024 * 1024;

/** What a container is made from, besides its spec. */
export interface ContainerConfigOptions extends EnvironmentOptions, Omit<MountOptions, "environment"> {
  readonly attempt: number;
  /** Id of its image, as that was found just now. */
  readonly imageId: string;
  /** Files of the system's that the kubelet writes, by their place in the container, which may mount its own there. */
  readonly systemFiles: ReadonlyMap<string, string>;
  readonly notes: ContainerNotes;
  readonly processes: ProcessScope;
  /** Whose programs the image's are. */
  readonly imageUser: () => Promise<string>;
  /** Folder of the profiles that pods name as Localhost. */
  readonly seccompFolder: string;
  /** The machine's memory. */
  readonly memoryBytes: number;
}

/**
 * A container as the runtime is to make it: variables resolved, mounts found, users decided.
 *
 * @throws RuntimeFailure CreateContainerConfigError
 */
export async function containerConfig(options: ContainerConfigOptions): Promise<ContainerConfig> {
  const { container, facts, attempt, notes } = options;
  const environment = await resolveEnvironment(options);
  const user = await userOf(options);
  const { securityContext = {} } = container;
  return {
    name: container.name,
    attempt,
    image: container.image ?? "",
    imageId: options.imageId,
    command: (container.command ?? []).map((part) => expandWith(part, environment)),
    args: (container.args ?? []).map((part) => expandWith(part, environment)),
    workingDir: container.workingDir,
    env: [...environment].map(([name, value]) => ({ name, value })),
    mounts: await mountsOf(options, environment),
    limits: containerLimits(container, facts.pod.spec.resources),
    ...(hasPodLevelResources(facts.pod.spec) ? { podLimits: limitsTogether(facts.pod) } : {}),
    oomScoreAdj: oomScoreAdj(facts.pod, container, options.memoryBytes),
    tty: container.tty ?? false,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    user,
    privileged: securityContext.privileged ?? false,
    readOnlyRootFilesystem: securityContext.readOnlyRootFilesystem ?? false,
    capabilities: { add: securityContext.capabilities?.add ?? [], drop: securityContext.capabilities?.drop ?? [] },
    allowPrivilegeEscalation: securityContext.allowPrivilegeEscalation ?? true,
    processes: options.processes,
    seccomp: await seccompOf(options),
    appArmor: appArmorOf(options),
    seLinux: securityContext.seLinuxOptions ?? facts.pod.spec.securityContext?.seLinuxOptions,
    unmaskedProc: securityContext.procMount === "Unmasked",
    stopSignal: container.lifecycle?.stopSignal,
    network: declaredNetwork(facts.pod, container),
    annotations: writeNotes(notes),
  };
}

async function mountsOf(
  { container, volumes, areRead, pins, held, systemFiles, notes }: ContainerConfigOptions,
  environment: ReadonlyMap<string, string>,
): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  try {
    for (const mount of container.volumeMounts ?? [])
      mounts.push(await resolveMount(mount, { volumes, environment, areRead, pins, held }));
  } catch (error) {
    throw new RuntimeFailure("CreateContainerConfigError", errorMessage(error), { cause: error });
  }
  for (const [containerPath, hostPath] of systemFiles) {
    const isTaken = container.volumeMounts?.some(({ mountPath }) => mountPath === containerPath) ?? false;
    if (!isTaken) mounts.push({ hostPath, containerPath, readOnly: false });
  }
  if (notes.messageFile !== undefined) {
    const containerPath = container.terminationMessagePath || "/dev/termination-log";
    mounts.push({ hostPath: notes.messageFile, containerPath, readOnly: false });
  }
  return mounts;
}

/** @throws RuntimeFailure when the container must not be root but would be, or nobody can tell */
async function userOf({ facts, container, imageUser }: ContainerConfigOptions): Promise<ContainerConfig["user"]> {
  const { securityContext = {} } = container;
  const shared = facts.pod.spec.securityContext ?? {};
  const uid = securityContext.runAsUser ?? shared.runAsUser;
  const nonRoot = securityContext.runAsNonRoot ?? shared.runAsNonRoot ?? false;
  const problem = nonRoot ? rootProblem(uid, uid === undefined ? await imageUser() : "") : undefined;
  if (problem !== undefined) {
    const { name, namespace, uid: podUid } = facts.pod.metadata;
    const of = `(pod: "${name}_${namespace}(${podUid})", container: ${container.name})`;
    throw new RuntimeFailure("CreateContainerConfigError", `${problem} ${of}`);
  }
  return {
    uid,
    gid: securityContext.runAsGroup ?? shared.runAsGroup,
    supplementalGids: [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])],
  };
}

/** The kernel's name for a container's profile of AppArmor; undefined: the runtime's own. */
function appArmorOf({ facts, container }: ContainerConfigOptions): string | undefined {
  const wanted = container.securityContext?.appArmorProfile ?? facts.pod.spec.securityContext?.appArmorProfile;
  if (wanted?.type === "Unconfined") return "unconfined";
  return wanted?.type === "Localhost" ? wanted.localhostProfile : undefined;
}

/** What is wrong with a user that must not be root. The image's may be a name, whose number only the image knows. */
function rootProblem(uid: number | undefined, imageUser: string): string | undefined {
  if (uid !== undefined) return uid === 0 ? "container's runAsUser breaks non-root policy" : undefined;
  const [name = ""] = imageUser.split(":");
  if (name === "" || /^0+$/.test(name)) return "container has runAsNonRoot and image will run as root";
  if (/^\d+$/.test(name)) return undefined;
  return `container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root`;
}

/**
 * Which system calls the container may make: what it says itself, else what its pod says, else what the runtime holds safe.
 *
 * @throws RuntimeFailure when there is no such profile on the node
 * @see https://kubernetes.io/docs/tutorials/security/seccomp/
 */
async function seccompOf({ facts, container, seccompFolder }: ContainerConfigOptions): Promise<SeccompProfile> {
  const wanted = container.securityContext?.seccompProfile ?? facts.pod.spec.securityContext?.seccompProfile;
  if (wanted?.type === "Unconfined") return { type: "Unconfined" };
  if (wanted?.type !== "Localhost") return { type: "RuntimeDefault" };
  const { localhostProfile = "" } = wanted;
  const inside = !localhostProfile.split("/").includes("..");
  const profile = inside ? await readTail(`${seccompFolder}/${localhostProfile}`, maxProfileBytes) : undefined;
  if (profile !== undefined) return { type: "Localhost", profile };
  const message = `cannot load seccomp profile "${seccompFolder}/${localhostProfile}": no such file`;
  throw new RuntimeFailure("CreateContainerConfigError", message);
}
