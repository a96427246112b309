import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** A member of an etcd of the tests' own. */
export interface EtcdProcess extends AsyncDisposable {
  readonly url: string;
  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void;
  /** Stops it where it is, until SIGCONT; resolves when none of its threads runs any more. */
  freeze(): Promise<void>;
  /** Kills it, as a loss of power would. */
  kill(): Promise<void>;
  /** Kills it, and starts it again on the same data. */
  restart(): Promise<void>;
}

/** Where etcd is; undefined when it is not on the machine. */
export const etcd: string | undefined = find();

function find(): string | undefined {
  try {
    return execFileSync("sh", ["-c", "PATH=$PATH:/usr/sbin:/sbin; command -v etcd"], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

/** Options of {@linkcode startEtcd}. */
export interface EtcdProcessOptions {
  /** PEM files for TLS with client certificates. */
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  readonly flags?: readonly string[];
}

/** Starts an etcd with one member on loopback that answers. Disposal ends it and removes its data. */
export async function startEtcd(options: EtcdProcessOptions = {}): Promise<EtcdProcess> {
  const [member] = await startEtcdMembers(1, options);
  if (!member) throw new Error("etcd has no member");
  return member;
}

/** Starts an etcd of several members on loopback, all of which answer. Disposal of each ends it and removes its data. */
export async function startEtcdMembers(
  count: number,
  options: EtcdProcessOptions = {},
): Promise<readonly EtcdProcess[]> {
  const peers: Peer[] = [];
  for (let index = 0; index < count; index++) {
    const url = `http://127.0.0.1:${await freePort()}`;
    peers.push({ name: `member-${index}`, url, clientPort: await freePort() });
  }
  // None answers before most of them run.
  return await Promise.all(peers.map((peer) => startMember(peer, peers, options)));
}

interface Peer {
  readonly name: string;
  /** Where other members reach it. */
  readonly url: string;
  readonly clientPort: number;
}

async function startMember(
  { name, url: peer, clientPort }: Peer,
  all: readonly Peer[],
  { tls, flags = [] }: EtcdProcessOptions,
): Promise<EtcdProcess> {
  const folder = mkdtempSync(join(tmpdir(), "wherry-etcd-"));
  const url = `${tls ? "https" : "http"}://127.0.0.1:${clientPort}`;
  const cluster = all.map((one) => `${one.name}=${one.url}`).join(",");
  const args = [
    ...["--name", name, "--data-dir", join(folder, "data"), "--log-level", "error"],
    ...["--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster],
    ...(tls
      ? ["--trusted-ca-file", tls.caFile, "--cert-file", tls.certFile, "--key-file", tls.keyFile, "--client-cert-auth"]
      : []),
    ...flags,
  ];
  let child: ChildProcess;
  const launch = async () => {
    child = spawn(etcd ?? "etcd", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.on("data", (data: Buffer) => {
      said = (said + data.toString()).slice(-4_000);
    });
    for (let tried = 0; ; tried++) {
      if (await accepts(clientPort)) return;
      if (child.exitCode !== null || tried > 200) throw new Error(`etcd does not start: ${said}`);
      await sleep(50);
    }
  };
  const signal = (name: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(child.pid, name);
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "close");
    signal("SIGKILL");
    await ended;
  };
  await launch();
  return {
    url,
    signal,
    async freeze() {
      signal("SIGSTOP");
      const tasks = `/proc/${child.pid}/task`;
      const isStopped = (task: string) => /\) [Tt] /.test(readFileSync(join(tasks, task, "stat"), "utf8"));
      while (!readdirSync(tasks).every(isStopped)) await sleep(5);
    },
    kill,
    async restart() {
      await kill();
      await launch();
    },
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** Whether somebody accepts connections there. etcd does when it is ready. */
async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
