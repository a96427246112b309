import { type KubeObject, keyOf, keyText, type ObjectKey } from "../../core/api/meta.ts";
import type { Informer, InformerFactory } from "../../core/client/informer.ts";
import {
  type CSINode,
  csiNode,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  type StorageClass,
  storageClass,
  type VolumeAttachment,
  volumeAttachment,
} from "../../core/kinds/mod.ts";
import { storageClassOf } from "../../core/kinds/volume_binding.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";

/** Claims, volumes and classes as a plug-in sees them. */
export interface StorageView {
  claim(key: ObjectKey): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  /** The storage drivers of a node. */
  csiNode(name: string): CSINode | undefined;
  /** Volumes that are attached to a node, or are to be. */
  attachedTo(nodeName: string): readonly PersistentVolume[];
  /** Volumes of the claim's class, and those set aside for it. */
  volumesFor(claim: PersistentVolumeClaim): readonly PersistentVolume[];
  /** Counts a volume or claim as changed before anybody else knows. */
  assume(object: PersistentVolume | PersistentVolumeClaim): void;
  /** Takes that back. */
  forget(object: PersistentVolume | PersistentVolumeClaim): void;
}

/** A cluster without storage. */
export const noStorage: StorageView = {
  claim: () => undefined,
  volume: () => undefined,
  storageClass: () => undefined,
  csiNode: () => undefined,
  attachedTo: () => [],
  volumesFor: () => [],
  assume: () => {},
  forget: () => {},
};

const classIndex = "scheduler-storage-class";
const claimIndex = "scheduler-claim-ref";
const nodeIndex = "scheduler-node";

/**
 * The cluster's storage as the scheduler sees it. What it assumed counts until the cache shows another version of the
 * object, or it is forgotten.
 */
export class Storage implements StorageView, Disposable {
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #csiNodes: Informer<CSINode>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #assumed = new Map<string, PersistentVolume | PersistentVolumeClaim>();
  readonly #stops: readonly (() => void)[];
  readonly #waiting = new Set<Deferred<void>>();

  constructor({ informers, onChange }: { readonly informers: InformerFactory; readonly onChange: () => void }) {
    this.#claims = informers.informer(persistentVolumeClaim);
    this.#volumes = informers.informer(persistentVolume, {
      indexes: {
        [classIndex]: classesOf,
        [claimIndex]: claimsOf,
      },
    });
    this.#classes = informers.informer(storageClass);
    this.#csiNodes = informers.informer(csiNode);
    this.#attachments = informers.informer(volumeAttachment, { indexes: { [nodeIndex]: nodesOf } });
    const changed = () => {
      for (const { resolve } of this.#waiting) resolve();
      onChange();
    };
    this.#stops = this.#caches().map((informer) => informer.onChange(changed));
  }

  async synced(options: { readonly signal: AbortSignal }): Promise<void> {
    await Promise.all(this.#caches().map((informer) => informer.synced(options)));
  }

  /** Resolves when something changes next. Rejects when aborted. */
  async nextChange(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const turn = deferred();
    const stop = () => turn.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    this.#waiting.add(turn);
    try {
      await turn.promise;
    } finally {
      this.#waiting.delete(turn);
      signal.removeEventListener("abort", stop);
    }
  }

  claim(key: ObjectKey): PersistentVolumeClaim | undefined {
    return this.#latest(this.#claims.get(key));
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#latest(this.#volumes.get({ name }));
  }

  storageClass(name: string): StorageClass | undefined {
    return this.#classes.get({ name });
  }

  csiNode(name: string): CSINode | undefined {
    return this.#csiNodes.get({ name });
  }

  attachedTo(nodeName: string): readonly PersistentVolume[] {
    const attachments = this.#attachments.byIndex(nodeIndex, nodeName);
    return attachments.flatMap(({ spec: { source } }) => this.volume(source.persistentVolumeName ?? "") ?? []);
  }

  volumesFor(claim: PersistentVolumeClaim): readonly PersistentVolume[] {
    const own = this.#volumes.byIndex(claimIndex, keyText(keyOf(claim)));
    const ofClass = this.#volumes.byIndex(classIndex, storageClassOf(claim));
    return [...new Set([...own, ...ofClass])].map((volume) => this.#latest(volume) ?? volume);
  }

  assume(object: PersistentVolume | PersistentVolumeClaim): void {
    this.#assumed.set(nameOf(object), object);
  }

  forget(object: PersistentVolume | PersistentVolumeClaim): void {
    if (this.#assumed.get(nameOf(object)) === object) this.#assumed.delete(nameOf(object));
  }

  #caches(): readonly Pick<Informer<KubeObject>, "synced" | "onChange">[] {
    return [this.#claims, this.#volumes, this.#classes, this.#csiNodes, this.#attachments];
  }

  #latest<T extends PersistentVolume | PersistentVolumeClaim>(known: T | undefined): T | undefined {
    const assumed = known && this.#assumed.get(nameOf(known));
    if (!assumed) return known;
    if (assumed.metadata.resourceVersion === known.metadata.resourceVersion) return assumed as T;
    this.#assumed.delete(nameOf(known));
    return known;
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
  }
}

function classesOf(volume: PersistentVolume): readonly string[] {
  return [storageClassOf(volume)];
}

function claimsOf({ spec: { claimRef } }: PersistentVolume): readonly string[] {
  return claimRef ? [keyText({ namespace: claimRef.namespace ?? "", name: claimRef.name ?? "" })] : [];
}

function nodesOf({ spec: { nodeName } }: VolumeAttachment): readonly string[] {
  return [nodeName];
}

function nameOf(object: KubeObject): string {
  return `${object.kind} ${keyText(keyOf(object))}`;
}
