import type { Node } from "../../../core/kinds/node.ts";
import type { Pod, Volume } from "../../../core/kinds/pod.ts";
import type { DataSource } from "../environment.ts";
import type { PodFacts } from "../pod_fields.ts";
import type { Payload } from "./atomic_writer.ts";

/** What a volume type works with. */
export interface VolumeContext {
  readonly pod: Pod;
  readonly volume: Volume;
  /** The volume's own folder: not made yet the first time. */
  readonly folder: string;
  /** The same in the machine's memory. */
  readonly memoryFolder: string;
  readonly facts: PodFacts;
  readonly data: DataSource;
  /** The Node that this is; undefined while it is not known. */
  readonly node: Node | undefined;
  /** Folder of the volumes that are made on this node for claims. */
  readonly localPathFolder: string;
  /** Whether somebody looks at the volume's files. */
  readonly areRead: boolean;
  /** Makes these the files of the volume's folder, all at once, and gives them to the pod's group. */
  write(payload: Payload): Promise<void>;
  /** Images for a container that mounts the volume; undefined while none is made that does. */
  readonly images: ImageFiles | undefined;
}

/** The files of images. */
export interface ImageFiles {
  /** Id of a local image. @throws Error when it is not there */
  find(reference: string): Promise<string>;
  /** Folder with the files of a local image, by its id, in `files`. Kept while a pod has a folder for the image. */
  folder(id: string): Promise<string>;
}

/** A volume that is ready to be mounted. */
export interface MountedVolume {
  /** Folder or file of the host. */
  readonly path: string;
  /** Whether containers may only read it, whatever their mount says. */
  readonly readOnly: boolean;
  /** Whether that is what the pod asks for, of a volume that could be written to. Default false. */
  readonly isReadOnlyAsked?: boolean;
  /** Whether it is mounted so that nobody may write, whatever the mounts of containers say. Default false. */
  readonly isMountedReadOnly?: boolean;
  /** Whether its files are to be given to the pod's fsGroup. Default false. */
  readonly takesFsGroup?: boolean;
  /** Name of the volume, where another pod had it before: its files are not taken from that pod's group. */
  readonly sharedAs?: string;
}

/** One type of volume. One file each in this folder, one line in mod.ts. */
export interface VolumeType {
  /** Name of its member in `spec.volumes[]`, and of its folder. */
  readonly name: string;
  matches(volume: Volume): boolean;
  /** Whether `setUp` is called again while the pod runs, to bring in what has changed. */
  readonly updates: boolean;
  /** Whether what is in it is kept off disks, where the machine has a place in memory for it. Default false. */
  readonly isSecret?: true;
  /**
   * Makes the volume ready; again: brings it up to date. Idempotent.
   *
   * @throws Error with the text of the FailedMount event
   */
  setUp(context: VolumeContext): Promise<MountedVolume>;
}
