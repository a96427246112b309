import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { type CertificateAndKey, createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type KubeletServer, startKubeletServer } from "../../../node_daemon/kubelet/server.ts";
import { fakeRuntime } from "../../../node_daemon/runtime/fake.ts";

const clock = new FakeClock();
let authority: CertificateAndKey;
let server: KubeletServer;
/** What the API server knows: whose tokens these are, and who may do what to which subresource of the node. */
const users = new Map<string, UserInfo>();
const allowed = new Set<string>();
const reviews: { readonly kind: string; readonly spec: unknown }[] = [];
let broken = false;

interface Review {
  readonly kind: string;
  readonly spec: {
    readonly token: string;
    readonly user: string;
    readonly resourceAttributes: {
      readonly verb: string;
      readonly resource: string;
      readonly subresource: string;
      readonly name: string;
    };
  };
}

const client = {
  async create(_resource: unknown, { kind, spec }: Review) {
    if (broken) throw StatusError.unavailable("no API server");
    reviews.push({ kind, spec });
    if (kind === "TokenReview") {
      const user = users.get(spec.token);
      return { status: user ? { authenticated: true, user } : { user: {} } };
    }
    const { verb, resource, subresource, name } = spec.resourceAttributes;
    return { status: { allowed: allowed.has(`${spec.user} ${verb} ${resource}/${subresource} ${name}`) } };
  },
} as unknown as Client;

beforeAll(async () => {
  authority = await createAuthority({ commonName: "ca", clock: systemClock });
  const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] };
  const own = await issueCertificate(authority, { commonName: "node", usage: "server", clock: systemClock, ...names });
  server = await startKubeletServer({
    host: "127.0.0.1",
    port: 0,
    tls: { cert: own.certificate, key: own.key },
    clientCa: authority.certificate,
    access: { nodeName: "node-1", client, clock },
    pods: { get: () => undefined, list: () => [] },
    runtime: fakeRuntime({ clock, random: seededRandom(1) }),
    clock,
    log: silentLogger,
  });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  // What was remembered of one test is forgotten by the next.
  await clock.advance(600_000);
  users.clear();
  allowed.clear();
  reviews.length = 0;
  broken = false;
});

async function ask(path: string, { token, cert }: { token?: string; cert?: CertificateAndKey } = {}) {
  const request = httpsRequest({
    host: "127.0.0.1",
    port: server.port,
    path,
    rejectUnauthorized: false,
    agent: false,
    ...(cert ? { cert: cert.certificate, key: cert.key } : {}),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const part of response) text += part;
  return { code: response.statusCode ?? 0, text };
}

describe("Access", () => {
  it("lets in whom the API server knows by a token and lets read the subresource, and asks it once", async () => {
    users.set("prometheus-token", { username: "prom", groups: ["system:authenticated"], uid: "7" });
    allowed.add("prom get nodes/pods node-1");
    for (let times = 0; times < 3; times++) expect((await ask("/pods", { token: "prometheus-token" })).code).toBe(200);
    expect(reviews).toEqual([
      { kind: "TokenReview", spec: { token: "prometheus-token" } },
      {
        kind: "SubjectAccessReview",
        spec: {
          user: "prom",
          uid: "7",
          groups: ["system:authenticated"],
          resourceAttributes: { verb: "get", version: "v1", resource: "nodes", subresource: "pods", name: "node-1" },
        },
      },
    ]);
    await clock.advance(120_000);
    await ask("/pods", { token: "prometheus-token" });
    expect(reviews.map(({ kind }) => kind)).toEqual(["TokenReview", "SubjectAccessReview", "TokenReview"]);
  });

  it("asks for the subresource that a path belongs to", async () => {
    users.set("token", { username: "bob", groups: [] });
    const forbidden = async (path: string) => JSON.parse((await ask(path, { token: "token" })).text).message;
    const message = (subresource: string) =>
      `Forbidden (user=bob, verb=get, resource=nodes, subresource=${subresource})`;
    expect(await forbidden("/metrics/cadvisor")).toBe(message("metrics"));
    expect(await forbidden("/stats/summary?only_cpu_and_memory=true")).toBe(message("stats"));
    expect(await forbidden("/spec")).toBe(message("spec"));
    expect(await forbidden("/pods")).toBe(message("pods,proxy"));
    expect(await forbidden("/exec/default/web/main")).toBe(message("proxy"));
    expect(await forbidden("/metricsx")).toBe(message("proxy"));
    allowed.add("bob get nodes/proxy node-1");
    await clock.advance(30_000);
    expect((await ask("/pods", { token: "token" })).code).toBe(200);
  });

  it("turns away unknown tokens, and none, without a long memory of them", async () => {
    for (const options of [{}, { token: "unknown" }, { token: "x".repeat(20_000) }])
      expect((await ask("/pods", options)).code).toBe(401);
    expect(reviews).toHaveLength(1);
    users.set("unknown", { username: "bob", groups: [] });
    allowed.add("bob get nodes/pods node-1");
    expect((await ask("/pods", { token: "unknown" })).code).toBe(401);
    await clock.advance(10_000);
    expect((await ask("/pods", { token: "unknown" })).code).toBe(200);
  });

  it("does not take a token's user for the API server, whatever it is called", async () => {
    users.set("token", { username: "kube-apiserver-kubelet-client", groups: ["system:masters"] });
    expect((await ask("/pods", { token: "token" })).code).toBe(403);
  });

  it("lets in the user of a certificate whom the API server lets", async () => {
    const cert = await issueCertificate(authority, { commonName: "bob", usage: "client", clock: systemClock });
    expect((await ask("/pods", { cert })).code).toBe(403);
    allowed.add("bob get nodes/pods node-1");
    await clock.advance(30_000);
    expect((await ask("/pods", { cert })).code).toBe(200);
    // It is the certificate that counts, not a token beside it.
    users.set("token", { username: "alice", groups: [] });
    expect((await ask("/healthz", { cert, token: "token" })).code).toBe(403);
  });

  it("serves nobody whom the API server cannot be asked about, but API servers themselves", async () => {
    broken = true;
    expect((await ask("/pods", { token: "token" })).code).toBe(503);
    const cert = await issueCertificate(authority, {
      commonName: "kube-apiserver-kubelet-client",
      usage: "client",
      clock: systemClock,
    });
    expect((await ask("/pods", { cert })).code).toBe(200);
  });
});
