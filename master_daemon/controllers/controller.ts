import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject, ObjectKey } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventText } from "../../core/client/event_recorder.ts";
import type { InformerOptions, Lister } from "../../core/client/informer.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";

/** What a reconcile works with. The client notes every write, so that the key runs again only once the caches have seen it. */
export interface ControllerContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** The shared cache of a kind; only kinds that the controller names in `reconciles`, `owns` or `watches`, or watches now. */
  lister<T extends KubeObject>(kind: ResourceType<T>): Lister<T>;
  /**
   * Watches one more kind, as if the controller named it in `watches`: for kinds that come while it runs.
   *
   * @returns ends it, and the cache of the kind with it: for kinds that are no longer served
   */
  watch(mapping: Mapping): () => void;
  /** Records an Event about `object`, as Kubernetes words it. */
  event(object: KubeObject, text: EventText): void;
}

/** Which keys to look at again when an object of another kind changed. */
export interface Mapping<T extends KubeObject = KubeObject> {
  readonly kind: ResourceType<T>;
  /** Named indexes that `lister(kind).byIndex()` then offers. */
  readonly indexes?: InformerOptions<T>["indexes"];
  /** What is kept of each object; the same for all who name the kind. */
  readonly keep?: InformerOptions<T>["keep"];
  keys(object: T, lister: <U extends KubeObject>(kind: ResourceType<U>) => Lister<U>): readonly ObjectKey[];
}

/** A mapping of one kind as the list of a controller takes it. Sound: it is only ever given objects of its kind. */
export function watching<T extends KubeObject>(mapping: Mapping<T>): Mapping {
  return mapping as Mapping<never> as Mapping;
}

/** When to look at the key again; undefined: when something changes. */
export type ReconcileResult = { readonly requeueAfterMs?: number | undefined } | undefined;

/** A control loop: makes the world fit one object at a time. Level-triggered: never told what happened, only where to look. */
export interface Controller {
  readonly name: string;
  /** Name of its service account in `kube-system`, whose rights it has. Absent: it acts as part of the API server. */
  readonly account?: string;
  /** Objects whose own keys are reconciled. Absent: the keys come from `watches` alone and may be anything that names work. */
  readonly reconciles?: ResourceType;
  /** Kinds whose objects lead back to `reconciles` by controller reference. */
  readonly owns?: readonly ResourceType[];
  readonly watches?: readonly Mapping[];
  /**
   * Milliseconds that a key waits after a change, so that many changes are looked at together. Default 0.
   *
   * Changes of objects that lead back to the key wait, and so do changes of its own object that leave the generation as
   * it is: those of its status. What somebody wants of the object is never kept waiting.
   */
  batchMs?(key: ObjectKey, lister: ControllerContext["lister"], clock: Clock): number;
  /** Keys reconciled at the same time: at least 1. Default 5. */
  readonly workers?: number;
  /** Runs until the object is as wanted, or says when to look again. An error backs the key off. */
  reconcile(key: ObjectKey, context: ControllerContext): Promise<ReconcileResult>;
}
