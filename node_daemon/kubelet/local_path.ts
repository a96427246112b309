import type { Client } from "../../core/client/client.ts";
import { type Removal, removalAnnotation, removalsOf } from "../../core/kinds/local_path.ts";
import { type Node, node as nodeKind } from "../../core/kinds/node.ts";
import { Backoff } from "../../core/util/backoff.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { removeVolumes } from "./volumes/mounts.ts";

/** Options of {@linkcode LocalPathFolders}. */
export interface LocalPathOptions {
  readonly nodeName: string;
  /** Absolute path of the folder that holds the volumes. */
  readonly folder: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Removes the folders of volumes that the master names on the Node, and says there when it is done. */
export class LocalPathFolders implements AsyncDisposable {
  readonly #options: LocalPathOptions;
  readonly #tasks: Tasks;
  readonly #backoff: Backoff;
  /** Volumes that are being removed. */
  readonly #removing = new Set<string>();

  constructor(options: LocalPathOptions) {
    const { log, clock } = options;
    this.#options = options;
    this.#tasks = new Tasks({ onError: (error) => log.error("Cannot remove volume", { error: errorMessage(error) }) });
    this.#backoff = new Backoff({ baseMs: 1000, maxMs: 60_000, clock });
  }

  /** The Node changed. */
  onNode(node: Node): void {
    for (const [name, removal] of removalsOf(node)) {
      if (removal === "removed" || this.#removing.has(name)) continue;
      this.#removing.add(name);
      this.#tasks.run(async (signal) => {
        await this.#remove(name, signal);
        this.#removing.delete(name);
      });
    }
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    const { folder, log, clock } = this.#options;
    for (;;) {
      try {
        const problem = await removeVolumes(`${folder}/${name}`).then(() => undefined, errorMessage);
        if (problem !== undefined) log.warn("Cannot remove volume", { volume: name, error: problem });
        await this.#say(name, problem === undefined ? "removed" : `failed: ${problem.slice(0, 1000)}`, signal);
        if (problem === undefined) return;
      } catch (error) {
        signal.throwIfAborted();
        log.debug("Cannot tell of a volume", { volume: name, error: errorMessage(error) });
      }
      await clock.sleep(this.#backoff.next(name), { signal });
    }
  }

  async #say(name: string, removal: Removal, signal: AbortSignal): Promise<void> {
    const { client, nodeName } = this.#options;
    const body = { metadata: { annotations: { [removalAnnotation(name)]: removal } } };
    await client.patch(nodeKind, { name: nodeName }, { type: "merge", body }, { signal });
    if (removal === "removed") this.#backoff.reset(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}
