import type { ResourceType } from "../api/kind.ts";
import type { JsonObject, KubeObject, ObjectKey } from "../api/meta.ts";
import { createMergePatch, createStrategicPatch } from "../api/patch/mod.ts";
import { isReason } from "../api/status.ts";
import type { Client, Patch, WriteCallOptions } from "./client.ts";

/** What apply did. */
export interface ApplyResult<T extends KubeObject> {
  /** As the server answered. */
  readonly object: T;
  readonly outcome: "created" | "configured" | "unchanged";
}

/** Where apply keeps what was applied last. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

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
 * Makes an object what `object` says, exactly as client-side `kubectl apply`: fields that it no longer names since it
 * was last applied are removed, fields that others set stay.
 *
 * @param options.fieldManager default `kubectl-client-side-apply`
 * @throws StatusError of the server, `Conflict` only after five tries
 * @see https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/#merge-patch-calculation
 */
export async function apply<T extends KubeObject>(
  client: Client,
  kind: ResourceType<T>,
  object: T,
  options: WriteCallOptions = {},
): Promise<ApplyResult<T>> {
  const write: WriteCallOptions = { fieldManager: "kubectl-client-side-apply", ...options };
  const key = keyIn(kind, object);
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

function keyIn({ namespaced }: ResourceType, { metadata }: KubeObject): ObjectKey {
  const { namespace = "default", name } = metadata;
  if (!name)
    throw new TypeError("Cannot apply: metadata.name must be given, as generateName makes a new object each time");
  return namespaced ? { namespace, name } : { name };
}

function patchFor(kind: ResourceType, modified: KubeObject, current: KubeObject): Exclude<Patch, { type: "json" }> {
  const lastApplied = current.metadata.annotations?.[lastAppliedAnnotation];
  const original = lastApplied === undefined ? undefined : (JSON.parse(lastApplied) as JsonObject);
  const [wanted, present] = [modified as unknown as JsonObject, current as unknown as JsonObject];
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

/** JSON as Go's encoder writes it: members sorted, characters escaped that mean something in HTML. Then the annotation is the same whoever applied. */
function goJson(value: unknown): string {
  const escapes: Readonly<Record<string, string>> = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
  };
  return JSON.stringify(sorted(value)).replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? character);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
