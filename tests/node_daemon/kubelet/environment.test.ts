import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Container } from "../../../core/kinds/pod.ts";
import type { Service } from "../../../core/kinds/service.ts";
import {
  type DataSource,
  expandWith,
  type ObjectData,
  resolveEnvironment,
} from "../../../node_daemon/kubelet/environment.ts";
import { expand } from "../../../node_daemon/kubelet/expansion.ts";
import type { MountedVolume } from "../../../node_daemon/kubelet/volumes/volume.ts";
import { makePod, spec1 } from "./fixtures.ts";

describe("expand()", () => {
  const values = new Map([
    ["A", "1"],
    ["B", "$(A)"],
    ["EMPTY", ""],
  ]);
  it.each([
    ["", ""],
    ["plain", "plain"],
    ["$(A)", "1"],
    ["x$(A)y$(A)", "x1y1"],
    ["$(B)", "$(A)"],
    ["$(EMPTY)", ""],
    ["$(MISSING)", "$(MISSING)"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$$$$(A)", "$$(A)"],
    ["$A", "$A"],
    ["$", "$"],
    ["a$", "a$"],
    ["$(A", "$(A"],
    ["$()", "$()"],
    ["$(A)$(", "1$("],
    ["$(constructor)", "$(constructor)"],
  ])("%j gives %j", (text, expected) => {
    expect(expand(text, (name) => values.get(name))).toBe(expected);
  });

  it("takes linear time for text that never closes", () => {
    const text = "$(".repeat(200_000);
    expect(expand(text, () => undefined)).toBe(text);
  });
});

const text = (value: string) => new TextEncoder().encode(value);

function data(entries: Record<string, string>, binary: Record<string, string> = {}): ObjectData {
  return {
    entries: new Map([...Object.entries(entries), ...Object.entries(binary)].map(([key, value]) => [key, text(value)])),
    textKeys: new Set(Object.keys(entries)),
  };
}

const source: DataSource = {
  configMap: async (_, name) => (name === "settings" ? data({ color: "blue", size: "7" }, { blob: "x" }) : undefined),
  secret: async (_, name) => (name === "login" ? data({ user: "me", password: "hunter2" }) : undefined),
  token: () => Promise.reject(new Error("nobody asks for tokens here")),
  boundVolume: () => Promise.reject(new Error("nobody asks for volumes here")),
  isShared: () => false,
};

const service = (
  name: string,
  namespace: string,
  clusterIP: string,
  ports: NonNullable<Service["spec"]>["ports"] = [],
): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { clusterIP, ports },
});

const services = [
  service("kubernetes", "default", "10.0.0.1", [{ name: "https", port: 443 }]),
  service("my-db", "shop", "10.0.0.7", [
    { name: "sql-main", port: 5432 },
    { name: "dns", port: 53, protocol: "UDP" },
  ]),
  service("headless", "shop", "None", [{ port: 80 }]),
  service("elsewhere", "other", "10.0.0.9", [{ port: 80 }]),
];

async function resolve(
  container: Partial<Container>,
  spec: object = {},
  volumes: ReadonlyMap<string, MountedVolume> = new Map(),
) {
  const own = spec1("app", container);
  const pod = makePod(
    { containers: [own], serviceAccountName: "robot", enableServiceLinks: false, ...spec },
    { metadata: { namespace: "shop", labels: { app: "web" }, annotations: { note: "hi" } } },
  );
  const facts = { pod, podIPs: ["127.64.1.9"], hostIPs: ["192.0.2.1"], allocatable: { cpu: "4", memory: "8Gi" } };
  return await resolveEnvironment({ facts, container: own, services, data: source, volumes, areRead: true });
}

describe("resolveEnvironment()", () => {
  it.each<[string, NonNullable<Container["env"]>, string | undefined]>([
    ["a literal", [{ name: "X", value: "v" }], "v"],
    ["an empty one", [{ name: "X" }], ""],
    [
      "a reference to an earlier variable",
      [
        { name: "A", value: "1" },
        { name: "X", value: "a$(A)" },
      ],
      "a1",
    ],
    [
      "not to a later one",
      [
        { name: "X", value: "$(A)" },
        { name: "A", value: "1" },
      ],
      "$(A)",
    ],
    ["a service variable", [{ name: "X", value: "$(KUBERNETES_SERVICE_HOST)" }], "10.0.0.1"],
    ["the pod's name", [field("metadata.name")], "web"],
    ["its namespace", [field("metadata.namespace")], "shop"],
    ["its uid", [field("metadata.uid")], "uid-1"],
    ["a label", [field("metadata.labels['app']")], "web"],
    ["a label that is not there", [field("metadata.labels['constructor']")], ""],
    ["an annotation", [field("metadata.annotations['note']")], "hi"],
    ["the node's name", [field("spec.nodeName")], "node-1"],
    ["the service account", [field("spec.serviceAccountName")], "robot"],
    ["the pod's address", [field("status.podIP")], "127.64.1.9"],
    ["the node's address", [field("status.hostIP")], "192.0.2.1"],
    ["a key of a ConfigMap", [key("configMapKeyRef", "settings", "color")], "blue"],
    ["a key of a Secret", [key("secretKeyRef", "login", "password")], "hunter2"],
    ["an optional object that is not there", [key("configMapKeyRef", "none", "color", true)], undefined],
    ["an optional key that is not there", [key("secretKeyRef", "login", "none", true)], undefined],
  ])("gives %s", async (_, env, expected) => {
    expect((await resolve({ env })).get("X")).toBe(expected);
  });

  it.each([
    ["limits.cpu", undefined, "2"],
    ["limits.cpu", "1m", "1500"],
    ["requests.cpu", "1m", "250"],
    ["limits.memory", "1Mi", "64"],
    ["limits.memory", undefined, "67108864"],
    ["requests.memory", "1Mi", "0"],
  ])("gives %s in units of %s", async (resource, divisor, expected) => {
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) };
    const resources = { limits: { cpu: "1.5", memory: "64Mi" }, requests: { cpu: "250m" } };
    const env = [{ name: "X", valueFrom: { resourceFieldRef } }];
    expect((await resolve({ env, resources })).get("X")).toBe(expected);
  });

  it("gives what the node has where there is no limit", async () => {
    const env = [{ name: "X", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Gi" } } }];
    expect((await resolve({ env })).get("X")).toBe("8");
  });

  it("gives all entries of envFrom, with prefix, and lets env win", async () => {
    const result = await resolve({
      envFrom: [
        { prefix: "S_", configMapRef: { name: "settings" } },
        { secretRef: { name: "login" } },
        { configMapRef: { name: "none", optional: true } },
      ],
      env: [{ name: "user", value: "you" }],
    });
    expect(Object.fromEntries(result)).toMatchObject({
      S_color: "blue",
      S_size: "7",
      user: "you",
      password: "hunter2",
    });
    expect(result.has("S_blob")).toBe(false);
  });

  it.each<[string, Partial<Container>]>([
    ['configmap "none" not found', { env: [key("configMapKeyRef", "none", "k")] }],
    ['secret "none" not found', { env: [key("secretKeyRef", "none", "k")] }],
    ["couldn't find key k in ConfigMap shop/settings", { env: [key("configMapKeyRef", "settings", "k")] }],
    ["couldn't find key k in Secret shop/login", { env: [key("secretKeyRef", "login", "k")] }],
    ['configmap "none" not found', { envFrom: [{ configMapRef: { name: "none" } }] }],
    ["unsupported fieldPath: spec.nothing", { env: [field("spec.nothing")] }],
  ])("refuses with %s", async (message, container) => {
    await expect(resolve(container)).rejects.toMatchObject({ reason: "CreateContainerConfigError", message });
  });

  it("takes variables from a file of a volume, as it is when the container is made", async () => {
    const folder = await mkdtemp(join(tmpdir(), "wherry-environment-"));
    try {
      const volumes = new Map([["v", { path: folder, readOnly: false }]]);
      const of = (name: string, path: string, optional = false) => ({
        name,
        valueFrom: { fileKeyRef: { volumeName: "v", path, key: name, optional } },
      });
      const given = (...env: NonNullable<Container["env"]>) => resolve({ env }, {}, volumes);
      await mkdir(join(folder, "deep"));
      await writeFile(join(folder, "deep", "file"), "A='1'\nEMPTY=''\n");
      await writeFile(join(folder, "bad"), "A=1\n");
      await symlink("/etc/hostname", join(folder, "out"));
      await promisify(execFile)("mkfifo", [join(folder, "pipe")]);
      const found = await given(of("A", "deep/file"), of("B", "deep/file", true), of("A2", "none", true));
      expect([found.get("A"), found.has("B"), found.has("A2")]).toEqual(["1", false, false]);
      const refused = async (path: string, name = "A", optional = false) =>
        await given(of(name, path, optional)).then(
          () => "",
          (error: Error) => error.message,
        );
      expect(await refused("deep/file", "B")).toBe(
        `environment variable key "B" not found in file "${join(folder, "deep/file")}"`,
      );
      for (const path of ["none", "bad", "deep", "out", "pipe"])
        expect(await refused(path)).toBe("couldn't parse env file");
      for (const path of ["bad", "out", "pipe"]) expect(await refused(path, "A", true)).toBe("couldn't parse env file");
      expect(await readdir(folder)).not.toContain("none");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("gives the variables of the API server always, those of other services only with links", async () => {
    const without = await resolve({});
    expect(Object.fromEntries(without)).toEqual({
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      KUBERNETES_SERVICE_PORT: "443",
      KUBERNETES_SERVICE_PORT_HTTPS: "443",
      KUBERNETES_PORT: "tcp://10.0.0.1:443",
      KUBERNETES_PORT_443_TCP: "tcp://10.0.0.1:443",
      KUBERNETES_PORT_443_TCP_PROTO: "tcp",
      KUBERNETES_PORT_443_TCP_PORT: "443",
      KUBERNETES_PORT_443_TCP_ADDR: "10.0.0.1",
    });
    const linked = await resolve({}, { enableServiceLinks: true });
    expect(linked.get("MY_DB_SERVICE_HOST")).toBe("10.0.0.7");
    expect(linked.get("MY_DB_SERVICE_PORT_SQL_MAIN")).toBe("5432");
    expect(linked.get("MY_DB_PORT_53_UDP")).toBe("udp://10.0.0.7:53");
    expect([...linked.keys()].filter((name) => /HEADLESS|ELSEWHERE/.test(name))).toEqual([]);
  });

  it("expands commands with what the container gets", async () => {
    const environment = await resolve({ env: [{ name: "NAME", value: "x" }] });
    expect(expandWith("hello $(NAME) $$(NAME) $(NONE)", environment)).toBe("hello x $(NAME) $(NONE)");
  });
});

function field(fieldPath: string) {
  return { name: "X", valueFrom: { fieldRef: { fieldPath } } };
}

function key(member: "configMapKeyRef" | "secretKeyRef", name: string, entry: string, optional?: boolean) {
  const reference = { name, key: entry, ...(optional === undefined ? {} : { optional }) };
  return {
    name: "X",
    valueFrom: member === "configMapKeyRef" ? { configMapKeyRef: reference } : { secretKeyRef: reference },
  };
}
