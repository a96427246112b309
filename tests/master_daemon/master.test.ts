import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { findCondition } from "../../core/api/meta.ts";
import { ipAddress, serviceCidr } from "../../core/kinds/mod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { systemRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { type Master, startMaster } from "../../master_daemon/master.ts";
import type { MasterOptions } from "../../master_daemon/master_options.ts";
import { patienceMs } from "../patience.ts";
import { missing } from "../require.ts";

const common = { clock: systemClock, random: systemRandom, log: silentLogger };
const token = "test-token-1234567890";

/** Until the test ends, whoever waits for a grace to be over waits for ever. */
function endlessGraces(): void {
  const { sleep } = systemClock;
  const spy = vi
    .spyOn(systemClock, "sleep")
    .mockImplementation((ms, options) => sleep(ms < 1_000 ? ms : ms * 1_000, options));
  onTestFinished(() => spy.mockRestore());
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "wherry-master-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(options: Partial<MasterOptions> = {}): Promise<Master & { readonly close: () => Promise<void> }> {
  const master = await startMaster({
    listen: { port: 0 },
    tokens: new Map([[token, { username: "alice", groups: ["system:masters"] }]]),
    ...common,
    ...options,
  });
  let open = true;
  const close = async () => {
    if (open) await master[Symbol.asyncDispose]();
    open = false;
  };
  onTestFinished(close);
  return { ...master, close };
}

async function agentFor(master: Master, connectOptions: object = {}): Promise<Agent> {
  const agent = new Agent({ connect: { ca: await master.ca(), ...connectOptions }, bodyTimeout: 0 });
  onTestFinished(() => agent.destroy());
  return agent;
}

const bearer = { authorization: `Bearer ${token}` };

describe("startMaster()", () => {
  it("serves over TLS to who shows a known token, and to nobody else", async () => {
    const master = await start();
    const dispatcher = await agentFor(master);
    const ask = async (headers: Record<string, string>) => {
      const { statusCode, body } = await request(`${master.url}/api/v1/namespaces`, { dispatcher, headers });
      return [statusCode, ((await body.json()) as { kind: string }).kind];
    };
    expect(await ask(bearer)).toEqual([200, "NamespaceList"]);
    for (const authorization of [
      "",
      "Bearer ",
      "Bearer x",
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${token}`,
      "Bearer __proto__",
    ])
      expect(await ask(authorization ? { authorization } : {})).toEqual([401, "Status"]);
  });

  it("takes client certificates of its own authority: CN is the user", async () => {
    const master = await start();
    const own = await master.issueClientCertificate({ commonName: "bob", organizations: ["ops"] });
    const other = await (await start()).issueClientCertificate({ commonName: "bob" });
    const status = async (pair: { certificate: string; key: string }) => {
      const dispatcher = await agentFor(master, { cert: pair.certificate, key: pair.key });
      const { statusCode, body } = await request(`${master.url}/api`, { dispatcher });
      await body.dump();
      return statusCode;
    };
    expect(await status(own)).toBe(200);
    expect(await status(other)).toBe(401);
  });

  it("speaks HTTP/2 as well, several requests on one connection", async () => {
    const master = await start();
    const session = connectHttp2(master.url ?? "", { ca: await master.ca() });
    onTestFinished(() => session.close());
    const get = (path: string) =>
      new Promise<[unknown, string]>((resolve) => {
        let text = "";
        let status: unknown;
        session
          .request({ ":path": path, ...bearer })
          .on("response", (headers) => {
            status = headers[":status"];
          })
          .on("data", (part) => {
            text += part;
          })
          .on("end", () => resolve([status, text]));
      });
    const answers = await Promise.all([get("/version"), get("/api/v1/pods"), get("/nothing")]);
    expect(answers.map(([status]) => status)).toEqual([200, 200, 404]);
    expect(JSON.parse(answers[0]?.[1] ?? "")).toMatchObject({ major: "1", minor: "36" });
  });

  it("bootstraps the namespaces, the kubernetes service, and where it points", async () => {
    const master = await start({ serviceClusterIpRange: "10.50.0.0/24" });
    const dispatcher = await agentFor(master);
    const get = async (path: string) =>
      (await request(`${master.url}${path}`, { dispatcher, headers: bearer })).body.json() as Promise<never>;
    const { items } = (await get("/api/v1/namespaces")) as { items: { metadata: { name: string } }[] };
    expect(items.map(({ metadata }) => metadata.name)).toEqual([
      "default",
      "kube-node-lease",
      "kube-public",
      "kube-system",
    ]);
    expect(await get("/api/v1/namespaces/default/services/kubernetes")).toMatchObject({
      spec: { clusterIP: "10.50.0.1" },
    });
    expect(await get("/api/v1/namespaces/default/endpoints/kubernetes")).toMatchObject({
      subsets: [{ addresses: [{ ip: "127.0.0.1" }], ports: [{ port: master.port }] }],
    });
  });

  it("tells the ranges and the addresses of services, and of a range of the other family that comes later", async () => {
    const dataDir = await folder();
    const range = "10.50.0.0/24";
    const both = `${range},fd00:50::/112`;
    const look = async ({ client }: Master) => {
      const [{ items: ranges }, { items: addresses }] = [await client.list(serviceCidr), await client.list(ipAddress)];
      const ready = findCondition(ranges[0]?.status?.conditions, "Ready")?.status;
      const { metadata, spec } = ranges[0] ?? {};
      return [
        metadata?.name,
        spec?.cidrs?.join(),
        ready,
        addresses
          .map(({ metadata: { name } }) => name)
          .sort()
          .join(),
      ];
    };
    const expected = (cidrs: string) => ["kubernetes", cidrs, "True", "10.50.0.1,10.50.0.10"];
    const first = await start({ dataDir, serviceClusterIpRange: range });
    await expect.poll(() => look(first), { timeout: patienceMs }).toEqual(expected(range));
    await first.close();
    const second = await start({ dataDir, serviceClusterIpRange: both });
    await expect.poll(() => look(second), { timeout: patienceMs }).toEqual(expected(both));
  });

  it("writes default roles after what is to go first, whether that succeeds or not", async () => {
    let fail = (_reason: Error) => {};
    const first = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    const roleOf = async (master: Master) => {
      const dispatcher = await agentFor(master);
      return async () => {
        const url = `${master.url}/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin`;
        const { statusCode, body } = await request(url, { dispatcher, headers: bearer });
        await body.dump();
        return statusCode;
      };
    };
    const waiting = await roleOf(await start({ first }));
    // One that waits for nothing, and began later, has them: so the other had the time.
    const other = await roleOf(await start());
    await vi.waitFor(async () => expect(await other()).toBe(200), patienceMs);
    expect(await waiting()).toBe(404);
    fail(new Error("no nodes"));
    await vi.waitFor(async () => expect(await waiting()).toBe(200), patienceMs);
  });

  it("keeps objects, authority and addresses across restarts; keys are private", async () => {
    const dataDir = await folder();
    const first = await start({ dataDir });
    await first.client.create(
      { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept", namespace: "default" } },
    );
    const [ca, port] = [await first.ca(), first.port];
    await first.close();
    expect((await stat(join(dataDir, "pki", "ca.key"))).mode & 0o777).toBe(0o600);
    const second = await start({ dataDir, listen: { port: port ?? 0 } });
    expect(await second.ca()).toBe(ca);
    const dispatcher = await agentFor(second);
    const { statusCode, body } = await request(`${second.url}/api/v1/namespaces/default/configmaps/kept`, {
      dispatcher,
      headers: bearer,
    });
    await body.dump();
    expect(statusCode).toBe(200);
  });

  it("refuses a port that is taken, and says what to do", async () => {
    const first = await start();
    await expect(startMaster({ ...common, listen: { port: first.port ?? 0 } })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${first.port}: another program listens there: stop it, or choose another port with --secure-port (0 takes any free one)`,
    );
  });

  it("refuses options that cannot be", async () => {
    await expect(startMaster({ ...common, authorization: { modes: ["ABAC"] } })).rejects.toThrow(/not a valid mode/);
    await expect(startMaster({ ...common, serviceClusterIpRange: "fd00::/108" })).rejects.toThrow(/IPv4 range/);
    await expect(startMaster({ ...common, serviceNodePortRange: "5-1" })).rejects.toThrow(/FIRST-LAST/);
    await expect(startMaster({ ...common, authentication: { tokenAuthFile: "/nothing/there" } })).rejects.toThrow(
      /is not there/,
    );
  });

  it("ends open watches and closes without waiting for its grace to be over", async () => {
    endlessGraces();
    const master = await start();
    const dispatcher = await agentFor(master);
    const watch = await request(`${master.url}/api/v1/pods?watch=true`, { dispatcher, headers: bearer });
    const ended = watch.body.text();
    await master.close();
    expect(await ended).toBe("");
  });

  it("forgets watches whose clients went away: closing waits for none of them", async () => {
    endlessGraces();
    const master = await start();
    const dispatcher = await agentFor(master);
    const session = connectHttp2(master.url ?? "", { ca: await master.ca() });
    const heads = Array.from(
      { length: 20 },
      () =>
        new Promise((resolve) =>
          session
            .request({ ":path": "/api/v1/pods?watch=true", ...bearer })
            .on("error", () => {})
            .on("response", resolve),
        ),
    );
    const older = await request(`${master.url}/api/v1/pods?watch=true`, { dispatcher, headers: bearer });
    await Promise.all(heads);
    session.destroy();
    older.body.on("error", () => {}).destroy();
    const { body } = await request(`${master.url}/healthz`, { dispatcher });
    await body.dump();
    await master.close();
  });

  it("answers a refused upgrade and closes: what follows is never taken for a request", async () => {
    const master = await start();
    const ca = await master.ca();
    const text = await new Promise<string>((resolve) => {
      const socket = connect({
        port: master.port ?? 0,
        host: "127.0.0.1",
        ca,
        ALPNProtocols: ["http/1.1"],
      });
      let received = "";
      socket.on("data", (part) => {
        received += part;
      });
      socket.on("close", () => resolve(received));
      socket.on("error", () => {});
      const path = "/api/v1/namespaces/default/pods/p/exec?command=id&stdout=true";
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
    });
    expect(text).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it("survives broken requests", async () => {
    const master = await start();
    const ca = await master.ca();
    const bad = [
      "GARBAGE\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      `GET /${"a".repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    ];
    for (const text of bad) {
      const answer = await new Promise<string>((resolve) => {
        const socket = connect({ port: master.port ?? 0, host: "127.0.0.1", ca, ALPNProtocols: ["http/1.1"] });
        let received = "";
        socket.on("data", (part) => {
          received += part;
        });
        socket.on("close", () => resolve(received));
        socket.on("error", () => resolve(received));
        socket.write(text);
      });
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d|$)/);
    }
    const dispatcher = await agentFor(master);
    const { statusCode, body } = await request(`${master.url}/livez`, { dispatcher });
    expect([statusCode, await body.text()]).toEqual([200, "ok"]);
  });
});

const kubectlVersion = await new Promise<string | undefined>((resolve) =>
  execFile("kubectl", ["version", "--client"], (error, out) => resolve(error ? undefined : out)),
);

describe.skipIf(missing("kubectl", kubectlVersion))("real kubectl", () => {
  let master: Master;
  let path: string;

  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), "wherry-kubectl-"));
    master = await startMaster({
      ...common,
      listen: { port: 0 },
      tokens: new Map([[token, { username: "alice", groups: ["system:masters"] }]]),
    });
    await writeFile(join(path, "ca.crt"), await master.ca());
  });
  afterAll(async () => {
    await master[Symbol.asyncDispose]();
    await rm(path, { recursive: true, force: true });
  });

  function kubectl(args: readonly string[], input = ""): Promise<{ code: number; out: string; err: string }> {
    const flags = [
      "--server",
      master.url ?? "",
      "--certificate-authority",
      join(path, "ca.crt"),
      "--token",
      token,
      "--cache-dir",
      join(path, "cache"),
    ];
    return new Promise((resolve) => {
      const child = execFile(
        "kubectl",
        [...flags, ...args],
        { env: { ...process.env, KUBECONFIG: "/dev/null" }, timeout: 20_000 },
        (error, out, err) => resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, out, err }),
      );
      child.stdin?.end(input);
    });
  }

  const deployment = JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "busybox" }] } },
    },
  });

  it("applies, lists, scales, patches, explains and deletes", async () => {
    const run = async (args: readonly string[], input?: string) => {
      const { code, out, err } = await kubectl(args, input);
      expect([args.join(" "), code, code === 0 ? "" : err]).toEqual([args.join(" "), 0, ""]);
      return out;
    };
    expect(await run(["apply", "-f", "-"], deployment)).toBe("deployment.apps/web created\n");
    expect(await run(["apply", "-f", "-"], deployment)).toBe("deployment.apps/web unchanged\n");
    await expect
      .poll(() => run(["get", "pods", "-l", "app=web", "-o", "name"]))
      .toMatch(/^pod\/web-\S+\npod\/web-\S+\n$/);
    expect(await run(["get", "deploy", "web"])).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2/);
    expect(await run(["scale", "deploy/web", "--replicas=1"])).toBe("deployment.apps/web scaled\n");
    expect(await run(["label", "deploy/web", "tier=front"])).toBe("deployment.apps/web labeled\n");
    expect(await run(["set", "image", "deploy/web", "main=busybox:2"])).toBe("deployment.apps/web image updated\n");
    expect(await run(["explain", "deployment.spec.replicas"])).toContain("Number of desired pods");
    expect(await run(["describe", "deploy", "web"])).toContain("Replicas:");
    expect(await run(["delete", "deploy", "web", "--timeout=15s"])).toBe('deployment.apps "web" deleted\n');
  });

  it("is told what is wrong in Kubernetes' words", async () => {
    expect((await kubectl(["get", "pod", "nothing"])).err).toBe(
      'Error from server (NotFound): pods "nothing" not found\n',
    );
    const broken = deployment.replace('"image":"busybox"', '"imag":"busybox"');
    expect((await kubectl(["create", "-f", "-"], broken)).err).toContain(
      'unknown field "spec.template.spec.containers[0].imag"',
    );
    expect((await kubectl(["create", "--validate=false", "-f", "-"], broken)).err).toContain(
      "spec.template.spec.containers[0].image: Required value",
    );
  });
});
