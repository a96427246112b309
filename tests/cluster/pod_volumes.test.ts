import { execFile } from "node:child_process";
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterNodes } from "../../cluster/cluster_nodes.ts";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { bytesValue } from "../../core/api/quantity.ts";
import { configMap } from "../../core/kinds/configmap.ts";
import { event } from "../../core/kinds/event.ts";
import { persistentVolume, persistentVolumeClaim } from "../../core/kinds/mod.ts";
import { node } from "../../core/kinds/node.ts";
import { type Pod, type PodSpec, pod } from "../../core/kinds/pod.ts";
import { secret } from "../../core/kinds/secret.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { mountPoints, mountPointsWithin } from "../../core/platform/mount_table.ts";
import { systemRandom } from "../../core/platform/random.ts";
import { sharedMemoryOf } from "../../core/platform/shared_memory.ts";
import type { Clock } from "../../core/util/clock.ts";
import { silentLogger } from "../../core/util/log.ts";
import { startNode } from "../../node_daemon/node.ts";
import { groupsName } from "../../node_daemon/runtime/cgroup_leftovers.ts";
import { findDocker } from "../../node_daemon/runtime/find_docker.ts";
import { openCgroups } from "../../node_daemon/runtime/process_cgroup.ts";
import { openNamespaces } from "../../node_daemon/runtime/process_namespace.ts";
import { eventually } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { engine, importBusybox, testImage } from "../suites/docker_image.ts";

const run = promisify(execFile);
const hasDocker = !missing("docker", await findDocker({ clock: systemClock }));
const mayMount = (await openNamespaces()) !== undefined;
const stay = "trap 'exit 0' TERM; while :; do sleep 0.2; done";
const key = (name: string) => ({ namespace: "default", name });
const mebibyte = 1024 * 1024;

/** As the machine's, but for what lasts as long as four fifths of a token's ten minutes: that is over after a second. */
const nodeClock: Clock = {
  ...systemClock,
  schedule: (ms, callback) => systemClock.schedule(ms > 470_000 && ms <= 480_000 ? 1000 : ms, callback),
};

/** One cluster with a node of each runtime, whose names are those of the runtimes. */
const runtimes = hasDocker ? (["process", "docker"] as const) : (["process"] as const);
/** A class that is as the default, but keeps what was claimed. */
const keeping = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "keeping" },
  provisioner: "wherry.dev/local-path",
  volumeBindingMode: "WaitForFirstConsumer",
  reclaimPolicy: "Retain",
} as KubeObject;

let folder: string;
let cluster: Cluster;
let nodes: ClusterNodes;

beforeAll(async () => {
  if (hasDocker) await Promise.all([importBusybox(), importDataImage()]);
  folder = await mkdtemp(join(tmpdir(), "wherry-volumes-"));
  cluster = await startCluster({ nodes: 0 });
  nodes = new ClusterNodes({ clock: systemClock, random: systemRandom, log: silentLogger, lasting: false });
  for (const runtime of runtimes) {
    const rootDir = join(folder, runtime);
    const daemon = await startNode({
      client: cluster.client,
      nodeName: runtime,
      nodeIPs: ["127.0.0.1"],
      rootDir,
      runtime,
      sandboxImage: testImage,
      serverAddress: "127.0.0.1",
      serverPort: 0,
      clientCa: (await authority()) ?? "",
      proxy: false,
      dns: false,
      care: { eviction: { thresholds: [], transitionPeriodMs: 0, maxPodGraceSeconds: 0 } },
      clock: nodeClock,
      random: systemRandom,
      log: silentLogger,
    });
    nodes.add(daemon, rootDir);
  }
  await cluster.apply([keeping]);
  // It takes the nodes a while to look; what becomes of these is the last that is asked.
  for (const runtime of runtimes)
    await cluster.apply([
      podOf(runtime, `full-${runtime}`, {
        volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }],
        containers: [shell(`dd if=/dev/zero of=v/d/full bs=65536 count=32; ${stay}`, { v: {} })],
      }),
    ]);
});
afterAll(async () => {
  await nodes?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  if (!folder) return;
  const left = await mountPointsWithin(folder);
  await rm(folder, { recursive: true, force: true });
  // What pods had mounted has gone with them.
  expect(left).toEqual([]);
});

/** What the kernel lets all containers of the Docker node have together; undefined where it has no group for them here. */
async function engineMemoryOfPods(): Promise<number | undefined> {
  const group = join("wherry", groupsName(join(folder, "docker", "runtime")));
  for (const file of [join(group, "memory.max"), join("memory", group, "memory.limit_in_bytes")]) {
    const text = await readFile(join("/sys/fs/cgroup", file), "utf8").catch(() => undefined);
    if (text !== undefined) return Number(text);
  }
  return undefined;
}

async function authority(): Promise<string | undefined> {
  const name = { namespace: "kube-system", name: "extension-apiserver-authentication" };
  return (await cluster.client.get(configMap, name)).data?.["client-ca-file"];
}

/** A container that runs a line of shell, with volumes at `/v/d` or their own paths; in scripts without the first slash. */
const shell = (script: string, mounts: Readonly<Record<string, object>> = {}, more: object = {}) => ({
  name: "main",
  image: testImage,
  command: ["/bin/sh", "-c", script],
  volumeMounts: Object.entries(mounts).map(([name, mount]) => ({ name, mountPath: "/v/d", ...mount })),
  ...more,
});

const podOf = (node: string, name: string, spec: object): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default" },
  spec: {
    terminationGracePeriodSeconds: 1,
    nodeSelector: { "kubernetes.io/hostname": node },
    ...spec,
  } as object as PodSpec,
});

const ready = (name: string) => cluster.waitFor(pod, key(name), { condition: "Ready" });
const ended = (name: string) =>
  cluster.waitFor(pod, key(name), { predicate: ({ status }) => /^(Succeeded|Failed)$/.test(status?.phase ?? "") });

async function succeeded(name: string): Promise<void> {
  const { status } = await ended(name);
  if (status?.phase === "Succeeded") return;
  const lines: string[] = [];
  for await (const line of cluster.logs(key(name))) lines.push(line);
  throw new Error(`${name} failed: ${JSON.stringify([status, await eventsOf(name), lines])}`);
}

async function output(name: string, script: string, container = "main"): Promise<string> {
  const { stdout, stderr, code } = await cluster.exec(key(name), ["/bin/sh", "-c", script], { container });
  return code === 0 ? stdout : `${stdout}${stderr}exit ${code}`;
}

async function eventsOf(name: string): Promise<readonly string[]> {
  const fieldSelector = `involvedObject.name=${name}`;
  const { items } = await cluster.client.list(event, { namespace: "default", fieldSelector });
  return items.map(({ message = "" }) => message);
}

async function said(name: string, text: string): Promise<void> {
  await eventually(`an event of ${name}: ${text}`, async () =>
    (await eventsOf(name)).some((message) => message.includes(text)) ? true : undefined,
  );
}

async function remove(...names: readonly string[]): Promise<void> {
  for (const name of names) await cluster.client.delete(pod, key(name), { gracePeriodSeconds: 0 });
  for (const name of names) await cluster.waitFor(pod, key(name), { deleted: true });
}

/** An engine in a container may lack rights of its own that a privileged container is to have. */
const mayBePrivileged = {
  process: mayMount,
  docker: hasDocker && (await importBusybox().then(runsPrivileged)),
} as const;

/** An image without a program, of a few files. */
const dataImage = "wherry-test-data:1";

async function importDataImage(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "wherry-image-"));
  try {
    await mkdir(join(root, "files", "deep"), { recursive: true, mode: 0o700 });
    await writeFile(join(root, "files/deep/file"), "text\n", { mode: 0o640 });
    await writeFile(join(root, "files/program"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
    await symlink("deep/file", join(root, "files/link"));
    const tar = (...args: readonly string[]) => run("tar", ["-C", join(root, "files"), ...args]);
    await tar("--owner=123", "--group=456", "-cf", join(root, "tar"), "deep/file", "program", "link");
    await tar("--owner=0", "--group=0", "--no-recursion", "-rf", join(root, "tar"), "deep");
    const [repo, tag] = dataImage.split(":");
    for await (const _progress of await engine.importImage(join(root, "tar"), { repo, tag }));
  } finally {
    await rm(root, { recursive: true });
  }
}

async function runsPrivileged(): Promise<boolean> {
  const container = await engine.createContainer({ Image: testImage, HostConfig: { Privileged: true } });
  try {
    return await container.start().then(
      () => true,
      () => false,
    );
  } finally {
    await container.remove({ force: true });
  }
}

// On Node only: it is the kernel and the engine that are looked at. tests/cluster/pod_contract.test.ts has volumes on Deno.
describe.skipIf("Deno" in globalThis).each(runtimes)("volumes of pods, with the runtime %s", (runtime) => {
  const named = (name: string) => `${name}-${runtime}`;
  const create = (name: string, spec: object) => cluster.apply([podOf(runtime, named(name), spec)]);
  const folderOf = async (name: string, volume: string, type = "emptyDir") => {
    const { metadata } = await cluster.client.get(pod, key(named(name)));
    return join(folder, runtime, "pods", metadata.uid ?? "", "volumes", type, volume);
  };

  it.skipIf(!mayMount)(
    "an emptyDir in memory holds what it may, is shared by a pod's containers, and goes with it",
    async () => {
      const resources = { limits: { memory: "24Mi" } };
      const both = { said: { mountPath: "/v/said" }, limited: { mountPath: "/v/limited" } };
      await create("memory", {
        volumes: [
          { name: "said", emptyDir: { medium: "Memory", sizeLimit: "4Mi" } },
          { name: "limited", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } },
        ],
        containers: [shell(stay, both, { resources }), shell(stay, both, { name: "second", resources })],
      });
      const { metadata } = await ready(named("memory"));
      const uid = metadata.uid ?? "";
      const size = async (name: string) => {
        const [type, blocks, bytes] = (await output(named("memory"), `stat -f -c '%T %b %S' v/${name}/.`))
          .trim()
          .split(" ");
        return [type, Number(blocks) * Number(bytes)];
      };
      expect(await size("said")).toEqual(["tmpfs", 4 * mebibyte]);
      // What its containers may use together is less than what the volume says.
      expect(await size("limited")).toEqual(["tmpfs", 48 * mebibyte]);
      expect(await output(named("memory"), "echo text > v/said/file")).toBe("");
      expect(await output(named("memory"), "cat v/said/file", "second")).toBe("text\n");
      expect(await output(named("memory"), "dd if=/dev/zero of=v/said/full bs=65536 count=128")).toContain(
        "No space left",
      );
      const inMemory = async () =>
        (await mountPoints()).filter(({ path }) => path.startsWith("/dev/shm/") && path.includes(uid));
      expect(await inMemory()).toHaveLength(2);
      await remove(named("memory"));
      await eventually("nothing is mounted", async () => ((await inMemory()).length === 0 ? true : undefined));
    },
  );

  it.runIf(process.platform === "linux")("secrets and tokens lie in memory alone, and go with their pod", async () => {
    const hidden = { apiVersion: "v1", kind: "Secret", metadata: key(named("hidden")) } as const;
    await cluster.client.create(secret, { ...hidden, stringData: { word: "xyzzy-1729" } });
    await create("secret", {
      volumes: [
        { name: "plain", secret: { secretName: named("hidden") } },
        {
          name: "several",
          projected: {
            sources: [{ secret: { name: named("hidden") } }, { serviceAccountToken: { path: "token" } }],
          },
        },
      ],
      containers: [shell(stay, { plain: { mountPath: "/v/plain" }, several: { mountPath: "/v/several" } })],
    });
    const { metadata } = await ready(named("secret"));
    for (const name of ["plain", "several"]) {
      expect(await output(named("secret"), `cat v/${name}/word`)).toBe("xyzzy-1729");
      expect((await output(named("secret"), `stat -f -c %T v/${name}/.`)).trim()).toBe("tmpfs");
    }
    const kept = `${sharedMemoryOf(join(folder, runtime))}/${metadata.uid}`;
    expect((await readdir(kept)).toSorted()).toEqual(expect.arrayContaining(["plain", "several"]));
    const onDisk = await readdir(join(folder, runtime, "pods", metadata.uid ?? ""), { recursive: true });
    expect(onDisk.filter((path) => /word|token/.test(path))).toEqual([]);
    await remove(named("secret"));
    await eventually("they are gone", async () =>
      (await readdir(kept).catch(() => [])).length === 0 ? true : undefined,
    );
  });

  it.skipIf(!mayMount || !mayBePrivileged[runtime])(
    "Bidirectional mounts are seen by the node and the pod's other container, and removed with the pod",
    async () => {
      const kept = join(folder, named("kept"));
      await mkdir(kept);
      await writeFile(join(kept, "file"), "kept");
      const maker = shell(
        `mkdir -p v/d/inner v/d/bound && mount -t tmpfs inner v/d/inner && echo made > v/d/inner/file && mount --bind v/kept v/d/bound && ${stay}`,
        { shared: { mountPropagation: "Bidirectional" }, kept: { mountPath: "/v/kept" } },
        { securityContext: { privileged: true } },
      );
      const looker = shell(stay, { shared: { mountPropagation: "HostToContainer" } }, { name: "looker" });
      const alone = shell(stay, { shared: {} }, { name: "alone" });
      await create("shared", {
        volumes: [
          { name: "shared", emptyDir: {} },
          { name: "kept", hostPath: { path: kept, type: "Directory" } },
        ],
        containers: [alone, looker, maker],
      });
      await ready(named("shared"));
      const name = named("shared");
      await eventually("the other container sees the mount", async () =>
        (await output(name, "cat v/d/inner/file", "looker")) === "made\n" ? true : undefined,
      );
      const host = await folderOf("shared", "shared");
      expect(await readFile(join(host, "inner/file"), "utf8")).toBe("made\n");
      expect(await mountPointsWithin(host)).toContain(join(host, "inner"));
      // What asks for none of it may have begun before or after: it never sees what comes later.
      expect(await output(name, "ls v/d/inner | wc -l", "alone")).toMatch(/^\s*[01]\n$/);
      await remove(name);
      await eventually("nothing is mounted", async () =>
        (await mountPointsWithin(host)).length === 0 ? true : undefined,
      );
      // What a container had mounted is let go, and not removed with the volume.
      expect(await readFile(join(kept, "file"), "utf8")).toBe("kept");
    },
  );

  it.skipIf(!mayMount)(
    "hostPath mounts are passed on where the machine shares them, and refused in the runtimes' words elsewhere",
    async () => {
      const apart = join(folder, named("apart"));
      await mkdir(apart);
      await run("mount", ["-t", "tmpfs", "wherry-test", apart]);
      try {
        await run("mount", ["--make-private", apart]);
        const spec = (mountPropagation: string) => ({
          volumes: [{ name: "host", hostPath: { path: apart } }],
          containers: [
            shell(
              stay,
              { host: { mountPropagation } },
              { securityContext: { privileged: mountPropagation === "Bidirectional" } },
            ),
          ],
        });
        const names = mayBePrivileged[runtime] ? ["late", "both"] : ["late"];
        await create("late", spec("HostToContainer"));
        if (mayBePrivileged[runtime]) await create("both", spec("Bidirectional"));
        const refused = `path ${apart} is mounted on ${apart} but it is not a shared`;
        await said(named("late"), `${refused} or slave mount`);
        if (mayBePrivileged[runtime]) await said(named("both"), `${refused} mount`);
        await run("mount", ["--make-shared", apart]);
        for (const name of names) await ready(named(name));
        await mkdir(join(apart, "later"));
        await run("mount", ["-t", "tmpfs", "later", join(apart, "later")]);
        await writeFile(join(apart, "later", "file"), "later\n");
        for (const name of names) expect(await output(named(name), "cat v/d/later/file")).toBe("later\n");
        if (mayBePrivileged[runtime]) {
          await output(
            named("both"),
            "mkdir v/d/inner && mount -t tmpfs inner v/d/inner && echo made > v/d/inner/file",
          );
          expect(await readFile(join(apart, "inner/file"), "utf8")).toBe("made\n");
          expect(await output(named("late"), "cat v/d/inner/file")).toBe("made\n");
        }
        await remove(...names.map(named));
      } finally {
        await run("umount", ["--lazy", "--recursive", apart]);
      }
    },
  );

  it("a container takes variables from a file that an init container wrote", async () => {
    const of = (key: string, optional = false) => ({
      name: key,
      valueFrom: { fileKeyRef: { volumeName: "v", path: "deep/file", key, optional } },
    });
    const init = shell(`mkdir v/d/deep && printf "A='one\\ntwo'\\n" > v/d/deep/file`, { v: {} }, { name: "init" });
    const spec = (...env: readonly object[]) => ({
      restartPolicy: "Never",
      volumes: [{ name: "v", emptyDir: {} }],
      initContainers: [init],
      // The volume is not mounted: only its variables are seen.
      containers: [shell('echo "$A-$B-"', {}, { env })],
    });
    await create("file", spec(of("A"), of("B", true)));
    await create("nofile", spec(of("B")));
    await succeeded(named("file"));
    const lines: string[] = [];
    for await (const line of cluster.logs(key(named("file")))) lines.push(line);
    expect(lines).toEqual(["one", "two--"]);
    await said(named("nofile"), 'environment variable key "B" not found in file');
    await remove(named("file"), named("nofile"));
  });

  it("containers use together what their pod may use as a whole, where the daemon may set that, and are told where not", async () => {
    // Neither takes more than it may by itself; what is in memory cannot be dropped.
    const takes = (name: string) =>
      shell(
        `dd if=/dev/zero of=v/${name}/full bs=1048576 count=40 || exit 1; ${stay}`,
        { [name]: { mountPath: `/v/${name}` } },
        { name },
      );
    await create("whole", {
      restartPolicy: "Never",
      resources: { limits: { cpu: "1", memory: "64Mi" } },
      volumes: ["one", "two"].map((name) => ({ name, emptyDir: { medium: "Memory" } })),
      containers: [takes("one"), takes("two")],
    });
    const { spec, status } = await cluster.waitFor(pod, key(named("whole")), {
      predicate: ({ status }) => status?.containerStatuses?.some(({ state }) => state?.running) ?? false,
    });
    expect(spec.resources?.requests).toEqual({ cpu: "1", memory: "64Mi" });
    expect(status?.qosClass).toBe("Guaranteed");
    const more = { requests: { cpu: "1", memory: "72Mi" }, limits: { cpu: "1", memory: "72Mi" } };
    await cluster.client.patch(
      pod,
      key(named("whole")),
      { type: "merge", body: { spec: { resources: more } } },
      { subresource: "resize" },
    );
    await cluster.waitFor(pod, key(named("whole")), {
      predicate: ({ status }) => status?.resources?.limits?.["memory"] === "72Mi",
    });
    await eventually("one is ended, or the pod's events say why not", async () => {
      const { status } = await cluster.client.get(pod, key(named("whole")));
      const reasons = status?.containerStatuses?.map(({ state }) => state?.terminated?.reason);
      if (reasons?.includes("OOMKilled")) return true;
      return (await eventsOf(named("whole"))).some((message) => message.startsWith("limits of")) || undefined;
    });
    await remove(named("whole"));
  });

  it("all pods together are kept to what the node has for them, or the node's events say why not", async () => {
    const reasons = async () =>
      (
        await cluster.client.list(event, { namespace: "default", fieldSelector: `involvedObject.name=${runtime}` })
      ).items
        .filter(({ reason }) =>
          /^(NodeAllocatableEnforced|FailedNodeAllocatableEnforcement|Starting)$/.test(reason ?? ""),
        )
        .map(({ reason, type, message }) => `${type} ${reason}: ${message}`);
    await eventually("the node's events", async () => (await reasons()).length === 2 || undefined);
    const hasCgroups =
      runtime === "process"
        ? (await openCgroups(join(folder, "process", "runtime"))) !== undefined
        : (await engineMemoryOfPods()) !== undefined;
    const told = hasCgroups
      ? "Normal NodeAllocatableEnforced: Updated Node Allocatable limit across pods"
      : expect.stringMatching(
          /^Warning FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits: \w/,
        );
    expect(await reasons()).toEqual(expect.arrayContaining(["Normal Starting: Starting kubelet.", told]));
    if (!hasCgroups || runtime === "process") return;
    const { status } = await cluster.client.get(node, { name: runtime });
    // The kernel counts pages.
    const pages = Math.floor(bytesValue(status?.capacity?.["memory"]) / 4096);
    expect(await engineMemoryOfPods()).toBe(pages * 4096);
  });

  it("the files of an image can be read, and nothing else; and go with the last pod that has them", async () => {
    const of = (reference: string) => ({ name: "image", image: { reference, pullPolicy: "IfNotPresent" } });
    const both = (image: object) => ({
      volumes: [image],
      containers: [shell(stay, { image: {} }), shell(stay, { image: { subPath: "deep" } }, { name: "part" })],
    });
    await create("image", both(of(dataImage)));
    if (runtime === "process") {
      await said(named("image"), 'cannot mount image volume "image": images of the process runtime are programs');
      return remove(named("image"));
    }
    if (!mayMount) {
      await said(named("image"), 'cannot mount image volume "image": this node may not mount');
      return remove(named("image"));
    }
    await create("image2", both(of(dataImage)));
    await create("noimage", both(of("127.0.0.1:1/wherry-none:1")));
    await Promise.all([ready(named("image")), ready(named("image2"))]);
    const name = named("image");
    expect(await output(name, "ls -A v/d; cat v/d/deep/file; readlink v/d/link")).toBe(
      "deep\nlink\nprogram\ntext\ndeep/file\n",
    );
    expect(await output(name, "stat -c '%a %u %g' v/d/deep/file v/d/deep")).toBe("640 123 456\n700 0 0\n");
    expect(await output(name, "cat v/d/file", "part")).toBe("text\n");
    for (const container of ["main", "part"])
      expect(await output(name, "echo x > v/d/new", container)).toContain("Read-only file system");
    expect(await output(name, "v/d/program")).toContain("ermission denied");
    const folders = join(folder, runtime, "image-volumes");
    expect(await readdir(folders)).toHaveLength(1);
    const { status } = await cluster.waitFor(pod, key(named("noimage")), {
      predicate: ({ status }) =>
        status?.containerStatuses?.every(({ state }) => state?.waiting?.reason === "ImagePullBackOff") ?? false,
    });
    expect(status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(
      /^Back-off pulling image "127.0.0.1:1\/wherry-none:1": ErrImagePull: /,
    );
    await said(named("noimage"), 'Failed to pull image "127.0.0.1:1/wherry-none:1"');
    await remove(named("image"), named("noimage"));
    expect(await output(named("image2"), "cat v/d/deep/file")).toBe("text\n");
    await remove(named("image2"));
    await eventually("the files are gone", async () => ((await readdir(folders)).length === 0 ? true : undefined));
  });

  it("a token is exchanged before it expires, all at once, while its container runs", async () => {
    const serviceAccountToken = { path: "token", audience: "somebody", expirationSeconds: 600 };
    await create("token", {
      volumes: [{ name: "v", projected: { sources: [{ serviceAccountToken }] } }],
      containers: [shell(stay, { v: {} })],
    });
    await ready(named("token"));
    const look = async () => {
      // Of one folder: another may take its place between two looks, and then it is gone.
      const script = "f=$(readlink v/d/..data); echo $f; cat v/d/$f/token || true";
      const [folder = "", token = ""] = (await output(named("token"), script)).split("\n");
      return token ? { folder, token } : undefined;
    };
    const first = await eventually("there is a token", look);
    const next = await eventually("there is another token", async () => {
      const found = await look();
      return found?.token === first.token ? undefined : found;
    });
    expect(next.folder).not.toBe(first.folder);
    const expiry = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).exp;
    expect(expiry(next.token)).toBeGreaterThan(expiry(first.token));
    await remove(named("token"));
  });

  it("a subPath that a container made lead out of its volume is refused", async () => {
    const links = shell(
      "ln -s /etc v/d/out; ln -s . v/d/loop; mkdir v/d/real; ln -s real v/d/in",
      { v: {} },
      { name: "init" },
    );
    const spec = (subPath: object) => ({
      restartPolicy: "Never",
      volumes: [{ name: "v", emptyDir: {} }],
      initContainers: [links],
      containers: [shell("ls v/d | wc -l", { v: subPath }, { env: [{ name: "WHERE", value: "out" }] })],
    });
    await create("out", spec({ subPath: "out" }));
    await create("outexpr", spec({ subPathExpr: "loop/$(WHERE)" }));
    await create("in", spec({ subPath: "loop/in" }));
    await said(named("out"), 'Error: subpath "out" is outside of the volume');
    await said(named("outexpr"), 'Error: subpath "loop/out" is outside of the volume');
    await succeeded(named("in"));
    await remove(...["out", "outexpr", "in"].map(named));
  });

  it.skipIf(!mayMount)("fsGroupChangePolicy says whether a volume whose folder is right is gone through", async () => {
    const local = join(folder, named("group"));
    await mkdir(local);
    await writeFile(join(local, "first"), "");
    await cluster.apply([
      volumeOf("group", { local: { path: local }, nodeAffinity: onNode(runtime) }),
      claimOf("group", { storageClassName: "", volumeName: named("group") }),
    ]);
    const owns = async (name: string, fsGroupChangePolicy: string) => {
      await create(name, {
        restartPolicy: "Never",
        securityContext: { runAsUser: 1234, fsGroup: 4321, fsGroupChangePolicy },
        volumes: [claimed("group")],
        containers: [shell("touch v/d/made", { data: {} })],
      });
      await succeeded(named(name));
      await remove(named(name));
      return await Promise.all(
        ["first", "made", "later"].map(async (file) => (await stat(join(local, file)).catch(() => undefined))?.gid),
      );
    };
    expect(await owns("group1", "OnRootMismatch")).toEqual([4321, 4321, undefined]);
    await writeFile(join(local, "later"), "");
    await chown(join(local, "later"), 0, 0);
    expect(await owns("group2", "OnRootMismatch")).toEqual([4321, 4321, 0]);
    expect(await owns("group3", "Always")).toEqual([4321, 4321, 4321]);
    expect((await stat(local)).mode & 0o2070).toBe(0o2070);
  });

  const claimOf = (name: string, spec: object = {}): KubeObject =>
    ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: named(name), namespace: "default" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } }, ...spec },
    }) as KubeObject;
  const claimed = (name: string, more: object = {}) => ({
    name: "data",
    persistentVolumeClaim: { claimName: named(name), ...more },
  });
  const volumeOf = (name: string, spec: object): KubeObject =>
    ({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: named(name) },
      spec: { capacity: { storage: "1Mi" }, accessModes: ["ReadWriteOnce"], storageClassName: "", ...spec },
    }) as unknown as KubeObject;
  const onNode = (hostname: string) => ({
    required: {
      nodeSelectorTerms: [
        { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [hostname] }] },
      ],
    },
  });

  it("a claim of the default class waits for its first pod, outlives pods, and goes with its folder; Retain keeps it", async () => {
    await cluster.apply([claimOf("data"), claimOf("kept", { storageClassName: "keeping" })]);
    await said(named("data"), "waiting for first consumer to be created before binding");
    const spec = (script: string, readOnly = false) => ({
      restartPolicy: "Never",
      volumes: [claimed("data", { readOnly }), { ...claimed("kept"), name: "kept" }],
      containers: [shell(script, { data: {}, kept: { mountPath: "/v/kept" } })],
    });
    await create("writer", spec("echo data > v/d/file; echo kept > v/kept/file"));
    await succeeded(named("writer"));
    await remove(named("writer"));
    if (mayMount || runtime === "docker") {
      await create("reader", spec("cat v/d/file v/kept/file; touch v/d/more || echo refused", true));
      await ended(named("reader"));
      const lines: string[] = [];
      for await (const line of cluster.logs(key(named("reader")))) lines.push(line);
      expect(lines.filter((line) => !line.includes("Read-only"))).toEqual(["data", "kept", "refused"]);
      await remove(named("reader"));
    }
    const names = new Map<string, string>();
    for (const name of ["data", "kept"]) {
      const { spec } = await cluster.client.get(persistentVolumeClaim, key(named(name)));
      names.set(name, spec.volumeName ?? "");
      await cluster.client.delete(persistentVolumeClaim, key(named(name)));
    }
    const at = (name: string) => join(folder, runtime, "local-path", names.get(name) ?? "");
    await cluster.waitFor(persistentVolume, { name: names.get("data") ?? "" }, { deleted: true });
    await expect(stat(at("data"))).rejects.toThrow("ENOENT");
    await cluster.waitFor(
      persistentVolume,
      { name: names.get("kept") ?? "" },
      {
        predicate: ({ status }) => status?.phase === "Released",
      },
    );
    expect(await readFile(join(at("kept"), "file"), "utf8")).toBe("kept\n");
  });

  it("claims are bound to hostPath and local volumes, which lead pods to their node; block volumes are refused", async () => {
    const [host, local] = [join(folder, named("host")), join(folder, named("local"))];
    await mkdir(local);
    await cluster.apply([
      volumeOf("host", { hostPath: { path: host, type: "DirectoryOrCreate" } }),
      volumeOf("local", { local: { path: local }, nodeAffinity: onNode(runtime) }),
      volumeOf("block", { local: { path: "/dev/null" }, nodeAffinity: onNode(runtime), volumeMode: "Block" }),
      claimOf("host", { storageClassName: "", volumeName: named("host") }),
      claimOf("local", { storageClassName: "", volumeName: named("local") }),
      claimOf("block", { storageClassName: "", volumeName: named("block"), volumeMode: "Block" }),
      claimOf("made", { volumeMode: "Block" }),
    ]);
    const free = { nodeSelector: {}, restartPolicy: "Never" };
    const devices = (name: string) => ({
      volumes: [claimed(name)],
      containers: [{ ...shell(stay), volumeDevices: [{ name: "data", devicePath: "/dev/data" }] }],
    });
    await create("host", {
      restartPolicy: "Never",
      volumes: [claimed("host")],
      containers: [shell("echo host > v/d/file", { data: {} })],
    });
    // No selector: the volume's node is the only one that will do.
    await create("local", {
      ...free,
      volumes: [claimed("local")],
      containers: [shell("echo local > v/d/file", { data: {} })],
    });
    await create("block", devices("block"));
    await create("made", devices("made"));
    for (const name of ["host", "local"]) await succeeded(named(name));
    expect((await cluster.client.get(pod, key(named("local")))).spec.nodeName).toBe(runtime);
    expect(await readFile(join(host, "file"), "utf8")).toBe("host\n");
    expect(await readFile(join(local, "file"), "utf8")).toBe("local\n");
    await said(named("block"), "volumeMode Block is not supported on this node");
    await said(named("made"), "block volumes are not supported");
    await remove(...["host", "local", "block", "made"].map(named));
  });

  it("a pod that keeps more in an emptyDir than its sizeLimit is evicted", async () => {
    const { status } = await ended(named("full"));
    expect(status).toMatchObject({
      phase: "Failed",
      reason: "Evicted",
      message: 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
    });
  });
});
