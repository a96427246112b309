import type { KubeObject } from "../core/api/meta.ts";
import type { CommandEnv } from "./env.ts";
import { resourcesOf } from "./resource_args.ts";

/**
 * All objects of a namespace, or of all and of none, with their kinds; no events. Of what may not be listed none.
 *
 * @param signal ends it; the command's own by default
 */
export async function listEverything(
  namespace: string | undefined,
  env: CommandEnv,
  signal: AbortSignal = env.signal,
): Promise<readonly KubeObject[]> {
  const client = await env.client();
  const seen = new Set<string>();
  const resources = (await resourcesOf(client)).filter(({ group, plural, namespaced, verbs }) => {
    const name = `${plural}.${group}`;
    if (seen.has(name) || !verbs.includes("list") || !verbs.includes("watch")) return false;
    if (namespace !== undefined && !namespaced) return false;
    seen.add(name);
    return plural !== "events";
  });
  const lists = await Promise.all(
    resources.map(async (resource) => {
      // Nobody chose the deprecated ones among them.
      const options = { namespace: resource.namespaced ? namespace : undefined, onWarning: () => {}, signal };
      const { items } = await client.list(resource, options).catch(() => ({ items: [] as readonly KubeObject[] }));
      const { kind, group, version } = resource;
      const apiVersion = group ? `${group}/${version}` : version;
      return items.map((item) => ({ ...item, kind, apiVersion }));
    }),
  );
  signal.throwIfAborted();
  return lists.flat();
}
