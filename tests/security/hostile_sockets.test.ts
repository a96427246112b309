import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../core/platform/clock.ts";
import { silentLogger } from "../../core/util/log.ts";
import { type ApiListener, listenApi } from "../../master_daemon/apiserver/listen.ts";
import { openPki } from "../../master_daemon/apiserver/pki.ts";
import { answersIn, bearer, configMap, configMaps, openMaster, pods, type Target, token } from "./_master.ts";

let target: Target;

beforeAll(async () => {
  target = await openMaster({}, () => {});
});
afterAll(() => target.close());

const auth = `Authorization: Bearer ${token}\r\n`;
const body = JSON.stringify(configMap("smuggled"));
const close = "Connection: close\r\n";
/** What a smuggled request would be: its answer would be a second one. */
const hidden = `GET /version HTTP/1.1\r\nHost: x\r\n${close}\r\n`;
const post = (headers: string, rest: string) =>
  `POST ${configMaps} HTTP/1.1\r\nHost: x\r\n${auth}${headers}\r\n${rest}`;
const get = (headers: string, path = "/version") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;

describe("a request that could be two", () => {
  it.each([
    [
      "Content-Length and Transfer-Encoding",
      post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${hidden}`),
    ],
    [
      "Transfer-Encoding and Content-Length",
      post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${hidden}`),
    ],
    ["two Content-Lengths", post("Content-Length: 0\r\nContent-Length: 80\r\n", hidden)],
    ["two equal Content-Lengths", post("Content-Length: 0\r\nContent-Length: 0\r\n", hidden)],
    ["a list of Content-Lengths", post("Content-Length: 0, 80\r\n", hidden)],
    ["Content-Length +2", post("Content-Length: +2\r\n", `{}${hidden}`)],
    ["Content-Length 0x2", post("Content-Length: 0x2\r\n", `{}${hidden}`)],
    ["Content-Length -1", post("Content-Length: -1\r\n", hidden)],
    ["Content-Length 1e1", post("Content-Length: 1e1\r\n", hidden)],
    ["an empty Content-Length", post("Content-Length:\r\n", hidden)],
    ["a Content-Length beyond 64 bits", post("Content-Length: 18446744073709551618\r\n", hidden)],
    ["Transfer-Encoding xchunked", post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${hidden}`)],
    ["Transfer-Encoding chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${hidden}`)],
    [
      "Transfer-Encoding after a space",
      post("Transfer-Encoding : chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${hidden}`),
    ],
    [
      "a folded Transfer-Encoding",
      post("Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${hidden}`),
    ],
    ["a chunk size with 0x", post("Transfer-Encoding: chunked\r\n", `0x2\r\n{}\r\n0\r\n\r\n${hidden}`)],
    ["a negative chunk size", post("Transfer-Encoding: chunked\r\n", `-1\r\n{}\r\n0\r\n\r\n${hidden}`)],
    [
      "a chunk size beyond 64 bits",
      post("Transfer-Encoding: chunked\r\n", `10000000000000002\r\n{}\r\n0\r\n\r\n${hidden}`),
    ],
    ["a chunk without its line end", post("Transfer-Encoding: chunked\r\n", `2\r\n{}X\r\n0\r\n\r\n${hidden}`)],
    ["chunk lines that end in LF", post("Transfer-Encoding: chunked\r\n", `2\n{}\n0\n\n${hidden}`)],
    ["a space before the colon", get("X : y\r\n") + hidden],
    ["a NUL in a header", get("X: a\0b\r\n") + hidden],
    ["a bare CR in a header", get("X: a\rContent-Length: 5\r\n") + hidden],
    ["a bare LF in a header", get("X: a\nTransfer-Encoding: chunked\r\n") + hidden],
    ["two Hosts", get("Host: y\r\n") + hidden],
    ["no Host", `GET /version HTTP/1.1\r\n\r\n${hidden}`],
    ["a version that is none", `GET /version HTTP/9.9\r\nHost: x\r\n\r\n${hidden}`],
    ["a method that is none", `G@T /version HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`],
    ["HTTP/2's preface", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`],
    ["an absolute URL", `GET https://other/version HTTP/1.1\r\nHost: x\r\n${close}\r\n`],
    ["CONNECT", `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`],
    ["a header of 100 kB", get(`X: ${"a".repeat(100_000)}\r\n`) + hidden],
  ])("is refused, and never answered twice: %s", async (_name, text) => {
    const answer = await target.raw(text);
    expect(answersIn(answer)).toBeLessThanOrEqual(1);
    expect(answer).toMatch(/^$|^HTTP\/1\.1 4\d\d /);
    expect((await target.ask("GET", `${configMaps}/smuggled`)).status).toBe(404);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "GET"])(
    "is none when it is told apart as it should: %s",
    async (method) => {
      const first = `${method} /version HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const answer = await target.raw(first + hidden);
      expect(answersIn(answer)).toBeLessThanOrEqual(2);
      expect(answer).toMatch(method === "GET" ? /^HTTP\/1\.1 200 / : /^$|^HTTP\/1\.1 4\d\d /);
    },
  );

  it("garbage after a watch began is no second answer: the connection is cut", async () => {
    const socket = await target.dial();
    socket.removeAllListeners("error").on("error", () => {});
    let received = "";
    const closed = once(socket, "close");
    socket.write(get(auth, `${configMaps}?watch=true`));
    await new Promise<void>((resolve) =>
      socket.on("data", (part) => {
        received += part;
        if (received.includes("\r\n\r\n")) resolve();
      }),
    );
    socket.write("GARBAGE\r\n\r\n");
    await closed;
    expect(answersIn(received)).toBe(1);
  });
});

describe("a path that could be another", () => {
  it.each([
    "/api/v1/namespaces/default/configmaps/control/../../secrets/sec",
    "/api/v1/namespaces/default/%2e%2e/kube-system/secrets",
    "/api/v1/namespaces/default/.%2E/kube-system/secrets",
    "/api/v1/namespaces/default%2fsecrets",
    "/api/v1/namespaces/default/configmaps/a%2fb",
    "/api/v1/namespaces/default/configmaps/a%5cb",
    "/api/v1/namespaces/default/configmaps/%00",
    "/api/v1/namespaces/default/configmaps/%zz",
    "/api/v1/namespaces/default/configmaps/%ff",
    "/api/v1/namespaces/default/configmaps/%c0%ae",
    "/./api/v1/pods",
    "/..",
    `/${"a".repeat(20_000)}`,
  ])("is refused: %s", async (path) => {
    expect(await target.raw(get(auth + close, path))).toMatch(/^HTTP\/1\.1 400 [\s\S]*"reason":"BadRequest"/);
  });

  it.each([
    "//api/v1/pods",
    "/api//v1/pods",
    "/api/v1/pods//",
    "/api/v1/namespaces//pods",
    "/api/v1/namespaces/default/nodes",
    "/api/v1/namespaces/default/nodes/n",
    "/api/v1/pods/p",
    "/api/v1/namespaces/default/pods/p/log/more",
    "/apis/apps/v1/pods",
    "/apis/apps/v2/deployments",
    "/api/v1/nodes/n/proxy/",
    "/api/v1/namespaces/default/services/none/proxy/",
    "/api/v1/namespaces/default/pods/p/proxy/",
    "/debug/pprof",
    "/metrics/x",
  ])("is not there: %s", async (path) => {
    expect(await target.raw(get(auth + close, path))).toMatch(/^HTTP\/1\.1 404 /);
  });
});

describe("an upgrade", () => {
  const upgrade = (path: string, headers = "", method = "GET") =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n${headers}\r\n`;
  const exec = `${pods}/p/exec?command=id&stdout=true`;

  it.each([
    ["exec by GET without a token", upgrade(exec), 401],
    ["exec by POST without a token", upgrade(exec, "", "POST"), 401],
    ["exec with another token", upgrade(exec, "Authorization: Bearer x\r\n"), 401],
    ["attach without a token", upgrade(`${pods}/p/attach?stdout=true`), 401],
    ["port-forward without a token", upgrade(`${pods}/p/portforward?ports=80`), 401],
    ["port-forward to a host", upgrade(`${pods}/p/portforward?ports=10.0.0.1`, auth), 400],
    ["port-forward to a host and port", upgrade(`${pods}/p/portforward?ports=22&ports=example.com:22`, auth), 400],
    ["port-forward to a port too high", upgrade(`${pods}/p/portforward?ports=65536`, auth), 400],
    ["exec as somebody else", upgrade(exec, `${auth}Impersonate-User: bob\r\n`), 403],
    ["exec as somebody without a name", upgrade(exec, `${auth}Impersonate-Group: system:masters\r\n`), 500],
    ["exec in a pod that is not there", upgrade(exec, auth), 404],
    ["exec of nothing", upgrade(`${pods}/p/exec?stdout=true`, auth), 422],
    ["a path that is no stream", upgrade("/version", auth), 400],
    ["two Hosts", upgrade(exec, `Host: y\r\n${auth}`), 400],
  ])("that is refused ends the connection, whatever follows: %s", async (_name, text, code) => {
    const answer = await target.raw(text + get(auth, "/api/v1/secrets") + hidden);
    expect(answersIn(answer)).toBe(1);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${code} `));
    expect(answer).not.toContain("SecretList");
  });
});

describe("clients that take their time", () => {
  it("do not keep others waiting: half requests, half handshakes, idle and slow ones", async () => {
    const port = target.master.port ?? 0;
    const idle = Array.from({ length: 300 }, () => connectTcp(port, "127.0.0.1"));
    const slow = await Promise.all(Array.from({ length: 100 }, () => target.dial()));
    for (const [index, socket] of slow.entries()) {
      socket.removeAllListeners("error").on("error", () => {});
      socket.write(index % 2 ? `GET /version HTTP/1.1\r\nHos` : post("Content-Length: 100000\r\n", "{"));
    }
    for (const socket of idle) socket.on("error", () => {});
    onTestFinished(() => {
      for (const socket of [...idle, ...slow]) socket.destroy();
    });
    const times: number[] = [];
    for (let index = 0; index < 30; index++) {
      const startedAt = performance.now();
      expect((await target.ask("GET", "/api/v1/namespaces")).status).toBe(200);
      times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    expect(times[15]).toBeLessThan(500);
    expect((await target.ask("POST", configMaps, { body: configMap("meanwhile") })).status).toBe(201);
  });
});

describe("over HTTP/2", () => {
  async function session(url: string, ca: string): Promise<ClientHttp2Session> {
    const made = connectHttp2(url, { ca });
    made.on("error", () => {});
    onTestFinished(() => made.destroy());
    await once(made, "connect");
    return made;
  }

  it("an upload that nobody wants is ended with its answer", async () => {
    const made = await session(target.master.url ?? "", target.ca);
    const stream = made.request({ ":path": configMaps, ":method": "POST" });
    stream.on("error", () => {});
    stream.write(Buffer.alloc(1000));
    const [headers] = await once(stream, "response");
    expect(headers[":status"]).toBe(401);
    stream.resume();
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it("names that only HTTP/1.1 knows, and pseudo headers twice, reach nobody", async () => {
    const made = await session(target.master.url ?? "", target.ca);
    const ask = (headers: Record<string, string>) =>
      new Promise<unknown>((resolve) => {
        const stream = made.request({ ":path": "/api/v1/pods", ...headers });
        stream.on("response", (answer) => resolve(answer[":status"]));
        stream.on("error", () => resolve("reset"));
        stream.resume();
      });
    expect(await ask({ ...bearer, ":path": "/api/v1/../v1/secrets" })).toBe(400);
    expect(await ask({ ...bearer, ":method": "CONNECTED" })).toBe(405);
    expect(await ask({ "x-remote-user": "admin", "x-remote-group": "system:masters" })).toBe(401);
  });

  it("a body that does not end in time ends the stream, and a watch that nobody reads the connection", async () => {
    const pki = await openPki({ dnsNames: [], ipAddresses: ["127.0.0.1"], clock: systemClock });
    const listener: ApiListener = await listenApi({
      handler: {
        ...target.master.handler,
        // Already shut by its owner at the end.
        endStreams: () => {},
      },
      host: "127.0.0.1",
      port: 0,
      tls: { ...pki.server, clientAuthorities: [pki.authority.certificate] },
      clock: systemClock,
      log: silentLogger,
      requestTimeoutMs: 200,
      stallTimeoutMs: 200,
    });
    onTestFinished(() => listener[Symbol.asyncDispose]());
    const own = await session(listener.url, pki.authority.certificate);
    const slow = own.request({ ":path": configMaps, ":method": "POST", ...bearer });
    slow.on("error", () => {});
    slow.write("{");
    await once(slow, "close");
    expect(slow.rstCode).toBe(constants.NGHTTP2_CANCEL);

    const watch = own.request({ ":path": `${configMaps}?watch=true`, ...bearer });
    watch.on("error", () => {});
    const closed = once(watch, "close");
    await once(watch, "response");
    const big = "x".repeat(900_000);
    for (let index = 0; index < 3; index++)
      await target.ask("POST", configMaps, { body: configMap(`unread-${index}`, { big }) });
    await closed;
    expect(watch.rstCode).not.toBe(constants.NGHTTP2_NO_ERROR);
  });
});
