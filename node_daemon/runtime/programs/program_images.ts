import { currentUid } from "../../../core/platform/processes.ts";
import { type ContainerConfig, type ImageFacts, type ImageService, RuntimeFailure } from "../runtime.ts";
import { programOf } from "./mod.ts";
import { ProgramStore } from "./program_store.ts";
import type { Entrypoint, EntrypointOptions } from "./scheme.ts";

/** Options of {@linkcode ProgramImages}. */
export interface ProgramImagesOptions {
  /** A folder of its own, where programs are kept. */
  readonly folder: string;
  /** Whether a container was made from what has this id. */
  isInUse(id: string): boolean;
}

/**
 * The images of the process runtime: programs, which are fetched and kept. Any other image is only a name, and always there.
 */
export class ProgramImages implements ImageService {
  readonly #store: ProgramStore;
  readonly #isInUse: (id: string) => boolean;
  #pulling: Promise<unknown> = Promise.resolve();

  constructor({ folder, isInUse }: ProgramImagesOptions) {
    this.#store = new ProgramStore(folder);
    this.#isInUse = isInUse;
  }

  /** Reads what was fetched before. */
  open(): Promise<void> {
    return this.#store.open();
  }

  /** The image's id. @throws RuntimeFailure InvalidImageName */
  async find(image: string): Promise<string | undefined> {
    const program = programOf(image);
    if (!program) return image;
    const { scheme, name } = program;
    return scheme.locate ? scheme.locate(name) : this.#store.find(image)?.id;
  }

  /** Programs run as whom the daemon runs as. */
  async describe(image: string): Promise<ImageFacts | undefined> {
    const id = await this.find(image);
    if (id === undefined) return undefined;
    const sizeBytes = this.#store.list().find((stored) => stored.id === id)?.sizeBytes;
    return { user: String(currentUid() ?? ""), sizeBytes };
  }

  /** One at a time, as kubelets do. */
  async pull(image: string, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    const before = this.#pulling;
    const mine = before.then(() => this.#pull(image, signal));
    this.#pulling = mine.catch(() => {});
    return await mine;
  }

  async #pull(image: string, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const program = programOf(image);
    if (!program) return image;
    const { scheme, name } = program;
    if (scheme.fetch) {
      const fetch = scheme.fetch.bind(scheme);
      const { id } = await this.#store.add(image, (folder) => fetch(name, { folder, signal }));
      return id;
    }
    const id = await scheme.locate?.(name);
    if (id === undefined) {
      throw new RuntimeFailure("ErrImagePull", `no program at ${name} that this node may run`);
    }
    return id;
  }

  async list(): ReturnType<ImageService["list"]> {
    return this.#store.list();
  }

  async folder(): Promise<string | undefined> {
    return this.#store.list().length > 0 ? this.#store.folder : undefined;
  }

  async remove(name: string): Promise<void> {
    const id = this.#store.find(name)?.id;
    if (id !== undefined && this.#isInUse(id)) throw new Error(`a container was made from image ${name}`);
    await this.#store.remove(name);
  }

  /**
   * Refuses a container that cannot run: an image that is only a name needs a command, and a program that runs within limits
   * cannot be replaced by one that would not.
   *
   * @throws RuntimeFailure CreateContainerError
   */
  checkCommand({ image, name, command }: ContainerConfig): void {
    const program = programOf(image);
    if (!program && command.length === 0) {
      throw new RuntimeFailure(
        "CreateContainerError",
        `the process runtime runs no images: set "command" of container "${name}" to a program of this machine, or "image" to one (npm:PACKAGE, deno:MODULE, file:PATH)`,
      );
    }
    if (program?.scheme.isConfined && command.length > 0) {
      throw new RuntimeFailure(
        "CreateContainerError",
        `image ${image} runs its module: give container "${name}" its "args", and no "command"`,
      );
    }
  }

  /**
   * How a container of this image runs; undefined for an image that is only a name.
   *
   * @param imageId what the image was when the container was made
   * @throws RuntimeFailure when it cannot be run
   */
  async entrypoint(
    imageId: string,
    options: Omit<EntrypointOptions, "name" | "folder" | "details">,
  ): Promise<Entrypoint | undefined> {
    const program = programOf(options.config.image);
    if (!program) return undefined;
    const { scheme, name } = program;
    const stored = this.#store.find(imageId);
    if (scheme.fetch && !stored) {
      throw new RuntimeFailure("RunContainerError", `image ${options.config.image} is gone`);
    }
    const folder = stored ? this.#store.folderOf(stored.id) : "";
    return scheme.entrypoint({ ...options, name, folder, details: stored?.details ?? {} });
  }
}
