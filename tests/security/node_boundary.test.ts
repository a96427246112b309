import { readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer as createTcp } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { logs as podLogs } from "../../core/client/logs.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { pod as podKind } from "../../core/kinds/pod.ts";
import { secret as secretKind } from "../../core/kinds/secret.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { createLogger } from "../../core/util/log.ts";
import { folder, openMaster, type Target } from "./_master.ts";

describe("a Node that is forged", () => {
  let target: Target;
  beforeAll(async () => {
    target = await openMaster({}, () => {});
  });
  afterAll(() => target.close());

  /** A listener that counts who comes. */
  async function canary(): Promise<{ readonly port: number; readonly bytes: () => string }> {
    let bytes = "";
    const server = createTcp((socket) => {
      socket.on("error", () => {});
      socket.on("data", (part) => {
        bytes += part.toString("latin1");
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    return { port: typeof address === "object" ? (address?.port ?? 0) : 0, bytes: () => bytes };
  }

  let count = 0;
  /** Makes a Node that claims to be at an address, and a pod on it; gives the pod's path. */
  async function claim(address: string, port: number, annotations: JsonObject = {}): Promise<string> {
    const name = `forged-${++count}`;
    const status = {
      addresses: [{ type: "InternalIP", address }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, annotations }, status };
    expect((await target.ask("POST", "/api/v1/nodes", { body: node })).status).toBe(201);
    const spec = { nodeName: name, containers: [{ name: "main", image: "x" }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec };
    expect((await target.ask("POST", "/api/v1/namespaces/default/pods", { body: pod })).status).toBe(201);
    return `/api/v1/namespaces/default/pods/${name}`;
  }

  it("makes the master send nothing to an address that shows no expected certificate", async () => {
    const { port, bytes } = await canary();
    for (const annotations of [{}, { "wherry.dev/serving-certificate-sha256": "00".repeat(32) }]) {
      const { status, text } = await target.ask("GET", `${await claim("127.0.0.1", port, annotations)}/log`);
      expect(status).toBe(500);
      expect(text).not.toContain("secret");
    }
    expect(bytes()).not.toMatch(/GET|HTTP/);
  });

  it.each([
    "169.254.169.254",
    "169.254.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "::ffff:169.254.169.254",
    "metadata.google.internal",
    "localhost",
  ])("is refused at %s, without a connection", async (address) => {
    const path = await claim(address, 80, { "wherry.dev/serving-certificate-sha256": "00".repeat(32) });
    const { status, json } = await target.ask("GET", `${path}/log`);
    expect([status, json.message]).toEqual([400, expect.stringContaining("address not allowed")]);
  });

  it.each([0, -1, 65_536, 99_999])("is refused at port %d", async (port) => {
    const path = await claim("127.0.0.1", port, { "wherry.dev/serving-certificate-sha256": "00".repeat(32) });
    expect((await target.ask("GET", `${path}/log`)).json).toMatchObject({ kind: "Status", status: "Failure" });
  });
});

describe("a cluster on disk", () => {
  const password = "correct-horse-battery-staple";
  const logged: string[] = [];
  let cluster: Cluster;
  let dataDir: string;
  let home: { readonly path: string; readonly remove: () => Promise<void> };

  beforeAll(async () => {
    const mask = process.umask(0);
    const { mkdtemp } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const path = await mkdtemp(join(tmpdir(), "wherry-boundary-"));
    home = { path, remove: () => rm(path, { recursive: true, force: true }) };
    dataDir = join(path, "data");
    const log = createLogger({ level: "debug", clock: systemClock, write: (line) => logged.push(line) });
    cluster = await startCluster({ dataDir, log });
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "default" } };
    await cluster.client.create(secretKind, { ...secret, stringData: { password } } as KubeObject);
    const env = [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "s", key: "password" } } }];
    const volumeMounts = [{ name: "v", mountPath: "/v" }];
    const command = ["sh", "-c", "echo started; exec sleep 1000"];
    await cluster.client.create(podKind, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", namespace: "default" },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "main", image: "x", command, env, volumeMounts }],
        volumes: [{ name: "v", secret: { secretName: "s" } }],
      },
    });
    await cluster.waitFor(podKind, { namespace: "default", name: "p" }, { condition: "Ready" });
    process.umask(mask);
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await home.remove();
  });

  /** Files below a folder that somebody else may read, on a way that somebody else may go. */
  async function readable(path: string, open = true): Promise<readonly string[]> {
    const found: string[] = [];
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const child = join(path, entry.name);
      if (entry.isSymbolicLink()) continue;
      // Files are replaced by way of one beside them, which may be gone by now.
      const mode = await stat(child).then(
        (found) => found.mode,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
        },
      );
      if (mode === undefined) continue;
      if (entry.isDirectory()) found.push(...(await readable(child, open && (mode & 0o011) !== 0)));
      else if (open && (mode & 0o066) !== 0) found.push(child);
    }
    return found;
  }

  it("shows no other user a file, whatever the umask", async () => {
    const { mode } = await stat(dataDir);
    expect(await readable(dataDir, (mode & 0o011) !== 0)).toEqual([]);
    for (const name of ["cluster.json", "pki/ca.key", "pki/apiserver.key", "pki/apiserver-kubelet-client.key"])
      expect([name, (await stat(join(dataDir, name))).mode & 0o777]).toEqual([name, 0o600]);
  });

  it("logs no secret, token or authorization at any level", async () => {
    const token = cluster.credentials.user["token"] ?? "";
    expect(token.length).toBeGreaterThan(16);
    const all = logged.join("\n");
    expect(all.length).toBeGreaterThan(0);
    for (const text of [password, Buffer.from(password).toString("base64"), token, "Bearer ", "PRIVATE KEY"])
      expect(all).not.toContain(text);
  });

  it("does not follow a link in the place of a container's log", async () => {
    const secretFile = join(await folder(), "shadow");
    await writeFile(secretFile, "root:secret-hash\n");
    const logs = await find(dataDir, "log");
    expect(logs.length).toBe(1);
    const [log = ""] = logs;
    await rename(log, `${log}.aside`);
    await symlink(secretFile, log);
    const text = await readAll(podLogs(cluster.client, { namespace: "default", name: "p" })).catch(String);
    expect(text).not.toContain("secret-hash");
    expect(await readFile(secretFile, "utf8")).toBe("root:secret-hash\n");
    await rm(log);
    await rename(`${log}.aside`, log);
  });

  it("gives the log of no container that the pod does not have", async () => {
    const { status } = await ask("/api/v1/namespaces/default/pods/p/log?container=..%2f..%2fetc");
    expect(status).toBe(400);
  });

  it("keeps a forged pin from the node that is there", async () => {
    const name = cluster.nodes[0] ?? "";
    const body = { metadata: { annotations: { "wherry.dev/serving-certificate-sha256": "00".repeat(32) } } };
    await cluster.client.patch(nodeKind, { name }, { type: "merge", body });
    const { status, text } = await ask("/api/v1/namespaces/default/pods/p/log");
    expect(status === 200 || text.includes("another certificate")).toBe(true);
  });

  async function ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { request, Agent } = await import("undici");
    const ca = Buffer.from(String(cluster.credentials.cluster["certificate-authority-data"]), "base64").toString();
    const dispatcher = new Agent({ connect: { ca } });
    onTestFinished(() => dispatcher.destroy());
    const headers = { authorization: `Bearer ${cluster.credentials.user["token"]}` };
    const { statusCode, body } = await request(`${cluster.url}${path}`, { dispatcher, headers });
    return { status: statusCode, text: await body.text() };
  }
});

async function find(path: string, name: string): Promise<readonly string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) return await find(child, name);
      // The root of a container has links to what the machine has, /var/log among them.
      return entry.isFile() && entry.name === name ? [child] : [];
    }),
  );
  return found.flat();
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString();
}
