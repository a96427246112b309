import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer as createWebServer, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterNodes } from "../../cluster/cluster_nodes.ts";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { event } from "../../core/kinds/event.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, type PodSpec, pod } from "../../core/kinds/pod.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { systemRandom } from "../../core/platform/random.ts";
import { silentLogger } from "../../core/util/log.ts";
import { fileSource } from "../../node_daemon/kubelet/sources/file.ts";
import { httpSource } from "../../node_daemon/kubelet/sources/http.ts";
import { startNode } from "../../node_daemon/node.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { eventually } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { importBusybox, testImage } from "../suites/docker_image.ts";

const hasDocker = await findDocker({ clock: systemClock });
const stay = "trap 'exit 0' TERM; while :; do sleep 0.2; done";
const key = (name: string) => ({ namespace: "default", name });
const isRoot = process.getuid?.() === 0;

const tokenReviews: ResourceType<KubeObject & { readonly spec: object }> = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  namespaced: false,
};
const tokenRequests: ResourceType<
  KubeObject & { readonly spec: object; readonly status?: { readonly token?: string } }
> = {
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
};

/** A container that runs a line of shell; paths are relative, as they hold in an image and on a machine alike. */
const shell = (script: string, more: object = {}) => ({
  name: "main",
  image: testImage,
  command: ["/bin/sh", "-c", script],
  ...more,
});

const podOf = (name: string, spec: object): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 1, ...spec } as PodSpec,
});

const configOf = (name: string, data: Readonly<Record<string, string>>): KubeObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data }) as KubeObject;

const secretOf = (name: string, data: Readonly<Record<string, string>>): KubeObject =>
  ({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, stringData: data }) as KubeObject;

async function textOf(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

const runtimes = missing("docker", hasDocker) ? (["process"] as const) : (["process", "docker"] as const);

/** What pods have as files, and how a node's own pods come and go, through the API, on every runtime. */
describe.each(runtimes)("a node with the runtime %s", (runtime) => {
  let folder: string;
  let cluster: Cluster;
  let nodes: ClusterNodes;
  let manifest: { etag: string; body: string; asked: (string | undefined)[] };
  let web: ReturnType<typeof createWebServer>;

  const output = async (name: string, script: string) => {
    const { stdout, stderr, code } = await cluster.exec(key(name), ["/bin/sh", "-c", script], { container: "main" });
    return code === 0 ? stdout : `${stdout}${stderr}exit ${code}`;
  };
  const ready = (name: string) => cluster.waitFor(pod, key(name), { condition: "Ready" });
  const events = async (name: string) => {
    const { items } = await cluster.client.list(event, {
      namespace: "default",
      fieldSelector: `involvedObject.name=${name}`,
    });
    return items.map(({ message }) => message ?? "");
  };

  beforeAll(async () => {
    if (runtime === "docker") await importBusybox();
    folder = await mkdtemp(join(tmpdir(), "wherry-contract-"));
    await mkdir(join(folder, "manifests"));
    manifest = { etag: '"none"', body: "", asked: [] };
    web = createWebServer(({ headers }, response) => {
      manifest.asked.push(headers["if-none-match"]);
      if (headers["if-none-match"] === manifest.etag) response.writeHead(304).end();
      else response.writeHead(200, { etag: manifest.etag }).end(manifest.body);
    });
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    cluster = await startCluster({ nodes: 0 });
    nodes = new ClusterNodes({ clock: systemClock, random: systemRandom, log: silentLogger, lasting: false });
    const authority = await cluster.client.get(configMap, {
      namespace: "kube-system",
      name: "extension-apiserver-authentication",
    });
    const rootDir = join(folder, "node");
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/pods.yaml`;
    const daemon = await startNode({
      client: cluster.client,
      nodeName: "worker",
      nodeIPs: ["127.0.0.1"],
      rootDir,
      runtime,
      sandboxImage: testImage,
      clientCa: authority.data?.["client-ca-file"],
      serverAddress: "127.0.0.1",
      serverPort: 0,
      proxy: false,
      dns: false,
      sources: [
        fileSource({ path: join(folder, "manifests"), checkMs: 20_000 }),
        httpSource({ url, headers: [], checkMs: 300 }),
      ],
      podSocket: join(folder, "pods.sock"),
      care: { eviction: { thresholds: [], transitionPeriodMs: 0, maxPodGraceSeconds: 0 } },
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
    });
    nodes.add(daemon, rootDir);
  });
  afterAll(async () => {
    await nodes?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    web?.closeAllConnections();
    web?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("shows ConfigMap, Secret, downward API and token as files with their modes, and what is optional once it is there", async () => {
    await cluster.apply([configOf("settings", { a: "1", b: "2" }), secretOf("keys", { key: "hidden" })]);
    const volumes = [
      {
        name: "config",
        configMap: {
          name: "settings",
          items: [
            { key: "a", path: "deep/a", mode: 0o600 },
            { key: "b", path: "b" },
          ],
        },
      },
      { name: "secret", secret: { secretName: "keys", defaultMode: 0o400 } },
      { name: "info", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
      {
        name: "all",
        projected: {
          sources: [
            { configMap: { name: "later", optional: true } },
            { secret: { name: "keys", optional: true, items: [{ key: "second", path: "second" }] } },
            { serviceAccountToken: { path: "token", audience: "somebody", expirationSeconds: 600 } },
          ],
        },
      },
      { name: "memory", emptyDir: { medium: "Memory" } },
      { name: "disk", emptyDir: {} },
    ];
    const volumeMounts = [
      ...volumes.slice(0, 4).map(({ name }) => ({ name, mountPath: `/v/${name}` })),
      { name: "memory", mountPath: "/v/memory" },
      { name: "disk", mountPath: "/v/disk", subPathExpr: "of/$(WHO)" },
    ];
    const env = [{ name: "WHO", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }];
    const second = { ...shell(stay), name: "second", volumeMounts: [{ name: "disk", mountPath: "/whole" }] };
    const spec = { volumes, containers: [shell(stay, { volumeMounts, env }), second] };
    await cluster.apply([podOf("files", spec)]);
    await ready("files");
    expect(await output("files", "cd v/config; stat -L -c '%a %n' deep/a b; cat deep/a b")).toBe(
      "600 deep/a\n644 b\n12",
    );
    expect(await output("files", "stat -L -c %a v/secret/key; cat v/secret/key")).toBe("400\nhidden");
    expect(await output("files", "cat v/info/labels")).toBe('app="files"');
    expect(await output("files", "ls v/all")).toBe("token\n");
    expect(await output("files", "stat -f -c %T v/memory/.")).toBe("tmpfs\n");
    await output("files", "echo text > v/disk/file");
    const { stdout } = await cluster.exec(key("files"), ["/bin/sh", "-c", "cat whole/of/files/file"], {
      container: "second",
    });
    expect(stdout).toBe("text\n");
    // What is optional comes when it is made, also a single key.
    await cluster.apply([configOf("later", { hello: "world" }), secretOf("keys", { key: "other", second: "2nd" })]);
    await eventually("the optional files are there", async () =>
      (await output("files", "cat v/all/hello v/all/second v/secret/key")) === "world2ndother" ? true : undefined,
    );
    // The token is good for its audience, and says whose it is.
    const token = await output("files", "cat v/all/token");
    const review = async (audiences: readonly string[]) =>
      (await cluster.client.create(tokenReviews, {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        metadata: {},
        spec: { token, audiences },
      })) as { status?: { authenticated?: boolean; user?: { username?: string; extra?: Record<string, string[]> } } };
    expect((await review(["somebody"])).status).toMatchObject({
      authenticated: true,
      user: {
        username: "system:serviceaccount:default:default",
        extra: { "authentication.kubernetes.io/pod-name": ["files"] },
      },
    });
    expect((await review(["another"])).status?.authenticated ?? false).toBe(false);
  });

  it("exchanges all files of a volume at once, as a program that reads them sees it", async () => {
    await cluster.apply([configOf("pair", { a: "0", b: "0" })]);
    const watcher = [
      "cd v/pair; last=none",
      "while :; do",
      // Whoever holds the folder sees one version; it may be gone before both were read.
      "  both=$(cd ..data && cat a && echo && cat b) 2>/dev/null || continue",
      "  set -- $both; [ $# = 2 ] || continue",
      '  [ "$1" = "$2" ] || echo "torn $1 $2"',
      '  [ "$1" = "$last" ] || { last=$1; echo "saw $1"; }',
      "done",
    ].join("\n");
    const volumes = [{ name: "pair", configMap: { name: "pair" } }];
    const volumeMounts = [{ name: "pair", mountPath: "/v/pair" }];
    await cluster.apply([podOf("watcher", { volumes, containers: [shell(watcher, { volumeMounts })] })]);
    await ready("watcher");
    const lines = () => textOf(cluster.logs(key("watcher")));
    for (const value of ["1", "2", "3"]) {
      await cluster.apply([configOf("pair", { a: value, b: value })]);
      await eventually(`the program saw ${value}`, async () =>
        (await lines()).includes(`saw ${value}`) ? true : undefined,
      );
    }
    expect((await lines()).filter((line) => line.startsWith("torn"))).toEqual([]);
    await cluster.client.delete(pod, key("watcher"), { gracePeriodSeconds: 0 });
  });

  it.skipIf(!isRoot)(
    "gives volumes to the fsGroup, live updates too, and the token to the containers' user",
    async () => {
      await cluster.apply([configOf("grouped", { a: "1" })]);
      const volumes = [
        { name: "config", configMap: { name: "grouped", defaultMode: 0o400 } },
        { name: "token", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
        { name: "disk", emptyDir: {} },
      ];
      const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` }));
      const shown = "stat -L -c '%a %u %g' v/config/a v/token/token";
      const containers = [shell(stay, { volumeMounts })];
      await cluster.apply([
        podOf("grouped", { volumes, containers, securityContext: { runAsUser: 1234, fsGroup: 4321 } }),
        podOf("owned", {
          volumes: volumes.slice(1),
          containers: [shell(stay, { volumeMounts: volumeMounts.slice(1) })],
          securityContext: { runAsUser: 1234 },
        }),
      ]);
      await Promise.all([ready("grouped"), ready("owned")]);
      expect(await output("grouped", shown)).toBe("440 0 4321\n640 1234 4321\n");
      expect(await output("grouped", "touch v/disk/made && stat -c '%u %g' v/disk/made")).toBe("1234 4321\n");
      expect(await output("owned", "stat -L -c '%a %u' v/token/token; cat v/token/token | wc -l")).toBe(
        "600 1234\n0\n",
      );
      await cluster.apply([configOf("grouped", { a: "2" })]);
      await eventually("the update is there", async () =>
        (await output("grouped", "cat v/config/a")) === "2" ? true : undefined,
      );
      expect(await output("grouped", shown)).toBe("440 0 4321\n640 1234 4321\n");
    },
  );

  it("refuses a hostPath that is not what its type says, in Kubernetes' words", async () => {
    const file = join(folder, "a-file");
    await writeFile(file, "x");
    const wrong = [
      ["directory", "Directory", file, `hostPath type check failed: ${file} is not a directory`],
      ["file", "File", folder, `hostPath type check failed: ${folder} is not a file`],
      ["socket", "Socket", file, `hostPath type check failed: ${file} is not a socket file`],
      ["char", "CharDevice", file, `hostPath type check failed: ${file} is not a character device`],
      ["block", "BlockDevice", file, `hostPath type check failed: ${file} is not a block device`],
      ["none", "File", `${file}-none`, `hostPath type check failed: ${file}-none is not a file`],
    ] as const;
    const made = { path: `${folder}/made/deep`, type: "DirectoryOrCreate" };
    const right = [
      { name: "made", hostPath: made },
      { name: "file", hostPath: { path: file, type: "FileOrCreate" } },
      { name: "socket", hostPath: { path: join(folder, "pods.sock"), type: "Socket" } },
      { name: "null", hostPath: { path: "/dev/null", type: "CharDevice" } },
    ];
    const mounts = (volumes: readonly { readonly name: string }[]) =>
      volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` }));
    await cluster.apply([
      ...wrong.map(([name, type, path]) => {
        const volumes = [{ name: "host", hostPath: { path, type } }];
        return podOf(`host-${name}`, { volumes, containers: [shell(stay, { volumeMounts: mounts(volumes) })] });
      }),
      podOf("host-right", { volumes: right, containers: [shell(stay, { volumeMounts: mounts(right) })] }),
    ]);
    for (const [name, , , message] of wrong)
      await eventually(message, async () =>
        (await events(`host-${name}`)).includes(`MountVolume.SetUp failed for volume "host" : ${message}`)
          ? true
          : undefined,
      );
    await ready("host-right");
    expect(await output("host-right", "[ -d v/made ] && [ -S v/socket ] && [ -c v/null ] && cat v/file")).toBe("x");
    for (const [name] of wrong) await cluster.client.delete(pod, key(`host-${name}`), { gracePeriodSeconds: 0 });
  });

  it("runs pods of a folder, an address and its socket, shows them in the API, and follows every change", async () => {
    const text = (name: string, says: string) =>
      JSON.stringify({ ...podOf(name, { containers: [shell(`echo ${says}; ${stay}`)] }), metadata: { name } });
    const put = async (name: string, body: string) => {
      await writeFile(join(folder, "manifests", `.${name}`), body);
      await rename(join(folder, "manifests", `.${name}`), join(folder, "manifests", name));
    };
    await put("a.yaml", text("from-file", "first"));
    await put("b.yaml", "kind: Pod\n  bad: [");
    manifest = { etag: '"1"', body: text("from-http", "first"), asked: [] };
    expect(await socket("PUT", "/pods/from-socket", text("from-socket", "first"))).toBe(200);
    const names = ["from-file", "from-http", "from-socket"].map((name) => `${name}-worker`);
    const says = async (name: string, wanted: string) =>
      eventually(`${name} says ${wanted}`, async () => {
        const shown = await cluster.client.get(pod, key(name)).catch(() => undefined);
        if (shown?.status?.phase !== "Running") return undefined;
        // The status may still be that of the pod before.
        const lines = await textOf(cluster.logs(key(name))).catch((): readonly string[] => []);
        return lines.includes(wanted) ? shown : undefined;
      });
    for (const [index, name] of names.entries()) {
      const { metadata } = await says(name, "first");
      expect(metadata.annotations).toMatchObject({
        "kubernetes.io/config.source": ["file", "http", "server"][index],
        "kubernetes.io/config.mirror": metadata.annotations?.["kubernetes.io/config.hash"],
      });
      expect(metadata.ownerReferences).toMatchObject([{ kind: "Node", name: "worker", controller: true }]);
    }
    // What shows a pod is only that: it comes back, and the container runs on.
    const { status, metadata } = await cluster.client.get(pod, key(names[0] ?? ""));
    await cluster.client.delete(pod, key(names[0] ?? ""), { gracePeriodSeconds: 0 });
    const again = await eventually("the mirror pod is back", async () => {
      const shown = await cluster.client.get(pod, key(names[0] ?? "")).catch(() => undefined);
      return shown && shown.metadata.uid !== metadata.uid && shown.status?.containerStatuses ? shown : undefined;
    });
    expect(again.status?.containerStatuses?.[0]?.containerID).toBe(status?.containerStatuses?.[0]?.containerID);
    // Asked again and again, the server sends nothing anew; then it does.
    await eventually("the address is asked with its ETag", async () =>
      manifest.asked.includes('"1"') ? true : undefined,
    );
    manifest = { etag: '"2"', body: text("from-http", "second"), asked: [] };
    await put("a.yaml", text("from-file", "second"));
    expect(await socket("PUT", "/pods/from-socket", text("from-socket", "second"))).toBe(200);
    for (const name of names) await says(name, "second");
    await rm(join(folder, "manifests", "a.yaml"));
    manifest = { etag: '"3"', body: '{"apiVersion":"v1","kind":"PodList","items":[]}', asked: [] };
    expect(await socket("DELETE", "/pods/from-socket")).toBe(200);
    for (const name of names) await cluster.waitFor(pod, key(name), { deleted: true });
  });

  function socket(method: string, path: string, body = ""): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath: join(folder, "pods.sock"), method, path }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.once("error", reject);
      request.end(body);
    });
  }

  it("lets whom the API lets use its own address, path by path", async () => {
    const rule = (resources: readonly string[]) => ({ apiGroups: [""], resources, verbs: ["get"] });
    await cluster.apply([
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "reader", namespace: "default" } },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "reader" },
        rules: [rule(["nodes/metrics", "nodes/configz", "nodes/pods", "nodes/log"])],
      },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRoleBinding",
        metadata: { name: "reader" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
        subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
      },
    ] as unknown as KubeObject[]);
    const { status } = await cluster.client.create(
      tokenRequests,
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        metadata: { namespace: "default", name: "reader" },
        spec: {},
      },
      { subresource: "token" },
    );
    const { status: nodeStatus } = await cluster.client.get(nodeKind, { name: "worker" });
    const port = nodeStatus?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    const ask = (path: string, authorization?: string): Promise<{ code: number; text: string }> =>
      new Promise((resolve, reject) => {
        const headers = authorization === undefined ? {} : { authorization };
        const options = { host: "127.0.0.1", port, path, headers, rejectUnauthorized: false, agent: false };
        const request = httpsRequest(options, async (response) => {
          let text = "";
          for await (const part of response) text += part;
          resolve({ code: response.statusCode ?? 0, text });
        });
        request.once("error", reject);
        request.end();
      });
    const bearer = `Bearer ${status?.token}`;
    const codes = async (paths: readonly string[], authorization?: string) =>
      await Promise.all(paths.map(async (path) => (await ask(path, authorization)).code));
    const open = ["/metrics", "/pods", "/runningpods/", "/configz", "/logs/"];
    const shut = [
      "/stats/summary",
      "/healthz",
      "/exec/default/files/main?command=id",
      "/containerLogs/default/files/main",
    ];
    expect(await codes([...open, ...shut])).toEqual([...open, ...shut].map(() => 401));
    expect(await codes([...open, ...shut], "Bearer nobody")).toEqual([...open, ...shut].map(() => 401));
    expect(await codes(open, bearer)).toEqual(open.map(() => 200));
    expect(await codes(shut, bearer)).toEqual(shut.map(() => 403));
    const { kubeletconfig } = JSON.parse((await ask("/configz", bearer)).text);
    expect(kubeletconfig).toMatchObject({ maxPods: 110, authentication: { anonymous: { enabled: false } } });
    const running = JSON.parse((await ask("/runningpods/", bearer)).text).items as readonly Pod[];
    expect(
      running
        .find(({ metadata }) => metadata.name === "files")
        ?.spec.containers.map(({ name }) => name)
        .sort(),
    ).toEqual(["main", "second"]);
  });
});
