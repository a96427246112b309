import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpTransport } from "../../../core/client/http_transport.ts";
import { readBody } from "../../../core/client/transport.ts";
import { endpoints } from "../../../core/kinds/endpoints.ts";
import { node } from "../../../core/kinds/node.ts";
import { pod } from "../../../core/kinds/pod.ts";
import { service } from "../../../core/kinds/service.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { parseBackendName } from "../../../master_daemon/apiserver/proxy/backend_name.ts";
import { rewriteLinks, rewriteLocation } from "../../../master_daemon/apiserver/proxy/rewrite_links.ts";
import { parseRoute } from "../../../master_daemon/apiserver/routes.ts";
import { type Master, startMaster } from "../../../master_daemon/master.ts";
import { cpuMsOf } from "../../cpu_time.ts";

const token = "test-token-1234567890";
const signal = new AbortController().signal;

/** What the program in the pod was asked. */
const asked: { readonly method: string; readonly url: string; readonly headers: IncomingMessage["headers"] }[] = [];
let program: Server;
let master: Master;
let authority = "";

beforeAll(async () => {
  program = createServer(async (request, response) => {
    asked.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const [path] = (request.url ?? "").split("?");
    if (path === "/links")
      response.setHeader("content-type", "text/html").end('<p><a class="x" href="/next?a=1">next</a></p>');
    else if (path === "/moved") response.writeHead(302, { location: "/elsewhere" }).end();
    else if (path === "/fail") response.writeHead(418, { "x-tea": "pot" }).end("short and stout");
    else response.end(`${request.method} ${request.url} ${Buffer.concat(body).toString()}`);
  });
  program.on("upgrade", (request, socket: Socket) => {
    if (request.url === "/refuse") return socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => program.listen(0, "127.0.0.1", resolve));
  const { port } = program.address() as AddressInfo;
  master = await startMaster({
    listen: { port: 0 },
    tokens: new Map([[token, { username: "admin", groups: ["system:masters"] }]]),
    nodes: {
      request: async (_node, path) => ({ status: 200, headers: {}, body: new TextEncoder().encode(`node ${path}`) }),
      async upgrade(_node, path): Promise<Duplex> {
        // Whatever the pod's status says: the node knows where its pod listens.
        if (!path.endsWith("?port=8080")) throw new Error(`connection refused: ${path}`);
        return connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
      },
    },
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
  });
  authority = await master.ca();
  const { client } = master;
  await client.create(node, { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
  await client.create(pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "default" },
    spec: {
      nodeName: "n",
      containers: [{ name: "main", image: "x", ports: [{ name: "web", containerPort: 8080 }] }],
    },
  });
  const { metadata } = await client.get(pod, { namespace: "default", name: "p" });
  await client.create(service, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", namespace: "default" },
    spec: { ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  });
  const targetRef = { kind: "Pod", name: "p", namespace: "default", uid: metadata.uid ?? "" };
  await client.create(endpoints, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "s", namespace: "default" },
    subsets: [{ addresses: [{ ip: "10.1.1.1", targetRef }], ports: [{ name: "http", port: 8080 }] }],
  });
  await client.create(service, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "forged", namespace: "default" },
    spec: { ports: [{ port: 80 }] },
  });
  await client.create(endpoints, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "forged", namespace: "default" },
    subsets: [{ addresses: [{ ip: "10.1.1.2" }], ports: [{ port: 9 }] }],
  });
});
afterAll(async () => {
  await master[Symbol.asyncDispose]();
  program.closeAllConnections();
  await new Promise((resolve) => program.close(resolve));
});

async function ask(
  path: string,
  options: { method?: "GET" | "POST" | "HEAD"; body?: string; headers?: Record<string, string> } = {},
) {
  const transport = httpTransport({ server: master.url ?? "", ca: authority, token });
  try {
    const { method = "GET", body, headers = {} } = options;
    const response = await transport.request(
      { method, path, headers, body: body === undefined ? undefined : new TextEncoder().encode(body) },
      { signal },
    );
    const text = new TextDecoder().decode(await readBody(response.body));
    return { status: response.status, headers: response.headers, text };
  } finally {
    await transport[Symbol.asyncDispose]();
  }
}

const pods = "/api/v1/namespaces/default/pods";
const services = "/api/v1/namespaces/default/services";

describe("/proxy", () => {
  it("carries requests of every method to a pod's port and its answer back", async () => {
    expect((await ask(`${pods}/p:8080/proxy/a/b/?q=1%202`)).text).toBe("GET /a/b/?q=1%202 ");
    expect((await ask(`${pods}/p/proxy/x`, { method: "POST", body: "hello" })).text).toBe("POST /x hello");
    expect((await ask(`${pods}/http:p:web/proxy/`)).text).toBe("GET / ");
    expect(await ask(`${pods}/p/proxy/fail`)).toMatchObject({
      status: 418,
      headers: { "x-tea": "pot" },
      text: "short and stout",
    });
  });

  it("reaches a ready endpoint of a service by port name, number, or none", async () => {
    for (const name of ["s", "s:80", "s:http", "http:s:http"])
      expect((await ask(`${services}/${name}/proxy/x`)).text).toBe("GET /x ");
    expect((await ask(`${services}/s:nope/proxy/x`)).status).toBe(503);
    expect((await ask(`${services}/kubernetes-not/proxy/x`)).status).toBe(404);
  });

  it("keeps the caller's credentials to itself", async () => {
    await ask(`${pods}/p/proxy/secret`, { headers: { "x-remote-user": "root", cookie: "a=b" } });
    const headers = asked.at(-1)?.headers;
    expect(headers?.authorization).toBeUndefined();
    expect(headers?.["x-remote-user"]).toBeUndefined();
    expect(headers?.cookie).toBe("a=b");
    expect(headers?.["x-forwarded-uri"]).toBe(`${pods}/p/proxy/secret`);
  });

  it("has links and redirects lead through itself, and never follows a redirect", async () => {
    expect((await ask(`${pods}/p/proxy/links`)).text).toBe(
      `<p><a class="x" href="${pods}/p/proxy/next?a=1">next</a></p>`,
    );
    expect(await ask(`${pods}/p/proxy/moved`)).toMatchObject({
      status: 302,
      headers: { location: `${pods}/p/proxy/elsewhere` },
    });
    expect(await ask(`${pods}/p/proxy?a=1`)).toMatchObject({
      status: 301,
      headers: { location: `${pods}/p/proxy/?a=1` },
    });
  });

  it("says what cannot be reached, as Kubernetes does", async () => {
    const refused = await ask(`${pods}/p:9/proxy/`);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.text).message).toContain("error trying to reach service");
    expect((await ask(`${pods}/p:web:8080:x/proxy/`)).status).toBe(400);
    expect((await ask(`${pods}/gone/proxy/`)).status).toBe(404);
    expect((await ask(`${pods}/p/proxy/../../secrets`)).status).toBe(400);
    expect((await ask(`${pods}/p/proxy/%2e%2e/x`)).status).toBe(400);
  });

  it("asks a node's daemon, and no other port of the node", async () => {
    expect((await ask("/api/v1/nodes/n/proxy/pods?a=1")).text).toBe("node /pods?a=1");
    expect((await ask("/api/v1/nodes/n:22/proxy/")).status).toBe(400);
  });

  it("joins an upgraded connection with the backend's", async () => {
    const { received } = await upgrade(`${pods}/p/proxy/socket`, "ping");
    expect(received).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\nping$/s);
  });

  it("closes the connection when the backend refuses to upgrade: a second request on it is not answered", async () => {
    const second = `GET ${pods}/p/proxy/stolen HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    const before = asked.length;
    const { received } = await upgrade(`${pods}/p/proxy/refuse`, second);
    expect(received).toMatch(/^HTTP\/1\.1 403 /);
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(asked).toHaveLength(before);
  });
});

/** Asks for an upgrade over TLS, sends `more` behind it, and gives back all that came until the end or `ping`. */
async function upgrade(path: string, more: string): Promise<{ readonly received: string }> {
  const { hostname, port } = new URL(master.url ?? "");
  const socket = connectTls({ host: hostname, port: Number(port), ca: authority, ALPNProtocols: ["http/1.1"] });
  const head = [
    `GET ${path} HTTP/1.1`,
    "Host: x",
    `Authorization: Bearer ${token}`,
    "Connection: Upgrade",
    "Upgrade: echo",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${more}`);
  let received = "";
  for await (const chunk of socket) {
    received += String(chunk);
    if (received.endsWith("ping")) break;
  }
  socket.destroy();
  return { received };
}

describe("parseBackendName()", () => {
  it.each([
    ["p", { scheme: "http", name: "p", port: "" }],
    ["p:80", { scheme: "http", name: "p", port: "80" }],
    ["https:p:", { scheme: "https", name: "p", port: "" }],
    ["https:p:web", { scheme: "https", name: "p", port: "web" }],
    [":p:web", { scheme: "http", name: "p", port: "web" }],
  ])("%s", (text, expected) => expect(parseBackendName(text)).toEqual(expected));

  it.each(["", ":", "ftp:p:1", "a:b:c:d"])("refuses %j", (text) => {
    expect(() => parseBackendName(text)).toThrow("invalid proxy request");
  });
});

describe("parseRoute()", () => {
  it("keeps the backend's path as it was sent", () => {
    const { target } = parseRoute("/api/v1/namespaces/n/services/s:80/proxy//a%2Fb/?x=/proxy/");
    expect(target).toMatchObject({ resource: "services", name: "s:80", subresource: "proxy", proxyPath: "//a%2Fb/" });
  });

  it("knows a pod, service or namespace that is called proxy", () => {
    expect(parseRoute("/api/v1/namespaces/proxy/pods/p").target).toMatchObject({ namespace: "proxy", name: "p" });
    expect(parseRoute("/api/v1/namespaces/n/pods/proxy").target).toMatchObject({ name: "proxy", proxyPath: undefined });
    expect(parseRoute("/api/v1/namespaces/n/pods/proxy/status").target).toMatchObject({ name: "proxy" });
    expect(parseRoute("/api/v1/namespaces/n/pods/proxy/proxy/x").target).toMatchObject({
      name: "proxy",
      proxyPath: "/x",
    });
  });
});

describe("rewriteLinks()", () => {
  it("rewrites absolute paths only, once", () => {
    const html = `<a href="/x"><img src='/y' alt="/z"><a href="//host/x"><a href="http://h/"><form action="/p/f">`;
    expect(rewriteLinks(html, "/p")).toBe(
      `<a href="/p/x"><img src='/p/y' alt="/z"><a href="//host/x"><a href="http://h/"><form action="/p/f">`,
    );
  });

  it("takes no long time over hostile documents", async () => {
    const cpuMs = await cpuMsOf(() => {
      rewriteLinks("<a ".repeat(300_000), "/p");
      rewriteLinks(`<a${" href".repeat(200_000)}`, "/p");
    });
    expect(cpuMs).toBeLessThan(2000);
  });

  it("rewriteLocation() leaves other hosts alone", () => {
    const through = { prefix: "/p", host: "s.default.svc" };
    expect(rewriteLocation("http://s.default.svc/x?y#z", through)).toBe("/p/x?y#z");
    expect(rewriteLocation("http://example.com/x", through)).toBe("http://example.com/x");
    expect(rewriteLocation("relative", through)).toBe("relative");
  });
});
