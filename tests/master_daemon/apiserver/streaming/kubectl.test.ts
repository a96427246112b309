import { execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { channel, decodeFrames, encodeFrame } from "../../../../core/client/channel_frames.ts";
import { exec } from "../../../../core/client/exec.ts";
import { node } from "../../../../core/kinds/node.ts";
import { pod } from "../../../../core/kinds/pod.ts";
import { systemClock } from "../../../../core/platform/clock.ts";
import { systemRandom } from "../../../../core/platform/random.ts";
import { silentLogger } from "../../../../core/util/log.ts";
import type { NodeConnector } from "../../../../master_daemon/apiserver/node_connector.ts";
import { type Master, startMaster } from "../../../../master_daemon/master.ts";
import { losesOutput } from "../../../e2e/harness.ts";
import { missing } from "../../../require.ts";
import { duplexPair } from "../_api.ts";

const token = "test-token-1234567890";
const encode = (text: string) => new TextEncoder().encode(text);

/** A node whose containers know a few commands. */
const nodes: NodeConnector = {
  async request(_node, path) {
    return { status: 200, headers: {}, body: encode(`asked for ${path}\n`) };
  },
  async upgrade(_node, path, protocol) {
    const [near, far] = duplexPair();
    if (protocol === "wherry-bytes/1") void echo(far).catch(() => {});
    else void run(far, new URL(path, "http://node").searchParams).catch(() => {});
    return near;
  },
};

async function echo(end: Duplex): Promise<void> {
  for await (const bytes of end.iterator({ destroyOnReturn: false }))
    if (!end.write(bytes)) await new Promise((resolve) => end.once("drain", resolve));
  end.end();
}

async function run(end: Duplex, query: URLSearchParams): Promise<void> {
  const [command, argument = ""] = query.getAll("command");
  const send = (id: number, payload: Uint8Array) => end.write(encodeFrame({ channel: id, payload }));
  let code = 0;
  if (command === "echo") send(channel.stdout, encode(`${argument}\n`));
  if (command === "warn") send(channel.stderr, encode(`${argument}\n`));
  if (command === "exit") code = Number(argument);
  if (command === "big")
    for (let n = 0; n < Number(argument); n++) send(channel.stdout, new Uint8Array(65536).fill(97));
  if (command === "cat" || command === "count") {
    let size = 0;
    for await (const frame of decodeFrames(end.iterator({ destroyOnReturn: false }))) {
      if (frame.channel === channel.closeInput) break;
      size += frame.payload.length;
      if (command === "cat") send(channel.stdout, frame.payload);
    }
    if (command === "count") send(channel.stdout, encode(`${size}\n`));
  }
  const failed = {
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
    code: 500,
  };
  send(channel.status, encode(JSON.stringify({ metadata: {}, ...(code ? failed : { status: "Success" }) })));
  end.end();
}

let master: Master;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wherry-streams-"));
  master = await startMaster({
    listen: { port: 0 },
    tokens: new Map([[token, { username: "alice", groups: ["system:masters"] }]]),
    nodes,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
  });
  await writeFile(join(folder, "ca.crt"), await master.ca());
  await master.client.create(node, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
  for (const [name, containers] of [
    ["p", ["main"]],
    ["two", ["a", "b"]],
  ] as const) {
    const created = await master.client.create(pod, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: "default" },
      spec: {
        nodeName: "n1",
        containers: containers.map((container) => ({ name: container, image: "busybox" })),
        tolerations: [{ operator: "Exists" }],
      },
    });
    await master.client.updateStatus(pod, { ...created, status: { phase: "Running" } });
  }
});
afterAll(async () => {
  await master[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe("exec in the process", () => {
  it("runs over the in-process client: output and exit code", async () => {
    const parts: Uint8Array[] = [];
    await exec(
      master.client,
      { namespace: "default", name: "p" },
      {
        command: ["echo", "hello"],
        stdout: (bytes) => {
          parts.push(bytes);
        },
      },
    );
    expect(Buffer.concat(parts).toString()).toBe("hello\n");
  });
});

const found = await new Promise<string | undefined>((resolve) =>
  execFile("sh", ["-c", "command -v kubectl"], (error, out) => resolve(error ? undefined : out.trim())),
);
const beside = found ? dirname(await realpath(found)) : undefined;
const names = beside ? (await readdir(beside)).filter((name) => /^kubectl\.1\.\d+$/.test(name)).sort() : [];
const clients = !beside ? [] : names.length > 0 ? names.map((name) => join(beside, name)) : [found ?? ""];
// The oldest and the newest SPDY client, the first WebSocket ones, and the newest.
const chosen = clients.filter((path) => names.length === 0 || /1\.(27|29|30|31|33)$/.test(path));

describe.skipIf(missing("kubectl", found)).each(chosen.length > 0 ? chosen : ["kubectl"])("%s", (kubectl) => {
  const flags = () => [
    ...["--server", master.url ?? "", "--certificate-authority", join(folder, "ca.crt"), "--token", token],
    ...["--cache-dir", join(folder, "cache")],
  ];
  const env = { ...process.env, KUBECONFIG: "/dev/null" };

  async function call(
    args: readonly string[],
    input: Uint8Array = new Uint8Array(),
  ): Promise<{ code: number; out: Buffer; err: string }> {
    const result = await callOnce(args, input);
    return losesOutput.test(result.err) ? await call(args, input) : result;
  }

  function callOnce(args: readonly string[], input: Uint8Array): Promise<{ code: number; out: Buffer; err: string }> {
    return new Promise((resolve) => {
      const child = spawn(kubectl, [...flags(), ...args], { env });
      const out: Buffer[] = [];
      let err = "";
      child.stdout.on("data", (part) => out.push(part));
      child.stderr.on("data", (part) => {
        err += part;
      });
      child.on("close", (code) => resolve({ code: code ?? -1, out: Buffer.concat(out), err }));
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    });
  }

  it("exec passes output, errors, input and exit codes", async () => {
    expect((await call(["exec", "p", "--", "echo", "hi there"])).out.toString()).toBe("hi there\n");
    expect((await call(["exec", "p", "--", "warn", "oops"])).err).toBe("oops\n");
    expect((await call(["exec", "p", "--", "exit", "7"])).code).toBe(7);
    expect((await call(["exec", "-i", "p", "--", "cat"], encode("typed\n"))).out.toString()).toBe("typed\n");
  });

  it("exec carries megabytes both ways", async () => {
    const input = randomBytes(3 * 1024 * 1024);
    expect((await call(["exec", "-i", "p", "--", "count"], input)).out.toString()).toBe(`${input.length}\n`);
    expect((await call(["exec", "p", "--", "big", "128"])).out.length).toBe(128 * 65536);
  });

  it("exec and logs word their refusals as Kubernetes does", async () => {
    expect((await call(["exec", "nothing", "--", "echo"])).err).toContain('pods "nothing" not found');
    expect((await call(["exec", "-c", "zz", "p", "--", "echo"])).err).toContain("container zz");
    expect((await call(["get", "--raw", "/api/v1/namespaces/default/pods/two/log"])).err).toContain(
      "a container name must be specified for pod two, choose one of: [a b]",
    );
    expect((await call(["logs", "p", "--tail=3"])).out.toString()).toMatch(
      /^asked for \/containerLogs\/default\/p\/main\?/,
    );
  });

  it("port-forward carries bytes both ways, several connections, half-closed", async () => {
    const child = spawn(kubectl, [...flags(), "port-forward", "pod/p", ":8080"], { env });
    onTestFinished(() => {
      child.kill();
    });
    const port = await new Promise<number>((resolve, reject) => {
      let text = "";
      const onData = (part: Buffer) => {
        text += part;
        const match = /127\.0\.0\.1:(\d+) ->/.exec(text);
        if (match) resolve(Number(match[1]));
      };
      child.stdout.on("data", onData);
      child.stderr.on("data", onData);
      child.on("close", () => reject(new Error(text)));
    });
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    await Promise.all(
      [1, 2, 3].map(async () => {
        const sent = randomBytes(2 * 1024 * 1024);
        const received = await new Promise<Buffer>((resolve, reject) => {
          const parts: Buffer[] = [];
          const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
          socket.on("data", (part) => parts.push(part));
          socket.on("end", () => resolve(Buffer.concat(parts)));
          socket.on("error", reject);
          socket.end(sent);
        });
        expect(received.length).toBe(sent.length);
        expect(hash(received)).toBe(hash(sent));
      }),
    );
  });
});
