import { isReason } from "../../core/api/status.ts";
import type { DiscoveredResource } from "../../core/client/discovery.ts";
import { resourcePath } from "../../core/client/paths.ts";
import { namespace as namespaces } from "../../core/kinds/namespace.ts";
import type { CommandEnv } from "../env.ts";
import { loadManifests, type Manifest, namesManifests } from "../manifests.ts";
import { resourceNamed, resourcesOfType } from "../resource_args.ts";
import { type FlagValues, UsageError } from "../verb.ts";
import type { getFlags } from "./flags.ts";

/** The values of the flags of get. */
export type GetFlags = FlagValues<typeof getFlags>;

/** One thing to ask the server for: an object, or the list of a resource. */
export interface GetRequest {
  readonly resource: DiscoveredResource;
  /** Undefined: of all namespaces, or in none. */
  readonly namespace: string | undefined;
  /** Undefined: the list. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

/** What a command line asks for. */
export interface GetRequests {
  /** What is wrong with what was named: told after the rest. */
  readonly failed?: readonly unknown[];
  readonly requests: readonly GetRequest[];
  /** Whether the words can mean one object only: it is printed by itself, not in a list. */
  readonly single: boolean;
}

type Where = Pick<GetFlags, "all-namespaces" | "selector" | "field-selector" | "filename" | "recursive"> & {
  readonly kustomize?: string | undefined;
  readonly subresource?: string | undefined;
};

/**
 * What words, files and selectors ask for, as kubectl reads them: `pods`, `pods,services`, `pod a b`, `pod/a deploy/b`, `all`.
 *
 * @throws UsageError with kubectl's words, UnknownResourceError
 * @see k8s.io/cli-runtime/pkg/resource/builder.go
 */
export async function planRequests(words: readonly string[], flags: Where, env: CommandEnv): Promise<GetRequests> {
  const client = await env.client();
  if (namesManifests(flags)) {
    if (words.length > 0)
      throw new UsageError(
        words.some((word) => word.includes("/"))
          ? "resource/name arguments cannot be provided when a path is specified"
          : "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
      );
    const manifests = await loadManifests(flags, env, { checkTypes: false });
    const requests: GetRequest[] = [];
    const failed: unknown[] = [];
    for (const manifest of manifests) {
      if ("error" in manifest) failed.push(manifest.error);
      else
        await ofManifest(manifest, flags, env).then(
          (request) => requests.push(request),
          (error: unknown) => failed.push(error),
        );
    }
    // One file means one object, as long as nothing else stands in it.
    const [path = "", ...others] = flags.filename;
    const isFile = others.length === 0 && !/^https?:/.test(path) && manifests.every(({ source }) => source === path);
    return { requests, failed, single: isFile };
  }
  const selects = Boolean(flags.selector?.trim() || flags["field-selector"]?.trim());
  const { types, names, pairs } = parseWords(words);
  const named = async (type: string, name: string): Promise<GetRequest> => {
    const resource = await resourceNamed(client, type);
    if (resource.namespaced && flags["all-namespaces"])
      throw new UsageError("a resource cannot be retrieved by name across all namespaces");
    return { ...(await placed(resource, flags, env)), name };
  };
  if (selects) {
    if (names.length > 0) throw new UsageError("name cannot be provided when a selector is specified");
    if (pairs.length > 0)
      throw new UsageError("selectors and the all flag cannot be used when passing resource/name arguments");
  }
  if (pairs.length > 0 || names.length > 0) {
    const wanted = pairs.length > 0 ? pairs : types.flatMap((type) => names.map((name) => ({ type, name })));
    const requests: GetRequest[] = [];
    for (const { type, name } of wanted) requests.push(await named(type, name));
    return { requests, single: requests.length === 1 };
  }
  const requests: GetRequest[] = [];
  for (const resource of await resourcesOfTypes(types, env)) requests.push(await placed(resource, flags, env));
  if (flags.subresource && requests.length > 0)
    throw new UsageError("subresource cannot be used when bulk resources are specified");
  return { requests, single: false };
}

async function resourcesOfTypes(types: readonly string[], env: CommandEnv): Promise<readonly DiscoveredResource[]> {
  const client = await env.client();
  const resources: DiscoveredResource[] = [];
  for (const type of types) {
    for (const resource of await resourcesOfType(client, type)) {
      const known = resources.some(({ plural, group }) => plural === resource.plural && group === resource.group);
      if (!known) resources.push(resource);
    }
  }
  return resources;
}

async function placed(resource: DiscoveredResource, flags: Where, env: CommandEnv): Promise<GetRequest> {
  return {
    resource,
    namespace: resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined,
    name: undefined,
    subresource: flags.subresource || undefined,
    labelSelector: flags.selector?.trim() || undefined,
    fieldSelector: flags["field-selector"]?.trim() || undefined,
  };
}

async function ofManifest({ object, source }: Manifest, flags: Where, env: CommandEnv): Promise<GetRequest> {
  const { resourceOfManifest } = await import("../targets.ts");
  const resource = await resourceOfManifest(await env.client(), object, source);
  const { name, namespace } = object.metadata;
  if (!name) throw new UsageError("resource name may not be empty");
  return {
    ...(await placed(resource, flags, env)),
    labelSelector: undefined,
    fieldSelector: undefined,
    name,
    namespace: resource.namespaced ? (namespace ?? (await env.namespace())) : undefined,
  };
}

interface Words {
  readonly types: readonly string[];
  readonly names: readonly string[];
  readonly pairs: readonly { readonly type: string; readonly name: string }[];
}

function parseWords(words: readonly string[]): Words {
  const slashes = words.filter((word) => word.includes("/")).length;
  if (slashes === 0) {
    const [first, ...names] = words;
    return { types: first === undefined ? [] : first.split(","), names, pairs: [] };
  }
  if (slashes < words.length) {
    throw new UsageError(
      "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'wherry get resource/<resource_name>' instead of 'wherry get resource resource/<resource_name>'",
    );
  }
  const pairs = words.map((word) => {
    const [type = "", name = "", ...more] = word.split("/");
    if (more.length > 0) throw new UsageError("arguments in resource/name form may not have more than one slash");
    if (!type || !name || type.includes(","))
      throw new UsageError("arguments in resource/name form must have a single resource and name");
    return { type, name };
  });
  return { types: [], names: [], pairs };
}

/** The path of a request, with more query parameters. */
export function pathOf(request: GetRequest, query: Record<string, string | number | boolean | undefined> = {}): string {
  const { resource, namespace, name, subresource, labelSelector, fieldSelector } = request;
  if (name !== undefined) return resourcePath(resource, { namespace, name, subresource, query });
  return resourcePath(resource, { namespace, query: { labelSelector, fieldSelector, ...query } });
}

/** Where an object was not found, the error that its namespace was not, if that is so. */
export async function blameNamespace(error: unknown, { namespace }: GetRequest, env: CommandEnv): Promise<unknown> {
  if (!isReason(error, "NotFound") || !namespace || namespace === "default") return error;
  const client = await env.client();
  try {
    await client.get(namespaces, { name: namespace }, { signal: env.signal });
    return error;
  } catch (other) {
    return isReason(other, "NotFound") ? other : error;
  }
}
