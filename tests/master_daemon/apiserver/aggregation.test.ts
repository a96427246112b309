import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { startAggregator } from "../../../master_daemon/apiserver/aggregation/aggregator.ts";
import { localServices, planLocalServices } from "../../../master_daemon/apiserver/aggregation/local_services.ts";
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
  const api = await openApi({
    clock,
    aggregator: async ({ services }) => {
      const aggregator = await startAggregator({
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
  return vi.waitFor(
    async () => {
      const { json } = await api.call("GET", `${path}/v1.things.example.com`);
      expect(json.status?.conditions?.[0], JSON.stringify(json.status)).toMatchObject({ type: "Available", reason });
      return json.status.conditions[0];
    },
    { timeout: 10_000 },
  );
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
    await vi.waitFor(async () => expect((await api.call("GET", things)).status).toBe(404));
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
    await vi.waitFor(async () => {
      const { json } = await api.call("GET", `${path}/v1.apps`);
      expect(json).toMatchObject({
        metadata: { labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" } },
        spec: { group: "apps", version: "v1", groupPriorityMinimum: 17800, versionPriority: 15 },
        status: { conditions: [{ type: "Available", status: "True", reason: "Local" }] },
      });
    });
    await vi.waitFor(async () => expect((await api.call("GET", `${path}/v1.`)).status).toBe(200));
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
});
