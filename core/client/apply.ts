import { lastAppliedAnnotation } from "../api/apply/apply_configuration.ts";
import { decodeEntries, encodeEntries } from "../api/apply/entries.ts";
import { union } from "../api/apply/field_set.ts";
import { goJson, type MemberOrder } from "../api/go_json.ts";
import { asJson, asObject, isJsonObject } from "../api/json_object.ts";
import { readJsonText } from "../api/json_text.ts";
import { apiVersionOf, type ResourceType } from "../api/kind.ts";
import type { Json, JsonObject, KubeObject, ManagedFieldsEntry, ObjectKey } from "../api/meta.ts";
import { applyMergePatch, applyStrategicPatch, createMergePatch, createStrategicPatch } from "../api/patch/mod.ts";
import { ignoreReason, isReason } from "../api/status.ts";
import { checkOverwrite } from "./apply_conflict.ts";
import type { Client, DeleteCallOptions, Patch, WriteCallOptions } from "./client.ts";
import { keepLastApplied } from "./keep_last_applied.ts";
import { waitFor } from "./wait_for.ts";

/** What apply did. */
export interface ApplyResult<T extends KubeObject> {
  /** As the server answered. */
  readonly object: T;
  readonly outcome: "created" | "configured" | "unchanged" | "serverside-applied";
}

/** What apply is about to do; the last one told is the one that fails. */
export type ApplyStep =
  | { readonly doing: "getting" }
  | { readonly doing: "creating" }
  | { readonly doing: "applying" }
  /** What is sent. */
  | { readonly doing: "patching" | "recreating"; readonly patch: JsonObject };

/** How an object that cannot be changed is deleted, for it to be made anew. */
export interface RecreateOptions extends DeleteCallOptions {
  /** How long to wait until the old one is gone. Default 5 minutes */
  readonly timeoutMs?: number | undefined;
}

/** Options of {@linkcode apply}. */
export interface ApplyOptions extends Omit<WriteCallOptions, "dryRun"> {
  /** `client`: nothing is sent, the object is what it would be. */
  readonly dryRun?: boolean | "client" | undefined;
  /** Lets the server merge, by who owns which field. @see https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
  readonly serverSide?: boolean | undefined;
  /** Takes over the fields that others own. Only with `serverSide`. */
  readonly force?: boolean | undefined;
  /** How to delete an object that cannot be changed so, for it to be made anew. Absent: that is an error. */
  readonly recreate?: RecreateOptions | undefined;
  /** Whether to change what others changed since it was applied. Default true. Custom resources are changed in any case, as by kubectl. */
  readonly overwrite?: boolean | undefined;
  /** Called with what apply itself has to say of an object. Default: `onWarning`. */
  readonly onNote?: ((text: string) => void) | undefined;
  /** Called before each step. */
  readonly onStep?: ((step: ApplyStep) => void) | undefined;
}

const clientSideManager = "kubectl-client-side-apply";
const serverSideManager = "kubectl";
const maxTries = 5;
const recreateTimeoutMs = 5 * 60_000;

/** Groups whose kinds are part of Kubernetes: their schemas are known, and servers take strategic merge patches of them. */
const builtInGroups: ReadonlySet<string> = new Set([
  "",
  "admissionregistration.k8s.io",
  "apps",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
]);

/**
 * Makes an object what `object` says, exactly as `kubectl apply`: fields that it no longer names since it was last applied
 * are removed, fields that others set stay.
 *
 * @param options.fieldManager default `kubectl-client-side-apply`, or `kubectl` with `serverSide`, as kubectl's
 * @throws ApplyConflictError with `overwrite: false`
 * @throws StatusError of the server; `Conflict` only after five tries, or with `serverSide` when others own what would change
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#merge-patch-calculation
 */
export async function apply<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  object: T,
  options: ApplyOptions = {},
): Promise<ApplyResult<T>> {
  const { serverSide, force, recreate, overwrite, onStep, onNote = options.onWarning, dryRun, ...rest } = options;
  const key = keyIn(kind, object);
  if (serverSide) {
    onStep?.({ doing: "applying" });
    const fieldManager = rest.fieldManager ?? serverSideManager;
    const write = { ...rest, dryRun: dryRun === true, fieldManager, force };
    return { object: await applyServerSide(client, kind, { key, object }, write), outcome: "serverside-applied" };
  }
  const write: WriteCallOptions = { fieldManager: clientSideManager, ...rest, dryRun: dryRun === true };
  const modified = withLastApplied(object);
  for (let tries = 1; ; tries++) {
    onStep?.({ doing: "getting" });
    const current = await client.get(kind, key, { signal: options.signal }).catch(ignoreReason("NotFound"));
    if (!current) {
      onStep?.({ doing: "creating" });
      const wanted = withoutNulls(modified);
      return { object: dryRun === "client" ? wanted : await client.create(kind, wanted, write), outcome: "created" };
    }
    if (tries === 1) warnWhenNotApplied(kind, current, onNote);
    const patch = patchFor(kind, modified, current, { overwrite });
    onStep?.({ doing: "patching", patch: patch.body });
    if (Object.keys(patch.body).length === 0) return { object: current, outcome: "unchanged" };
    if (dryRun === "client") return { object: patchedHere(kind, current, patch), outcome: "configured" };
    try {
      return { object: await client.patch(kind, key, patch, write), outcome: "configured" };
    } catch (error) {
      const conflict = isReason(error, "Conflict");
      if (recreate && (isReason(error, "Invalid") || (conflict && tries >= maxTries))) {
        onStep?.({ doing: "recreating", patch: asJson(modified) });
        return {
          object: await putAnew(client, kind, { key, modified, current }, recreate, write),
          outcome: "configured",
        };
      }
      if (!conflict || tries >= maxTries) throw error;
    }
  }
}

/** Deletes an object and makes it as wanted; when that fails, as it was. */
async function putAnew<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  { key, modified, current }: { readonly key: ObjectKey; readonly modified: T; readonly current: T },
  { timeoutMs = recreateTimeoutMs, ...how }: RecreateOptions,
  write: WriteCallOptions,
): Promise<T> {
  const signal = write.signal;
  await client.delete(kind, key, { ...how, signal });
  await waitFor(client, kind, key, {
    predicate: ({ metadata }) => metadata.uid !== current.metadata.uid,
    timeoutMs,
    signal,
  }).catch(ignoreReason("NotFound"));
  try {
    return await client.create(kind, modified, write);
  } catch (error) {
    const { resourceVersion: _, uid: __, ...metadata } = current.metadata;
    await client.create(kind, { ...current, metadata }, write);
    throw error;
  }
}

/** What the server would make of a patch. */
function patchedHere<T extends KubeObject>(kind: ResourceType<T>, current: T, { type, body }: ApplyPatch): T {
  const from = asJson(current);
  const patched =
    type === "strategic"
      ? applyStrategicPatch(from, body, schemaOf(apiVersionOf(kind), kind.kind))
      : applyMergePatch(from, body);
  return asObject<T>(patched);
}

/** The object without members that are null: a patch would leave them out too. */
function withoutNulls<T extends KubeObject>(object: T): T {
  const clean = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map(clean);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, member]) => (member === null ? [] : [[key, clean(member)]])),
    );
  };
  return asObject<T>(clean(asJson(object)) as JsonObject);
}

/** The server merges; what client-side apply owned until now is this manager's from now on. */
async function applyServerSide<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  { key, object }: { readonly key: ObjectKey; readonly object: T },
  options: WriteCallOptions & { readonly fieldManager: string; readonly force?: boolean | undefined },
): Promise<T> {
  const { force = false, ...write } = options;
  const body = { ...asJson(object), apiVersion: apiVersionOf(kind), kind: kind.kind };
  const patch: Patch = { type: "apply", body };
  const answer = await client.patch(kind, key, patch, { ...write, force });
  if (write.dryRun) return answer;
  // A manager with a name of its own does not keep the note up to date.
  const isOwn = write.fieldManager === serverSideManager;
  const applied = isOwn ? await keepLastApplied(client, kind, { key, object: answer }, write) : answer;
  for (let tries = 1; tries <= maxTries; tries++) {
    const current = tries === 1 ? applied : await client.get(kind, key, { signal: options.signal });
    const managedFields = withoutClientSideApply(current, write.fieldManager);
    if (!managedFields) return current;
    const { resourceVersion = "" } = current.metadata;
    const migration: Patch = {
      type: "json",
      body: [
        { op: "replace", path: "/metadata/managedFields", value: asJson(managedFields) },
        { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
      ],
    };
    try {
      await client.patch(kind, key, migration, { fieldManager: write.fieldManager, signal: options.signal });
      // Only now does the server know what this manager gives up.
      return await client.patch(kind, key, patch, { ...write, force });
    } catch (error) {
      if (!isReason(error, "Conflict") || force) throw error;
    }
  }
  return applied;
}

/**
 * The entries of an object with those of client-side apply given to the manager that applies; undefined when there are
 * none.
 *
 * @see k8s.io/client-go/util/csaupgrade
 */
function withoutClientSideApply({ metadata }: KubeObject, manager: string): readonly ManagedFieldsEntry[] | undefined {
  const decoded = decodeEntries(metadata.managedFields);
  if (!("owners" in decoded)) return undefined;
  const { owners } = decoded;
  const old = owners.filter(
    (owner) => owner.manager === clientSideManager && owner.operation === "Update" && owner.subresource === "",
  );
  const own = owners.find(
    (owner) => owner.manager === manager && owner.operation === "Apply" && owner.subresource === "",
  );
  if (old.length === 0 || !own) return undefined;
  const fields = old.reduce((set, owner) => union(set, owner.fields), own.fields);
  const kept = owners.filter((owner) => owner !== own && !old.includes(owner));
  const { entry: _entry, ...rest } = own;
  return encodeEntries([...kept, { ...rest, fields }]);
}

function keyIn({ namespaced }: ResourceType, { metadata }: KubeObject): ObjectKey {
  const { namespace = "default", name } = metadata;
  if (!name)
    throw new TypeError("Cannot apply: metadata.name must be given, as generateName makes a new object each time");
  return namespaced ? { namespace, name } : { name };
}

/** What makes a present object as it was applied. */
export type ApplyPatch = { readonly type: "merge" | "strategic"; readonly body: JsonObject };

/**
 * What `kubectl apply` sends to make `current` what `modified` says. Pure; its body is empty when nothing changes.
 *
 * @throws ApplyConflictError with `overwrite: false` when it would change what others changed
 */
export function patchFor(
  kind: ResourceType,
  modified: KubeObject,
  current: KubeObject,
  { overwrite = true }: Pick<ApplyOptions, "overwrite"> = {},
): ApplyPatch {
  const lastApplied = current.metadata.annotations?.[lastAppliedAnnotation];
  const original = lastApplied === undefined ? undefined : (readJsonText(lastApplied) as JsonObject);
  const [wanted, present] = [asJson(modified), asJson(current)];
  const apiVersion = apiVersionOf(kind);
  if (!isBuiltIn(apiVersion)) return { type: "merge", body: createMergePatch(original, wanted, present) };
  const schema = schemaOf(apiVersion, kind.kind);
  const body = createStrategicPatch(original, wanted, present, schema);
  if (!overwrite)
    checkOverwrite(body, { lastApplied: lastApplied ?? "", original, modified: wanted, current: present }, schema);
  return { type: "strategic", body };
}

/** Whether an apiVersion is part of Kubernetes: strategic merge patches are for its kinds. */
export function isBuiltIn(apiVersion: string): boolean {
  return builtInGroups.has(apiVersion.includes("/") ? (apiVersion.split("/", 1)[0] ?? "") : "");
}

/** The schema id of a kind that is part of Kubernetes, e.g. `io.k8s.api.apps.v1.Deployment`. */
export function schemaOf(apiVersion: string, kind: string): string {
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  return `io.k8s.api.${group.split(".", 1)[0] || "core"}.${version}.${kind}`;
}

function warnWhenNotApplied(
  { plural }: ResourceType,
  { metadata }: KubeObject,
  onNote: ((text: string) => void) | undefined,
): void {
  if (metadata.annotations?.[lastAppliedAnnotation] !== undefined) return;
  onNote?.(
    `resource ${plural}/${metadata.name} is missing the ${lastAppliedAnnotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`,
  );
}

/** {@linkcode withLastApplied} where that is wanted, or the object is noted in itself already. */
export function withSavedConfig<T extends KubeObject>(object: T, wanted: boolean, order?: MemberOrder): T {
  return wanted || object.metadata.annotations?.[lastAppliedAnnotation] ? withLastApplied(object, order) : object;
}

/** `object` without the note of what it was applied as. */
export function withoutLastApplied<T extends KubeObject>(object: T): T {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/**
 * `object` with itself as annotation.
 *
 * @param order of the members in it, where kubectl holds the object in a structure of Go's; sorted by default
 * @see k8s.io/kubectl/pkg/util/apply.go GetModifiedConfiguration
 */
function withLastApplied<T extends KubeObject>(object: T, order?: MemberOrder): T {
  const plain = withoutLastApplied(object);
  const { annotations: others = {}, ...metadata } = plain.metadata;
  // A structure leaves out what is empty.
  const noted = order && Object.keys(others).length === 0 ? { ...plain, metadata } : plain;
  const annotations = { ...others, [lastAppliedAnnotation]: `${goJson(noted, 0, order)}\n` };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
