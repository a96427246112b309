import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { systemClock } from "../core/platform/clock.ts";
import { systemRandom } from "../core/platform/random.ts";
import { silentLogger } from "../core/util/log.ts";
import { Proxier } from "../node_daemon/proxy/proxier.ts";
import { isInstalled, moduleNamed } from "./child.ts";
import { type Bench, cpuTime, type Figure } from "./figure.ts";

interface Load {
  readonly requests: number;
  readonly connections: number;
}

/** What goes through the service proxy. */
export const bench: Bench = {
  about: "small HTTP requests through the proxy in this process; server and clients share another one",
  async *run(): AsyncGenerator<Figure> {
    const child = spawn(process.execPath, [moduleNamed("proxy_load_child")], { stdio: ["pipe", "pipe", "inherit"] });
    const folder = await mkdtemp(join(tmpdir(), "wherry-bench-proxy-"));
    let haproxy: ChildProcess | undefined;
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async <T>() => JSON.parse((await lines.next()).value ?? "") as T;
      const { port: backend } = await next<{ port: number }>();
      const measure = (through: number) => {
        child.stdin.write(`${JSON.stringify({ through })}\n`);
        return next<Load>();
      };
      const direct = await measure(backend);

      const port = await freePort();
      await using proxier = new Proxier({ clock: systemClock, random: systemRandom, log: silentLogger });
      await proxier.apply("bench", [
        {
          service: "default/bench:80",
          protocol: "TCP",
          address: "127.0.0.1",
          port,
          endpoints: [{ ip: "127.0.0.1", port: backend }],
          balancer: undefined,
          affinityTimeoutMs: undefined,
        },
      ]);
      const cpuBefore = cpuTime();
      const ours = await measure(port);
      const cpuMs = cpuTime() - cpuBefore;

      let theirs: Load | undefined;
      if (await isInstalled("haproxy")) {
        const theirPort = await freePort();
        const config = join(folder, "haproxy.cfg");
        await writeFile(config, haproxyConfig(theirPort, backend));
        haproxy = spawn("haproxy", ["-f", config, "-db"], { stdio: "ignore" });
        theirs = await measure(theirPort);
      }
      const beside = (of: keyof Load) => ({ direct: direct[of], haproxy: theirs?.[of] });
      yield { what: "requests, kept connections", value: ours.requests, unit: "per s", beside: beside("requests") };
      yield {
        what: "connections, one request each",
        value: ours.connections,
        unit: "per s",
        beside: beside("connections"),
      };
      yield { what: "proxy, for each request", value: cpuMs / (ours.requests + ours.connections), unit: "ms CPU" };
    } finally {
      haproxy?.kill();
      child.stdin.end();
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function haproxyConfig(port: number, backend: number): string {
  return `global
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend bench
  bind 127.0.0.1:${port}
  default_backend bench
backend bench
  server one 127.0.0.1:${backend}
`;
}
