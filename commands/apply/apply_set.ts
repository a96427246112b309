import { asJson, asObject } from "../../core/api/json_object.ts";
import { apiVersionOf } from "../../core/api/kind.ts";
import { type KubeObject, keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { DeleteCallOptions } from "../../core/client/client.ts";
import type { DiscoveredResource } from "../../core/client/discovery.ts";
import { sha256 } from "../../core/platform/hash.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { compact } from "../../core/util/compact.ts";
import { errorMessage } from "../../core/util/log.ts";
import { gitVersion } from "../../core/version.ts";
import type { CommandEnv } from "../env.ts";
import { resourceNamed } from "../resource_args.ts";
import type { LoadedTarget } from "../targets.ts";
import { UsageError } from "../verb.ts";
import type { DryRun } from "../write_flags.ts";

const prefix = "applyset.kubernetes.io";
const idLabel = `${prefix}/id`;
const partOfLabel = `${prefix}/part-of`;
const parentTypeLabel = `${prefix}/is-parent-type`;
const toolingAnnotation = `${prefix}/tooling`;
const kindsAnnotation = `${prefix}/contains-group-kinds`;
const resourcesAnnotation = `${prefix}/contains-group-resources`;
const namespacesAnnotation = `${prefix}/additional-namespaces`;

/** kubectl's name: each of the two programs goes on with the sets of the other. */
const tool = "kubectl";
const fieldManager = `${tool}-applyset`;

/** The object that stands for a set, and says of which types and in which namespaces its members are. */
export interface ApplySetParent {
  readonly resource: DiscoveredResource;
  readonly key: ObjectKey;
}

/** What a set has, or is to have. */
interface Extent {
  /** By group and kind, e.g. `Deployment.apps`. */
  readonly types: ReadonlyMap<string, DiscoveredResource>;
  readonly namespaces: ReadonlySet<string>;
}

/** How members are deleted that were not applied again. */
export interface ApplySetOptions {
  readonly dryRun: DryRun;
  readonly propagationPolicy: DeleteCallOptions["propagationPolicy"];
  readonly gracePeriodSeconds: number | undefined;
}

/**
 * The parent that `[RESOURCE][.GROUP]/NAME` names; a secret without a resource. A parent in a namespace is in the one that
 * `-n` says.
 *
 * @throws UsageError with kubectl's words
 */
export async function findParent(reference: string, env: CommandEnv): Promise<ApplySetParent> {
  const client = await env.client();
  const slash = reference.indexOf("/");
  const name = reference.slice(slash + 1);
  try {
    if (name === "") throw new UsageError("name cannot be blank");
    const resource = await resourceNamed(client, slash < 0 ? "secrets" : reference.slice(0, slash));
    const namespace = resource.namespaced && env.namespaceGiven ? await env.namespace() : undefined;
    return { resource, key: { name, ...(namespace ? { namespace } : {}) } };
  } catch (error) {
    throw new UsageError(`invalid parent reference ${JSON.stringify(reference)}: ${errorMessage(error)}`);
  }
}

/** Whether the object may be a parent. @throws UsageError with kubectl's words */
export async function checkParent({ resource, key }: ApplySetParent, env: CommandEnv): Promise<void> {
  const problems: string[] = [];
  if (resource.namespaced && key.namespace === undefined)
    problems.push("namespace is required to use namespace-scoped ApplySet");
  if (!isBuiltInParent(resource)) {
    const client = await env.client();
    const definitions = await resourceNamed(client, "customresourcedefinitions.apiextensions.k8s.io");
    const { items } = await client.list(definitions, { labelSelector: parentTypeLabel, signal: env.signal });
    const { group, version, plural } = resource;
    if (!items.some(({ metadata }) => metadata.name === `${plural}.${group}`))
      problems.push(`resource "${group}/${version}, Resource=${plural}" is not permitted as an ApplySet parent`);
  }
  if (problems.length > 0) throw new UsageError(problems.length > 1 ? `[${problems.join(", ")}]` : (problems[0] ?? ""));
}

function isBuiltInParent({ group, version, plural }: DiscoveredResource): boolean {
  return group === "" && version === "v1" && (plural === "secrets" || plural === "configmaps");
}

/** The set's name in labels: `applyset-…-v1`. @see https://git.k8s.io/enhancements/keps/sig-cli/3659-kubectl-apply-prune */
function applySetId({ resource: { kind, group }, key: { name, namespace = "" } }: ApplySetParent): string {
  const hex = sha256(`${name}.${namespace}.${kind}.${group}`);
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  const text = toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `applyset-${text}-v1`;
}

/** The target as a member of the set. @throws UsageError when its manifest says of which set it is */
export function asMember(target: LoadedTarget, parent: ApplySetParent): LoadedTarget {
  const { metadata } = target.object;
  if (metadata.labels?.[partOfLabel] !== undefined)
    throw new UsageError(`ApplySet label "${partOfLabel}" already set in input data`);
  const labels = { ...metadata.labels, [partOfLabel]: applySetId(parent) };
  return { ...target, object: { ...target.object, metadata: { ...metadata, labels } } };
}

/** A set whose parent covers what is about to be applied. */
export interface OpenApplySet {
  /** Deletes the members that were not applied, tells each, and notes what the set has now. */
  prune(uids: ReadonlySet<string>, tell: (object: KubeObject) => Promise<void>): Promise<void>;
}

/**
 * Reads the parent, or makes it, and notes in it what is about to be applied besides what was: whatever happens on the
 * way, no member is lost.
 *
 * @throws UsageError with kubectl's words for a parent that is another tool's, or none
 */
export async function openApplySet(
  parent: ApplySetParent,
  members: readonly LoadedTarget[],
  options: ApplySetOptions,
  env: CommandEnv,
): Promise<OpenApplySet> {
  const before = await readExtent(parent, env);
  const after: Extent = {
    types: new Map(members.map(({ resource }) => [typeName(resource), resource])),
    namespaces: new Set(members.flatMap(({ key }) => (key.namespace ? [key.namespace] : []))),
  };
  await noteExtent(
    parent,
    {
      types: new Map([...before.types, ...after.types]),
      namespaces: new Set([...before.namespaces, ...after.namespaces]),
    },
    options.dryRun,
    env,
  );
  return {
    async prune(uids, tell) {
      const client = await env.client();
      for (const { resource, object } of await membersOf(parent, before, uids, env)) {
        if (options.dryRun !== "client")
          await client.delete(resource, keyOf(object), {
            propagationPolicy: options.propagationPolicy,
            gracePeriodSeconds: options.gracePeriodSeconds,
            dryRun: options.dryRun === "server",
            signal: env.signal,
          });
        await tell(object);
      }
      await noteExtent(parent, after, options.dryRun, env).catch((error: unknown) => {
        throw new UsageError(`apply and prune succeeded, but ApplySet update failed: ${errorMessage(error)}`);
      });
    },
  };
}

function typeName({ kind, group }: DiscoveredResource): string {
  return group ? `${kind}.${group}` : kind;
}

/** What the set had. */
async function readExtent(parent: ApplySetParent, env: CommandEnv): Promise<Extent> {
  const { resource, key } = parent;
  const client = await env.client();
  const called = `"${resource.plural}.${resource.group}/${key.name}"`;
  const object = await client.get(resource, key, { signal: env.signal }).catch((error: unknown) => {
    if (isReason(error, "NotFound")) return undefined;
    throw new UsageError(`failed to fetch ApplySet parent object ${called}: ${errorMessage(error)}`);
  });
  if (!object) {
    if (!isBuiltInParent(resource))
      throw new UsageError("custom resource ApplySet parents cannot be created automatically");
    return { types: new Map(), namespaces: new Set() };
  }
  const { labels = {}, annotations = {} } = object.metadata;
  const tooling = annotations[toolingAnnotation];
  if (tooling === undefined)
    throw new UsageError(
      `ApplySet parent object ${called} already exists and is missing required annotation "${toolingAnnotation}"`,
    );
  const managedBy = tooling.includes("/") ? tooling.slice(0, tooling.lastIndexOf("/")) : tooling;
  if (managedBy !== tool)
    throw new UsageError(
      `ApplySet parent object ${called} already exists and is managed by tooling "${managedBy}" instead of "${tool}"`,
    );
  const id = labels[idLabel];
  if (id === undefined)
    throw new UsageError(`ApplySet parent object ${called} exists and does not have required label ${idLabel}`);
  if (id !== applySetId(parent))
    throw new UsageError(
      `ApplySet parent object ${called} exists and has incorrect value for label "${idLabel}" (got: ${id}, want: ${applySetId(parent)})`,
    );
  const types = await typesOf(annotations, called, env);
  const elsewhere = (annotations[namespacesAnnotation] ?? "").split(",").filter((name) => name !== "");
  return { types, namespaces: new Set([...elsewhere, ...(key.namespace ? [key.namespace] : [])]) };
}

async function typesOf(
  annotations: Readonly<Record<string, string>>,
  called: string,
  env: CommandEnv,
): Promise<ReadonlyMap<string, DiscoveredResource>> {
  const client = await env.client();
  const text = annotations[kindsAnnotation] ?? (annotations[resourcesAnnotation] || undefined);
  if (text === undefined)
    throw new UsageError(
      `parsing ApplySet annotation on ${called}: kubectl requires the "${kindsAnnotation}" annotation to be set on all ApplySet parent objects`,
    );
  const names = text.split(",").filter((name) => name !== "");
  const found = await Promise.all(
    names.map((name) =>
      resourceNamed(client, name).catch((error: unknown) => {
        throw new UsageError(
          `parsing ApplySet annotation on ${called}: could not find mapping for kind in "${kindsAnnotation}" annotation: ${errorMessage(error)}`,
        );
      }),
    ),
  );
  return new Map(found.map((resource) => [typeName(resource), resource]));
}

/** Notes in the parent what the set has. */
async function noteExtent(parent: ApplySetParent, extent: Extent, dryRun: DryRun, env: CommandEnv): Promise<void> {
  if (dryRun === "client") return;
  const { resource, key } = parent;
  const client = await env.client();
  const elsewhere = [...extent.namespaces].filter((namespace) => namespace !== key.namespace);
  const body = asJson(
    asObject({
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: compact({
        name: key.name,
        namespace: key.namespace,
        labels: { [idLabel]: applySetId(parent) },
        annotations: {
          [toolingAnnotation]: `${tool}/${gitVersion}`,
          [kindsAnnotation]: [...extent.types.keys()].sort().join(","),
          [namespacesAnnotation]: elsewhere.sort().join(","),
        },
      }),
    }),
  );
  const write = (force: boolean) =>
    client.patch(
      resource,
      key,
      { type: "apply", body },
      { force, fieldManager, dryRun: dryRun === "server", signal: env.signal },
    );
  try {
    await write(false).catch((error: unknown) => {
      if (!isReason(error, "Conflict")) throw error;
      env.terminal.warn(
        `WARNING: failed to update ApplySet: ${errorMessage(error)}\nApplySet field manager ${fieldManager} should own these fields. Retrying with conflicts forced.`,
      );
      return write(true);
    });
  } catch (error) {
    throw new UsageError(`failed to update ApplySet: ${errorMessage(error)}`);
  }
}

/** The members that the set had and that were not applied again. */
async function membersOf(
  parent: ApplySetParent,
  { types, namespaces }: Extent,
  uids: ReadonlySet<string>,
  env: CommandEnv,
): Promise<readonly { readonly resource: DiscoveredResource; readonly object: KubeObject }[]> {
  const client = await env.client();
  const labelSelector = `${partOfLabel}=${applySetId(parent)}`;
  const places = [...types.values()].flatMap((resource) =>
    (resource.namespaced ? [...namespaces] : [undefined]).map((namespace) => ({ resource, namespace })),
  );
  const found = await Promise.all(
    places.map(async ({ resource, namespace }) => {
      const { items } = await client.list(resource, { namespace, labelSelector, signal: env.signal });
      return items.filter(({ metadata }) => !uids.has(metadata.uid ?? "")).map((object) => ({ resource, object }));
    }),
  );
  return found.flat();
}
