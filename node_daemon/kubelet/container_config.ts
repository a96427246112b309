import { bytesValue, milliCpu } from "../../core/api/quantity.ts";
import type { Container, Pod } from "../../core/kinds/pod.ts";
import { errorMessage } from "../../core/util/log.ts";
import { type ContainerConfig, type ContainerLimits, type Mount, RuntimeFailure } from "../runtime/runtime.ts";
import { type ContainerNotes, writeNotes } from "./container_notes.ts";
import { type EnvironmentOptions, expandWith, resolveEnvironment } from "./environment.ts";
import { resolveMount } from "./pod_volumes.ts";
import type { MountedVolume } from "./volumes/volume.ts";

/** What a container is made from, besides its spec. */
export interface ContainerConfigOptions extends EnvironmentOptions {
  readonly attempt: number;
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly notes: ContainerNotes;
}

/**
 * A container as the runtime is to make it: variables resolved, mounts found, users decided.
 *
 * @throws RuntimeFailure CreateContainerConfigError
 */
export async function containerConfig(options: ContainerConfigOptions): Promise<ContainerConfig> {
  const { container, facts, attempt, notes } = options;
  const environment = await resolveEnvironment(options);
  const user = userOf(facts.pod, container);
  const { securityContext = {} } = container;
  return {
    name: container.name,
    attempt,
    image: container.image ?? "",
    command: (container.command ?? []).map((part) => expandWith(part, environment)),
    args: (container.args ?? []).map((part) => expandWith(part, environment)),
    workingDir: container.workingDir,
    env: [...environment].map(([name, value]) => ({ name, value })),
    mounts: await mountsOf(options, environment),
    limits: limitsOf(container),
    tty: container.tty ?? false,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    user,
    privileged: securityContext.privileged ?? false,
    readOnlyRootFilesystem: securityContext.readOnlyRootFilesystem ?? false,
    capabilities: { add: securityContext.capabilities?.add ?? [], drop: securityContext.capabilities?.drop ?? [] },
    annotations: writeNotes(notes),
  };
}

async function mountsOf(
  { container, volumes, notes }: ContainerConfigOptions,
  environment: ReadonlyMap<string, string>,
): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  try {
    for (const mount of container.volumeMounts ?? []) mounts.push(await resolveMount(mount, volumes, environment));
  } catch (error) {
    throw new RuntimeFailure("CreateContainerConfigError", errorMessage(error), { cause: error });
  }
  if (notes.messageFile !== undefined) {
    const containerPath = container.terminationMessagePath || "/dev/termination-log";
    mounts.push({ hostPath: notes.messageFile, containerPath, readOnly: false });
  }
  return mounts;
}

/** @throws RuntimeFailure when the container must not be root but is asked to be */
function userOf({ spec }: Pod, { securityContext = {} }: Container): ContainerConfig["user"] {
  const shared = spec.securityContext ?? {};
  const uid = securityContext.runAsUser ?? shared.runAsUser;
  const nonRoot = securityContext.runAsNonRoot ?? shared.runAsNonRoot ?? false;
  if (nonRoot && uid === 0) {
    throw new RuntimeFailure("CreateContainerConfigError", "container's runAsUser breaks non-root policy");
  }
  return {
    uid,
    gid: securityContext.runAsGroup ?? shared.runAsGroup,
    supplementalGids: [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])],
  };
}

function limitsOf({ resources = {} }: Container): ContainerLimits {
  const { requests = {}, limits = {} } = resources;
  const given = <T>(text: string | number | undefined, read: (text: string | number) => T) =>
    text === undefined ? undefined : read(text);
  return {
    milliCpuRequest: given(requests["cpu"], milliCpu),
    milliCpuLimit: given(limits["cpu"], milliCpu),
    memoryBytesLimit: given(limits["memory"], bytesValue),
  };
}
