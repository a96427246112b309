import type { CommandEnv } from "../env.ts";
import { resourcesOf } from "../resource_args.ts";
import type { GetFlags, GetRequests } from "./requests.ts";

/** What tells little and changes all the time. */
const noise = ["events", "events.events.k8s.io", "endpoints", "pods.metrics.k8s.io", "nodes.metrics.k8s.io"];

/**
 * A request for each resource that lives in namespaces and can be listed, one version of each: what `get all` leaves out,
 * custom resources too. Not events, and not what other APIs show of the same objects.
 */
export async function planEverything(flags: GetFlags, env: CommandEnv): Promise<GetRequests> {
  const namespace = flags["all-namespaces"] ? undefined : await env.namespace();
  const seen = new Set<string>();
  const resources = (await resourcesOf(await env.client())).filter(({ plural, group, namespaced, verbs }) => {
    const name = group ? `${plural}.${group}` : plural;
    if (!namespaced || !verbs.includes("list") || noise.includes(name) || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
  const requests = resources.map((resource) => ({
    resource,
    namespace,
    name: undefined,
    subresource: undefined,
    labelSelector: flags.selector || undefined,
    fieldSelector: flags["field-selector"] || undefined,
  }));
  return { requests, single: false };
}
