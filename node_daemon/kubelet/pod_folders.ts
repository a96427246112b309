import { lstat, rmdir } from "node:fs/promises";
import { currentUid } from "../../core/platform/processes.ts";
import { hasSharedMemory, sharedMemoryOf } from "../../core/platform/shared_memory.ts";
import { unmountWithin } from "../../core/platform/unmount.ts";
import { createFile, ensureFolder, listFolder, removeTree, rewriteFile } from "./volumes/files.ts";
import { removeVolumes } from "./volumes/mounts.ts";

/**
 * Where the kubelet keeps what belongs to pods, below its root:
 * `pods/UID/volumes/TYPE/NAME` and `pods/UID/containers/NAME/ATTEMPT` (the last words).
 */
export class PodFolders {
  readonly #root: string;
  readonly #memory: string;

  /** Whether somebody looks at what is written for containers; otherwise their files are only named. */
  readonly areRead: boolean;

  /** @param rootDir absolute path of the kubelet's own folder */
  constructor(rootDir: string, { areRead = true }: { readonly areRead?: boolean } = {}) {
    this.areRead = areRead;
    this.#root = rootDir;
    this.#memory = sharedMemoryOf(rootDir);
  }

  /** Where profiles for system calls lie that pods name as Localhost. */
  get seccomp(): string {
    return `${this.#root}/seccomp`;
  }

  /** Folder of the volumes that are made on this node for claims: they outlive pods. */
  get localPathFolder(): string {
    return `${this.#root}/local-path`;
  }

  /** Where what pods' sub-paths mean is held while containers are started. */
  get pins(): string {
    return `${this.#root}/pins`;
  }

  /** Folder of a pod. */
  pod(uid: string): string {
    return `${this.#root}/pods/${safe(uid)}`;
  }

  /** Where it is written what is set aside for a pod that was resized. */
  allocationFile(uid: string): string {
    return `${this.pod(uid)}/allocation.json`;
  }

  /**
   * Folder of a volume. The folder above it is made; the volume itself is made by its type.
   *
   * @param options.inMemory whether it lies in the machine's memory, where there is such a place. Default false
   */
  async volume(
    uid: string,
    { type, name, inMemory = false }: { readonly type: string; readonly name: string; readonly inMemory?: boolean },
  ): Promise<string> {
    if (inMemory && (await hasSharedMemory())) {
      if (this.areRead) await this.#openMemory();
      return this.memory(uid, name);
    }
    const parent = `${this.pod(uid)}/volumes/${safe(type)}`;
    if (this.areRead) await ensureFolder(parent, 0o700);
    return `${parent}/${safe(name)}`;
  }

  /** Everybody may make folders where that one lies: in somebody else's nothing is kept. @throws Error */
  async #openMemory(): Promise<void> {
    await ensureFolder(this.#memory, 0o700);
    const { uid } = await lstat(this.#memory);
    if (uid !== currentUid()) throw new Error(`${this.#memory} belongs to another user: remove it`);
  }

  /** Folder of a volume in the machine's memory. */
  memory(uid: string, name: string): string {
    return `${this.#memory}/${safe(uid)}/${safe(name)}`;
  }

  /** An empty file for the last words of a container. */
  async messageFile(
    uid: string,
    { name, attempt }: { readonly name: string; readonly attempt: number },
  ): Promise<string> {
    const folder = `${this.pod(uid)}/containers/${safe(name)}`;
    const path = `${folder}/${attempt}`;
    if (!this.areRead) return path;
    await ensureFolder(folder, 0o700);
    // Writable by whatever user the container runs as; the folder above keeps others out.
    await createFile(path, 0o666);
    return path;
  }

  /** Writes the hosts file of a pod's containers. Those that run see what it says from then on. */
  async hostsFile(uid: string, text: string): Promise<string> {
    const path = `${this.pod(uid)}/etc-hosts`;
    await ensureFolder(this.pod(uid), 0o700);
    await rewriteFile(path, text, 0o644);
    return path;
  }

  /** Where a pod's containers have what says whom they ask for names; undefined when it was never written. */
  async resolverFile(uid: string): Promise<string | undefined> {
    const path = `${this.pod(uid)}/${resolverName}`;
    return (await listFolder(this.pod(uid))).includes(resolverName) ? path : undefined;
  }

  /** Writes that file. Those that run see what it says from then on. */
  async writeResolverFile(uid: string, text: string): Promise<void> {
    await ensureFolder(this.pod(uid), 0o700);
    await rewriteFile(`${this.pod(uid)}/${resolverName}`, text, 0o644);
  }

  /** Uids of all pods that have a folder, on disk or in memory. */
  async list(): Promise<readonly string[]> {
    const [onDisk, inMemory] = await Promise.all([listFolder(`${this.#root}/pods`), listFolder(this.#memory)]);
    return [...new Set([...onDisk, ...inMemory])];
  }

  /** Removes a pod's folder. Links in it are removed, never followed; what is mounted in it is unmounted. */
  async remove(uid: string): Promise<void> {
    if (!this.areRead) return await removeTree(this.pod(uid));
    await removeVolumes(`${this.#memory}/${safe(uid)}`);
    // Other pods may have theirs in it.
    await rmdir(this.#memory).catch(() => {});
    const hadImages = (await this.#imagesOf(uid)).length > 0;
    await removeVolumes(this.pod(uid));
    if (hadImages) await this.#removeUnusedImages();
  }

  /** Folder of the files of an image that is a volume of pods. */
  image(id: string): string {
    return `${this.#images}/${safe(id)}`;
  }

  /** Ids of the images that are volumes of pods. */
  async imagesInUse(): Promise<ReadonlySet<string>> {
    return new Set((await Promise.all((await this.list()).map((uid) => this.#imagesOf(uid)))).flat());
  }

  get #images(): string {
    return `${this.#root}/image-volumes`;
  }

  async #imagesOf(uid: string): Promise<readonly string[]> {
    const parent = `${this.pod(uid)}/volumes/image`;
    return (await Promise.all((await listFolder(parent)).map((name) => listFolder(`${parent}/${name}`)))).flat();
  }

  /** What is being written has another name until it is whole. */
  async #removeUnusedImages(): Promise<void> {
    const used = await this.imagesInUse();
    for (const name of await listFolder(this.#images)) {
      if (!used.has(name.replace(/\.new$/, ""))) await removeTree(`${this.#images}/${name}`);
    }
  }

  /** Unmounts what is mounted for pods, and takes away what they keep in memory: then the root may be removed like any folder. */
  async release(): Promise<void> {
    await removeVolumes(this.#memory);
    for (const folder of [`${this.#root}/pods`, this.localPathFolder]) await unmountWithin(folder);
  }
}

const resolverName = "resolv.conf";

/** A name as one component of a path. Names of the API are safe; anything else is a broken object. */
function safe(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    throw new Error(`Cannot use as a file name: ${JSON.stringify(name)}`);
  }
  return name;
}
