import { jsonText } from "../../core/api/json_text.ts";
import { apiVersionOf, type Kind } from "../../core/api/kind.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { compareVersions } from "../../core/api/version_order.ts";
import type { ApiResponse } from "../../core/client/transport.ts";
import { sha256 } from "../../core/platform/hash.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { localPriority, type Priority, type Served } from "./aggregation/local_services.ts";
import { parseAccept } from "./negotiate.ts";
import { type SubresourceEntry, subresourcesOf, verbsOf } from "./subresources/table.ts";
import { virtualResources } from "./virtual/mod.ts";

const encoder = new TextEncoder();

interface Resource {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: readonly SubresourceEntry[];
  /** The kind that is stored; absent: nothing is. */
  readonly stored?: Pick<Kind, "group" | "version" | "kind">;
  /** Told of in the older documents only: clients that read those know no better version. */
  readonly hidden?: true;
}

interface Version {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly priority: Priority;
  /** Served by another server. */
  readonly remote?: RemoteVersion;
}

/** A version of a group that another server has. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  readonly priority: Priority;
  /** Whether what is known of it is what it has now. */
  readonly freshness: "Current" | "Stale";
  /** Resources as the aggregated document has them. */
  readonly resources: readonly JsonObject[];
}

/** Tells clients what is served: the older documents one by one, and all in one (aggregated). */
export interface Discovery {
  /** The document at a path; undefined when there is none. */
  respond(segments: readonly string[], headers: Readonly<Record<string, string>>): ApiResponse | undefined;
}

/** Makes the discovery documents of `kinds`, and of what other servers have. They are built once, at first use. */
export function createDiscovery(kinds: readonly Kind[], remotes: readonly RemoteVersion[] = []): Discovery {
  const groups = groupVersions(kinds, remotes);
  const aggregated = new Map<string, ApiResponse>();

  function aggregate(core: boolean, version: string): ApiResponse {
    const key = `${core} ${version}`;
    const known = aggregated.get(key);
    if (known) return known;
    const items = [...groups]
      .filter(([group, versions]) => (group === "") === core && versions.some(isShown))
      .map(([group, versions]) => aggregatedGroup([group, versions.filter(isShown)]));
    const body = {
      kind: "APIGroupDiscoveryList",
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items,
    };
    const bytes = encode(body);
    const response: ApiResponse = {
      status: 200,
      headers: {
        "content-type": `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
        vary: "Accept",
        etag: `"${sha256(bytes).toUpperCase()}"`,
      },
      body: bytes,
    };
    aggregated.set(key, response);
    return response;
  }

  return {
    respond(segments, headers) {
      const [root, group, version] = segments;
      if ((root === "api" || root === "apis") && segments.length === 1) {
        const wanted = aggregatedVersion(headers["accept"]);
        if (wanted) return unlessKnown(aggregate(root === "api", wanted), headers);
        return json(root === "api" ? apiVersions(headers["host"]) : groupList(groups));
      }
      if (root === "api" && segments.length === 2) {
        const found = groups.get("")?.find((candidate) => candidate.version === group);
        return found && json(resourceList(found));
      }
      if (root !== "apis" || group === undefined || group === "") return undefined;
      const versions = groups.get(group);
      if (!versions) return undefined;
      if (segments.length === 2) return json({ kind: "APIGroup", apiVersion: "v1", ...groupEntry(group, versions) });
      const found = versions.find((candidate) => candidate.version === version);
      return segments.length === 3 && found ? json(resourceList(found)) : undefined;
    },
  };
}

/** Whether newer clients are told of it: some versions are there for older ones only. */
function isShown({ resources, remote }: Version): boolean {
  return remote !== undefined || resources.some(({ hidden }) => !hidden);
}

/** More than any APIService may have, and less than the core group's rank. */
const maxPriority = 20_001;

/**
 * Versions by group, both in discovery order: it decides who owns a name that several groups have.
 *
 * @see k8s.io/kube-aggregator/pkg/apis/apiregistration/v1/helper SortedByGroupAndVersion
 */
function groupVersions(
  kinds: readonly Kind[],
  remotes: readonly RemoteVersion[],
): ReadonlyMap<string, readonly Version[]> {
  const versions = new Map<string, Version & { readonly resources: Resource[] }>();
  for (const remote of remotes) {
    const { group, version, priority } = remote;
    versions.set(`${group}/${version}`, { group, version, resources: [], priority, remote });
  }
  const add = (served: Served, resource: Resource) => {
    const { group, version } = served;
    const key = `${group}/${version}`;
    const entry = versions.get(key) ?? { group, version, resources: [], priority: localPriority(served) };
    versions.set(key, entry);
    entry.resources.push(resource);
  };
  for (const kind of kinds)
    add(kind, {
      ...kind,
      verbs: verbsOf(kind),
      subresources: subresourcesOf(kind),
      ...(verbsOf(kind).includes("create") ? { stored: kind.storedAs?.kind ?? kind } : {}),
    });
  for (const resource of virtualResources.filter(({ hidden }) => !hidden))
    add(resource, {
      ...resource,
      singular: resource.kind.toLowerCase(),
      verbs: ["create"],
      shortNames: [],
      categories: [],
      subresources: [],
    });
  const groups = new Map<string, Version[]>();
  const highest = new Map<string, number>();
  for (const { group, priority } of versions.values())
    highest.set(group, Math.max(priority.group, highest.get(group) ?? 0));
  // The aggregator's own group goes before all that it follows.
  const rank = (group: string) => (group === "apiregistration.k8s.io" ? maxPriority : (highest.get(group) ?? 0));
  const order = (a: Version, b: Version) =>
    rank(b.group) - rank(a.group) ||
    compareText(a.group, b.group) ||
    b.priority.version - a.priority.version ||
    compareVersions(a.version, b.version);
  for (const entry of [...versions.values()].sort(order)) {
    entry.resources.sort((a, b) => (a.plural < b.plural ? -1 : 1));
    groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  }
  return groups;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function apiVersions(host: string | undefined): JsonObject {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: host ?? "" }],
  };
}

function groupList(groups: ReadonlyMap<string, readonly Version[]>): JsonObject {
  const named = [...groups].filter(([group]) => group !== "");
  return {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: named.map(([group, versions]) => groupEntry(group, versions)),
  };
}

function groupEntry(group: string, versions: readonly Version[]): JsonObject {
  const list = versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] ?? null };
}

function resourceList({ group, version, resources }: Version): JsonObject {
  return {
    kind: "APIResourceList",
    ...(group ? { apiVersion: "v1" } : {}),
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.flatMap((resource) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: resource.verbs,
        ...names(resource),
        ...(resource.stored ? { storageVersionHash: storageVersionHash(resource.stored) } : {}),
      },
      ...resource.subresources.map(({ name, response, verbs }) => ({
        name: `${resource.plural}/${name}`,
        singularName: "",
        namespaced: resource.namespaced,
        ...(response.group !== group || response.version !== version
          ? { group: response.group, version: response.version }
          : {}),
        kind: response.kind,
        verbs,
      })),
    ]),
  };
}

function aggregatedGroup([group, versions]: [string, readonly Version[]]): JsonObject {
  return {
    metadata: group ? { name: group } : {},
    versions: versions.map(({ version, resources, remote }) => ({
      version,
      freshness: remote?.freshness ?? "Current",
      resources:
        remote?.resources ??
        resources.map((resource) => ({
          resource: resource.plural,
          responseKind: { group, version, kind: resource.kind },
          scope: resource.namespaced ? "Namespaced" : "Cluster",
          singularResource: resource.singular,
          verbs: resource.verbs,
          ...names(resource),
          ...(resource.subresources.length > 0
            ? {
                subresources: resource.subresources.map(({ name, response, verbs }) => ({
                  subresource: name,
                  responseKind: { ...response },
                  verbs,
                })),
              }
            : {}),
        })),
    })),
  };
}

/** Tells clients whether two versions of a kind are the same objects. @see k8s.io/apiserver/pkg/endpoints/discovery, StorageVersionHash */
function storageVersionHash({ group, version, kind }: Pick<Kind, "group" | "version" | "kind">): string {
  const digest = sha256(encoder.encode(`${group}/${version}/${kind}`));
  return toBase64(Uint8Array.from(digest.slice(0, 16).match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
}

function names({ shortNames, categories }: Resource): JsonObject {
  return {
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}

/** The version of the aggregated document that the client takes, in its order of preference. */
function aggregatedVersion(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseAccept(accept)) {
    const version = parameters.get("v");
    if (type === "application/json" && !parameters.has("as")) return undefined;
    if (
      type === "application/json" &&
      parameters.get("g") === "apidiscovery.k8s.io" &&
      parameters.get("as") === "APIGroupDiscoveryList" &&
      (version === "v2" || version === "v2beta1")
    )
      return version;
  }
  return undefined;
}

function unlessKnown(response: ApiResponse, headers: Readonly<Record<string, string>>): ApiResponse {
  return headers["if-none-match"] === response.headers["etag"]
    ? { ...response, status: 304, body: new Uint8Array() }
    : response;
}

function json(body: JsonObject): ApiResponse {
  return { status: 200, headers: { "content-type": "application/json", vary: "Accept" }, body: encode(body) };
}

function encode(body: JsonObject): Uint8Array {
  return encoder.encode(`${jsonText(body)}\n`);
}
