import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import process from "node:process";
import { describe, expect, it, onTestFinished } from "vitest";
import { startCluster } from "../../cluster/start_cluster.ts";
import { bearer, configMap, configMaps, folder, openMaster, type Target, token } from "./_master.ts";

const mebibyte = 2 ** 20;

/** Open descriptors of this process; 0 where the system does not tell. */
async function descriptors(): Promise<number> {
  return (await readdir("/proc/self/fd").catch(() => [])).length;
}

/** Waits until `holds`, however long that takes. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(holds, { timeout: 100_000 }).toBe(true);
}

async function sessionOf({ master, ca }: Target): Promise<ClientHttp2Session> {
  const session = connectHttp2(master.url ?? "", { ca, settings: { initialWindowSize: 16 * mebibyte } });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  await once(session, "connect");
  // Windows as Go's clients have them: the default asks for a round trip every 64 KiB.
  session.setLocalWindowSize(64 * mebibyte);
  return session;
}

/** The numbers in `data.n` of what a watch told, as they arrived. */
async function numbersOf(session: ClientHttp2Session, query = ""): Promise<number[]> {
  const stream = session.request({ ":path": `${configMaps}?watch=true${query}`, ...bearer });
  const seen: number[] = [];
  let rest = "";
  stream.on("error", () => {});
  stream.on("data", (part: Buffer) => {
    rest += part.toString("latin1");
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    // Every namespace has the authority's certificate.
    for (const line of lines)
      if (!line.includes('"name":"kube-root-ca.crt"')) seen.push(Number(/"n":"(\d+)"/.exec(line)?.[1] ?? -1));
  });
  await once(stream, "response");
  return seen;
}

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);

async function write(target: Target, name: string, data: Record<string, string>): Promise<void> {
  const path = `${configMaps}/${name}`;
  const { status } = await target.ask("PUT", path, { body: configMap(name, data) });
  if (status === 404) await target.ask("POST", configMaps, { body: configMap(name, data) });
  else expect(status).toBe(200);
}

describe("watchers", () => {
  it("a thousand see every one of 200 updates, once and in order", async () => {
    const target = await openMaster();
    const sessions = await Promise.all(upTo(5).map(() => sessionOf(target)));
    const watched = await Promise.all(sessions.flatMap((session) => upTo(200).map(() => numbersOf(session))));
    expect(watched.length).toBe(1000);
    for (const n of upTo(200)) await write(target, "counter", { n: String(n) });
    await until(() => watched.every((seen) => seen.length >= 200));
    const all = upTo(200);
    for (const seen of watched) expect(seen).toEqual(all);
  });

  // Deno's TLS sockets read on while they are paused: nobody could be slow there, and the memory would be the client's.
  it.skipIf("Deno" in globalThis)("that never read cost little, and others see everything in order", async () => {
    const target = await openMaster();
    const reader = await numbersOf(await sessionOf(target));
    const lazy = await Promise.all(upTo(20).map(() => target.dial()));
    for (const socket of lazy) {
      socket.removeAllListeners("error").on("error", () => {});
      socket.pause();
      socket.write(`GET ${configMaps}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    }
    onTestFinished(() => {
      for (const socket of lazy) socket.destroy();
    });
    await write(target, "counter", { n: "0" });
    const before = process.memoryUsage().rss;
    // 75 of half a MiB to each of 20: 750 MiB in all.
    const pad = "x".repeat(mebibyte / 2);
    for (const n of upTo(75, 1)) await write(target, "counter", { n: String(n), pad });
    await until(() => reader.length >= 76);
    expect(reader).toEqual(upTo(76));
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * mebibyte);
  });

  it("that come and go leave no descriptor", async () => {
    const target = await openMaster();
    const gone = async (count: number) => {
      for (let at = 0; at < count; at += 100) {
        const sockets = await Promise.all(upTo(100).map(() => target.dial()));
        await Promise.all(
          sockets.map(async (socket, index) => {
            socket.removeAllListeners("error").on("error", () => {});
            const head = `Host: x\r\nAuthorization: Bearer ${token}\r\n`;
            // A third goes while it uploads.
            if (index % 3 === 0) socket.write(`POST ${configMaps} HTTP/1.1\r\n${head}Content-Length: 100000\r\n\r\n{`);
            else {
              socket.write(`GET ${configMaps}?watch=true HTTP/1.1\r\n${head}\r\n`);
              await once(socket, "data");
            }
            if (index % 2) socket.destroy();
            else socket.end();
          }),
        );
      }
    };
    await gone(100);
    await target.ask("GET", "/livez");
    const before = await descriptors();
    await gone(900);
    await until(async () => (await descriptors()) <= before + 10);
    await until(async () => /requests\{request_kind="mutating"\} 0\n/.test((await target.ask("GET", "/metrics")).text));
  });
});

describe("a watch", () => {
  it("resumes across restarts of the master: nothing missed, nothing twice, no 410", async () => {
    const dataDir = await folder();
    const seen: number[] = [];
    let after = "";
    let written = 0;
    for (let round = 0; round < 4; round++) {
      const target = await openMaster({ dataDir });
      if (after === "") after = (await target.ask("GET", configMaps)).json.metadata.resourceVersion;
      for (const _ of upTo(10)) await write(target, "counter", { n: String(written++) });
      const numbers = await numbersOf(await sessionOf(target), `&resourceVersion=${after}`);
      await until(() => numbers.length >= 10);
      seen.push(...numbers);
      after = (await target.ask("GET", `${configMaps}/counter`)).json.metadata.resourceVersion;
      await target.close();
    }
    expect(seen).toEqual(upTo(40));
  });
});

describe("a master", () => {
  it("ends within its grace with watches open and requests half sent, and what it answered is kept", async () => {
    const dataDir = await folder();
    const target = await openMaster({ dataDir });
    const session = await sessionOf(target);
    await Promise.all(upTo(50).map(() => numbersOf(session)));
    const half = await target.dial();
    half.removeAllListeners("error").on("error", () => {});
    half.write(
      `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 9\r\n\r\n{`,
    );
    const writes = Promise.allSettled(
      upTo(40).map((n) => target.ask("POST", configMaps, { body: configMap(`w-${n}`) })),
    );
    await target.ask("GET", "/livez");
    const startedAt = performance.now();
    await target.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    const answered = (await writes).flatMap((result, n) =>
      result.status === "fulfilled" && result.value.status === 201 ? [`w-${n}`] : [],
    );
    const again = await openMaster({ dataDir });
    const items: { readonly metadata: { readonly name: string } }[] = (await again.ask("GET", configMaps)).json.items;
    expect(items.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(answered));
  });

  it("refuses a folder that another master holds, and leaves that one alone", async () => {
    const dataDir = await folder();
    const first = await openMaster({ dataDir });
    await expect(openMaster({ dataDir })).rejects.toThrow(dataDir);
    expect((await first.ask("POST", configMaps, { body: configMap("after") })).status).toBe(201);
  });
});

describe("startCluster()", () => {
  it("leaves no descriptor, listener or timer, however often it is started and ended", async () => {
    const round = async () => {
      await using cluster = await startCluster({ runtime: "fake" });
      expect(cluster.url).toMatch(/^https:/);
    };
    for (const _ of upTo(3)) await round();
    const before = { count: await descriptors(), resources: process.getActiveResourcesInfo().length };
    for (const _ of upTo(20)) await round();
    await until(async () => (await descriptors()) <= before.count + 2);
    await until(() => process.getActiveResourcesInfo().length <= before.resources + 2);
  });
});
