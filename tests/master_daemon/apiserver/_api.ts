import { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { loadSchema } from "../../../core/api/schema.ts";
import { type ApiRequest, type ApiResponse, readBody, type UserInfo } from "../../../core/client/transport.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { readPackedAsset } from "../../../core/platform/assets.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type AdmissionOptions, admissionPlugins, openWebhooks } from "../../../master_daemon/admission/mod.ts";
import { openResourceQuota } from "../../../master_daemon/admission/resource_quota.ts";
import { openServiceAddresses } from "../../../master_daemon/admission/service_addresses.ts";
import type { PostReview } from "../../../master_daemon/apiextensions/conversion_webhook.ts";
import { startDefinitions } from "../../../master_daemon/apiextensions/definitions.ts";
import type { Aggregator } from "../../../master_daemon/apiserver/aggregation/aggregator.ts";
import type { BackendServices } from "../../../master_daemon/apiserver/aggregation/remote_backend.ts";
import { type ApiHandler, type ApiHandlerOptions, createApiHandler } from "../../../master_daemon/apiserver/handle.ts";
import type { NodeConnector } from "../../../master_daemon/apiserver/node_connector.ts";
import { serviceDialer } from "../../../master_daemon/apiserver/proxy/backends.ts";
import { alwaysAllow } from "../../../master_daemon/authorization/authorizer.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import type { Registries } from "../../../master_daemon/registry/registry.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";

export const admin: UserInfo = { username: "admin", groups: ["system:masters", "system:authenticated"] };

/** An answer with its body read and parsed. */
export interface Answer {
  readonly status: number;
  readonly headers: ApiResponse["headers"];
  readonly text: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
  readonly json: any;
}

/** An API over a memory store, and a short way to ask it. */
export interface TestApi {
  readonly handler: ApiHandler;
  readonly registries: Registries;
  readonly clock: Clock;
  readonly nodes: FakeNodes;
  call(
    method: ApiRequest["method"],
    path: string,
    body?: Json | string,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  create(path: string, object: JsonObject): Promise<Answer>;
}

/** Node daemons that answer as a test tells them to. */
export interface FakeNodes extends NodeConnector {
  readonly paths: string[];
  respond: (path: string) => ApiResponse;
  open: (path: string, protocol: string) => Duplex;
}

export async function openApi(
  options: Omit<Partial<ApiHandlerOptions>, "aggregator"> & {
    /** Makes what sends requests on to other servers. */
    readonly aggregator?: (parts: Pick<BackendServices, "services">) => Promise<Aggregator>;
    readonly namespaces?: readonly string[];
    /** Default 10.96.0.0/24. */
    readonly clusterIpRange?: string;
    /** Converts custom resources. */
    readonly postReview?: PostReview;
    /** Admission plug-ins to switch on and off, and their configuration. */
    readonly plugins?: Partial<Pick<AdmissionOptions, "enable" | "disable" | "configuration" | "authorizer">>;
  } = {},
): Promise<TestApi> {
  const clock = options.clock ?? new FakeClock();
  const store = openMemoryStore({ clock });
  const random = seededRandom(1);
  const registries = await openRegistries({
    store,
    kinds,
    clock,
    random,
    log: silentLogger,
    localRanges: ["127.0.0.0/8"],
  });
  const serviceAddresses = await openServiceAddresses({
    registries,
    clusterIpRange: options.clusterIpRange ?? "10.96.0.0/24",
    nodePortRange: "30000-30009",
    clock,
    random,
    log: silentLogger,
  });
  const resourceQuotas = openResourceQuota({
    registries,
    clock,
    log: silentLogger,
    limited: options.plugins?.configuration?.limitedResources,
  });
  const nodes = fakeNodes();
  const schema = await loadSchema(readPackedAsset);
  const authorizer = options.authorizer ?? alwaysAllow;
  const dialService = serviceDialer({ registries, nodes, random });
  const aggregator = await options.aggregator?.({ services: { registries, nodes, random } });
  const webhooks = openWebhooks({ registries, schema, authorizer, dialService, clock, log: silentLogger });
  const handler = createApiHandler({
    registries,
    admission: admissionPlugins({
      registries,
      webhooks,
      schema,
      authorizer,
      serviceAddresses,
      resourceQuotas,
      clock,
      random,
      // No controller creates the accounts of namespaces.
      disable: ["ServiceAccount"],
      ...options.plugins,
    }),
    schema,
    authenticators: [],
    authorizer: alwaysAllow,
    nodes,
    clock,
    random,
    log: silentLogger,
    ...options,
    aggregator,
  });
  const definitions = await startDefinitions({
    registries,
    clock,
    log: silentLogger,
    postReview: options.postReview,
  });
  onTestFinished(async () => {
    handler.endStreams();
    await definitions[Symbol.asyncDispose]();
    await aggregator?.[Symbol.asyncDispose]();
    await webhooks[Symbol.asyncDispose]();
    await resourceQuotas[Symbol.asyncDispose]();
    await serviceAddresses[Symbol.asyncDispose]();
    await registries[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });
  const api: TestApi = {
    handler,
    registries,
    clock,
    nodes,
    async call(method, path, body, headers = {}) {
      const bytes =
        body === undefined
          ? undefined
          : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
      const signal = new AbortController().signal;
      const response = await handler.handle({ method, path, headers, body: bytes }, { user: admin, signal });
      return toAnswer(response);
    },
    create: (path, object) => api.call("POST", path, object),
  };
  for (const name of options.namespaces ?? ["default"])
    await api.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return api;
}

export async function toAnswer({ status, headers, body }: ApiResponse): Promise<Answer> {
  const text = new TextDecoder().decode(await readBody(body));
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}

function fakeNodes(): FakeNodes {
  const nodes: FakeNodes = {
    paths: [],
    respond: () => ({ status: 200, headers: {}, body: new TextEncoder().encode("log line\n") }),
    open: () => {
      throw new Error("not set");
    },
    async request(_node, path) {
      nodes.paths.push(path);
      return nodes.respond(path);
    },
    async upgrade(_node, path, protocol) {
      nodes.paths.push(path);
      return nodes.open(path, protocol);
    },
  };
  return nodes;
}

/** The two ends of a connection. */
export function duplexPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (other: () => Duplex | undefined): Duplex =>
    new Duplex({
      allowHalfOpen: true,
      read() {},
      write(chunk, _encoding, callback) {
        other()?.push(chunk);
        callback();
      },
      final(callback) {
        other()?.push(null);
        callback();
      },
      destroy(error, callback) {
        const peer = other();
        if (peer && !peer.destroyed && !this.writableFinished) setImmediate(() => peer.destroy());
        callback(error);
      },
    });
  ends.push(
    make(() => ends[1]),
    make(() => ends[0]),
  );
  for (const end of ends) end.on("error", () => {});
  return ends as [Duplex, Duplex];
}

export function configMap(name: string, data: Record<string, string> = { a: "1" }): JsonObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

export function podObject(name: string, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "main", image: "busybox" }], ...spec },
  };
}

/** Events of a watch, one by one. */
export async function* watchEvents(
  api: TestApi,
  path: string,
  {
    headers = {},
    signal = new AbortController().signal,
  }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
): AsyncGenerator<any, void, void> {
  const response = await api.handler.handle({ method: "GET", path, headers }, { user: admin, signal });
  if (response.body instanceof Uint8Array) throw new Error(new TextDecoder().decode(response.body));
  let rest = "";
  for await (const bytes of response.body) {
    rest += new TextDecoder().decode(bytes);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield JSON.parse(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
  }
}
