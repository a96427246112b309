import { asJson } from "../../core/api/json_object.ts";
import type { ResourceType } from "../../core/api/kind.ts";
import { type KubeObject, keyOf, keyText, type ObjectKey, type OwnerReference, parseKey } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { sameVersion } from "../../core/client/preconditions.ts";
import { customResourceDefinition } from "../../core/kinds/mod.ts";
import { callsAtOnce, forEachLimited } from "./_batches.ts";
import { customResourceType } from "./_custom_resource_type.ts";
import { unlessGone } from "./_errors.ts";
import { kindText } from "./_expectations.ts";
import { foregroundFinalizer, type OwnerStates, orphanFinalizer, planCollection } from "./_plan_collection.ts";
import { type Controller, type ControllerContext, type Mapping, watching } from "./controller.ts";

/** Options of {@linkcode garbageCollector}. */
export interface GarbageCollectorOptions {
  /** Every kind that is always served. Those of custom resources are found through their definitions. */
  readonly kinds: readonly ResourceType[];
}

const rememberedAbsences = 500;

const byOwner = "gc.ownerUid";
const ownerIndex = {
  [byOwner]: ({ metadata }: KubeObject): readonly string[] => (metadata.ownerReferences ?? []).map(({ uid }) => uid),
};

type ListerOf = ControllerContext["lister"];

/**
 * Deletes objects whose owners are gone, holds owners back that are deleted in the foreground, and frees dependents of
 * owners that are deleted as orphaning.
 *
 * A key names kind and object at once. Events alone decide what is looked at, so nothing is ever scanned: an object whose
 * owner is not in the caches or on its way out; the dependents of an object that went; an owner that waits.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
export function garbageCollector({ kinds }: GarbageCollectorOptions): Controller {
  const owned = kinds.filter(({ plural }) => plural !== "events");
  const collector = new Collector(owned);
  const mapping = (kind: ResourceType): Mapping =>
    watching({
      kind,
      indexes: ownerIndex,
      keys: (object, lister) => collector.keysToLookAt(kind, object, lister),
    });
  /** Custom kinds that are watched, by the name of their definition. */
  const custom = new Map<string, { readonly kind: ResourceType; end(): void }>();

  function follow(name: string, { lister, watch }: ControllerContext): void {
    const definition = lister(customResourceDefinition).get({ name });
    const kind = definition && customResourceType(definition);
    const known = custom.get(name);
    if (known && known.kind.version === kind?.version) return;
    if (known) {
      collector.remove(known.kind);
      known.end();
      custom.delete(name);
    }
    if (!kind) return;
    collector.add(kind);
    custom.set(name, { kind, end: watch(mapping(kind)) });
  }

  return {
    name: "garbage-collector-controller",
    account: "generic-garbage-collector",
    workers: 20,
    watches: [
      ...owned.map(mapping),
      watching({ kind: customResourceDefinition, keys: ({ metadata }) => [definitionKey(metadata.name ?? "")] }),
    ],
    async reconcile(key, context) {
      if (key.namespace === definitionKey("").namespace) follow(key.name, context);
      else await collector.reconcile(key, context);
      return undefined;
    },
  };
}

/** The key of what a definition makes. */
function definitionKey(name: string): ObjectKey {
  return { namespace: "definition", name };
}

interface Dependent {
  readonly kind: ResourceType;
  readonly object: KubeObject;
}

class Collector {
  readonly #byText = new Map<string, ResourceType>();
  readonly #byGroupKind = new Map<string, ResourceType>();
  /** uids of owners that were found gone; a uid never comes back. Oldest first. */
  readonly #absent = new Set<string>();

  constructor(kinds: readonly ResourceType[]) {
    for (const kind of kinds) this.add(kind);
  }

  add(kind: ResourceType): void {
    this.#byText.set(kindText(kind), kind);
    this.#byGroupKind.set(`${kind.kind}.${kind.group}`, kind);
  }

  remove(kind: ResourceType): void {
    this.#byText.delete(kindText(kind));
    this.#byGroupKind.delete(`${kind.kind}.${kind.group}`);
  }

  /** Which objects a change of `object` concerns. */
  keysToLookAt(kind: ResourceType, object: KubeObject, lister: ListerOf): readonly ObjectKey[] {
    const keys: ObjectKey[] = [];
    const exists = lister(kind).get(keyOf(object))?.metadata.uid === object.metadata.uid;
    const waits = exists && isCollecting(object);
    if (waits) keys.push(collectorKey(kind, object));
    if (!exists || waits) {
      for (const dependent of this.#dependents(object, lister))
        keys.push(collectorKey(dependent.kind, dependent.object));
    }
    for (const reference of object.metadata.ownerReferences ?? []) {
      const ownerKind = this.#kindOf(reference);
      if (!ownerKind) continue;
      const owner = lister(ownerKind).get(ownerKey(ownerKind, reference, object));
      const found = owner?.metadata.uid === reference.uid ? owner : undefined;
      if (exists && (!found || isForeground(found))) keys.push(collectorKey(kind, object));
      if (found && isCollecting(found)) keys.push(collectorKey(ownerKind, found));
    }
    return keys;
  }

  async reconcile(key: ObjectKey, context: ControllerContext): Promise<void> {
    const kind = this.#byText.get(key.namespace ?? "");
    const object = kind && context.lister(kind).get(parseKey(key.name));
    if (!kind || !object) return;
    if (!object.metadata.deletionTimestamp) return this.#collect(kind, object, context);
    const { finalizers = [] } = object.metadata;
    if (finalizers.includes(orphanFinalizer)) {
      const dependents = this.#dependents(object, context.lister);
      await forEachLimited(dependents, callsAtOnce, (dependent) => this.#orphan(dependent, object, context));
      await removeFinalizer(kind, object, orphanFinalizer, context);
    } else if (isForeground(object)) {
      const blocked = this.#dependents(object, context.lister).some((dependent) => blocks(dependent.object, object));
      if (!blocked) await removeFinalizer(kind, object, foregroundFinalizer, context);
    }
  }

  async #collect(kind: ResourceType, object: KubeObject, context: ControllerContext): Promise<void> {
    const { client, lister, signal } = context;
    const states = await this.#ownerStates(kind, object, context);
    const dependents = this.#dependents(object, lister);
    const verdict = planCollection(object, states, { hasDependents: dependents.length > 0 });
    if (verdict.type === "keep") return;
    if (verdict.type === "release") {
      await patchReferences(client, kind, object, verdict.ownerReferences, signal);
      return;
    }
    if (verdict.propagationPolicy === "Foreground" && dependents.some((dependent) => isForeground(dependent.object))) {
      // A circle of owners would wait for itself: this object no longer blocks.
      const references = (object.metadata.ownerReferences ?? []).map((one) => ({ ...one, blockOwnerDeletion: false }));
      await patchReferences(client, kind, object, references, signal);
      return;
    }
    const { propagationPolicy } = verdict;
    // Somebody may have given it another owner meanwhile.
    const options = { signal, propagationPolicy, preconditions: sameVersion(object) };
    await unlessGone(client.delete(kind, keyOf(object), options));
  }

  async #ownerStates(kind: ResourceType, object: KubeObject, context: ControllerContext): Promise<OwnerStates> {
    const states = { solid: [] as OwnerReference[], dangling: [] as OwnerReference[], waiting: [] as OwnerReference[] };
    for (const reference of object.metadata.ownerReferences ?? []) {
      const ownerKind = this.#kindOf(reference);
      // Nothing is known about owners of kinds that are not served, and none of a namespace own what has none.
      const knowable = ownerKind !== undefined && (kind.namespaced || !ownerKind.namespaced);
      if (ownerKind && !knowable) {
        const { apiVersion, kind: name, uid } = reference;
        const message = `ownerRef [${apiVersion}/${name}, namespace: , name: ${reference.name}, uid: ${uid}] does not exist in namespace ""`;
        context.event(object, { type: "Warning", reason: "OwnerRefInvalidNamespace", message });
      }
      const owner = knowable ? await this.#find(ownerKind, reference, object, context) : "unknown";
      if (owner === undefined) states.dangling.push(reference);
      else if (owner !== "unknown" && isForeground(owner)) states.waiting.push(reference);
      else states.solid.push(reference);
    }
    return states;
  }

  /** The owner as cached, else as the API has it: a cache that lags must not cost an object its life. */
  async #find(
    kind: ResourceType,
    reference: OwnerReference,
    dependent: KubeObject,
    { client, lister, signal }: ControllerContext,
  ): Promise<KubeObject | undefined> {
    const key = ownerKey(kind, reference, dependent);
    const cached = lister(kind).get(key);
    if (cached?.metadata.uid === reference.uid) return cached;
    if (this.#absent.has(reference.uid)) return undefined;
    const live = await unlessGone(client.get(kind, key, { signal }));
    if (live?.metadata.uid === reference.uid) return live;
    this.#absent.add(reference.uid);
    if (this.#absent.size > rememberedAbsences) {
      const [oldest = ""] = this.#absent;
      this.#absent.delete(oldest);
    }
    return undefined;
  }

  async #orphan({ kind, object }: Dependent, owner: KubeObject, { client, signal }: ControllerContext): Promise<void> {
    const others = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
    await unlessGone(patchReferences(client, kind, object, others, signal));
  }

  #dependents({ metadata: { uid } }: KubeObject, lister: ListerOf): readonly Dependent[] {
    if (uid === undefined) return [];
    return [...this.#byText.values()].flatMap((kind) =>
      lister(kind)
        .byIndex(byOwner, uid)
        .map((object) => ({ kind, object })),
    );
  }

  #kindOf({ apiVersion, kind }: OwnerReference): ResourceType | undefined {
    const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    return this.#byGroupKind.get(`${kind}.${group}`);
  }
}

/** Names kind and object in one key. */
function collectorKey(kind: ResourceType, object: KubeObject): ObjectKey {
  return { namespace: kindText(kind), name: keyText(keyOf(object)) };
}

function ownerKey(kind: ResourceType, { name }: OwnerReference, dependent: KubeObject): ObjectKey {
  return kind.namespaced ? { namespace: dependent.metadata.namespace, name } : { name };
}

/** Whether the object is being deleted and waits for what it owns. */
function isCollecting({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  return (
    deletionTimestamp !== undefined &&
    (finalizers.includes(orphanFinalizer) || finalizers.includes(foregroundFinalizer))
  );
}

function isForeground({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(foregroundFinalizer);
}

function blocks(dependent: KubeObject, owner: KubeObject): boolean {
  return (dependent.metadata.ownerReferences ?? []).some(
    ({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true,
  );
}

function patchReferences(
  client: Client,
  kind: ResourceType,
  object: KubeObject,
  references: readonly OwnerReference[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { uid = "", resourceVersion = "" } = object.metadata;
  const ownerReferences = references.length > 0 ? asJson(references) : null;
  const body = { metadata: { uid, resourceVersion, ownerReferences } };
  return client.patch(kind, keyOf(object), { type: "merge", body }, { signal });
}

async function removeFinalizer(
  kind: ResourceType,
  object: KubeObject,
  name: string,
  { client, signal }: ControllerContext,
): Promise<void> {
  const { uid = "", resourceVersion = "", finalizers = [] } = object.metadata;
  const body = { metadata: { uid, resourceVersion, finalizers: finalizers.filter((other) => other !== name) } };
  await unlessGone(client.patch(kind, keyOf(object), { type: "merge", body }, { signal }));
}
