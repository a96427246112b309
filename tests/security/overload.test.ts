import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { describe, expect, it, onTestFinished } from "vitest";
import { configMap, configMaps, openMaster, token } from "./_master.ts";

const mallory = "mallory-token-1234567890";

describe("requests that do not end", () => {
  it("take the seats of their level: more of them get 429, health checks and administrators do not notice", async () => {
    const target = await openMaster({
      tokens: new Map([
        [token, { username: "alice", groups: ["system:masters"] }],
        [mallory, { username: "mallory", groups: ["system:authenticated"] }],
      ]),
      // What is asked of flow control here is not who may do what.
      authorization: { modes: ["AlwaysAllow"] },
      limits: { maxRequestsInFlight: 6, maxMutatingRequestsInFlight: 6 },
    });
    const url = target.master.url ?? "";
    // Few connections with many streams: what is to be loaded is the API, not the handshakes.
    const sessions = Array.from({ length: 4 }, () => connectHttp2(url, { ca: target.ca }));
    onTestFinished(() => {
      for (const session of sessions) session.destroy();
    });
    const refused: IncomingHttpHeaders[] = [];
    const streams = sessions.flatMap((session) =>
      Array.from({ length: 100 }, () => {
        const headers = { ":method": "POST", ":path": configMaps, authorization: `Bearer ${mallory}` };
        const stream = session.request({ ...headers, "content-type": "application/json" });
        stream.on("error", () => {});
        stream.on("response", (answer) => refused.push(answer));
        // Begun, never ended.
        stream.write("{");
        return stream;
      }),
    );
    // Six queues of fifty, and the seats that run.
    await expect.poll(() => refused.length).toBeGreaterThan(400 - 300 - 12 - 1);
    expect(new Set(refused.map((answer) => `${answer[":status"]} ${answer["retry-after"]}`))).toEqual(
      new Set(["429 1"]),
    );
    expect((await target.ask("GET", "/livez", { isKnown: false })).status).toBe(200);
    expect((await target.ask("GET", "/api/v1/namespaces/default")).status).toBe(200);
    const { text } = await target.ask("GET", "/metrics");
    expect(text).toMatch(/apiserver_flowcontrol_current_inqueue_requests\{priority_level="global-default"\} 300/);
    for (const stream of streams) stream.close();
    const headers = { authorization: `Bearer ${mallory}` };
    expect((await target.ask("POST", configMaps, { headers, body: configMap("after") })).status).toBe(201);
  });
});

// Deno's TLS sockets read on while they are paused: nobody could be slow there, and the memory would be the client's.
describe.skipIf("Deno" in globalThis)("watchers that never read", () => {
  it("cost bounded memory, and nobody else's events", async () => {
    const updates = 150;
    const target = await openMaster();
    await target.ask("POST", configMaps, { body: configMap("big", { a: "0" }) });
    const path = `${configMaps}?watch=true&resourceVersion=0`;
    const head = `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\n\r\n`;
    const idle = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = await target.dial();
        socket.removeAllListeners("error").on("error", () => {});
        socket.pause();
        socket.write(head);
        return socket;
      }),
    );
    const reader = await target.dial();
    const seen: number[] = [];
    let rest = "";
    let isWatching = false;
    reader.on("data", (chunk: Buffer) => {
      rest += chunk.toString("latin1");
      isWatching ||= rest.includes('"ADDED"');
      for (let at = rest.indexOf('"count":"'); at >= 0; at = rest.indexOf('"count":"')) {
        const end = rest.indexOf('"', at + 9);
        if (end < 0) break;
        seen.push(Number(rest.slice(at + 9, end)));
        rest = rest.slice(end);
      }
      rest = rest.slice(-64);
    });
    reader.write(head);
    await expect.poll(() => isWatching).toBe(true);
    const before = process.memoryUsage().rss;
    const filler = "x".repeat(256 * 1024);
    for (let count = 1; count <= updates; count++) {
      const body = configMap("big", { count: String(count), filler });
      expect((await target.ask("PUT", `${configMaps}/big`, { body })).status).toBe(200);
    }
    await expect.poll(() => seen.length).toBe(updates);
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    expect(seen).toEqual(Array.from({ length: updates }, (_, index) => index + 1));
    // Together they are owed 750 MiB.
    expect(grown).toBeLessThan(400);
    for (const socket of idle) socket.destroy();
    reader.destroy();
  });
});
