import type { ResourceType } from "../api/kind.ts";
import type { CallOptions, Client } from "./client.ts";
import { nearest } from "./nearest.ts";
import { headerText, readStatusError } from "./read_status_error.ts";
import { type ApiResponse, readBody } from "./transport.ts";

/** A part of a resource with a path of its own. */
export interface DiscoveredSubresource {
  /** E.g. `scale`. */
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** A resource that a server offers. */
export interface DiscoveredResource extends ResourceType {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly DiscoveredSubresource[];
}

/** Options of {@linkcode discover}. */
export interface DiscoverOptions extends CallOptions {
  /** Called for each group version that could not be read; the others are found all the same. Default: ignored. */
  readonly onFailure?: (groupVersion: string, error: unknown) => void;
}

/** No resource goes by that name. */
export class UnknownResourceError extends Error {
  override readonly name = "UnknownResourceError";
  /** What was probably meant. */
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion: string | undefined) {
    super(suggestion === undefined ? message : `${message}; did you mean "${suggestion}"?`);
    this.suggestion = suggestion;
  }
}

const maxDocumentBytes = 64 * 1024 * 1024;
const accept = [
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
  "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
  "application/json",
].join(",");

/**
 * All resources of a server, the groups in its order, each group's preferred version first. Asks for aggregated
 * discovery and falls back to one document per group version.
 *
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
 */
export async function discover(client: Client, options: DiscoverOptions = {}): Promise<readonly DiscoveredResource[]> {
  const [core, groups] = await Promise.all([
    discoverRoot(client, "/api", options),
    discoverRoot(client, "/apis", options),
  ]);
  return [...core, ...groups];
}

async function discoverRoot(
  client: Client,
  path: "/api" | "/apis",
  options: DiscoverOptions,
): Promise<readonly DiscoveredResource[]> {
  const response = await client.raw({ method: "GET", path, headers: { accept } }, options);
  const document = await readDocument(response);
  if (headerText(response, "content-type").includes("as=APIGroupDiscoveryList"))
    return aggregated(document as AggregatedDocument, options);
  const groupVersions =
    path === "/api"
      ? ((document as { versions?: string[] }).versions ?? [])
      : ((document as { groups?: GroupDocument[] }).groups ?? []).flatMap(versionsOf);
  const lists = await Promise.all(groupVersions.map((groupVersion) => legacy(client, path, groupVersion, options)));
  return lists.flat();
}

async function readDocument(response: ApiResponse): Promise<unknown> {
  if (response.status !== 200) throw await readStatusError(response, maxDocumentBytes);
  return JSON.parse(new TextDecoder().decode(await readBody(response.body, maxDocumentBytes)));
}

interface AggregatedDocument {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind: string };
        readonly scope: string;
        readonly singularResource?: string;
        readonly verbs?: readonly string[];
        readonly shortNames?: readonly string[];
        readonly categories?: readonly string[];
        readonly subresources?: readonly {
          readonly subresource: string;
          readonly responseKind?: { readonly kind: string };
          readonly verbs?: readonly string[];
        }[];
      }[];
    }[];
  }[];
}

function aggregated({ items = [] }: AggregatedDocument, { onFailure }: DiscoverOptions): readonly DiscoveredResource[] {
  return items.flatMap(({ metadata, versions = [] }) =>
    versions.flatMap(({ version, freshness, resources = [] }) => {
      const group = metadata?.name ?? "";
      const groupVersion = `${group}/${version}`;
      if (freshness === "Stale") onFailure?.(groupVersion, new Error(`stale GroupVersion discovery: ${groupVersion}`));
      return resources.map((resource) => ({
        group,
        version,
        kind: resource.responseKind?.kind ?? "",
        plural: resource.resource,
        namespaced: resource.scope === "Namespaced",
        singular: resource.singularResource || (resource.responseKind?.kind ?? "").toLowerCase(),
        shortNames: resource.shortNames ?? [],
        categories: resource.categories ?? [],
        verbs: resource.verbs ?? [],
        subresources: (resource.subresources ?? []).map(({ subresource: name, responseKind, verbs = [] }) => ({
          name,
          kind: responseKind?.kind ?? "",
          verbs,
        })),
      }));
    }),
  );
}

interface GroupDocument {
  readonly name: string;
  readonly versions?: readonly { readonly groupVersion: string }[];
  readonly preferredVersion?: { readonly groupVersion: string };
}

function versionsOf({ versions = [], preferredVersion }: GroupDocument): readonly string[] {
  const preferred = preferredVersion?.groupVersion;
  const rest = versions.map(({ groupVersion }) => groupVersion).filter((groupVersion) => groupVersion !== preferred);
  return preferred === undefined ? rest : [preferred, ...rest];
}

interface LegacyResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

async function legacy(
  client: Client,
  root: string,
  groupVersion: string,
  options: DiscoverOptions,
): Promise<readonly DiscoveredResource[]> {
  let resources: readonly LegacyResource[];
  try {
    const path = `${root}/${groupVersion}`;
    const response = await client.raw({ method: "GET", path, headers: { accept: "application/json" } }, options);
    resources = ((await readDocument(response)) as { resources?: LegacyResource[] }).resources ?? [];
  } catch (error) {
    options.signal?.throwIfAborted();
    options.onFailure?.(groupVersion, error);
    return [];
  }
  const [first = "", second] = groupVersion.split("/");
  const [group, version] = second === undefined ? ["", first] : [first, second];
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map(({ name: plural, singularName, namespaced, kind, verbs = [], shortNames = [], categories = [] }) => ({
      group,
      version,
      kind,
      plural,
      namespaced,
      singular: singularName || kind.toLowerCase(),
      shortNames,
      categories,
      verbs,
      subresources: resources
        .filter(({ name }) => name.startsWith(`${plural}/`))
        .map((part) => ({ name: part.name.slice(plural.length + 1), kind: part.kind, verbs: part.verbs ?? [] })),
    }));
}

/**
 * The resource that somebody means by `name`: plural, singular, short name or kind in any case, each also with
 * `.group` or `.version.group` (`deploy`, `deployments.apps`, `deployments.v1.apps`, `Deployment`). Where several
 * groups have it the first of the server's order is meant.
 *
 * @throws UnknownResourceError with kubectl's words, and the nearest name
 * @see k8s.io/cli-runtime/pkg/resource/builder.go mappingFor
 */
export function findResource<T extends DiscoveredResource>(resources: readonly T[], name: string): T {
  const wanted = name.toLowerCase();
  const [word = "", first, ...rest] = wanted.split(".");
  if (first === undefined) {
    const found = byWord(resources, word);
    if (found) return found;
  } else {
    // `a.b.c` is version b of group c, or the group b.c.
    const inVersion = resources.filter(({ version, group }) => version === first && group === rest.join("."));
    const found = byWord(inVersion, word) ?? byWord(resources.filter(inGroup([first, ...rest].join("."))), word);
    if (found) return found;
  }
  const words = resources.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...shortNames]);
  throw new UnknownResourceError(
    `the server doesn't have a resource type "${name.split(".", 1)[0]}"`,
    // Of another group or version than was asked for: nothing is nearer.
    words.includes(word) ? undefined : nearest(word, words),
  );
}

/** Resources of a group; of those that begin with the name when none has exactly that. */
function inGroup(
  group: string,
): (resource: DiscoveredResource, index: number, all: readonly DiscoveredResource[]) => boolean {
  let exact: boolean | undefined;
  return (resource, _index, all) => {
    exact ??= all.some((other) => other.group === group);
    return exact ? resource.group === group : resource.group.startsWith(group);
  };
}

function byWord<T extends DiscoveredResource>(resources: readonly T[], word: string): T | undefined {
  // Servers may leave singular names empty.
  if (word === "") return undefined;
  return (
    resources.find(({ plural }) => plural === word) ??
    resources.find(({ singular }) => singular === word) ??
    resources.find(({ shortNames }) => shortNames.includes(word)) ??
    resources.find(({ kind }) => kind.toLowerCase() === word)
  );
}

/**
 * The resource that holds objects of a manifest's apiVersion and kind.
 *
 * @throws UnknownResourceError with kubectl's words, and the nearest kind
 */
export function findResourceOf<T extends DiscoveredResource>(
  resources: readonly T[],
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
): T {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const found = resources.find(
    (resource) => resource.group === group && resource.version === version && resource.kind === kind,
  );
  if (found) return found;
  const kinds = resources.map((resource) => resource.kind);
  const elsewhere = resources.find((resource) => resource.kind === kind);
  const suggestion = elsewhere
    ? `${elsewhere.group ? `${elsewhere.group}/` : ""}${elsewhere.version}`
    : nearest(kind, kinds);
  throw new UnknownResourceError(`no matches for kind "${kind}" in version "${apiVersion}"`, suggestion);
}

/** The resources of a category such as `all`, those that can be listed, one version of each. */
export function resourcesOfCategory<T extends DiscoveredResource>(
  resources: readonly T[],
  category: string,
): readonly T[] {
  const seen = new Set<string>();
  return resources.filter(({ group, plural, categories, verbs }) => {
    const name = `${plural}.${group}`;
    if (!categories.includes(category) || !verbs.includes("list") || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}
