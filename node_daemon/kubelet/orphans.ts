import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { eachOf } from "../../core/util/each_of.ts";
import { errorMessage } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Sandbox } from "../runtime/runtime.ts";
import { readNotes } from "./container_notes.ts";
import { withDeadline } from "./deadline.ts";
import type { KubeletContext } from "./kubelet_context.ts";

const listTimeoutMs = 120_000;
/** A pod that nobody knows, and its sandboxes if these were listed. */
type Orphan = readonly [uid: string, sandboxes?: readonly Sandbox[]];

/** Pods of which nothing runs that are removed at once: the runtime has others to start. */
const parallelRemovals = 4;

/** What stands when a kubelet starts: what belongs to pods is taken up, what is left of pods that are gone is ended and removed. */
export class Orphans implements AsyncDisposable {
  readonly #context: KubeletContext;
  readonly #tasks: Tasks;
  readonly #backoff: Backoff;

  constructor(context: KubeletContext) {
    const { clock, log } = context;
    this.#context = context;
    this.#tasks = new Tasks({ onError: (error) => log.error("Cannot end a pod", { error: errorMessage(error) }) });
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 10_000, clock });
  }

  /** Notes the addresses of sandboxes that stand. */
  async adopt(signal: AbortSignal): Promise<readonly Sandbox[]> {
    const { runtime, clock, addresses, log } = this.#context;
    const sandboxes = await withDeadline({ clock, timeoutMs: listTimeoutMs, signal }, (cut) =>
      runtime.listSandboxes({ signal: cut }),
    ).catch((error: unknown) => {
      signal.throwIfAborted();
      // The workers will find it out one by one, and the node's status tells.
      log.warn("Cannot list sandboxes", { error: errorMessage(error) });
      return [];
    });
    for (const { uid, ip } of sandboxes) if (ip && runtime.assignsPodIP) addresses.adopt(uid, ip);
    return sandboxes;
  }

  /** Ends what stood at the start and belongs to no pod. Resolves when it is under way. */
  async end(sandboxes: readonly Sandbox[], known: ReadonlySet<string>): Promise<void> {
    // After a long time away there may be thousands: each is not to look through all again, and pods start meanwhile.
    const byPod = new Map<string, Sandbox[]>((await this.#context.folders.list()).map((uid) => [uid, []]));
    for (const sandbox of sandboxes) byPod.set(sandbox.uid, [...(byPod.get(sandbox.uid) ?? []), sandbox]);
    allowManyListeners(this.#tasks.signal);
    const left = [...byPod].filter(([uid]) => !known.has(uid));
    this.#tasks.run((running) => this.#endAll(left, running));
  }

  /** Ends some at a time, and then those again that could not be ended. What runs takes its time: nobody waits for it. */
  async #endAll(left: readonly Orphan[], signal: AbortSignal): Promise<void> {
    for (let waiting = left; waiting.length > 0; ) {
      waiting = await eachOf(waiting, parallelRemovals, async ([uid, sandboxes]): Promise<Orphan | undefined> => {
        if (!(await this.#runs(uid, signal))) return (await this.#tryToEnd(uid, sandboxes, signal)) ? undefined : [uid];
        this.#tasks.run((running) => this.#end(uid, sandboxes, running));
        return undefined;
      });
      if (waiting.length > 0) await this.#context.clock.sleep(this.#backoff.next(""), { signal });
    }
  }

  async #runs(podUid: string, signal: AbortSignal): Promise<boolean> {
    const containers = await this.#context.runtime.listContainers({ podUid, signal }).catch(() => []);
    signal.throwIfAborted();
    return containers.some(({ state }) => state === "running");
  }

  /** Ends what is left of a pod that nobody knows any more, however often that has to be tried. */
  async #end(uid: string, found: readonly Sandbox[] | undefined, signal: AbortSignal): Promise<void> {
    for (let known = found; !(await this.#tryToEnd(uid, known, signal)); known = undefined) {
      await this.#context.clock.sleep(this.#backoff.next(uid), { signal });
    }
  }

  /** Ends and removes it, within the grace period that stands on its containers. False when it cannot be done now. */
  async #tryToEnd(uid: string, found: readonly Sandbox[] | undefined, signal: AbortSignal): Promise<boolean> {
    const { runtime, addresses, folders, killer, log } = this.#context;
    try {
      const sandboxes = found ?? (await runtime.listSandboxes({ podUid: uid, signal }));
      const containers = await runtime.listContainers({ podUid: uid, signal });
      log.info("Ending a pod that is gone", { uid, containers: containers.length });
      const gracePeriodSeconds = Math.max(1, ...containers.map((container) => readNotes(container).gracePeriodSeconds));
      await killer.killPod({ pod: undefined, containers, sandboxes, gracePeriodSeconds, signal });
      for (const { id } of sandboxes) await runtime.removePodSandbox(id, { signal });
      addresses.release(uid);
      await folders.remove(uid);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      log.warn("Cannot end a pod that is gone", { uid, error: errorMessage(error) });
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}
