import type { Kind } from "../../core/api/kind.ts";
import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../core/client/transport.ts";
import type { Registries, Registry } from "../registry/registry.ts";
import type { Call } from "./call.ts";
import { componentStatuses } from "./component_statuses.ts";
import { negotiate } from "./negotiate.ts";
import { type AnswerForm, includeObjectOf, isPretty, notFoundPage } from "./respond.ts";
import type { ResourceRoute, Route } from "./routes.ts";
import type { ResourceRequest, Services } from "./services.ts";
import { subresourceHandlers } from "./subresources/mod.ts";
import { subresourcesOf, verbsOf } from "./subresources/table.ts";
import { usageRegistries } from "./usage/usage_registries.ts";
import { create } from "./verbs/create.ts";
import { remove, removeCollection } from "./verbs/delete.ts";
import { patch } from "./verbs/patch.ts";
import { get, list, watch } from "./verbs/read.ts";
import { update } from "./verbs/update.ts";
import { virtualResources } from "./virtual/mod.ts";
import type { VirtualResource } from "./virtual/virtual_resource.ts";

/** Who asks, until when, and where warnings go. */
export interface Work {
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  readonly takesObjects?: boolean | undefined;
  readonly warnings: string[];
  readonly annotations: Map<string, string>;
}

/** What is served under `/api` and `/apis`. */
export interface Resources {
  /** Every group with each of its versions, `GROUP/VERSION`. */
  readonly groupVersions: ReadonlySet<string>;
  /** The kind and subresource that a path is about; undefined when it is about none. */
  find(target: Route["target"]): { readonly kind: Kind; readonly subresource: string } | undefined;
  /** Answers a request that was allowed. @throws StatusError */
  serve(route: ResourceRoute, call: Call, request: ApiRequest, work: Work): Promise<ApiResponse>;
}

/** Serves what the registries serve, as they change. */
export function createResources(registries: Registries, services: Services): Resources {
  const usage = usageRegistries(services);
  // What is found out when it is asked for, by the definition of its kind.
  const computed = new Map<string, Registry>(
    [componentStatuses(services.healthChecks), usage.nodes, usage.pods].map((one) => [
      one.kind.schema,
      one as Registry,
    ]),
  );
  let kinds = new Map<string, Kind>();
  let groupVersions: ReadonlySet<string> = new Set();

  function follow(): void {
    kinds = new Map(registries.kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]));
    groupVersions = new Set([...registries.kinds, ...virtualResources].map((one) => `${one.group}/${one.version}`));
  }
  follow();
  registries.onChange(follow);

  function kindAt({ group, version, resource }: ResourceRoute): Kind | undefined {
    return kinds.get(`${group}/${version}/${resource}`);
  }

  /** The kind that a path is about. @throws StatusError NotFound when there is none, or the path leaves out its namespace or has one too many */
  function kindOf(route: ResourceRoute): Kind {
    const kind = kindAt(route);
    const { namespace, name, rest } = route;
    const isWellScoped = kind?.namespaced ? namespace !== undefined || name === undefined : namespace === undefined;
    if (!kind || !isWellScoped || rest.length > 0) throw noSuchResource();
    return kind;
  }

  return {
    get groupVersions() {
      return groupVersions;
    },
    find(target) {
      if (target.type !== "resource") return undefined;
      const kind = kindAt(target);
      const { subresource = "" } = target;
      if (!kind || (subresource !== "" && !subresourcesOf(kind).some(({ name }) => name === subresource)))
        return undefined;
      return { kind, subresource };
    },
    async serve(route, { verb, route: { query } }, request, { user, signal, takesObjects, warnings, annotations }) {
      if (!groupVersions.has(`${route.group}/${route.version}`)) return notFoundPage();
      const virtual = virtualOf(route);
      const form: AnswerForm = {
        // What is never stored has no metadata.
        representation: negotiate(request.headers["accept"], virtual === undefined),
        pretty: isPretty(query, request),
        includeObject: includeObjectOf(query),
        now: services.clock.now(),
        takesObjects,
      };
      const common = { request, route, query, user, signal, form, services, warnings, annotations };
      if (virtual) {
        if (verb !== "create" || route.name !== undefined) throw StatusError.methodNotAllowed();
        return virtual.serve(common);
      }
      const kind = kindOf(route);
      if (kind.deprecated !== undefined) warnings.push(kind.deprecated);
      const registry = computed.get(kind.schema) ?? registries.for(kind);
      const r: ResourceRequest = { ...common, kind, registry };
      return route.subresource === undefined ? serveObject(r, verb) : serveSubresource(r, verb);
    },
  };
}

function virtualOf({ group, version, resource, namespace }: ResourceRoute): VirtualResource | undefined {
  return virtualResources.find(
    (one) =>
      one.group === group &&
      one.version === version &&
      one.plural === resource &&
      one.namespaced === (namespace !== undefined),
  );
}

function serveObject(r: ResourceRequest, verb: string): Promise<ApiResponse> {
  const isAcrossNamespaces = r.kind.namespaced && r.route.namespace === undefined;
  if (!verbsOf(r.kind).includes(verb) || (isAcrossNamespaces && verb !== "list" && verb !== "watch"))
    throw StatusError.methodNotAllowed();
  switch (verb) {
    case "get":
      return get(r);
    case "list":
      return list(r);
    case "watch":
      return watch(r);
    case "create":
      if (r.route.name !== undefined) throw StatusError.methodNotAllowed();
      return create(r);
    case "update":
      return update(r);
    case "patch":
      return patch(r);
    case "delete":
      return remove(r);
    case "deletecollection":
      return removeCollection(r);
    default:
      throw StatusError.methodNotAllowed();
  }
}

function serveSubresource(r: ResourceRequest, verb: string): Promise<ApiResponse> {
  const entry = subresourcesOf(r.kind).find(({ name }) => name === r.route.subresource);
  if (!entry) throw noSuchResource();
  if (!entry.verbs.includes(verb)) throw StatusError.methodNotAllowed();
  const serve = subresourceHandlers.get(entry.name);
  // What is only ever upgraded has no answer of its own.
  if (!serve) throw StatusError.badRequest("Upgrade request required");
  return serve(r, verb);
}

function noSuchResource(): StatusError {
  return new StatusError(404, "NotFound", "the server could not find the requested resource", {});
}
