import type { Node } from "../../core/kinds/node.ts";
import type { Pod, Volume, VolumeMount } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage } from "../../core/util/log.ts";
import { type Mount, RuntimeFailure } from "../runtime/runtime.ts";
import { ClaimError } from "./claim_cache.ts";
import type { DataSource } from "./environment.ts";
import { expand } from "./expansion.ts";
import type { PodFacts } from "./pod_fields.ts";
import type { PodFolders } from "./pod_folders.ts";
import { type Payload, writeAtomically } from "./volumes/atomic_writer.ts";
import { applyFsGroup, fsGroupOf, groupMismatch } from "./volumes/fs_group.ts";
import { volumeTypeOf } from "./volumes/mod.ts";
import type { PathPins } from "./volumes/path_pins.ts";
import { openSubPath } from "./volumes/sub_path.ts";
import type { ImageFiles, MountedVolume } from "./volumes/volume.ts";

/** What setting up volumes works with. */
export interface PodVolumesOptions {
  readonly folders: PodFolders;
  readonly facts: PodFacts;
  readonly data: DataSource;
  readonly node: Node | undefined;
  /** Volumes that belong to the pod's fsGroup already, by name: they are given to it once. */
  readonly given: Set<string>;
  /** What a container that is being made mounts, with the images for it. Absent while none is made. */
  readonly container?: { readonly mounts: readonly VolumeMount[]; readonly images: ImageFiles };
  readonly clock: Clock;
  /** Hears of what somebody should know, by the reason of its event. */
  onWarning(reason: string, message: string): void;
}

/** A volume could not be made ready: a FailedMount event. */
export class MountError extends Error {
  constructor(volume: string, cause: unknown) {
    const message =
      cause instanceof ClaimError
        ? `Unable to attach or mount volumes: unmounted volumes=[${volume}], unattached volumes=[], failed to process volumes=[${volume}]: ${cause.message}`
        : `MountVolume.SetUp failed for volume "${volume}" : ${errorMessage(cause)}`;
    super(message, { cause });
    this.name = "MountError";
  }
}

/**
 * Makes every volume of the pod ready.
 *
 * @returns what can be mounted, by volume name
 * @throws MountError for the first that cannot be
 */
export async function setUpVolumes(pod: Pod, options: PodVolumesOptions): Promise<ReadonlyMap<string, MountedVolume>> {
  const mounted = new Map<string, MountedVolume>();
  for (const volume of pod.spec.volumes ?? []) mounted.set(volume.name, await setUp(pod, volume, options));
  return mounted;
}

/** Brings the volumes whose content may change up to date. @throws MountError */
export async function updateVolumes(pod: Pod, options: PodVolumesOptions): Promise<void> {
  for (const volume of pod.spec.volumes ?? []) {
    if (volumeTypeOf(volume).updates) await setUp(pod, volume, options);
  }
}

async function setUp(pod: Pod, volume: Volume, options: PodVolumesOptions): Promise<MountedVolume> {
  const { folders, facts, data, node, given, clock, container, onWarning } = options;
  const { uid = "" } = pod.metadata;
  try {
    const type = volumeTypeOf(volume);
    const { name, isSecret } = type;
    const folder = await folders.volume(uid, { type: name, name: volume.name, inMemory: isSecret === true });
    const { localPathFolder, areRead } = folders;
    const memoryFolder = folders.memory(uid, volume.name);
    const images = container?.mounts.some(({ name }) => name === volume.name) ? container.images : undefined;
    const gid = fsGroupOf(pod);
    const write = async (payload: Payload) => {
      if (areRead) await writeAtomically(folder, payload, { now: clock.now(), gid });
    };
    const places = { folder, memoryFolder, localPathFolder, areRead };
    const context = { pod, volume, ...places, facts, data, node, images, write };
    const mounted = await type.setUp(context);
    if (areRead && gid !== undefined && mounted.takesFsGroup && !mounted.readOnly && !given.has(volume.name)) {
      const { path, sharedAs } = mounted;
      const shownAs = path.slice(Math.max(0, path.indexOf(uid)));
      const onSlow = (message: string) => onWarning("VolumePermissionChangeInProgress", message);
      const policy = pod.spec.securityContext?.fsGroupChangePolicy;
      const problem = sharedAs === undefined ? undefined : await groupMismatch(path, { gid, name: sharedAs });
      if (problem !== undefined) onWarning("AlreadyMountedVolume", problem);
      if (sharedAs === undefined) await applyFsGroup(path, { gid, policy, name: shownAs, clock, onSlow });
      given.add(volume.name);
    }
    return mounted;
  } catch (error) {
    if (error instanceof RuntimeFailure) throw error;
    throw new MountError(volume.name, error);
  }
}

const propagations: ReadonlyMap<string, NonNullable<Mount["propagation"]>> = new Map([
  ["None", "private"],
  ["HostToContainer", "slave"],
  ["Bidirectional", "shared"],
] as const);

/** @throws Error when a variable is missing or empty: what stands for it would be another path than was meant */
function expandSubPath(expression: string, environment: ReadonlyMap<string, string>): string {
  const missing = new Set<string>();
  const expanded = expand(expression, (variable) => {
    const value = environment.get(variable) ?? "";
    if (value === "") missing.add(variable);
    return value;
  });
  if (missing.size > 0) throw new Error(`missing value for ${[...missing].sort().join(", ")}`);
  return expanded;
}

/** What {@linkcode resolveMount} works with. */
export interface MountOptions {
  /** Volumes of the pod by name. */
  readonly volumes: ReadonlyMap<string, MountedVolume>;
  readonly environment: ReadonlyMap<string, string>;
  /** Whether volumes are there to be looked into. */
  readonly areRead: boolean;
  /** Keeps the paths that containers might exchange. Absent: the runtime mounts nothing. */
  readonly pins: PathPins | undefined;
  /** Closed once the container runs. */
  readonly held: DisposalStack;
}

/** The mount of a container. @throws Error when the volume is missing or a subPath leads out of it */
export async function resolveMount(
  { name, mountPath, subPath, subPathExpr, readOnly = false, recursiveReadOnly, mountPropagation }: VolumeMount,
  { volumes, environment, areRead, pins, held }: MountOptions,
): Promise<Mount> {
  const volume = volumes.get(name);
  if (!volume) throw new Error(`cannot find volume "${name}" to mount into container`);
  const inner = subPathExpr ? expandSubPath(subPathExpr, environment) : subPath;
  const { isMountedReadOnly = false } = volume;
  const opening = inner && areRead ? openSubPath(volume.path, inner, { isMade: !isMountedReadOnly }) : undefined;
  const opened = opening && held.use(await opening);
  const pinned = opened && (await pins?.pin(opened));
  return {
    hostPath: opened?.path ?? volume.path,
    ...(pinned ? { pinnedPath: held.use(pinned).path } : {}),
    containerPath: mountPath,
    volume: name,
    // Mounted once more as such, it would lose what else was said of it.
    readOnly: (readOnly || volume.readOnly) && !isMountedReadOnly,
    isReadOnlyAsked: volume.isReadOnlyAsked ?? (readOnly && !volume.readOnly),
    propagation: propagations.get(mountPropagation ?? "None") ?? "private",
    // IfPossible: the engine finds out.
    recursiveReadOnly: recursiveReadOnly === "Enabled" ? "required" : recursiveReadOnly ? "possible" : "no",
  };
}
