import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Node } from "../../../../core/kinds/node.ts";
import type { PersistentVolumeSpec } from "../../../../core/kinds/persistent_volume.ts";
import type { PodSpec, Volume, VolumeProjection } from "../../../../core/kinds/pod.ts";
import { ClaimError } from "../../../../node_daemon/kubelet/claim_cache.ts";
import type { DataSource, ObjectData } from "../../../../node_daemon/kubelet/environment.ts";
import { type Payload, writeAtomically } from "../../../../node_daemon/kubelet/volumes/atomic_writer.ts";
import { createFile, readTail, removeTree } from "../../../../node_daemon/kubelet/volumes/files.ts";
import { volumeTypeOf } from "../../../../node_daemon/kubelet/volumes/mod.ts";
import { removeVolumes } from "../../../../node_daemon/kubelet/volumes/mounts.ts";
import { makePod, now } from "../fixtures.ts";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "wherry-volumes-"));
});
afterEach(() => removeVolumes(root));

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: bytes(text), mode }]));

describe("writeAtomically()", () => {
  it("shows files through one link, and replaces them all at once", async () => {
    const folder = join(root, "v");
    expect(await writeAtomically(folder, payload({ a: "1", "sub/b": "2" }), { now })).toBe(true);
    expect(await readFile(join(folder, "a"), "utf8")).toBe("1");
    expect(await readFile(join(folder, "sub/b"), "utf8")).toBe("2");
    expect(await readlink(join(folder, "a"))).toBe("..data/a");
    expect(await readlink(join(folder, "..data"))).toMatch(/^\.\.2026_01_01_12_00_00\./);
    expect(await writeAtomically(folder, payload({ a: "1", "sub/b": "2" }), { now })).toBe(false);
    expect(await writeAtomically(folder, payload({ a: "3" }), { now })).toBe(true);
    expect(await readFile(join(folder, "a"), "utf8")).toBe("3");
    expect((await readdir(folder)).filter((name) => !name.startsWith(".."))).toEqual(["a"]);
    expect((await readdir(folder)).length).toBe(3);
  });

  it("gives files their modes", async () => {
    await writeAtomically(root, payload({ a: "1" }, 0o400), { now });
    expect((await stat(join(root, "a"))).mode & 0o777).toBe(0o400);
    expect(await writeAtomically(root, payload({ a: "1" }, 0o440), { now })).toBe(true);
    expect((await stat(join(root, "a"))).mode & 0o777).toBe(0o440);
  });

  it.each(["../x", "a/../../x", "/etc/x", "..data", "..evil/x", "", "a//b", "a/."])(
    "refuses the path %j",
    async (path) => {
      await expect(writeAtomically(root, payload({ [path]: "1" }), { now })).rejects.toThrow("invalid path");
    },
  );

  it("takes __proto__ as a file name like any other", async () => {
    await writeAtomically(root, new Map([["__proto__", { data: bytes("1"), mode: 0o644 }]]), { now });
    expect(await readFile(join(root, "__proto__"), "utf8")).toBe("1");
  });

  it("does not follow links that a container planted", async () => {
    const outside = join(root, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "keep"), "precious");
    const folder = join(root, "v");
    await mkdir(folder);
    await symlink(outside, join(folder, "..data"));
    await symlink(outside, join(folder, "..2020_01_01_00_00_00.abc"));
    await symlink(join(outside, "keep"), join(folder, "a"));
    await symlink(outside, join(folder, "..data_tmp"));
    await writeAtomically(folder, payload({ a: "1" }), { now });
    expect(await readFile(join(folder, "a"), "utf8")).toBe("1");
    expect(await readFile(join(outside, "keep"), "utf8")).toBe("precious");
    expect(await readdir(outside)).toEqual(["keep"]);
  });

  it("takes the place of folders that a container planted", async () => {
    await mkdir(join(root, "..data/x"), { recursive: true });
    await mkdir(join(root, "a/x"), { recursive: true });
    await writeAtomically(root, payload({ a: "1" }), { now });
    expect(await readFile(join(root, "a"), "utf8")).toBe("1");
  });
});

describe("removeTree()", () => {
  it("removes links and leaves what they lead to", async () => {
    const outside = join(root, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "keep"), "x");
    await mkdir(join(root, "pod"));
    await symlink(outside, join(root, "pod/link"));
    await removeTree(join(root, "pod"));
    expect(await readdir(outside)).toEqual(["keep"]);
    await removeTree(join(root, "pod"));
  });
});

describe("readTail()", () => {
  it("reads the end of a plain file and nothing else", async () => {
    await createFile(join(root, "f"), 0o666);
    await writeFile(join(root, "f"), "0123456789");
    expect(await readTail(join(root, "f"), 4)).toBe("6789");
    await symlink(join(root, "f"), join(root, "link"));
    expect(await readTail(join(root, "link"), 4)).toBeUndefined();
    expect(await readTail(root, 4)).toBeUndefined();
    expect(await readTail(join(root, "none"), 4)).toBeUndefined();
  });
});

function object(entries: Record<string, string>): ObjectData {
  return {
    entries: new Map(Object.entries(entries).map(([key, value]) => [key, bytes(value)])),
    textKeys: new Set(Object.keys(entries)),
  };
}

const data: DataSource = {
  configMap: async (_, name) => (name === "cm" ? object({ a: "1", b: "2" }) : undefined),
  secret: async (_, name) => (name === "sec" ? object({ token: "t" }) : undefined),
  token: async ({ audience = "api" }) => `token for ${audience}`,
  isShared: () => false,
  boundVolume: async ({ name }) => {
    const spec = volumes[name];
    if (!spec) throw new ClaimError({ namespace: "default", name }, "PVC is not bound");
    return { apiVersion: "v1", kind: "PersistentVolume", metadata: { name: volumeName }, spec };
  },
};
const volumeName = "pvc-0b0e7a5e-1111-4222-8333-444455556666";
/** The volumes of claims, by the claim's name. */
let volumes: Record<string, PersistentVolumeSpec> = {};
const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "node-1", labels: { "kubernetes.io/hostname": "node-1" } },
};

async function setUp(volume: Omit<Volume, "name">, spec: Partial<PodSpec> = {}) {
  const pod = makePod(spec, { metadata: { labels: { b: "2", a: 'x"y' } } });
  const facts = { pod, podIPs: [], hostIPs: [], allocatable: { memory: "1Mi" } };
  const full = { name: "v", ...volume };
  const localPathFolder = join(root, "local-path");
  const folder = join(root, "v");
  const memoryFolder = join(root, "memory");
  return await volumeTypeOf(full).setUp({
    pod,
    volume: full,
    folder,
    memoryFolder,
    facts,
    data,
    node,
    localPathFolder,
    areRead: true,
    async write(payload) {
      await writeAtomically(folder, payload, { now, gid: spec.securityContext?.fsGroup });
    },
    images: undefined,
  });
}

async function contents(): Promise<Record<string, string>> {
  const names = (await readdir(join(root, "v"))).filter((name) => !name.startsWith(".."));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(root, "v", name), "utf8")])),
  );
}

describe("volume types", () => {
  it("writes the tokens that a projected volume asks for", async () => {
    await setUp({
      projected: {
        sources: [
          { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
          { serviceAccountToken: { path: "vault", audience: "vault" } },
        ],
      },
    });
    expect(await contents()).toEqual({ token: "token for api", vault: "token for vault" });
  });

  describe("persistentVolumeClaim", () => {
    const claimed = (readOnly?: boolean) => ({
      persistentVolumeClaim: { claimName: "data", ...(readOnly === undefined ? {} : { readOnly }) },
    });
    const onNode = (name: string) => ({
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In" as const, values: [name] }] },
        ],
      },
    });

    it("is the folder of a hostPath volume", async () => {
      volumes = { data: { hostPath: { path: join(root, "host"), type: "DirectoryOrCreate" } } };
      expect(await setUp(claimed())).toEqual({ path: join(root, "host"), readOnly: false });
      expect((await stat(join(root, "host"))).isDirectory()).toBe(true);
      expect(await setUp(claimed(true))).toMatchObject({ readOnly: true });
    });

    it("is the folder of a local volume, which must be there", async () => {
      volumes = { data: { local: { path: join(root, "disk") }, nodeAffinity: onNode("node-1") } };
      await expect(setUp(claimed())).rejects.toThrow(`path "${join(root, "disk")}" does not exist`);
      await writeFile(join(root, "disk"), "");
      await expect(setUp(claimed())).rejects.toThrow("local volume source is not a directory");
      await rm(join(root, "disk"));
      await mkdir(join(root, "disk"));
      expect(await setUp(claimed())).toMatchObject({ path: join(root, "disk"), takesFsGroup: true });
    });

    it("makes a folder that was provisioned on this node, and no other", async () => {
      const own = join(root, "local-path", volumeName);
      volumes = { data: { local: { path: own }, nodeAffinity: onNode("node-2") } };
      await expect(setUp(claimed())).rejects.toThrow("no matching NodeSelectorTerms");
      await expect(stat(own)).rejects.toThrow("ENOENT");
      volumes = { data: { local: { path: own }, nodeAffinity: onNode("node-1") } };
      await setUp(claimed());
      expect((await stat(own)).mode & 0o777).toBe(0o777);
      volumes = { data: { local: { path: join(root, "elsewhere", volumeName) }, nodeAffinity: onNode("node-1") } };
      await expect(setUp(claimed())).rejects.toThrow("does not exist");
    });

    it("is refused by name when this node cannot mount it", async () => {
      volumes = { data: { nfs: { server: "s", path: "/" }, accessModes: ["ReadWriteMany"] } };
      await expect(setUp(claimed())).rejects.toThrow("volume type is not supported on this node: nfs");
      volumes = { data: { hostPath: { path: "/dev/sda" }, volumeMode: "Block" } };
      await expect(setUp(claimed())).rejects.toThrow("volumeMode Block is not supported");
      volumes = {};
      await expect(setUp(claimed())).rejects.toThrow("error processing PVC default/data: PVC is not bound");
    });
  });

  it("gives what it writes to the pod's fsGroup, which may read it", async () => {
    const gid = (await stat(root)).gid;
    await setUp({ secret: { secretName: "sec", defaultMode: 0o400 } }, { securityContext: { fsGroup: gid } });
    const found = await stat(join(root, "v", "token"));
    expect([found.gid, found.mode & 0o777]).toEqual([gid, 0o440]);
    expect((await stat(join(root, "v", "..data"))).mode & 0o7777).toBe(0o2755);
    const version = await readlink(join(root, "v", "..data"));
    await setUp({ secret: { secretName: "sec", defaultMode: 0o400 } }, { securityContext: { fsGroup: gid } });
    expect(await readlink(join(root, "v", "..data"))).toBe(version);
  });

  it.runIf(process.platform === "linux")("emptyDir with medium Memory lies in memory", async () => {
    expect((await setUp({ emptyDir: { medium: "Memory" } })).path).toBe(join(root, "memory"));
    await expect(setUp({ emptyDir: { medium: "HugePages" } })).rejects.toThrow('unknown storage medium "HugePages"');
  });

  it.runIf(process.platform === "linux")(
    "emptyDir with medium Memory is not swapped where the kernel can see to that",
    async () => {
      const other = join(root, "other");
      await mkdir(other);
      const run = promisify(execFile);
      const knows = await run("mount", ["-t", "tmpfs", "-o", "noswap", "wherry-test", other]).then(
        () => true,
        () => false,
      );
      const { path } = await setUp({ emptyDir: { medium: "Memory" } });
      const mounts = (await readFile("/proc/mounts", "utf8")).split("\n").map((line) => line.split(" "));
      const options = mounts.find((words) => words[1] === path)?.[3]?.split(",") ?? [];
      expect(options.includes("noswap")).toBe(knows);
    },
  );

  it("hostPath without a type makes the folder that is missing", async () => {
    await setUp({ hostPath: { path: join(root, "new/folder") } });
    expect((await stat(join(root, "new/folder"))).isDirectory()).toBe(true);
  });

  it("emptyDir is a folder that everybody may write to", async () => {
    const { path, readOnly } = await setUp({ emptyDir: {} });
    expect((await stat(path)).mode & 0o777).toBe(0o777);
    expect(readOnly).toBe(false);
  });

  it("configMap shows every entry, or those that are asked for", async () => {
    expect((await setUp({ configMap: { name: "cm" } })).readOnly).toBe(true);
    expect(await contents()).toEqual({ a: "1", b: "2" });
    await setUp({ configMap: { name: "cm", items: [{ key: "b", path: "c" }] } });
    expect(await contents()).toEqual({ c: "2" });
  });

  it.each<[string, Omit<Volume, "name">]>([
    ['configmap "none" not found', { configMap: { name: "none" } }],
    ['secret "none" not found', { secret: { secretName: "none" } }],
    ["references non-existent config key: z", { configMap: { name: "cm", items: [{ key: "z", path: "z" }] } }],
    ["volume type is not supported on this node: nfs", { nfs: {} } as Omit<Volume, "name">],
    ["volume type is not supported on this node: nfs", { nfs: { server: "s", path: "/" } }],
    [
      "projected volume source is not supported: clusterTrustBundle",
      { projected: { sources: [{ clusterTrustBundle: { path: "ca.crt" } } as VolumeProjection] } },
    ],
    [
      "projected volume source is not supported: podCertificate",
      { projected: { sources: [{ podCertificate: { signerName: "a/b" } } as VolumeProjection] } },
    ],
    ["volume type is not supported on this node: csi", { csi: { driver: "example.com" } }],
  ])("refuse with %s", async (message, volume) => {
    await expect(setUp(volume)).rejects.toThrow(message);
  });

  it("optional objects that are missing give an empty folder", async () => {
    await setUp({ configMap: { name: "none", optional: true } });
    expect(await contents()).toEqual({});
  });

  it("secret has its modes", async () => {
    await setUp({ secret: { secretName: "sec", defaultMode: 0o400 } });
    expect((await stat(join(root, "v/token"))).mode & 0o777).toBe(0o400);
  });

  it("downwardAPI shows labels, a line each", async () => {
    await setUp({ downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } });
    expect(await contents()).toEqual({ labels: 'a="x\\"y"\nb="2"' });
  });

  it("projected puts several sources together", async () => {
    await setUp({
      projected: {
        sources: [
          { configMap: { name: "cm", items: [{ key: "a", path: "a" }] } },
          { secret: { name: "sec" } },
          { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
        ],
      },
    });
    expect(await contents()).toEqual({ a: "1", token: "t", name: "web" });
  });

  it.each([
    ["Directory", "dir", true],
    ["Directory", "file", false],
    ["File", "file", true],
    ["File", "dir", false],
    ["Socket", "file", false],
    ["Socket", "sock", true],
    ["Directory", "none", false],
    ["", "none", true],
  ])("hostPath of type %j takes %s: %s", async (type, name, accepted) => {
    await mkdir(join(root, "dir"));
    await writeFile(join(root, "file"), "");
    const server = createServer().listen(join(root, "sock"));
    const attempt = setUp({ hostPath: { path: join(root, name), type } });
    if (accepted) expect((await attempt).path).toBe(join(root, name));
    else await expect(attempt).rejects.toThrow("hostPath type check failed");
    server.close();
  });

  it("hostPath makes what is missing, where asked to", async () => {
    await setUp({ hostPath: { path: join(root, "new/dir"), type: "DirectoryOrCreate" } });
    expect((await stat(join(root, "new/dir"))).mode & 0o777).toBe(0o755);
    await setUp({ hostPath: { path: join(root, "new/file"), type: "FileOrCreate" } });
    expect((await stat(join(root, "new/file"))).isFile()).toBe(true);
  });
});
