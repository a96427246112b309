import { randomInt } from "node:crypto";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { waitFor } from "../../core/client/wait_for.ts";
import { namespace as namespaceKind } from "../../core/kinds/namespace.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import { patienceMs } from "../patience.ts";
import {
  eventually,
  ownAddress,
  processesOf,
  type Running,
  run,
  start,
  startUp,
  temporaryFolder,
  useCluster,
  wherry,
} from "./harness.ts";
import { servers, serviceOf, shellPod } from "./manifests.ts";
import { ask, shares } from "./traffic.ts";

const namespace = "default";
const token = "0123456789abcdef";

/** A master by itself. */
async function startMaster(folder: string): Promise<{ readonly running: Running; readonly url: string }> {
  const tokens = join(folder, "tokens.csv");
  writeFileSync(tokens, `${token},admin,1,"system:masters"\n`, { mode: 0o600 });
  // Ranges that no whole cluster chooses: those lie below 127.240.
  const [second, third] = [randomInt(240, 250), 2 * randomInt(0, 127)];
  const running = start(
    [
      ...wherry,
      "master",
      ...["--data-dir", join(folder, "master"), "--token-auth-file", tokens, "--secure-port", "0"],
      ...["--cluster-cidr", `127.${second}.${third}.0/24`],
      ...["--service-cluster-ip-range", `127.${second}.${third + 1}.0/24`],
    ],
    { env: { HOME: folder } },
  );
  const [, url = ""] = await running.printed(/The API is ready at (\S+)/);
  return { running, url };
}

/** How a daemon is told where the master is, and who it is. */
function credentials(folder: string, url: string): readonly string[] {
  return ["--server", url, "--token", token, "--certificate-authority", join(folder, "master", "pki", "ca.crt")];
}

/** A node by itself. */
async function startNode(folder: string, url: string, ...flags: readonly string[]): Promise<Running> {
  const running = start(
    [
      ...wherry,
      "node",
      ...credentials(folder, url),
      ...["--root-dir", join(folder, "node"), "--hostname-override", "worker", "--node-ip", "127.0.0.1"],
      ...["--port", "0", "--address", "127.0.0.1", "--container-runtime", "process"],
      ...["--nodeport-addresses", ownAddress(), ...flags],
    ],
    { env: { HOME: folder } },
  );
  await running.printed(/Node worker is ready; pods run as processes/);
  return running;
}

/** A kubeconfig as an administrator of a master writes it, and the cluster through it. */
async function connect(folder: string, url: string): ReturnType<typeof useCluster> {
  const path = join(folder, "admin.yaml");
  const ca = join(folder, "master", "pki", "ca.crt");
  writeFileSync(
    path,
    [
      "apiVersion: v1",
      "kind: Config",
      "current-context: test",
      `clusters: [{name: test, cluster: {server: "${url}", certificate-authority: ${ca}}}]`,
      `users: [{name: test, user: {token: "${token}"}}]`,
      "contexts: [{name: test, context: {cluster: test, user: test}}]",
      "",
    ].join("\n"),
  );
  return await useCluster(path, folder);
}

const started = ({ status }: Pod) => ({
  restarts: status?.containerStatuses?.[0]?.restartCount,
  id: status?.containerStatuses?.[0]?.containerID,
  at: status?.containerStatuses?.[0]?.state?.running?.startedAt,
});

describe("the daemons, each alone", () => {
  it("run a pod whose logs and commands are reached through the master, and hand it over to the next node daemon", async () => {
    await using folder = temporaryFolder();
    const { running: master, url } = await startMaster(folder.path);
    await using _master = master;
    const first = await startNode(folder.path, url);
    await using _first = first;
    const cluster = await connect(folder.path, url);
    await using client = cluster.client;

    await cluster.apply(shellPod("web", "echo hello; exec sleep 1000"));
    await cluster.ok("wait", "pod/web", "--for=condition=Ready");
    expect(await cluster.ok("get", "pod", "web", "-o", "wide")).toMatch(
      / 1\/1 +Running +0 .* 127\.\d+\.\d+\.1 +worker /,
    );
    await expect.poll(() => cluster.ok("logs", "web")).toBe("hello\n");
    expect(await cluster.ok("exec", "web", "--", "sh", "-c", "echo $WHERRY_CONTAINER_ID")).toMatch(/^[0-9a-f]{64}\n$/);
    const before = started(await client.get(pod, { namespace, name: "web" }));

    expect(await first.stop("SIGTERM")).toMatchObject({ code: 0 });
    const processes = processesOf(before.id?.split("//")[1] ?? "none");
    expect(processes.length).toBeGreaterThan(0);
    const second = await startNode(folder.path, url, "--drain-on-exit");
    await using _second = second;
    expect(await cluster.ok("exec", "web", "--", "echo", "adopted")).toBe("adopted\n");
    expect(started(await client.get(pod, { namespace, name: "web" }))).toEqual(before);
    for (const pid of processes) expect(processesOf(join(folder.path, "node"))).toContain(pid);

    expect(await second.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(processesOf(join(folder.path, "node"))).toEqual([]);
    const { status } = await client.get(pod, { namespace, name: "web" });
    expect(status).toMatchObject({ phase: "Failed", reason: "Terminated" });
  });

  it("end within 5 s of SIGTERM with code 0, the master also with open watches", async () => {
    await using folder = temporaryFolder();
    const { running: master, url } = await startMaster(folder.path);
    await using _master = master;
    const cluster = await connect(folder.path, url);
    await using client = cluster.client;
    const watches = [0, 1, 2].map(async () => {
      const events = client.watch(namespaceKind)[Symbol.asyncIterator]();
      expect(await events.next()).toMatchObject({ value: { type: "ADDED" } });
      return events;
    });
    const open = await Promise.all(watches);
    await using following = cluster.follow("get", "ns", "-w");
    await following.printed(/default +Active/);
    const proxy = start([...wherry, "service-proxy", "--kubeconfig", cluster.kubeconfig], {
      env: { HOME: folder.path },
    });
    await using _proxy = proxy;
    await proxy.printed(/The service proxy is ready/);

    const at = performance.now();
    expect(await master.stop("SIGTERM")).toMatchObject({ code: 0 });
    expect(performance.now() - at).toBeLessThan(5000);
    for (const events of open) while (!(await events.next()).done);
    expect(await following.ended).toMatchObject({ code: 0 });
    expect(await proxy.stop("SIGTERM")).toMatchObject({ code: 0 });
  });

  it("refuse a folder that another daemon uses, saying who it is", async () => {
    await using folder = temporaryFolder();
    const { running, url } = await startMaster(folder.path);
    await using _running = running;
    const again = await run([...wherry, "master", "--data-dir", join(folder.path, "master"), "--secure-port", "0"], {
      env: { HOME: folder.path },
    });
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(new RegExp(`${join(folder.path, "master", "store")}.*${running.child.pid}`));
    expect(again.stderr).not.toMatch(/^ +at /m);
    const cluster = await connect(folder.path, url);
    await using _client = cluster.client;
    expect(await cluster.ok("get", "ns", "default", "-o", "name")).toBe("namespace/default\n");
    await using one = await startNode(folder.path, url);
    await expect(startNode(folder.path, url)).rejects.toThrow(
      `error: Cannot start the node: ${join(folder.path, "node")} is in use by another wherry (process ${one.child.pid})`,
    );
  });

  it("let nobody in without a token that they know", async () => {
    await using folder = temporaryFolder();
    const { running, url } = await startMaster(folder.path);
    await using _running = running;
    const ca = ["--certificate-authority", join(folder.path, "master", "pki", "ca.crt")];
    const env = { HOME: folder.path, KUBECONFIG: join(folder.path, "none") };
    const wrong = [token.slice(1), `${token}0`, token.toUpperCase(), "__proto__", "admin"];
    for (const credential of [[], ...wrong.map((text) => ["--token", text])]) {
      expect(await run([...wherry, "get", "ns", "--server", url, ...ca, ...credential], { env })).toEqual({
        code: 1,
        stdout: "",
        stderr: "error: You must be logged in to the server (Unauthorized)\n",
      });
    }
    const right = ["--token", token];
    expect(await run([...wherry, "get", "ns", "--server", url, ...ca, ...right], { env })).toMatchObject({ code: 0 });
    const stranger = await run([...wherry, "get", "ns", "--server", url, ...right], { env });
    expect(stranger.stderr).toMatch(/certificate signed by unknown authority/);
  });
});

describe("wherry service-proxy", () => {
  it("serves what a file lists, in turns, and follows the file", async () => {
    await using folder = temporaryFolder();
    await using backends = await listenBackends(3);
    const host = ownAddress();
    const path = join(folder.path, "services.yaml");
    const write = (count: number) =>
      writeFileSync(
        path,
        `services:\n  - name: web\n    listen: ${host}:8080\n    endpoints: [${backends.addresses.slice(0, count).join(", ")}]\n`,
      );
    write(3);
    await using proxy = start([...wherry, "service-proxy", "--config", path], { env: { HOME: folder.path } });
    await proxy.printed(/The service proxy is ready/);
    const answers = async (count: number) => {
      const all: string[] = [];
      for (let sent = 0; sent < count; sent++) all.push(await ask(host, 8080));
      return all;
    };
    expect(shares(await answers(12))).toEqual([4, 4, 4]);
    write(1);
    await proxy.printed(/Read the services again/);
    expect(shares(await answers(4))).toEqual([4]);
    expect(await proxy.stop("SIGTERM")).toMatchObject({ code: 0, stdout: "" });
  });

  it("names the field of a file that it cannot use", async () => {
    await using folder = temporaryFolder();
    const path = join(folder.path, "services.yaml");
    writeFileSync(path, "services:\n  - name: web\n    listen: somewhere\n    endpoints: []\n");
    expect(await run([...wherry, "service-proxy", "--config", path])).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: Cannot read the proxy file: services[0].listen: must be ADDRESS:PORT, e.g. 127.0.0.1:8080\n",
    });
  });

  it("serves a cluster's services, also while the master is away", async () => {
    await using folder = temporaryFolder();
    const { running: master, url } = await startMaster(folder.path);
    await using _master = master;
    await using _node = await startNode(folder.path, url, "--run-proxy=false");
    const cluster = await connect(folder.path, url);
    await using _client = cluster.client;
    await using proxy = start(
      [...wherry, "service-proxy", "--kubeconfig", cluster.kubeconfig, "--nodeport-addresses", ownAddress()],
      {
        env: { HOME: folder.path },
      },
    );
    await proxy.printed(/The service proxy is ready/);
    await cluster.apply(servers("web", 2), serviceOf("web"));
    await cluster.ok("rollout", "status", "deploy/web");
    const ip = (await cluster.ok("get", "svc", "web", "--no-headers")).split(/ +/)[2] ?? "";
    const heard = new Set<string>();
    await eventually("two pods had answered", async () => {
      await ask(ip, 80).then(
        (answer) => heard.add(answer),
        () => {},
      );
      return heard.size === 2 ? true : undefined;
    });
    await master.stop("SIGKILL");
    for (let sent = 0; sent < 4; sent++) expect(heard).toContain(await ask(ip, 80));
    expect(await proxy.stop("SIGTERM")).toMatchObject({ code: 0 });
  });
});

describe("files with credentials", () => {
  it("are for their owner only, whatever the umask", async () => {
    await using folder = temporaryFolder();
    const parent = join(folder.path, "open");
    mkdirSync(parent, { mode: 0o777 });
    const umask = process.umask(0);
    let cluster: Awaited<ReturnType<typeof startUp>>;
    try {
      cluster = await startUp(parent);
    } finally {
      process.umask(umask);
    }
    await using _cluster = cluster;
    await cluster.apply(
      { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { password: "keep me" } },
      shellPod("reader", "exec sleep 1000", { volumes: [{ name: "key", secret: { secretName: "key" } }] }),
    );
    await waitFor(cluster.client, pod, { namespace, name: "reader" }, { condition: "Ready", timeoutMs: patienceMs });
    const modes = modesBelow(parent);
    for (const path of ["data", "data/pki", "data/store", "data/nodes"]) expect(modes.get(path), path).toBe("700");
    const credentials = [...modes].filter(([path]) =>
      /(^config|kubeconfig|cluster\.json|\.key|store\/.*|config\.json)$/.test(path),
    );
    expect(credentials.length).toBeGreaterThanOrEqual(9);
    expect(credentials.filter(([, mode]) => mode !== "600")).toEqual([]);
    // Containers of any user write their last words: as in Kubernetes, that file is everybody's, inside a folder that is not.
    const lastWords = /\/containers\/main\/0$/;
    expect([...modes].filter(([path, mode]) => /[2367]$/.test(mode) && !lastWords.test(path))).toEqual([]);
  });
});

/** Octal permissions of everything below a folder, by path. Links are not followed. */
function modesBelow(folder: string): ReadonlyMap<string, string> {
  const paths = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  // Files that are written beside and renamed come and go.
  const found = paths.flatMap((path) => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats ? [[relative(folder, path), (stats.mode & 0o777).toString(8)] as const] : [];
  });
  return new Map(found);
}

async function listenBackends(count: number): Promise<{ readonly addresses: readonly string[] } & AsyncDisposable> {
  const servers = Array.from({ length: count }, (_, index) =>
    createServer((_request, response) => response.writeHead(200, { connection: "close" }).end(`backend ${index}\n`)),
  );
  await Promise.all(servers.map((one) => new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve))));
  return {
    addresses: servers.map((one) => `127.0.0.1:${(one.address() as AddressInfo).port}`),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((one) => new Promise<void>((resolve) => one.close(() => resolve()))));
    },
  };
}
