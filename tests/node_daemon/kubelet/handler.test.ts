import { createServer, type Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Handler } from "../../../core/kinds/pod.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { runHandler, timeoutText } from "../../../node_daemon/kubelet/handler.ts";
import { fakeRuntime } from "../../../node_daemon/runtime/fake.ts";
import { makeSandbox, spec1 } from "./fixtures.ts";

const runtime = fakeRuntime({ clock: new FakeClock(), random: seededRandom(1) });
let server: Server;
let port = 0;
let closedPort = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    if (pathname === "/redirect") response.writeHead(302, { location: "/ok" }).end();
    else if (pathname === "/away") response.writeHead(302, { location: "http://example.invalid/" }).end();
    else if (pathname === "/loop") response.writeHead(302, { location: "/loop" }).end();
    else if (pathname === "/echo") response.end(JSON.stringify(request.headers));
    else if (pathname === "/never") return;
    else response.writeHead(pathname === "/ok" ? 200 : 503).end("body");
  });
  port = await listen(server);
  const other = createServer();
  closedPort = await listen(other);
  await new Promise((resolve) => other.close(resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function listen(target: {
  listen(port: number, host: string, done: () => void): unknown;
  address(): unknown;
}): Promise<number> {
  return new Promise((resolve) => target.listen(0, "127.0.0.1", () => resolve((target.address() as AddressInfo).port)));
}

function run(handler: Handler, signal: AbortSignal = new AbortController().signal) {
  const spec = spec1("app", { ports: [{ name: "http", containerPort: port }] });
  const target = { id: "c", spec, sandbox: makeSandbox({ ip: "127.0.0.1" }) };
  return runHandler(handler, target, { runtime, clock: new FakeClock(), userAgent: "kube-probe/1.34", signal });
}

describe("runHandler()", () => {
  it.each([
    ["/ok", true, "body"],
    ["ok", true, "body"],
    ["/redirect", true, "body"],
    ["/fail", false, "HTTP probe failed with statuscode: 503"],
  ])("httpGet of %s is %s", async (path, ok, output) => {
    expect(await run({ httpGet: { path, port: "http" } })).toEqual({ ok, output });
  });

  it("httpGet warns of a redirect to another host, which it does not follow", async () => {
    const warning = "Probe terminated redirects, Response body: ";
    expect(await run({ httpGet: { path: "/away", port: "http" } })).toEqual({ ok: true, output: "", warning });
  });

  it("httpGet gives up on endless redirects", async () => {
    const { ok, output } = await run({ httpGet: { path: "/loop", port } });
    expect(ok).toBe(false);
    expect(output).toContain("stopped after 10 redirects");
  });

  it("httpGet sends its headers and names itself", async () => {
    const httpHeaders = [
      { name: "Host", value: "shop.example" },
      { name: "X-A", value: "1" },
    ];
    const { output } = await run({ httpGet: { path: "/echo", port, httpHeaders } });
    expect(JSON.parse(output)).toMatchObject({
      host: "shop.example",
      "x-a": "1",
      "user-agent": "kube-probe/1.34",
      accept: "*/*",
    });
  });

  it("words refused connections as Go does", async () => {
    expect(await run({ httpGet: { path: "/x", port: closedPort } })).toEqual({
      ok: false,
      output: `Get "http://127.0.0.1:${closedPort}/x": dial tcp 127.0.0.1:${closedPort}: connect: connection refused`,
    });
    expect(await run({ tcpSocket: { port: closedPort } })).toEqual({
      ok: false,
      output: `dial tcp 127.0.0.1:${closedPort}: connect: connection refused`,
    });
  });

  it("tcpSocket is content with a connection", async () => {
    expect(await run({ tcpSocket: { port: "http" } })).toEqual({ ok: true, output: "" });
  });

  it("rejects when a port has no such name", async () => {
    await expect(run({ tcpSocket: { port: "none" } })).rejects.toThrow("couldn't find port: none");
    await expect(run({})).rejects.toThrow("missing probe handler");
  });

  it.each<[Handler, string]>([
    [{ exec: { command: ["cat", "/a b"] } }, 'command timed out: "cat /a b" timed out after 1.5s'],
    [{ tcpSocket: { port: 80 } }, "dial tcp 127.0.0.1:80: i/o timeout"],
    [{ tcpSocket: { port: 80, host: "::1" } }, "dial tcp [::1]:80: i/o timeout"],
    [{ grpc: { port: 80 } }, "timeout: health rpc did not complete within 1.5s"],
    [
      { httpGet: { port: 80, path: "x?y", scheme: "HTTPS" } },
      'Get "https://127.0.0.1:80/x?y": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
    ],
  ])("words that %j took too long", (handler, text) => {
    const target = { id: "c", spec: spec1("app"), sandbox: makeSandbox({ ip: "127.0.0.1" }) };
    expect(timeoutText(handler, target, { runtime, timeoutMs: 1500 })).toBe(text);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const asked = run({ httpGet: { path: "/never", port } }, controller.signal);
    controller.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });

  it.each([
    [1, true, "service healthy"],
    [2, false, 'service unhealthy (responded with "NOT_SERVING")'],
  ])("grpc with serving status %i is %s", async (status, ok, output) => {
    let asked = "";
    const grpc = createHttp2Server((request, response) => {
      request.on("data", (chunk: Buffer) => {
        asked += chunk.subarray(7).toString();
      });
      request.on("end", () => {
        response.writeHead(200, { "content-type": "application/grpc", trailer: "grpc-status" });
        response.addTrailers({ "grpc-status": "0" });
        response.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
      });
    });
    const grpcPort = await listen(grpc);
    expect(await run({ grpc: { port: grpcPort, service: "shop" } })).toEqual({ ok, output });
    expect(asked).toBe("shop");
    grpc.close();
  });

  it.each([
    [12, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service"],
    [5, "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"],
  ])("grpc with status %i fails: %s", async (status, output) => {
    const grpc = createHttp2Server((_, response) => {
      response.writeHead(200, {
        "content-type": "application/grpc",
        "grpc-status": `${status}`,
        "grpc-message": "unknown%20service",
      });
      response.end();
    });
    expect(await run({ grpc: { port: await listen(grpc) } })).toEqual({ ok: false, output });
    grpc.close();
  });
});
