import { apiVersionOf, type ResourceType } from "../../core/api/kind.ts";
import { type KubeObject, keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { discover } from "../../core/client/discovery.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { apiService } from "../../core/kinds/api_service.ts";
import { customResourceDefinition, type Namespace, namespace, pod } from "../../core/kinds/mod.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { errorMessage } from "../../core/util/log.ts";
import { callsAtOnce, forEachLimited } from "./_batches.ts";
import { customResourceType } from "./_custom_resource_type.ts";
import { unlessGone } from "./_errors.ts";
import { type NamespaceContent, planNamespaceStatus, undiscoveredText } from "./_plan_namespace_status.ts";
import { type Controller, type ControllerContext, watching } from "./controller.ts";

/** Options of {@linkcode namespaceController}. */
export interface NamespaceOptions {
  /** Every kind that is always served. Those of custom resources are found through their definitions. */
  readonly kinds: readonly ResourceType[];
}

const finalizer = "kubernetes";
const pageSize = 500;
/** Milliseconds between two looks at what still waits for its finalizers. */
const retryMs = 1000;

/**
 * Empties a namespace that is being deleted, then lets it go. Pods go first: what guards them, such as network policies, stays
 * until the last one is gone.
 */
export function namespaceController({ kinds }: NamespaceOptions): Controller {
  const isPod = ({ group, plural }: ResourceType) => group === pod.group && plural === pod.plural;
  const others = kinds.filter((kind) => kind.namespaced && !isPod(kind));
  return {
    name: "namespace-controller",
    account: "namespace-controller",
    reconciles: namespace,
    workers: 10,
    watches: [
      // Only looked into: what they make is found by the time a namespace goes.
      watching({ kind: customResourceDefinition, keys: () => [] }),
      watching({
        kind: apiService,
        // One that answers again may be what a namespace waits for.
        keys: (_service, lister) =>
          lister(namespace)
            .list()
            .filter(({ metadata }) => metadata.deletionTimestamp)
            .map(keyOf),
      }),
      {
        // Pods end in their own time; the last one's end is what the namespace waits for.
        kind: pod,
        keys: ({ metadata }, lister) => {
          const key = { name: metadata.namespace ?? "" };
          return lister(namespace).get(key)?.metadata.deletionTimestamp ? [key] : [];
        },
      },
    ],
    async reconcile(key, context) {
      const { client, clock, lister, signal } = context;
      const observed = lister(namespace).get(key);
      if (!observed?.metadata.deletionTimestamp || !observed.spec?.finalizers?.includes(finalizer)) return undefined;
      const custom = lister(customResourceDefinition)
        .list()
        .flatMap((one) => customResourceType(one) ?? []);
      const remote = await remoteContents(context);
      const { undiscovered } = remote;
      const pods = await empty(key.name, kinds.filter(isPod), context);
      const rest = [...others, ...custom.filter(({ namespaced }) => namespaced), ...remote.kinds];
      const isWaiting = pods.remaining.size > 0 || pods.error !== undefined;
      const result = { ...(isWaiting ? pods : await empty(key.name, rest, context)), undiscovered };
      const next = planNamespaceStatus(observed, result, clock.now());
      let latest = observed;
      if (!semanticEqual(next, observed.status)) {
        latest = await client.updateStatus(namespace, { ...observed, status: next }, { signal });
      }
      if (result.error !== undefined) throw result.error;
      if (undiscovered.length > 0) throw new Error(undiscoveredText(undiscovered));
      if (result.remaining.size > 0) return { requeueAfterMs: retryMs };
      const finalizers = (latest.spec?.finalizers ?? []).filter((name) => name !== finalizer);
      const freed: Namespace = { ...latest, spec: { ...latest.spec, finalizers } };
      await unlessGone(client.update(namespace, freed, { signal, subresource: "finalize" }));
      return undefined;
    },
  };
}

/** What other servers have in namespaces that can be deleted, and which of them do not say. */
async function remoteContents({ client, lister, signal }: ControllerContext): Promise<{
  readonly kinds: readonly ResourceType[];
  readonly undiscovered: readonly string[];
}> {
  const services = lister(apiService).list();
  const remote = new Set(services.flatMap(({ spec }) => (spec.service ? `${spec.group}/${spec.version}` : [])));
  // Without them everything is known, and nobody need be asked.
  if (remote.size === 0) return { kinds: [], undiscovered: [] };
  const undiscovered: string[] = [];
  const onFailure = (groupVersion: string, error: unknown) => {
    if (remote.has(groupVersion)) undiscovered.push(`${groupVersion}: ${errorMessage(error)}`);
  };
  const found = await discover(client, { signal, onFailure });
  const kinds = new Map<string, ResourceType>();
  for (const type of found) {
    const name = `${type.plural}.${type.group}`;
    const isDeletable = type.namespaced && ["list", "delete"].every((verb) => type.verbs.includes(verb));
    if (remote.has(apiVersionOf(type)) && isDeletable && !kinds.has(name)) kinds.set(name, type);
  }
  return { kinds: [...kinds.values()], undiscovered: undiscovered.sort() };
}

async function empty(
  name: string,
  contents: readonly ResourceType[],
  { client, signal }: ControllerContext,
): Promise<NamespaceContent> {
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  let failure: { readonly error: unknown } | undefined;
  for (const kind of contents) {
    try {
      for await (const page of pages(client, kind, name, signal)) {
        await forEachLimited(page, callsAtOnce, async (object) => {
          const left = await remove(kind, object, { client, signal });
          if (!left) return;
          add(remaining, `${kind.plural}.${kind.group}`);
          for (const waitedFor of left.metadata.finalizers ?? []) add(finalizers, waitedFor);
        });
      }
    } catch (error) {
      // A custom resource whose definition went meanwhile has no objects left.
      if (!isReason(error, "NotFound")) failure ??= { error };
    }
  }
  return { remaining, finalizers, ...failure };
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

async function* pages(
  client: ControllerContext["client"],
  kind: ResourceType,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<readonly KubeObject[]> {
  let next: string | undefined;
  do {
    const list = await client.list(kind, { namespace: name, limit: pageSize, continue: next, signal });
    yield list.items;
    next = list.metadata.continue || undefined;
  } while (next);
}

/** The object if it stays for a while: it waits for a finalizer or for its grace period. */
async function remove(
  kind: ResourceType,
  object: KubeObject,
  { client, signal }: Pick<ControllerContext, "client" | "signal">,
): Promise<KubeObject | undefined> {
  if (object.metadata.deletionTimestamp) return object;
  try {
    const options = { signal, preconditions: sameObject(object), propagationPolicy: "Background" } as const;
    const answer = await client.delete(kind, keyOf(object), options);
    return answer.kind !== "Status" && isStaying(answer.metadata) ? (answer as KubeObject) : undefined;
  } catch (error) {
    // Somebody else's object took the name meanwhile, or it is gone: the next look tells.
    if (isReason(error, "NotFound")) return undefined;
    if (isReason(error, "Conflict")) return object;
    throw error;
  }
}

function isStaying({ deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] }: KubeObject["metadata"]) {
  return deletionTimestamp !== undefined && (deletionGracePeriodSeconds > 0 || finalizers.length > 0);
}
