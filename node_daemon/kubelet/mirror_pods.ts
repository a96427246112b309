import { apiVersionOf } from "../../core/api/kind.ts";
import { keyOf, keyText, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Node, node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { isMirror, mirrorAnnotation } from "../../core/kinds/pod_helpers.ts";
import { Backoff } from "../../core/util/backoff.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { configHash } from "./sources/static_pod.ts";

/** Options of {@linkcode MirrorPods}. */
export interface MirrorPodsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** The Node that this is; undefined while it is not known. */
  node(): Node | undefined;
  /** The pod of that name as the API has it. */
  present(key: ObjectKey): Pod | undefined;
  /** The pod of that name which this node has from elsewhere. */
  wanted(key: ObjectKey): Pod | undefined;
}

/**
 * Shows the pods that a node has from elsewhere in the API, as objects that nobody can change: made again when they are
 * deleted, gone with their pods.
 *
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
 */
export class MirrorPods implements AsyncDisposable {
  readonly #options: MirrorPodsOptions;
  readonly #tasks: Tasks;
  readonly #backoff: Backoff;
  /** Names that are being looked at; whether once more. */
  readonly #running = new Map<string, { again: boolean }>();

  constructor(options: MirrorPodsOptions) {
    const { log, clock } = options;
    this.#options = options;
    this.#tasks = new Tasks({ onError: (error) => log.error("Cannot show a pod", { error: errorMessage(error) }) });
    this.#backoff = new Backoff({ baseMs: 500, maxMs: 30_000, clock });
  }

  /** Brings what the API shows under a name up to date, soon. */
  sync(key: ObjectKey): void {
    const name = keyText(key);
    const running = this.#running.get(name);
    if (running) {
      running.again = true;
      return;
    }
    const state = { again: true };
    this.#running.set(name, state);
    this.#tasks.run(async (signal) => {
      try {
        while (state.again) {
          state.again = false;
          if (!(await this.#try(key, signal))) state.again = true;
        }
      } finally {
        this.#running.delete(name);
      }
    });
  }

  /** False when it has to be tried again. */
  async #try(key: ObjectKey, signal: AbortSignal): Promise<boolean> {
    const { log, clock } = this.#options;
    try {
      await this.#bring(key, signal);
      this.#backoff.reset(keyText(key));
      return true;
    } catch (error) {
      signal.throwIfAborted();
      // The cache was behind: it will say so.
      if (isReason(error, "NotFound") || isReason(error, "Conflict") || isReason(error, "AlreadyExists")) return true;
      log.warn("Cannot show a pod in the API", { pod: keyText(key), error: errorMessage(error) });
      await clock.sleep(this.#backoff.next(keyText(key)), { signal });
      return false;
    }
  }

  async #bring(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const { client, node, present, wanted } = this.#options;
    const [object, pod, owner] = [present(key), wanted(key), node()];
    if (object && !isMirror(object)) return;
    if (object) {
      const { annotations, deletionTimestamp } = object.metadata;
      const isTrue =
        pod && !deletionTimestamp && annotations?.[mirrorAnnotation] === pod.metadata.annotations?.[configHash];
      if (isTrue) return;
      const preconditions = sameObject(object);
      await client.delete(podKind, keyOf(object), { gracePeriodSeconds: 0, preconditions, signal });
      return;
    }
    if (pod && owner?.metadata.uid) await client.create(podKind, mirrorOf(pod, owner), { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

/** The object that shows a pod in the API. Pure. */
function mirrorOf({ metadata, spec, ...rest }: Pod, { metadata: { name = "", uid = "" } }: Node): Pod {
  const { uid: _uid, annotations, ...others } = metadata;
  return {
    ...rest,
    metadata: {
      ...others,
      annotations: { ...annotations, [mirrorAnnotation]: annotations?.[configHash] ?? "" },
      ownerReferences: [{ apiVersion: apiVersionOf(nodeKind), kind: nodeKind.kind, name, uid, controller: true }],
    },
    spec,
  };
}
