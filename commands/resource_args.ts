import { apiVersionOf } from "../core/api/kind.ts";
import type { Client } from "../core/client/client.ts";
import {
  type DiscoveredResource,
  discover,
  findResource,
  findResourceOf,
  resourcesOfCategory,
  UnknownResourceError,
} from "../core/client/discovery.ts";
import { type DiscoveryCache, readDiscovery, refreshDiscovery } from "../core/client/discovery_cache.ts";
import { kinds } from "../core/kinds/mod.ts";
import { UsageError } from "./verb.ts";

/** Some objects of one resource: those named, or all of them. */
export interface ResourceSelection {
  readonly resource: DiscoveredResource;
  /** Undefined: all. */
  readonly names: readonly string[] | undefined;
}

const discoveries = new WeakMap<Client, Promise<readonly DiscoveredResource[]>>();
const caches = new WeakMap<Client, DiscoveryCache>();

/** Keeps what a client's server serves on disk, as kubectl does. */
export function keepDiscovery(client: Client, cache: DiscoveryCache): void {
  caches.set(client, cache);
}

/**
 * What the server serves; asked once per client.
 *
 * @param options.fresh ask the server in any case; else what it said in the last ten minutes may do
 */
export function resourcesOf(
  client: Client,
  { fresh = false }: { readonly fresh?: boolean } = {},
): Promise<readonly DiscoveredResource[]> {
  let found = fresh ? undefined : discoveries.get(client);
  if (!found) {
    const cache = caches.get(client);
    found = cache ? throughCache(client, cache, fresh) : discover(client);
    discoveries.set(client, found);
  }
  return found;
}

async function throughCache(
  client: Client,
  cache: DiscoveryCache,
  fresh: boolean,
): Promise<readonly DiscoveredResource[]> {
  return (fresh ? undefined : await readDiscovery(cache)) ?? (await refreshDiscovery(client, cache));
}

/** What `find` finds in what the server serves; what it does not know is looked for once more in what it serves now. */
async function findFresh<T>(client: Client, find: (resources: readonly DiscoveredResource[]) => T): Promise<T> {
  try {
    return find(await resourcesOf(client));
  } catch (error) {
    if (!(error instanceof UnknownResourceError) || !caches.has(client)) throw error;
    return find(await resourcesOf(client, { fresh: true }));
  }
}

/** What every Kubernetes serves: to ask the server for all that it has takes longer than most verbs. */
const everywhere: readonly DiscoveredResource[] = kinds.map(
  ({ group, version, kind, plural, namespaced, singular, shortNames, categories, subresources }) => ({
    group,
    version,
    kind,
    plural,
    namespaced,
    singular,
    shortNames,
    categories,
    verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
    subresources: Object.keys(subresources).map((name) => ({
      name,
      kind: name === "scale" ? "Scale" : kind,
      verbs: ["get", "patch", "update"],
    })),
  }),
);

/** The resource that a word names (`po`, `deployments.apps`, `Service`). @throws UnknownResourceError naming the nearest one */
export async function resourceNamed(client: Client, word: string): Promise<DiscoveredResource> {
  const lower = word.toLowerCase();
  const known = everywhere.find(
    ({ plural, singular, shortNames }) => plural === lower || singular === lower || shortNames.includes(lower),
  );
  if (known && lower !== "") return known;
  return await findFresh(client, (resources) => findResource(resources, word));
}

/** What an alias such as `all` stands for, as words; the word itself when it is none. */
export async function resourcesOfAlias(client: Client, word: string): Promise<readonly string[]> {
  const found = resourcesOfCategory(await resourcesOf(client), word);
  return found.length === 0 ? [word] : found.map(({ plural, group }) => (group ? `${plural}.${group}` : plural));
}

/**
 * The resource of a type, or those of a category such as `all`. Categories are looked for last: it takes to know what the
 * server has.
 *
 * @throws UnknownResourceError naming the nearest one
 */
export async function resourcesOfType(client: Client, type: string): Promise<readonly DiscoveredResource[]> {
  const inCategory = async () => resourcesOfCategory(await resourcesOf(client), type);
  const all = type === "all" ? await inCategory() : [];
  if (all.length > 0) return all;
  try {
    return [await resourceNamed(client, type)];
  } catch (error) {
    const some = error instanceof UnknownResourceError ? await inCategory() : [];
    if (some.length === 0) throw error;
    return some;
  }
}

/** The resource of objects with this apiVersion and kind. @throws UnknownResourceError naming the nearest one */
export async function resourceOfKind(
  client: Client,
  object: { readonly apiVersion: string; readonly kind: string },
): Promise<DiscoveredResource> {
  const known = everywhere.find(
    (resource) => apiVersionOf(resource) === object.apiVersion && resource.kind === object.kind,
  );
  return known ?? (await findFresh(client, (resources) => findResourceOf(resources, object)));
}

/**
 * What the words after a verb mean, as kubectl reads them: `pods`, `pods,services`, `pod a b`, `pod/a deploy/b`, `all`.
 *
 * @throws UsageError when they mean nothing
 */
export async function selectResources(client: Client, words: readonly string[]): Promise<readonly ResourceSelection[]> {
  const [first, ...rest] = words;
  if (first === undefined) {
    throw new UsageError(
      "You must specify the type of resource to work with. Use 'wherry api-resources' for a complete list of supported resources.",
    );
  }
  if (words.some((word) => word.includes("/"))) {
    const selections: ResourceSelection[] = [];
    for (const word of words) {
      const [type = "", name = "", ...more] = word.split("/");
      if (!type || !name || more.length > 0) {
        throw new UsageError(
          "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'wherry get resource/<resource_name>' instead of 'wherry get resource resource/<resource_name>')",
        );
      }
      selections.push({ resource: await resourceNamed(client, type), names: [name] });
    }
    return selections;
  }
  const types = first.split(",").filter(Boolean);
  if (types.includes("all")) {
    return resourcesOfCategory(await resourcesOf(client), "all").map((resource) => ({ resource, names: undefined }));
  }
  return await Promise.all(
    types.map(async (type) => ({
      resource: await resourceNamed(client, type),
      names: rest.length > 0 ? rest : undefined,
    })),
  );
}
