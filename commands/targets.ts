import { parseLabelSelector } from "../core/api/labels.ts";
import type { KubeObject, ObjectKey } from "../core/api/meta.ts";
import { isReason, StatusError } from "../core/api/status.ts";
import type { Client } from "../core/client/client.ts";
import { type DiscoveredResource, UnknownResourceError } from "../core/client/discovery.ts";
import { namespace } from "../core/kinds/namespace.ts";
import { throwAll } from "./all_errors.ts";
import type { CommandEnv } from "./env.ts";
import {
  loadManifests,
  type Manifest,
  type ManifestSources,
  namesManifests,
  type UnreadManifest,
} from "./manifests.ts";
import { withNamespace } from "./namespaced.ts";
import { resourceNamed, resourceOfKind, resourcesOfAlias, resourcesOfType } from "./resource_args.ts";
import { UsageError } from "./verb.ts";

/** One object that a command line means. */
export interface Target {
  readonly resource: DiscoveredResource;
  readonly key: ObjectKey;
  /** File, folder or URL that it was read from; empty when words named it. */
  readonly source: string;
}

/** The same with the object: as the manifest has it, or as the server does. */
export interface LoadedTarget extends Target {
  readonly object: KubeObject;
}

/** What a command line says about which objects it means. */
export interface TargetRequest {
  /** `pods`, `pods,services`, `pod a b`, `pod/a deploy/b`. */
  readonly words: readonly string[];
  readonly manifests?: ManifestSources | undefined;
  readonly selector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** All of the types named: `--all` of delete. */
  readonly everything?: boolean | undefined;
  /** A type alone means all of its objects: `--all` of label and others. */
  readonly typeAlone?: boolean | undefined;
  readonly allNamespaces?: boolean | undefined;
  /** Asks no server: manifests only. */
  readonly local?: boolean | undefined;
  /** Complain of a missing apiVersion or kind as validation does. Default false */
  readonly checkTypes?: boolean | undefined;
  /** The first thing that is wrong is the only one told: nothing is visited after it. Default false */
  readonly stopsAtError?: boolean | undefined;
}

/** The objects that a command line means. */
export interface Targets {
  /** Whether the words can only mean one. */
  readonly single: boolean;
  /** How many things to look up are named: each object of a manifest is one. */
  readonly named: number;
  /**
   * Visits each as it is named; where one fails, the others are visited all the same.
   *
   * @returns how many were visited
   * @throws what failed; AggregateError when several did
   */
  visit(visit: (target: Target & { readonly object?: KubeObject }) => Promise<void>): Promise<number>;
  /** The same with the objects: those that manifests do not have are fetched; with `latest` the others too. */
  visitLoaded(
    visit: (target: LoadedTarget) => Promise<void>,
    options?: { readonly latest?: boolean; readonly subresource?: string | undefined },
  ): Promise<number>;
}

/** Lists some of the objects; lazily, for what is wrong with the one must not keep the others from being visited. */
type Source = () => Promise<readonly (Target & { readonly object?: KubeObject })[]>;

/**
 * Finds the objects that words, manifests and selectors mean, as kubectl does. What is wrong with the command line is
 * told at once; what the server does not have is told by the visit.
 *
 * @throws UsageError with kubectl's words, UnknownResourceError
 * @see k8s.io/cli-runtime/pkg/resource/builder.go
 */
export async function findTargets(request: TargetRequest, env: CommandEnv): Promise<Targets> {
  const { sources, single } = await sourcesOf(request, env);
  const visit: Targets["visit"] = async (visitOne) => {
    const errors: unknown[] = [];
    const attempt = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await action();
      } catch (error) {
        if (env.signal.aborted || request.stopsAtError) throw error;
        errors.push(error);
        return undefined;
      }
    };
    let count = 0;
    for (const source of sources) {
      for (const target of (await attempt(source)) ?? []) {
        count++;
        await attempt(() => visitOne(target));
      }
    }
    throwAll(errors);
    return count;
  };
  return {
    single,
    named: sources.length,
    visit,
    visitLoaded: (visitOne, { latest = false, subresource } = {}) =>
      visit(async (target) => {
        const { object } = target;
        // What has no name yet is not there to be asked for.
        const isFetched = latest && !request.local && target.source !== "" && target.key.name !== "";
        const known = object !== undefined && !isFetched;
        await visitOne({ ...target, object: known ? object : await fetchObject(target, subresource, env) });
      }),
  };
}

/** The object of a target; what is missing is its namespace, if that is. */
async function fetchObject(
  { resource, key }: Target,
  subresource: string | undefined,
  env: CommandEnv,
): Promise<KubeObject> {
  const client = await env.client();
  try {
    const object = await client.get(resource, key, { signal: env.signal, ...(subresource ? { subresource } : {}) });
    return object;
  } catch (error) {
    if (isReason(error, "NotFound") && key.namespace && key.namespace !== "default") {
      await client.get(namespace, { name: key.namespace }, { signal: env.signal }).catch((other: unknown) => {
        if (isReason(other, "NotFound")) throw other;
      });
    }
    throw error;
  }
}

async function sourcesOf(
  request: TargetRequest,
  env: CommandEnv,
): Promise<{ readonly sources: readonly Source[]; readonly single: boolean }> {
  const { manifests } = request;
  const named = parseWords(await withAliases(request, env));
  const selector = request.selector?.trim() || undefined;
  const fieldSelector = request.fieldSelector?.trim() || undefined;
  if (request.everything && (selector || fieldSelector))
    throw new UsageError("setting 'all' parameter but found a non empty selector. ");
  if (manifests && namesManifests(manifests)) {
    const loaded = await loadManifests(manifests, env, { checkTypes: request.checkTypes ?? false });
    if (named.types.length > 0 && named.names.length === 0)
      throw new UsageError(
        "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
      );
    if (named.names.length > 0 || named.pairs.length > 0)
      throw new UsageError(
        named.pairs.length > 0
          ? "resource/name arguments cannot be provided when a path is specified"
          : "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
      );
    const [path = ""] = manifests.filename;
    const single = manifests.filename.length === 1 && path !== "-" && !path.includes(",") && isOneFile(loaded, path);
    return { sources: ofManifests(loaded, selector, request, env), single };
  }
  if (request.local) throw new UsageError(missingResource);
  const typeAlone = request.typeAlone && named.types.length > 0 && named.names.length === 0;
  if (request.everything || selector || fieldSelector || typeAlone) {
    if (named.names.length > 0) throw new UsageError("name cannot be provided when a selector is specified");
    if (named.pairs.length > 0)
      throw new UsageError("selectors and the all flag cannot be used when passing resource/name arguments");
    if (named.types.length === 0) throw new UsageError("at least one resource must be specified to use a selector");
    return { sources: await ofSelector(named.types, { ...request, selector, fieldSelector }, env), single: false };
  }
  return await ofWords(named, request, env);
}

const missingResource = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

interface NamedWords {
  readonly types: readonly string[];
  readonly names: readonly string[];
  readonly pairs: readonly { readonly type: string; readonly name: string }[];
}

async function withAliases({ words, local }: TargetRequest, env: CommandEnv): Promise<readonly string[]> {
  const [first, ...rest] = words;
  if (first === undefined || first.includes("/") || local) return words;
  const parts = first.split(",");
  if (!parts.includes("all")) return words;
  const client = await env.client();
  const expanded = await Promise.all(parts.map((part) => resourcesOfAlias(client, part)));
  return [expanded.flat().join(","), ...rest];
}

function parseWords(words: readonly string[]): NamedWords {
  const withSlash = words.filter((word) => word.includes("/"));
  if (withSlash.length > 0) {
    if (withSlash.length < words.length)
      throw new UsageError(
        "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'wherry get resource/<resource_name>' instead of 'wherry get resource resource/<resource_name>'",
      );
    return { types: [], names: [], pairs: words.map(parsePair) };
  }
  const [first, ...names] = words;
  const types = first === undefined ? [] : [...new Set(first.split(","))];
  if (types.length > 1 && names.length > 0)
    return { types: [], names: [], pairs: types.flatMap((type) => names.map((name) => ({ type, name }))) };
  return { types, names, pairs: [] };
}

function parsePair(word: string): { readonly type: string; readonly name: string } {
  const [type = "", name = "", ...more] = word.split("/");
  if (more.length > 0) throw new UsageError("arguments in resource/name form may not have more than one slash");
  if (!type || !name || type.includes(","))
    throw new UsageError("arguments in resource/name form must have a single resource and name");
  return { type, name };
}

function isOneFile(manifests: readonly { readonly source: string }[], path: string): boolean {
  return new Set(manifests.map(({ source }) => source)).size === 1 && manifests[0]?.source === path;
}

function ofManifests(
  manifests: readonly (Manifest | UnreadManifest)[],
  selector: string | undefined,
  { local }: TargetRequest,
  env: CommandEnv,
): readonly Source[] {
  const matches = selector === undefined ? undefined : parseLabelSelector(selector);
  return manifests.map((manifest) => async () => {
    if ("error" in manifest) throw manifest.error;
    const { object, source } = manifest;
    const resource = local ? resourceOffline(object) : await resourceOfManifest(await env.client(), object, source);
    if (matches && !matches.matches(object.metadata.labels)) return [];
    if (local) {
      await withNamespace(object, { ...resource, namespaced: true }, env);
      const { namespace, name = "" } = object.metadata;
      return [{ resource, source, object, key: { ...(namespace ? { namespace } : {}), name } }];
    }
    const placed = await withNamespace(object, resource, env);
    const { namespace, name = "" } = placed.metadata;
    return [{ resource, source, object: placed, key: { ...(resource.namespaced ? { namespace } : {}), name } }];
  });
}

/** The resource of an object that a file has. @throws UsageError with kubectl's words, naming the file */
export async function resourceOfManifest(
  client: Client,
  object: KubeObject,
  source: string,
): Promise<DiscoveredResource> {
  try {
    return await resourceOfKind(client, object);
  } catch (error) {
    if (!(error instanceof UnknownResourceError)) throw error;
    const { name = "", namespace = "" } = object.metadata;
    throw new UsageError(
      `resource mapping not found for name: "${name}" namespace: "${namespace}" from "${source}": ${error.message}\nensure CRDs are installed first`,
    );
  }
}

/** What is known of the resource of an object without asking a server: enough to print it. */
function resourceOffline({ apiVersion, kind, metadata }: KubeObject): DiscoveredResource {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    plural: "",
    singular: kind.toLowerCase(),
    namespaced: metadata.namespace !== undefined,
    shortNames: [],
    categories: [],
    verbs: [],
    subresources: [],
  };
}

async function ofSelector(
  types: readonly string[],
  { selector, fieldSelector, allNamespaces }: TargetRequest,
  env: CommandEnv,
): Promise<readonly Source[]> {
  const client = await env.client();
  const resources = new Set<DiscoveredResource>();
  for (const type of types) for (const one of await resourcesOfType(client, type)) resources.add(one);
  return [...resources].map((resource) => async () => {
    const namespace = resource.namespaced && !allNamespaces ? await env.namespace() : undefined;
    const list = await client.list(resource, {
      namespace,
      labelSelector: selector,
      fieldSelector,
      signal: env.signal,
    });
    return list.items.map((object) => {
      const { namespace: own, name = "" } = object.metadata;
      return { resource, source: "", object, key: { ...(resource.namespaced ? { namespace: own } : {}), name } };
    });
  });
}

async function ofWords(
  { types, names, pairs }: NamedWords,
  { allNamespaces }: TargetRequest,
  env: CommandEnv,
): Promise<{ readonly sources: readonly Source[]; readonly single: boolean }> {
  const [type] = types;
  if (pairs.length === 0 && type === undefined) throw new UsageError(missingResource);
  const client = await env.client();
  if (pairs.length === 0 && names.length === 0) {
    for (const one of types) await resourceNamed(client, one);
    throw new UsageError("resource(s) were provided, but no name was specified");
  }
  const wanted = pairs.length > 0 ? pairs : names.map((name) => ({ type: type ?? "", name }));
  const found: Target[] = [];
  for (const { type, name } of wanted) {
    const resource = await resourceNamed(client, type);
    if (resource.namespaced && allNamespaces)
      throw new UsageError("a resource cannot be retrieved by name across all namespaces");
    found.push({
      resource,
      source: "",
      key: resource.namespaced ? { namespace: await env.namespace(), name } : { name },
    });
  }
  return { sources: found.map((target) => async () => [target]), single: found.length === 1 };
}

/** The error with what was tried and where the object stands, as kubectl says it. */
export function withSource(error: unknown, doing: string, source: string): unknown {
  if (source === "" || !(error instanceof Error)) return error;
  const message = `error when ${doing} "${source}": ${error.message}`;
  return error instanceof StatusError ? StatusError.from({ ...error.status, message }) : new UsageError(message);
}
