import type { JsonObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { ApiRequest, ApiResponse } from "../../core/client/transport.ts";
import { type MetricFamily, metricsContentType, renderMetrics } from "../../core/util/prometheus.ts";
import type { Registries } from "../registry/registry.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import { createDiscovery, type Discovery } from "./discovery.ts";
import { type HealthCheck, healthResponse, versionDocument } from "./health.ts";
import type { IssuerDocuments } from "./issuer_documents.ts";
import { documentResponse, isPretty, notFoundPage, textResponse } from "./respond.ts";

/** Serves OpenAPI documents. */
export interface OpenApiDocuments {
  /** Undefined for a path that is none of its own. */
  respond(
    path: string,
    headers: Readonly<Record<string, string>>,
  ): ApiResponse | undefined | Promise<ApiResponse | undefined>;
}

/** Options of {@linkcode createPaths}. */
export interface PathsOptions {
  readonly registries: Registries;
  readonly openApi: OpenApiDocuments | undefined;
  readonly issuer?: IssuerDocuments | undefined;
  readonly aggregator?: Pick<Aggregator, "remotes" | "onChange"> | undefined;
  readonly healthChecks: readonly HealthCheck[];
  /** What came of placing a pod the last time; undefined when that is not known here. */
  readonly explainScheduling?:
    | ((pod: { readonly namespace: string; readonly name: string }) => JsonObject | undefined)
    | undefined;
  /** What `/metrics` tells. */
  metrics(): Promise<readonly MetricFamily[]>;
}

/** Answers requests that are about no resource: documents about the server. */
export interface Paths {
  /** @throws StatusError */
  serve(segments: readonly string[], query: URLSearchParams, request: ApiRequest): Promise<ApiResponse>;
}

/** Serves discovery, OpenAPI, health, version and metrics. */
export function createPaths(options: PathsOptions): Paths {
  const { registries, openApi, issuer, aggregator, healthChecks, explainScheduling, metrics } = options;
  let discovery: Discovery | undefined;
  const changed = () => {
    discovery = undefined;
  };
  registries.onChange(changed);
  aggregator?.onChange(changed);

  function answerOf(
    segments: readonly string[],
    query: URLSearchParams,
    request: ApiRequest,
  ): (() => ApiResponse | Promise<ApiResponse>) | undefined {
    const [first = "", second] = segments;
    const form = { representation: { format: "json" } as const, pretty: isPretty(query, request) };
    if (segments.length === 0) return () => documentResponse({ paths: rootPaths(registries) }, 200, form);
    if (first === "healthz" || first === "livez" || first === "readyz") {
      if (second === undefined) return () => healthResponse(first, query, healthChecks);
      const one = healthChecks.filter(({ name }) => name === second);
      return segments.length === 2 && one.length > 0 ? () => healthResponse(first, query, one) : undefined;
    }
    const explained = first === "debug" ? schedulingOf(segments) : undefined;
    if (explained) return () => documentResponse(explained, 200, form);
    if (segments.length === 1 && first === "version") return () => documentResponse(versionDocument(), 200, form);
    if (segments.length === 1 && first === "metrics") return async () => metricsResponse(await metrics());
    discovery ??= createDiscovery(registries.kinds, aggregator?.remotes);
    const document = discovery.respond(segments, request.headers);
    return document && (() => document);
  }

  /** `/debug/scheduling/namespaces/NAMESPACE/pods/NAME`. */
  function schedulingOf([, topic, namespaces, namespace = "", pods, name = "", ...more]: readonly string[]) {
    if (topic !== "scheduling" || namespaces !== "namespaces" || pods !== "pods" || more.length > 0) return undefined;
    return explainScheduling?.({ namespace, name });
  }

  return {
    async serve(segments, query, request) {
      const isRead = request.method === "GET" || request.method === "HEAD";
      if (segments.includes("") && segments.length > 0) return notFoundPage();
      if (segments[0] === "openapi" && isRead)
        return (await openApi?.respond(request.path, request.headers)) ?? notFoundPage();
      const issued = isRead ? await issuer?.respond(segments) : undefined;
      if (issued) return issued;
      const answer = answerOf(segments, query, request);
      if (!answer) return notFoundPage();
      if (!isRead) throw StatusError.methodNotAllowed();
      return answer();
    },
  };
}

function metricsResponse(families: readonly MetricFamily[]): ApiResponse {
  return { ...textResponse(renderMetrics(families)), headers: { "content-type": metricsContentType } };
}

function rootPaths({ kinds }: Registries): readonly string[] {
  const groups = [...new Set(kinds.map(({ group, version }) => `${group}/${version}`))].filter(
    (text) => !text.startsWith("/"),
  );
  const paths = groups.flatMap((text) => [`/apis/${text.split("/", 1)[0]}`, `/apis/${text}`]);
  const others = [
    "/.well-known/openid-configuration",
    "/api",
    "/api/v1",
    "/apis",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openid/v1/jwks",
    "/readyz",
    "/version",
  ];
  return [...new Set([...others, ...paths])].sort();
}
