import { lastAppliedAnnotation } from "../../core/api/apply/apply_configuration.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { keyOf } from "../../core/api/meta.ts";
import type { DeleteCallOptions } from "../../core/client/client.ts";
import type { DiscoveredResource } from "../../core/client/discovery.ts";
import type { CommandEnv } from "../env.ts";
import { resourceOfKind } from "../resource_args.ts";
import { UsageError } from "../verb.ts";
import type { DryRun } from "../write_flags.ts";

/** What is looked at when nothing else is said. @see k8s.io/kubectl/pkg/util/prune */
const defaultTypes: readonly string[] = [
  "core/v1/ConfigMap",
  "core/v1/Endpoints",
  "core/v1/PersistentVolumeClaim",
  "core/v1/Pod",
  "core/v1/ReplicationController",
  "core/v1/Secret",
  "core/v1/Service",
  "batch/v1/Job",
  "batch/v1/CronJob",
  "networking.k8s.io/v1/Ingress",
  "apps/v1/DaemonSet",
  "apps/v1/Deployment",
  "apps/v1/ReplicaSet",
  "apps/v1/StatefulSet",
  "core/v1/Namespace",
  "core/v1/PersistentVolume",
];

/** What to delete, and how. */
export interface PruneRequest {
  readonly allowed: readonly DiscoveredResource[];
  /** Uids of what was applied: it stays. */
  readonly uids: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
  readonly selector: string | undefined;
  readonly propagationPolicy: DeleteCallOptions["propagationPolicy"];
  readonly gracePeriodSeconds: number | undefined;
  readonly dryRun: DryRun;
}

/** The resources of `GROUP/VERSION/KIND` words, or the usual ones. @throws UsageError for a word in another form */
export async function pruneResources(
  words: readonly string[],
  env: CommandEnv,
): Promise<readonly DiscoveredResource[]> {
  const client = await env.client();
  return await Promise.all(
    (words.length > 0 ? words : defaultTypes).map((word) => {
      const [group = "", version, kind, ...more] = word.split("/");
      if (version === undefined || kind === undefined || more.length > 0)
        throw new UsageError(`invalid GroupVersionKind format: ${word}, please follow <group/version/kind>`);
      return resourceOfKind(client, {
        apiVersion: group === "core" || group === "" ? version : `${group}/${version}`,
        kind,
      });
    }),
  );
}

/** Says that the usual types are looked at, when no others were named. */
export function tellDefaultTypes(words: readonly string[], { terminal }: Pick<CommandEnv, "terminal">): void {
  if (words.length > 0) return;
  terminal.warn(
    "Warning: Deprecated: kubectl apply will no longer prune non-namespaced resources by default when used with the --namespace flag in a future release. To preserve the current behaviour, list the resources you want to target explicitly in the --prune-allowlist flag.",
  );
}

/** What was applied once and is not among what was applied now. */
export async function prunable(
  { allowed, uids, namespaces, selector }: Pick<PruneRequest, "allowed" | "uids" | "namespaces" | "selector">,
  env: CommandEnv,
): Promise<readonly { readonly resource: DiscoveredResource; readonly object: KubeObject }[]> {
  const client = await env.client();
  const places = [
    ...[...namespaces].flatMap((namespace) =>
      allowed.filter(({ namespaced }) => namespaced).map((resource) => ({ resource, namespace })),
    ),
    ...allowed.filter(({ namespaced }) => !namespaced).map((resource) => ({ resource, namespace: undefined })),
  ];
  const found: { readonly resource: DiscoveredResource; readonly object: KubeObject }[] = [];
  for (const { resource, namespace } of places) {
    const { items } = await client.list(resource, { namespace, labelSelector: selector, signal: env.signal });
    for (const object of items)
      if (object.metadata.annotations?.[lastAppliedAnnotation] !== undefined && !uids.has(object.metadata.uid ?? ""))
        found.push({ resource, object });
  }
  return found;
}

/** Deletes what was applied once and is not among what was applied now, and tells each. */
export async function prune(
  request: PruneRequest,
  tell: (object: KubeObject) => Promise<void>,
  env: CommandEnv,
): Promise<void> {
  const client = await env.client();
  const { dryRun, propagationPolicy, gracePeriodSeconds } = request;
  for (const { resource, object } of await prunable(request, env)) {
    if (dryRun !== "client")
      await client.delete(resource, keyOf(object), {
        propagationPolicy,
        gracePeriodSeconds,
        dryRun: dryRun === "server",
        signal: env.signal,
      });
    await tell(object);
  }
}
