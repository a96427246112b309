import { rename } from "node:fs/promises";
import { type ContainerRuntime, RuntimeFailure } from "../../runtime/runtime.ts";
import type { PodFolders } from "../pod_folders.ts";
import { ensureFolder, listFolder, removeTree } from "../volumes/files.ts";
import type { ImageFiles } from "../volumes/volume.ts";

/** Folders with the files of images, each shared by all pods that have it as a volume. Removed with the last of them. */
export class ImageFolders implements AsyncDisposable {
  readonly #images: ContainerRuntime["images"];
  readonly #folders: PodFolders;
  readonly #unpacking = new Map<string, Promise<string>>();
  readonly #closing = new AbortController();

  constructor({ runtime, folders }: { readonly runtime: ContainerRuntime; readonly folders: PodFolders }) {
    this.#images = runtime.images;
    this.#folders = folders;
  }

  /** The images as a volume asks for them. */
  files(signal: AbortSignal): ImageFiles {
    return {
      find: async (reference) => {
        const id = await this.#images.find(reference, { signal });
        if (id === undefined)
          throw new RuntimeFailure("ErrImagePull", `image "${reference}" is gone after it was pulled`);
        return id;
      },
      folder: (id) => {
        const present = this.#unpacking.get(id);
        if (present) return present;
        // A large image takes longer than a step of a pod may: the next one finds it under way.
        const unpacking = this.#unpack(id, this.#closing.signal).finally(() => this.#unpacking.delete(id));
        this.#unpacking.set(id, unpacking);
        return unpacking;
      },
    };
  }

  async #unpack(id: string, signal: AbortSignal): Promise<string> {
    const folder = this.#folders.image(id);
    if ((await listFolder(folder)).length > 0) return folder;
    const unfinished = `${folder}.new`;
    await removeTree(unfinished);
    await ensureFolder(`${unfinished}/files`, 0o755);
    await this.#images.unpack?.(id, `${unfinished}/files`, { signal });
    await rename(unfinished, folder);
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new DOMException("The kubelet ends", "AbortError"));
    await Promise.allSettled(this.#unpacking.values());
  }
}
