import { allowManyListeners } from "../../core/platform/allow_many_listeners.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { errorMessage } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Sandbox } from "../runtime/runtime.ts";
import { readNotes } from "./container_notes.ts";
import { withDeadline } from "./deadline.ts";
import type { KubeletContext } from "./kubelet_context.ts";

const listTimeoutMs = 120_000;

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
    // After a long time away there may be thousands: each is not to look through all again.
    const byPod = new Map<string, Sandbox[]>((await this.#context.folders.list()).map((uid) => [uid, []]));
    for (const sandbox of sandboxes) byPod.set(sandbox.uid, [...(byPod.get(sandbox.uid) ?? []), sandbox]);
    allowManyListeners(this.#tasks.signal);
    for (const [uid, own] of byPod) if (!known.has(uid)) this.#tasks.run((running) => this.#end(uid, own, running));
  }

  /** Ends what is left of a pod that nobody knows any more, within the grace period that stands on its containers. */
  async #end(uid: string, found: readonly Sandbox[], signal: AbortSignal): Promise<void> {
    const { runtime, addresses, folders, killer, clock, log } = this.#context;
    for (let known: readonly Sandbox[] | undefined = found; ; known = undefined) {
      try {
        const sandboxes = known ?? (await runtime.listSandboxes({ signal })).filter((sandbox) => sandbox.uid === uid);
        const containers = (await runtime.listContainers({ podUid: uid, signal })).filter(
          ({ podUid }) => podUid === uid,
        );
        log.info("Ending a pod that is gone", { uid, containers: containers.length });
        const gracePeriodSeconds = Math.max(
          1,
          ...containers.map((container) => readNotes(container).gracePeriodSeconds),
        );
        await killer.killPod({ pod: undefined, containers, sandboxes, gracePeriodSeconds, signal });
        for (const { id } of sandboxes) await runtime.removePodSandbox(id, { signal });
        addresses.release(uid);
        await folders.remove(uid);
        return;
      } catch (error) {
        signal.throwIfAborted();
        log.warn("Cannot end a pod that is gone", { uid, error: errorMessage(error) });
        await clock.sleep(this.#backoff.next(uid), { signal });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}
