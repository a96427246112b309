import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { channel, decodeFrames, encodeFrame } from "../../../core/client/channel_frames.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import { type CertificateAndKey, createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { machineFacts } from "../../../core/platform/machine.ts";
import { platformName } from "../../../core/platform/processes.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type KubeletServer, startKubeletServer } from "../../../node_daemon/kubelet/server.ts";
import { openProcessRuntime } from "../../../node_daemon/runtime/process.ts";
import type { ContainerRuntime, Sandbox } from "../../../node_daemon/runtime/runtime.ts";
import { parsePrometheus, samplesOf } from "../../prometheus_text.ts";
import { containerConfig, never, sandboxConfig } from "../../suites/runtime_suite.ts";

const signal = never;
let authority: CertificateAndKey;
let client: CertificateAndKey;
let stranger: CertificateAndKey;
let serverTls: CertificateAndKey;
let rootDir: string;
let runtime: ContainerRuntime;
let sandbox: Sandbox;
let server: KubeletServer;
let main: string;
const pods = new Map<string, Pod>();

beforeAll(async () => {
  const clock = systemClock;
  authority = await createAuthority({ commonName: "ca", clock });
  const names = { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] };
  serverTls = await issueCertificate(authority, { commonName: "node", usage: "server", clock, ...names });
  client = await issueCertificate(authority, { commonName: "kube-apiserver-kubelet-client", usage: "client", clock });
  const other = await createAuthority({ commonName: "ca", clock });
  stranger = await issueCertificate(other, { commonName: "kube-apiserver-kubelet-client", usage: "client", clock });
  rootDir = await mkdtemp(join(tmpdir(), "wherry-server-"));
  runtime = await openProcessRuntime({ rootDir, clock, random: systemRandom, log: silentLogger });
  sandbox = await runtime.runPodSandbox(sandboxConfig({ podIP: "127.0.0.1" }), { signal });
  const first = await runtime.createContainer(sandbox, containerConfig("echo first; exit 1"), { signal });
  await runtime.startContainer(first, { signal });
  for await (const _ of runtime.logs(first, { ...logDefaults, follow: true }));
  main = await runtime.createContainer(sandbox, containerConfig("echo one; echo two; sleep 1000", { attempt: 1 }), {
    signal,
  });
  await runtime.startContainer(main, { signal });
  const spec = { containers: [{ name: "main" }, { name: "late" }] };
  const { name, uid, namespace } = sandbox;
  pods.set("default/web", { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace, uid }, spec });
  expect(name).toBeTruthy();
  server = await startKubeletServer({
    host: "127.0.0.1",
    port: 0,
    tls: { cert: serverTls.certificate, key: serverTls.key },
    clientCa: authority.certificate,
    pods: { get: (namespace, name) => pods.get(`${namespace}/${name}`), list: () => [...pods.values()] },
    runtime,
    stats: { nodeName: "node-1", machine: machineFacts(), rootDir },
    clock,
    log: silentLogger,
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await runtime.removePodSandbox(sandbox.id, { signal });
  await runtime[Symbol.asyncDispose]();
  await rm(rootDir, { recursive: true });
});

const logDefaults = { timestamps: false, tailLines: undefined, sinceMs: undefined, limitBytes: undefined, signal };

function open(path: string, options: { cert?: CertificateAndKey | undefined; method?: string; upgrade?: string } = {}) {
  const { cert = client, method = "GET", upgrade } = options;
  return httpsRequest({
    host: "127.0.0.1",
    port: server.port,
    path,
    method,
    ca: authority.certificate,
    agent: false,
    ...("cert" in options && options.cert === undefined ? {} : { cert: cert.certificate, key: cert.key }),
    ...(upgrade ? { headers: { connection: "Upgrade", upgrade } } : {}),
  });
}

async function ask(path: string, options: Parameters<typeof open>[1] = {}): Promise<{ code: number; text: string }> {
  const request = open(path, options).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const part of response) text += part;
  return { code: response.statusCode ?? 0, text };
}

async function upgrade(path: string, protocol: string): Promise<Duplex> {
  const request = open(path, { upgrade: protocol }).end();
  const [response, socket, head] = (await Promise.race([
    once(request, "upgrade"),
    once(request, "response").then(([answer]: IncomingMessage[]) => {
      throw new Error(`not upgraded: ${answer?.statusCode}`);
    }),
  ])) as [IncomingMessage, Duplex, Buffer];
  expect(response.headers.upgrade).toBe(protocol);
  if (head.length > 0) socket.unshift(head);
  return socket;
}

async function frames(socket: Duplex): Promise<{ stdout: string; stderr: string; status: unknown }> {
  const texts = ["", "", "", ""];
  for await (const { channel, payload } of decodeFrames(socket)) texts[channel] += Buffer.from(payload).toString();
  const [, stdout = "", stderr = "", status = ""] = texts;
  return { stdout, stderr, status: JSON.parse(status) };
}

describe("startKubeletServer()", () => {
  it("startKubeletServer() answers 401, when there is no certificate of its authority", async () => {
    for (const cert of [undefined, stranger]) {
      for (const path of [
        "/healthz",
        "/pods",
        "/metrics",
        "/stats/summary",
        "/containerLogs/default/web/main",
        "/nowhere",
      ]) {
        const { code, text } = await ask(path, { cert });
        expect([code, JSON.parse(text).reason]).toEqual([401, "Unauthorized"]);
      }
      const request = open("/exec/default/web/main?command=id&stdout=true", {
        cert,
        upgrade: "wherry-channels/1",
      }).end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      expect(response.statusCode).toBe(401);
      response.resume();
    }
  });

  it.each([
    ["a user", { commonName: "bob" }],
    ["a node", { commonName: "system:node:node-1", organizations: ["system:nodes"] }],
    ["one with a name that is nearly the master's", { commonName: "kube-apiserver-kubelet-client.evil" }],
  ])(
    "startKubeletServer() answers 403 on every path, when the certificate of its authority is of %s",
    async (_, subject) => {
      const cert = await issueCertificate(authority, { ...subject, usage: "client", clock: systemClock });
      for (const path of [
        "/healthz",
        "/pods",
        "/metrics",
        "/metrics/cadvisor",
        "/metrics/resource",
        "/metrics/probes",
        "/spec",
        "/stats/summary",
        "/containerLogs/default/web/main",
        "/exec/default/web/main",
        "/debug/pprof",
      ])
        expect((await ask(path, { cert })).code).toBe(403);
      for (const [path, upgrade] of [
        ["/exec/default/web/main?command=id&stdout=true", "wherry-channels/1"],
        ["/portForward/default/web?port=80", "wherry-bytes/1"],
      ] as const)
        expect((await ask(path, { cert, upgrade })).code).toBe(403);
    },
  );

  it("startKubeletServer() serves administrators, too", async () => {
    const subject = { commonName: "root", organizations: ["system:masters"] };
    const cert = await issueCertificate(authority, { ...subject, usage: "client", clock: systemClock });
    expect((await ask("/healthz", { cert })).code).toBe(200);
  });

  it("startKubeletServer() answers 401, when a session that began without a certificate is resumed", async () => {
    const get = (session?: Buffer) =>
      new Promise<{ text: string; session: Buffer | undefined }>((resolve) => {
        let found: Buffer | undefined;
        let text = "";
        const socket = connect({
          host: "127.0.0.1",
          port: server.port,
          ca: authority.certificate,
          ...(session ? { session } : {}),
        });
        socket.on("session", (ticket) => {
          found = ticket;
        });
        socket.on("data", (part) => {
          text += part;
        });
        socket.on("close", () => resolve({ text, session: found }));
        socket.write("GET /pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      });
    const { session } = await get();
    expect(session).toBeDefined();
    expect((await get(session)).text).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("startKubeletServer() serves health and pods, when asked by the master", async () => {
    expect(await ask("/healthz")).toEqual({ code: 200, text: "ok" });
    expect(JSON.parse((await ask("/pods")).text)).toMatchObject({
      kind: "PodList",
      items: [{ metadata: { name: "web" } }],
    });
  });

  it.each([
    ["/", 404, "NotFound"],
    ["/debug/pprof", 404, "NotFound"],
    ["/containerLogs/default/web/..%2f..%2fetc", 404, "NotFound"],
    ["/containerLogs/default/web/main/more", 404, "NotFound"],
    ["/containerLogs/default/nope/main", 404, "NotFound"],
    ["/containerLogs/default/web/nope", 400, "BadRequest"],
    ["/containerLogs/default/web/late", 400, "BadRequest"],
    ["/containerLogs/default/web/main?tailLines=-1", 400, "BadRequest"],
    ["/containerLogs/default/web/main?tailLines=x", 400, "BadRequest"],
    ["/containerLogs/default/web/main?follow=maybe", 400, "BadRequest"],
    ["/containerLogs/default/web/main?sinceTime=x", 400, "BadRequest"],
    ["/exec/default/web/main?command=id&stdout=true", 400, "BadRequest"],
  ])("startKubeletServer() refuses GET %s with %i %s", async (path, code, reason) => {
    const answer = await ask(path);
    expect([answer.code, JSON.parse(answer.text).reason]).toEqual([code, reason]);
  });

  it("startKubeletServer() refuses other methods", async () => {
    expect((await ask("/pods", { method: "POST" })).code).toBe(405);
  });

  it("/containerLogs gives the last container's log, and with previous the one before", async () => {
    const path = "/containerLogs/default/web/main";
    expect(await ask(path)).toEqual({ code: 200, text: "one\ntwo\n" });
    expect((await ask(`${path}?tailLines=1`)).text).toBe("two\n");
    expect((await ask(`${path}?timestamps=true&limitBytes=5`)).text).toMatch(/^\d{4}-$/);
    expect((await ask(`${path}?previous=true`)).text).toBe("first\n");
  });

  it("/containerLogs says what is missing, in Kubernetes' words", async () => {
    expect(JSON.parse((await ask("/containerLogs/default/web/late")).text).message).toBe(
      'container "late" in pod "web" is waiting to start: ContainerCreating',
    );
    expect(JSON.parse((await ask("/containerLogs/default/web/late?previous=true")).text).message).toBe(
      'previous terminated container "late" in pod "web" not found',
    );
  });

  it("/exec gives both streams and the exit code, when the command fails", async () => {
    const command = ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"].map(
      (word) => `command=${encodeURIComponent(word)}`,
    );
    const socket = await upgrade(
      `/exec/default/web/main?${command.join("&")}&stdout=true&stderr=true`,
      "wherry-channels/1",
    );
    expect(await frames(socket)).toEqual({
      stdout: "out\n",
      stderr: "err\n",
      status: {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: "command terminated with non-zero exit code: exit status 7",
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: "7" }] },
        code: 500,
      },
    });
  });

  it("/exec passes stdin and its end, when asked to", async () => {
    const socket = await upgrade("/exec/default/web/main?command=cat&stdin=true&stdout=true", "wherry-channels/1");
    const data = "x".repeat(2_000_000);
    socket.write(encodeFrame({ channel: channel.stdin, payload: Buffer.from(data) }));
    socket.write(encodeFrame({ channel: channel.closeInput, payload: new Uint8Array() }));
    const { stdout, status } = await frames(socket);
    expect(stdout === data).toBe(true);
    expect(status).toEqual({ metadata: {}, status: "Success" });
  });

  it("/exec reports a program that does not exist as an error", async () => {
    const socket = await upgrade("/exec/default/web/main?command=nope-nope&stdout=true", "wherry-channels/1");
    expect((await frames(socket)).status).toMatchObject({
      reason: "InternalError",
      message:
        'Internal error occurred: error executing command in container: exec: "nope-nope": executable file not found in $PATH',
    });
  });

  it("/exec ends the process, when the peer goes", async () => {
    // Its number in the container may be another than on the machine.
    const name = `sleep ${9_860_000 + process.pid}`;
    const script = encodeURIComponent(`echo here; exec ${name}`);
    const path = `/exec/default/web/main?command=/bin/sh&command=-c&command=${script}&stdout=true`;
    const socket = await upgrade(path, "wherry-channels/1");
    for await (const { payload } of decodeFrames(socket.iterator({ destroyOnReturn: false }))) {
      expect(Buffer.from(payload).toString()).toBe("here\n");
      break;
    }
    const running = () => execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }).split("\n");
    await expect.poll(running).toContain(name);
    socket.destroy();
    await expect.poll(running).not.toContain(name);
  });

  it("/portForward carries bytes and half-close both ways", async () => {
    const echo = createServer({ allowHalfOpen: true }, async (socket) => {
      let text = "";
      for await (const part of socket.iterator({ destroyOnReturn: false })) text += part;
      socket.end(text.toUpperCase());
    }).listen(0, "127.0.0.1");
    await once(echo, "listening");
    const { port } = echo.address() as { port: number };
    const socket = await upgrade(`/portForward/default/web?port=${port}`, "wherry-bytes/1");
    socket.end("hello");
    let text = "";
    for await (const part of socket) text += part;
    expect(text).toBe("HELLO");
    echo.close();
    await once(echo, "close");
  });

  it.each(["", "?port=0", "?port=70000", "?port=80&port=81", "?port=example.com:80"])(
    "/portForward refuses %s",
    async (query) => {
      const request = open(`/portForward/default/web${query}`, { upgrade: "wherry-bytes/1" }).end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      expect(response.statusCode).toBe(400);
      response.resume();
    },
  );
});

describe("what the server tells of the machine's use", () => {
  const metrics = async (path: string) => {
    const { code, text } = await ask(path);
    expect(code).toBe(200);
    return parsePrometheus(text);
  };
  const ofMain = { namespace: "default", pod: "web", container: "main" };

  it("/stats/summary tells of node, pod and container, rates too, from the first question on", async () => {
    const { code, text } = await ask("/stats/summary");
    expect(code).toBe(200);
    const { node, pods } = JSON.parse(text);
    expect(node).toMatchObject({ nodeName: "node-1", cpu: { usageNanoCores: expect.any(Number) } });
    expect(node.memory.workingSetBytes).toBeGreaterThan(0);
    expect(node.fs.capacityBytes).toBeGreaterThan(node.fs.availableBytes);
    expect(pods).toHaveLength(1);
    expect(pods[0].podRef).toMatchObject({ name: "web", namespace: "default" });
    const [container] = pods[0].containers;
    expect(container).toMatchObject({ name: "main", cpu: { usageNanoCores: expect.any(Number) } });
    expect(container.memory.workingSetBytes).toBeGreaterThan(0);
    expect(container.logs.usedBytes).toBeGreaterThanOrEqual("one\ntwo\n".length);
    expect(container.rootfs.usedBytes).toBeGreaterThan(0);
    expect(pods[0]["ephemeral-storage"].usedBytes).toBe(container.logs.usedBytes + container.rootfs.usedBytes);
  });

  it("/stats/summary leaves out disks and networks, when only CPU and memory are asked for", async () => {
    const { node, pods } = JSON.parse((await ask("/stats/summary?only_cpu_and_memory=true")).text);
    expect(node.cpu.usageNanoCores).toEqual(expect.any(Number));
    expect([node.fs, node.network, pods[0].volume, pods[0].containers[0].rootfs]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect((await ask("/stats/summary?only_cpu_and_memory=maybe")).code).toBe(400);
  });

  it("/metrics/resource and /metrics/cadvisor tell the same of a container, and counters never fall", async () => {
    const figure = async (path: string) =>
      samplesOf(await metrics(path), "container_cpu_usage_seconds_total", ofMain)[0]?.value ?? Number.NaN;
    const first = await figure("/metrics/resource");
    expect(await figure("/metrics/cadvisor")).toBeGreaterThanOrEqual(first);
    const families = await metrics("/metrics/cadvisor");
    expect(samplesOf(families, "container_memory_working_set_bytes", ofMain)[0]?.value).toBeGreaterThan(0);
    expect(samplesOf(families, "container_cpu_usage_seconds_total", { id: "/" })).toHaveLength(1);
    expect(samplesOf(families, "machine_cpu_cores")[0]?.value).toBe(machineFacts().cpus);
    if (platformName !== "linux") return;
    expect(samplesOf(families, "container_file_descriptors", ofMain)[0]?.value).toBeGreaterThan(2);
    const [usage] = samplesOf(families, "container_fs_usage_bytes", ofMain);
    const [limit] = samplesOf(families, "container_fs_limit_bytes", ofMain);
    expect(usage?.value).toBeGreaterThan(0);
    expect(limit?.value).toBeGreaterThan(usage?.value ?? Number.NaN);
    // Whatever holds the folder: a disk, or memory.
    expect(usage?.labels["device"]).not.toBe("");
    expect(limit?.labels["device"]).toBe(usage?.labels["device"]);
  });

  it("/metrics tells of the daemon itself", async () => {
    const families = await metrics("/metrics");
    expect(samplesOf(families, "process_resident_memory_bytes")[0]?.value).toBeGreaterThan(1_000_000);
    expect(samplesOf(families, "kubelet_running_pods")[0]?.value).toBe(1);
    expect(samplesOf(families, "kubelet_running_containers", { container_state: "running" })[0]?.value).toBe(1);
    expect(samplesOf(families, "kubelet_node_name", { node: "node-1" })).toHaveLength(1);
    expect(samplesOf(families, "kubernetes_build_info")[0]?.labels["major"]).toBe("1");
  });

  it("/spec tells what the machine has", async () => {
    const { cpus, memoryBytes } = machineFacts();
    expect(JSON.parse((await ask("/spec/")).text)).toMatchObject({ num_cores: cpus, memory_capacity: memoryBytes });
  });
});
