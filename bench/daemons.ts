import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { type Client, createClient, httpTransport, type Transport } from "../mod.ts";
import { rootFolder } from "./child.ts";

/** A daemon in a process of its own. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number;
}

/** A master in a process of its own, and a way to it. */
export interface MasterDaemon extends Daemon {
  readonly server: string;
  readonly token: string;
  /** File of the authority that signed its certificate. */
  readonly authority: string;
  readonly transport: Transport;
  readonly client: Client;
}

/** Starts a master that keeps everything in `folder`; resolves when it is ready. */
export async function startMasterDaemon(folder: string, flags: readonly string[] = []): Promise<MasterDaemon> {
  const port = await freePort();
  const token = "bench-token";
  const tokens = join(folder, "tokens.csv");
  await writeFile(tokens, `${token},admin,,"system:masters"\n`, { mode: 0o600 });
  const data = join(folder, "data");
  const own = ["--data-dir", data, "--secure-port", String(port), "--token-auth-file", tokens];
  const daemon = startDaemon(["master", ...own, ...flags]);
  const server = `https://127.0.0.1:${port}`;
  const transport = httpTransport({ server, token, insecureSkipTlsVerify: true });
  const signal = AbortSignal.timeout(30_000);
  for (;;) {
    const answer = await transport.request({ method: "GET", path: "/readyz", headers: {} }, { signal }).catch(() => {});
    if (answer?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    pid: daemon.pid,
    server,
    token,
    authority: join(data, "pki", "ca.crt"),
    transport,
    client: createClient(transport),
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

/** Starts a daemon of wherry's; its warnings are shown. */
export function startDaemon(args: readonly string[]): Daemon {
  const wherry = join(rootFolder(), "bin", "wherry.cjs");
  const child = spawn(process.execPath, [wherry, ...args, "--log-level", "error"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const closed = once(child, "close");
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await closed;
    },
  };
}

/** Milliseconds of processor time that processes have used; Linux only. */
export async function cpuOf(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * 10;
}

/** MiB of memory that a process has resident; Linux only. */
export async function residentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
