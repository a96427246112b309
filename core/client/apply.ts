import { lastAppliedAnnotation } from "../api/apply/apply_configuration.ts";
import { decodeEntries, encodeEntries } from "../api/apply/entries.ts";
import { union } from "../api/apply/field_set.ts";
import { goJson } from "../api/go_json.ts";
import { asJson } from "../api/json_object.ts";
import { readJsonText } from "../api/json_text.ts";
import { apiVersionOf, type ResourceType } from "../api/kind.ts";
import type { JsonObject, KubeObject, ManagedFieldsEntry, ObjectKey } from "../api/meta.ts";
import { createMergePatch, createStrategicPatch } from "../api/patch/mod.ts";
import { isReason } from "../api/status.ts";
import type { Client, Patch, WriteCallOptions } from "./client.ts";

/** What apply did. */
export interface ApplyResult<T extends KubeObject> {
  /** As the server answered. */
  readonly object: T;
  readonly outcome: "created" | "configured" | "unchanged" | "serverside-applied";
}

/** Options of {@linkcode apply}. */
export interface ApplyOptions extends WriteCallOptions {
  /** Lets the server merge, by who owns which field. @see https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
  readonly serverSide?: boolean | undefined;
  /** Takes over the fields that others own. Only with `serverSide`. */
  readonly force?: boolean | undefined;
}

const clientSideManager = "kubectl-client-side-apply";
const serverSideManager = "kubectl";
const maxTries = 5;

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
 * @throws StatusError of the server; `Conflict` only after five tries, or with `serverSide` when others own what would change
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#merge-patch-calculation
 */
export async function apply<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  object: T,
  options: ApplyOptions = {},
): Promise<ApplyResult<T>> {
  const { serverSide, force, ...rest } = options;
  const key = keyIn(kind, object);
  if (serverSide) {
    const fieldManager = rest.fieldManager ?? serverSideManager;
    const applied = await applyServerSide(client, kind, { key, object }, { ...rest, fieldManager, force });
    return { object: applied, outcome: "serverside-applied" };
  }
  const write: WriteCallOptions = { fieldManager: clientSideManager, ...rest };
  const modified = withLastApplied(object);
  for (let tries = 1; ; tries++) {
    const current = await client.get(kind, key, { signal: options.signal }).catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });
    if (!current) return { object: await client.create(kind, modified, write), outcome: "created" };
    if (tries === 1) warnWhenNotApplied(kind, current, write);
    const patch = patchFor(kind, modified, current);
    if (Object.keys(patch.body).length === 0) return { object: current, outcome: "unchanged" };
    try {
      return { object: await client.patch(kind, key, patch, write), outcome: "configured" };
    } catch (error) {
      if (!isReason(error, "Conflict") || tries >= maxTries) throw error;
    }
  }
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
  const applied = await client.patch(kind, key, patch, { ...write, force });
  if (write.dryRun) return applied;
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

function patchFor(kind: ResourceType, modified: KubeObject, current: KubeObject): Exclude<Patch, { type: "json" }> {
  const lastApplied = current.metadata.annotations?.[lastAppliedAnnotation];
  const original = lastApplied === undefined ? undefined : (readJsonText(lastApplied) as JsonObject);
  const [wanted, present] = [asJson(modified), asJson(current)];
  if (!builtInGroups.has(kind.group)) return { type: "merge", body: createMergePatch(original, wanted, present) };
  const schema = `io.k8s.api.${kind.group.split(".", 1)[0] || "core"}.${kind.version}.${kind.kind}`;
  return { type: "strategic", body: createStrategicPatch(original, wanted, present, schema) };
}

function warnWhenNotApplied({ plural }: ResourceType, { metadata }: KubeObject, { onWarning }: WriteCallOptions): void {
  if (metadata.annotations?.[lastAppliedAnnotation] !== undefined) return;
  onWarning?.(
    `resource ${plural}/${metadata.name} is missing the ${lastAppliedAnnotation} annotation which is required by apply. apply should only be used on resources created declaratively by either create --save-config or apply. The missing annotation will be patched automatically.`,
  );
}

/** `object` with itself as annotation. @see k8s.io/kubectl/pkg/util/apply.go GetModifiedConfiguration */
function withLastApplied<T extends KubeObject>(object: T): T {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: `${goJson(plain)}\n` } },
  };
}
