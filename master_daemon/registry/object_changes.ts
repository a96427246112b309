import { sameButTimes } from "../../core/api/apply/entries.ts";
import { sameJson, setOwn } from "../../core/api/json_object.ts";
import type { Kind } from "../../core/api/kind.ts";
import type { Json, KubeObject, ObjectMeta } from "../../core/api/meta.ts";
import { randomSuffix, suffixLength } from "../../core/api/safe_letters.ts";
import type { Random } from "../../core/platform/random.ts";
import { compact } from "../../core/util/compact.ts";
import type { RegistryDeleteOptions } from "./registry.ts";

const maxGeneratedPrefix = 63 - suffixLength;

/** `base` with five random letters, cut so that it stays a name. @see k8s.io/apiserver/pkg/storage/names */
export function generateName(base: string, random: Random): string {
  return base.slice(0, maxGeneratedPrefix) + randomSuffix(random);
}

/** What the server itself decides about a new object. */
export interface NewIdentity {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly uid: string;
  readonly creationTimestamp: string;
}

/** The metadata of a new object: what a client may say, and what the server decides. */
export function newMetadata(sent: ObjectMeta, identity: NewIdentity): ObjectMeta {
  const { generateName: base, labels, annotations, ownerReferences, finalizers, managedFields } = sent;
  const { name, namespace, uid, creationTimestamp } = identity;
  return withoutNulls({
    name,
    generateName: base,
    namespace,
    uid,
    creationTimestamp,
    labels,
    annotations,
    ownerReferences,
    finalizers,
    managedFields,
  });
}

/** The metadata of a changed object: what a client may change, and what stays. */
export function changedMetadata(sent: ObjectMeta, previous: ObjectMeta): ObjectMeta {
  const { labels, annotations, ownerReferences, finalizers, managedFields, deletionTimestamp } = sent;
  return withoutNulls({
    // Nobody deletes by it: it is seen to be refused. One that is there stays.
    deletionTimestamp,
    ...previous,
    labels,
    annotations,
    ownerReferences,
    finalizers: finalizers && finalizers.length > 0 ? finalizers : undefined,
    managedFields,
  });
}

/** Members without a value are left out; clients send null for what they mean to leave out. */
function withoutNulls(metadata: { readonly [K in keyof ObjectMeta]: ObjectMeta[K] | undefined }): ObjectMeta {
  const result: { [name: string]: Json } = {};
  for (const [name, value] of Object.entries(metadata))
    if (value !== undefined && value !== null) setOwn(result, name, value as Json);
  return result as ObjectMeta;
}

/** `object` with the status of `source`, or none. */
export function withStatus(object: KubeObject, source: KubeObject): KubeObject {
  const { status: _status, ...rest } = object as KubeObject & { readonly status?: Json };
  const { status } = source as KubeObject & { readonly status?: Json };
  return status === undefined || status === null ? rest : ({ ...rest, status } as KubeObject);
}

/** `object` with the `spec.finalizers` of `source`. */
export function withSpecFinalizers(object: KubeObject, source: KubeObject): KubeObject {
  const spec = (object as SpecObject).spec ?? {};
  return { ...object, spec: { ...spec, finalizers: (source as SpecObject).spec?.finalizers ?? [] } } as KubeObject;
}

type SpecObject = KubeObject & { readonly spec?: { readonly finalizers?: readonly string[] } | null };

/** A new object with its first generation, where its kind counts them. */
export function withFirstGeneration({ generation }: Pick<Kind, "generation">, object: KubeObject): KubeObject {
  const counts = generation === undefined ? hasSpec(object) : generation !== "none";
  return counts ? { ...object, metadata: { ...object.metadata, generation: 1 } } : object;
}

function hasSpec(object: KubeObject): boolean {
  return Object.hasOwn(object, "spec") && (object as SpecObject).spec != null;
}

/** `next` with its generation counted up when anything but metadata and status changed. */
export function withGeneration(kind: Pick<Kind, "generation">, next: KubeObject, previous: KubeObject): KubeObject {
  const { generation } = previous.metadata;
  if (generation === undefined || kind.generation === "kept" || sameContent(next, previous)) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

function sameContent(a: KubeObject, b: KubeObject): boolean {
  const { metadata: _metadataA, status: _statusA, ...restA } = a as KubeObject & { readonly status?: Json };
  const { metadata: _metadataB, status: _statusB, ...restB } = b as KubeObject & { readonly status?: Json };
  const left: { readonly [name: string]: unknown } = restA;
  const right: { readonly [name: string]: unknown } = restB;
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => sameJson(left[name], right[name]));
}

/** `next` with the managed fields of `previous` where they are the same but for the times in them: who writes what is there already writes nothing. */
export function withKnownTimes(next: KubeObject, previous: KubeObject): KubeObject {
  const { managedFields } = previous.metadata;
  if (next.metadata.managedFields === managedFields || !sameButTimes(next.metadata.managedFields, managedFields))
    return next;
  return { ...next, metadata: compact({ ...next.metadata, managedFields }) };
}

/** Whether the kind is Namespace, whose `spec.finalizers` keep it as well. */
export function isNamespaceKind({ group, plural }: { readonly group: string; readonly plural: string }): boolean {
  return group === "" && plural === "namespaces";
}

/** Whether something still keeps the object once it is to be deleted. */
export function hasFinalizers(kind: Pick<Kind, "group" | "plural">, object: KubeObject): boolean {
  if ((object.metadata.finalizers?.length ?? 0) > 0) return true;
  return isNamespaceKind(kind) && ((object as SpecObject).spec?.finalizers?.length ?? 0) > 0;
}

/** Whether an update ends an object that was waiting for its last finalizer. @see registry/generic/registry/store.go, ShouldDeleteDuringUpdate */
export function isFinished(kind: Pick<Kind, "group" | "plural">, next: KubeObject, previous: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = previous.metadata;
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && !hasFinalizers(kind, next);
}

/** The finalizers of an object that is to be deleted under a policy. @see registry/generic/registry/store.go, deletionFinalizersForGarbageCollection */
export function deletionFinalizers(
  finalizers: readonly string[] | undefined,
  policy: RegistryDeleteOptions["propagationPolicy"],
): readonly string[] {
  if (!policy) return finalizers ?? [];
  const kept = (finalizers ?? []).filter((name) => name !== "orphan" && name !== "foregroundDeletion");
  if (policy === "Orphan") return [...kept, "orphan"];
  return policy === "Foreground" ? [...kept, "foregroundDeletion"] : kept;
}
