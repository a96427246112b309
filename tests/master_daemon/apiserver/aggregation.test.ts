import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { noSchema } from "../../../core/api/schema.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type Aggregator, startAggregator } from "../../../master_daemon/apiserver/aggregation/aggregator.ts";
import { localServices, planLocalServices } from "../../../master_daemon/apiserver/aggregation/local_services.ts";
import { createDiscovery, type RemoteVersion } from "../../../master_daemon/apiserver/discovery.ts";
import { openApi as openApiDocuments } from "../../../master_daemon/apiserver/openapi/open_api.ts";
import { patienceMs } from "../../patience.ts";
import { openApi, type TestApi } from "./_api.ts";

type Seen = { readonly url: string; readonly headers: IncomingMessage["headers"]; readonly commonName: string };

/** A server of `things.example.com/v1` behind the service `things`, and an API that knows of it. */
async function open(respond?: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const clock = systemClock;
  const [authority, frontProxy] = await Promise.all(
    ["things-ca", "front-proxy-ca"].map((commonName) => createAuthority({ commonName, clock })),
  );
  if (!authority || !frontProxy) throw new Error("no authorities");
  const dnsNames = ["things.default.svc"];
  const { certificate, key } = await issueCertificate(authority, {
    commonName: "things",
    dnsNames,
    usage: "server",
    clock,
  });
  const client = await issueCertificate(frontProxy, { commonName: "front-proxy-client", usage: "client", clock });
  const seen: Seen[] = [];
  const server = createServer(
    { cert: certificate, key, ca: frontProxy.certificate, requestCert: true },
    (request, response) => {
      const peer = (
        request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }
      ).getPeerCertificate();
      seen.push({ url: request.url ?? "", headers: request.headers, commonName: peer.subject?.CN ?? "" });
      if (respond?.(request, response)) return;
      response.setHeader("content-type", "application/json");
      if (request.url === "/apis/things.example.com/v1")
        response.end(
          JSON.stringify({
            kind: "APIResourceList",
            apiVersion: "v1",
            groupVersion: "things.example.com/v1",
            resources: [
              { name: "things", singularName: "thing", namespaced: true, kind: "Thing", verbs: ["get", "list"] },
              { name: "things/status", singularName: "", namespaced: true, kind: "Thing", verbs: ["get"] },
            ],
          }),
        );
      else if (request.url?.startsWith("/apis/things.example.com/v1/")) response.end('{"kind":"ThingList","items":[]}');
      else response.writeHead(404).end("{}");
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  let aggregator: Aggregator | undefined;
  const documents = openApiDocuments({
    kinds: () => kinds,
    schema: noSchema,
    version: "v1.36.0",
    clock,
    remotes: async () => (await aggregator?.openApi()) ?? [],
  });
  const api = await openApi({
    clock,
    openApi: documents,
    aggregator: async ({ services }) => {
      aggregator = await startAggregator({
        services,
        frontProxyClient: async () => client,
        clock,
        log: silentLogger,
      });
      aggregator.keepLocal();
      return aggregator;
    },
  });
  // The pod that the service leads to is reached through its node.
  api.nodes.open = () => connect(port, "127.0.0.1");
  await makeService(api);
  return { api, seen, caBundle: btoa(authority.certificate) };
}

async function makeService(api: TestApi): Promise<void> {
  const metadata = { name: "things", namespace: "default" };
  await api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
  await api.create("/api/v1/namespaces/default/pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { nodeName: "n", containers: [{ name: "c", image: "c" }] },
  });
  await api.create("/api/v1/namespaces/default/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { ports: [{ port: 443, targetPort: 8443 }] },
  });
  const made = await api.create("/api/v1/namespaces/default/endpoints", {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata,
    subsets: [
      {
        addresses: [{ ip: "10.0.0.1", targetRef: { kind: "Pod", name: "things", namespace: "default" } }],
        ports: [{ port: 8443 }],
      },
    ],
  });
  expect(made.status, made.text).toBe(201);
}

const apiService = (more: JsonObject = {}, service = "things"): JsonObject => ({
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name: "v1.things.example.com" },
  spec: {
    group: "things.example.com",
    version: "v1",
    service: { namespace: "default", name: service },
    groupPriorityMinimum: 1000,
    versionPriority: 15,
    ...more,
  },
});

const path = "/apis/apiregistration.k8s.io/v1/apiservices";
const things = "/apis/things.example.com/v1/namespaces/default/things";

async function untilCondition(api: TestApi, reason: string) {
  return vi.waitFor(async () => {
    const { json } = await api.call("GET", `${path}/v1.things.example.com`);
    expect(json.status?.conditions?.[0], JSON.stringify(json.status)).toMatchObject({ type: "Available", reason });
    return json.status.conditions[0];
  }, patienceMs);
}

describe("aggregation", () => {
  it("sends requests on, and says who asks", async () => {
    const { api, seen, caBundle } = await open();
    expect((await api.call("GET", things)).status).toBe(404);
    expect((await api.create(path, apiService({ caBundle }))).status).toBe(201);
    expect(await untilCondition(api, "Passed")).toMatchObject({ status: "True", message: "all checks passed" });
    const answer = await api.call("GET", `${things}?limit=5`, undefined, {
      "x-remote-user": "mallory",
      authorization: "Bearer secret",
    });
    expect(answer.json).toEqual({ kind: "ThingList", items: [] });
    const { url, headers, commonName } = seen.at(-1) as Seen;
    expect([url, commonName]).toEqual([`${things}?limit=5`, "front-proxy-client"]);
    expect(headers).toMatchObject({
      "x-remote-user": "admin",
      "x-remote-group": "system:masters, system:authenticated",
    });
    expect(headers.authorization).toBeUndefined();
  });

  it("tells of it in discovery", async () => {
    const { api, caBundle } = await open();
    await api.create(path, apiService({ caBundle }));
    await untilCondition(api, "Passed");
    const { json } = await api.call("GET", "/apis", undefined, {
      accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    });
    const group = json.items.find((one: { metadata: { name: string } }) => one.metadata.name === "things.example.com");
    expect(group.versions).toEqual([
      {
        version: "v1",
        freshness: "Current",
        resources: [
          {
            resource: "things",
            responseKind: { group: "things.example.com", version: "v1", kind: "Thing" },
            scope: "Namespaced",
            singularResource: "thing",
            verbs: ["get", "list"],
            subresources: [
              {
                subresource: "status",
                responseKind: { group: "things.example.com", version: "v1", kind: "Thing" },
                verbs: ["get"],
              },
            ],
          },
        ],
      },
    ]);
    const older = await api.call("GET", "/apis");
    expect(older.json.groups.map(({ name }: { name: string }) => name)).toContain("things.example.com");
    expect((await api.call("GET", "/apis/things.example.com")).json.preferredVersion.version).toBe("v1");
    expect((await api.call("GET", "/apis/things.example.com/v1")).json.kind).toBe("APIResourceList");
  });

  it("answers 503 while it cannot be reached, and says why", async () => {
    const { api, caBundle } = await open();
    await api.create(path, apiService({ caBundle }, "nothing"));
    expect(await untilCondition(api, "ServiceNotFound")).toMatchObject({
      status: "False",
      message: 'service/nothing in "default" is not present',
    });
    const answer = await api.call("GET", things);
    expect([answer.status, answer.text]).toEqual([503, "service unavailable\n"]);
    await api.call("DELETE", `${path}/v1.things.example.com`);
    await expect.poll(async () => (await api.call("GET", things)).status).toBe(404);
  });

  it("looks again when the endpoints of its service change", async () => {
    const { api, caBundle } = await open();
    await api.create(path, apiService({ caBundle }));
    await untilCondition(api, "Passed");
    const endpoints = "/api/v1/namespaces/default/endpoints/things";
    const { json } = await api.call("GET", endpoints);
    await api.call("DELETE", endpoints);
    expect((await untilCondition(api, "EndpointsNotFound")).status).toBe("False");
    await api.create("/api/v1/namespaces/default/endpoints", { ...json, metadata: { name: "things" }, subsets: [] });
    await untilCondition(api, "MissingEndpoints");
    await api.call("DELETE", "/api/v1/namespaces/default/services/things");
    await untilCondition(api, "ServiceNotFound");
  });

  it("does not believe a server with another certificate, unless it is told to", async () => {
    const { api } = await open();
    await api.create(path, apiService());
    expect((await untilCondition(api, "FailedDiscoveryCheck")).message).toContain(
      "things.default.svc:443/apis/things.example.com/v1",
    );
    await api.call("DELETE", `${path}/v1.things.example.com`);
    await api.create(path, apiService({ insecureSkipTLSVerify: true }));
    await untilCondition(api, "Passed");
    expect((await api.call("GET", things)).status).toBe(200);
  });

  it("keeps APIServices for what is served here", async () => {
    const { api } = await open();
    await expect
      .poll(async () => (await api.call("GET", `${path}/v1.apps`)).json)
      .toMatchObject({
        metadata: { labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" } },
        spec: { group: "apps", version: "v1", groupPriorityMinimum: 17800, versionPriority: 15 },
        status: { conditions: [{ type: "Available", status: "True", reason: "Local" }] },
      });
    await expect.poll(async () => (await api.call("GET", `${path}/v1.`)).status).toBe(200);
  });
});

/** Answers with documents, by path. */
const documentsOf =
  (documents: Readonly<Record<string, unknown>>) =>
  ({ url = "" }: IncomingMessage, response: ServerResponse): boolean => {
    const document = documents[url];
    if (document === undefined) return false;
    // An integer that no JavaScript number holds.
    response.end(JSON.stringify(document).replaceAll('"LARGE"', "9007199254740993"));
    return true;
  };

const things1 = "/apis/things.example.com/v1";
const swagger = {
  swagger: "2.0",
  paths: {
    "/apis/other.example.com/v1/others": { get: { responses: {} } },
    [`${things1}/namespaces/{namespace}/things`]: {
      parameters: [{ name: "namespace", in: "path", required: true, type: "string" }],
      post: {
        operationId: "createThing",
        consumes: ["*/*"],
        parameters: [
          { name: "body", in: "body", required: true, schema: { $ref: "#/definitions/com.example.Thing" } },
          { name: "dryRun", in: "query", type: "string" },
        ],
        responses: { "200": { description: "OK", schema: { $ref: "#/definitions/com.example.Thing" } } },
        "x-kubernetes-action": "post",
      },
    },
  },
  definitions: {
    "com.example.Thing": {
      description: "A thing.",
      type: "object",
      properties: {
        colour: { type: "string", description: "How it looks." },
        pods: { $ref: "#/definitions/io.k8s.api.core.v1.Pod" },
        ["__proto__"]: { type: "string" },
      },
      "x-kubernetes-group-version-kind": [{ group: "things.example.com", version: "v1", kind: "Thing" }],
      "x-large": "LARGE",
    },
    "com.example.Unused": { type: "object" },
    // Another one than the Pod that is served here.
    "io.k8s.api.core.v1.Pod": { type: "object", description: "Pods of peas." },
  },
};

describe("OpenAPI of other servers", () => {
  it("is merged into the Swagger document, as far as it is of their group", async () => {
    const { api, caBundle } = await open(documentsOf({ "/openapi/v2": swagger }));
    await api.create(path, apiService({ caBundle }));
    await untilCondition(api, "Passed");
    const { json } = await api.call("GET", "/openapi/v2");
    expect(json.paths["/apis/other.example.com/v1/others"]).toBeUndefined();
    expect(json.paths[`${things1}/namespaces/{namespace}/things`].post).toMatchObject({
      operationId: "createThing",
      "x-kubernetes-action": "post",
    });
    expect(json.definitions["com.example.Unused"]).toBeUndefined();
    const { properties } = json.definitions["com.example.Thing"];
    expect((await api.call("GET", "/openapi/v2")).text).toContain('"x-large":9007199254740993');
    expect(properties.pods.$ref).toBe("#/definitions/io.k8s.api.core.v1.Pod_v2");
    expect(Object.keys(properties)).toContain("__proto__");
    expect(json.definitions["io.k8s.api.core.v1.Pod_v2"].description).toBe("Pods of peas.");
    expect(json.definitions["io.k8s.api.core.v1.Pod"].description).not.toBe("Pods of peas.");
    // The form that kubectl up to 1.28 asks for can be written of it.
    const accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
    expect((await api.call("GET", "/openapi/v2", undefined, { accept })).text).toContain("How it looks.");
    await api.call("DELETE", `${path}/v1.things.example.com`);
    await expect
      .poll(async () => (await api.call("GET", "/openapi/v2")).json.definitions["com.example.Thing"])
      .toBeUndefined();
  });

  it("is made of the older form where they have no newer one", async () => {
    const { api, caBundle } = await open(documentsOf({ "/openapi/v2": swagger }));
    await api.create(path, apiService({ caBundle }));
    await untilCondition(api, "Passed");
    const index = (await api.call("GET", "/openapi/v3")).json.paths;
    const { serverRelativeURL } = index["apis/things.example.com/v1"];
    const { json } = await api.call("GET", serverRelativeURL);
    expect(json.components.schemas["com.example.Thing"]).toMatchObject({
      description: "A thing.",
      properties: { pods: { $ref: "#/components/schemas/io.k8s.api.core.v1.Pod" } },
    });
    const { post, parameters } = json.paths[`${things1}/namespaces/{namespace}/things`];
    expect(parameters).toMatchObject([{ name: "namespace", in: "path", schema: { type: "string" } }]);
    expect(post).toMatchObject({
      parameters: [{ name: "dryRun", in: "query" }],
      requestBody: { content: { "*/*": { schema: { $ref: "#/components/schemas/com.example.Thing" } } } },
    });
  });

  it("is handed on as they say it in its newer form", async () => {
    const document = { openapi: "3.0.0", info: {}, paths: {}, components: { schemas: { Thing: { type: "object" } } } };
    const { api, caBundle } = await open(
      documentsOf({
        "/openapi/v3": {
          paths: {
            "apis/things.example.com/v1": { serverRelativeURL: "/openapi/v3/apis/things.example.com/v1?hash=1" },
          },
        },
        "/openapi/v3/apis/things.example.com/v1": document,
      }),
    );
    await api.create(path, apiService({ caBundle }));
    await untilCondition(api, "Passed");
    expect((await api.call("GET", "/openapi/v3/apis/things.example.com/v1")).json).toEqual(document);
    expect((await api.call("GET", "/openapi/v3/apis/apps/v1")).status).toBe(200);
  });

  it("that is none does no harm", async () => {
    const { api, caBundle } = await open((request, response) => {
      if (!request.url?.startsWith("/openapi")) return false;
      response.end(request.url === "/openapi/v2" ? '{"paths":[1],"definitions":{"a":7}}' : "nothing");
      return true;
    });
    await api.create(path, apiService({ caBundle }));
    await untilCondition(api, "Passed");
    expect((await api.call("GET", "/openapi/v2")).json.swagger).toBe("2.0");
    expect((await api.call("GET", "/openapi/v3/apis/apps/v1")).status).toBe(200);
  });
});

describe("order in discovery", () => {
  it.each([
    [17_850, "apps", false],
    [17_790, "apps", true],
  ])("is that of the priorities of APIServices (%d)", async (groupPriorityMinimum, other, isAfter) => {
    const { api, caBundle } = await open();
    await api.create(path, apiService({ caBundle, groupPriorityMinimum }));
    await untilCondition(api, "Passed");
    const { json } = await api.call("GET", "/apis");
    const names: readonly string[] = json.groups.map(({ name }: { name: string }) => name);
    expect(names.indexOf("things.example.com") > names.indexOf(other)).toBe(isAfter);
    // Nothing goes before the group that says so.
    expect(names[0]).toBe("apiregistration.k8s.io");
  });

  it("of versions is that of versionPriority, then that of versions", () => {
    const version = (name: string, priority: number): RemoteVersion => ({
      group: "g.example.com",
      version: name,
      priority: { group: 1, version: priority },
      freshness: "Current",
      resources: [],
    });
    const remotes = [version("v1", 10), version("v2", 10), version("v3alpha1", 20), version("v2beta1", 10)];
    const answer = createDiscovery([], remotes).respond(["apis", "g.example.com"], {});
    const { versions } = JSON.parse(new TextDecoder().decode(answer?.body as Uint8Array));
    expect(versions.map((one: { version: string }) => one.version)).toEqual(["v3alpha1", "v2", "v1", "v2beta1"]);
  });
});

describe("planLocalServices()", () => {
  it("makes what is missing and removes what it made and is served no more", () => {
    const local = localServices(kinds);
    expect(planLocalServices(kinds, local)).toEqual({ create: [], remove: [] });
    const gone = {
      ...local[0],
      metadata: { name: "v1.gone", labels: { "kube-aggregator.kubernetes.io/automanaged": "true" } },
    };
    const own = { ...gone, metadata: { name: "v1.own" } };
    const { create, remove } = planLocalServices(kinds, [...local.slice(1), gone, own] as typeof local);
    expect([create.map(({ metadata }) => metadata.name), remove.map(({ metadata }) => metadata.name)]).toEqual([
      [local[0]?.metadata.name],
      ["v1.gone"],
    ]);
  });

  it("leaves the APIService of metrics to whoever installs metrics-server", () => {
    expect(kinds.some(({ group }) => group === "metrics.k8s.io")).toBe(true);
    expect(localServices(kinds).filter(({ spec }) => spec.group === "metrics.k8s.io")).toEqual([]);
  });
});
