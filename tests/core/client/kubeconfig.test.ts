import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  KubeconfigError,
  kubeconfigPaths,
  loadKubeconfig,
  mergeContext,
  removeContext,
  resolveContext,
} from "../../../core/client/kubeconfig.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, text);
  return path;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

const first = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: shared
  cluster: { server: "https://first:6443" }
contexts:
- name: one
  context: { cluster: shared, user: me, namespace: shop }
users: null
`;
const second = `
apiVersion: v1
kind: Config
current-context: two
clusters:
- name: shared
  cluster: { server: "https://second:6443" }
- name: other
  cluster: { server: "https://other:6443", tls-server-name: api }
contexts:
- name: two
  context: { cluster: other, user: me }
users:
- name: me
  user: { token: secret }
`;

describe("loadKubeconfig()", () => {
  it("reads the file asked for, else all of KUBECONFIG, else the home's", () => {
    expect(kubeconfigPaths({ path: "/a", variable: "/b", home: "/home/me" })).toEqual(["/a"]);
    expect(kubeconfigPaths({ variable: ["/a", "", "/b", "/a"].join(delimiter) })).toEqual(["/a", "/b"]);
    expect(kubeconfigPaths({ variable: "", home: "/home/me" })).toEqual(["/home/me/.kube/config"]);
  });

  it("lets the first file that says something win, and passes over missing ones", async () => {
    const paths = [join(folder, "missing"), await write("first", first), await write("second", second)];
    const config = await loadKubeconfig({ variable: paths.join(delimiter) });
    expect(config.currentContext).toBe("one");
    expect([...config.contexts.keys()]).toEqual(["one", "two"]);
    expect(config.clusters.get("shared")?.value.server).toBe("https://first:6443");
    expect(config.users.get("me")?.value.token).toBe("secret");
  });

  it("says what is wrong with a file, without quoting it", async () => {
    const broken = await write("broken", "users:\n- name: a\n  user: { token: secret\nother: }");
    const error = await loadKubeconfig({ path: broken }).catch((reason: unknown) => reason);
    expect((error as Error).message).toContain(`Cannot read the kubeconfig: error parsing ${broken}: `);
    expect((error as Error).message).not.toContain("secret");
    const other = await write("other", "kind: Pod");
    await expect(loadKubeconfig({ path: other })).rejects.toThrow("it is not of kind Config");
    const list = await write("list", "users: [{ user: {} }]");
    await expect(loadKubeconfig({ path: list })).rejects.toThrow('"users" must be a list of names');
    await expect(loadKubeconfig({ path: join(folder, "none") })).rejects.toThrow("there is no file");
  });
});

describe("resolveContext()", () => {
  const load = async (text: string, name = "config") => loadKubeconfig({ path: await write(name, text) });

  it("gives server, namespace and credentials of the current context", async () => {
    const config = await load(first + "".padEnd(1), "plain");
    await expect(resolveContext(config)).rejects.toThrow('user "me" does not exist');
    expect(await resolveContext(await load(second))).toEqual({
      context: "two",
      server: "https://other:6443",
      namespace: "default",
      transport: { server: "https://other:6443", tlsServerName: "api", token: "secret" },
    });
  });

  it("lets the command line win", async () => {
    const both = [await write("first", first), await write("second", second)].join(delimiter);
    const config = await loadKubeconfig({ variable: both });
    const { context, server, namespace, transport } = await resolveContext(config, {
      context: "two",
      cluster: "shared",
      namespace: "mine",
      token: "other",
      insecureSkipTlsVerify: true,
      impersonate: { user: "alice" },
    });
    expect({ context, server, namespace }).toEqual({ context: "two", server: "https://first:6443", namespace: "mine" });
    expect(transport).toEqual({
      server: "https://first:6443",
      insecureSkipTlsVerify: true,
      token: "other",
      impersonate: { user: "alice" },
    });
    expect((await resolveContext(config, { server: "https://said:1" })).server).toBe("https://said:1");
  });

  it("reads inline data and files, those relative to the kubeconfig, and a token file each time", async () => {
    await write("sub/pki/ca.crt", "CA");
    await write("sub/token", "one\n");
    const config = await load(
      `
clusters: [{ name: c, cluster: { server: "https://a:1", certificate-authority: pki/ca.crt } }]
users:
- name: u
  user:
    client-certificate-data: ${base64("CERT")}
    client-certificate: ignored
    client-key-data: ${base64("KEY")}
    tokenFile: token
    as: bob
    as-groups: [admins]
contexts: [{ name: x, context: { cluster: c, user: u } }]
current-context: x
`,
      "sub/config",
    );
    const { transport } = await resolveContext(config);
    expect(transport).toMatchObject({
      ca: "CA",
      cert: "CERT",
      key: "KEY",
      impersonate: { user: "bob", groups: ["admins"] },
    });
    const token = transport.token;
    if (typeof token !== "function") throw new TypeError("The token must be read each time");
    expect(await token()).toBe("one");
    await write("sub/token", "two\n");
    expect(await token()).toBe("two");
  });

  it.each([
    [{ context: "none" }, 'context "none" does not exist; there is one, two'],
    [{ cluster: "none" }, 'cluster "none" does not exist; there is shared, other'],
    [{ user: "none" }, 'user "none" does not exist'],
  ])("says what of %j does not exist", async (overrides, message) => {
    const both = [await write("first", first), await write("second", second)].join(delimiter);
    const config = await loadKubeconfig({ variable: both });
    await expect(resolveContext(config, overrides)).rejects.toThrow(message);
  });

  it.each([
    ["clusters: []", "no cluster is configured"],
    ["contexts: [{ name: a, context: {} }]", "no context is current; there is a"],
    ["contexts: [{ name: a, context: {} }]\ncurrent-context: a", 'context "a" names no cluster'],
    [
      "users: [{ name: u, user: { exec: { command: aws, apiVersion: a/v1 } } }]\nclusters: [{ name: c, cluster: { server: s } }]\ncontexts: [{ name: a, context: { cluster: c, user: u } }]\ncurrent-context: a",
      'exec plugin: invalid apiVersion "a/v1"',
    ],
    [
      `clusters: [{ name: c, cluster: { server: s, insecure-skip-tls-verify: true, certificate-authority-data: ${base64("x")} } }]\ncontexts: [{ name: a, context: { cluster: c } }]\ncurrent-context: a`,
      "with the insecure flag is not allowed",
    ],
  ])("refuses what cannot be used: %s", async (text, message) => {
    const config = await load(text);
    const error = await resolveContext(config).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KubeconfigError);
    expect((error as Error).message).toContain(message);
  });
});

describe("resolveContext() in a pod", () => {
  const empty = () => loadKubeconfig({ variable: join(folder, "none") });
  afterEach(() => vi.unstubAllEnvs());

  it("is led by the variables and the files that each pod gets, and reads the token each time", async () => {
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "fd00::1");
    vi.stubEnv("KUBERNETES_SERVICE_PORT", "443");
    const serviceAccountFolder = join(folder, "account");
    await write("account/token", "first\n");
    await write("account/ca.crt", "AUTHORITY");
    await write("account/namespace", "shop\n");
    const config = await empty();
    const { server, namespace, context, transport } = await resolveContext(config, { serviceAccountFolder });
    expect({ server, namespace, context, ca: transport.ca }).toEqual({
      server: "https://[fd00::1]:443",
      namespace: "shop",
      context: undefined,
      ca: "AUTHORITY",
    });
    const token = transport.token as () => Promise<string>;
    expect(await token()).toBe("first");
    await write("account/token", "second\n");
    expect(await token()).toBe("second");
    expect(await resolveContext(config, { serviceAccountFolder, namespace: "other", token: "given" })).toMatchObject({
      namespace: "other",
      transport: { token: "given" },
    });
  });

  it("is no pod without the variables or the token, nor where a kubeconfig names a context", async () => {
    const serviceAccountFolder = join(folder, "account");
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
    const config = await empty();
    await expect(resolveContext(config, { serviceAccountFolder })).rejects.toThrow(KubeconfigError);
    vi.stubEnv("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    vi.stubEnv("KUBERNETES_SERVICE_PORT", "443");
    await expect(resolveContext(config, { serviceAccountFolder: join(folder, "nothing") })).rejects.toThrow(
      KubeconfigError,
    );
    const named = await loadKubeconfig({
      path: await write("named", first.replace("users: null", "users: [{ name: me, user: {} }]")),
    });
    expect((await resolveContext(named, { serviceAccountFolder })).server).toBe("https://first:6443");
  });
});

describe("mergeContext()", () => {
  const entry = { cluster: { server: "https://127.0.0.1:6443" }, user: { token: "t" } };

  it("makes a private file in a private folder", async () => {
    const path = join(folder, "new", ".kube", "config");
    await mergeContext(path, { name: "wherry", ...entry }, { setCurrent: true });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(path, ".."))).toEqual(["config"]);
    const { server, transport } = await resolveContext(await loadKubeconfig({ path }));
    expect({ server, transport }).toEqual({
      server: "https://127.0.0.1:6443",
      transport: { server: "https://127.0.0.1:6443", token: "t" },
    });
  });

  it("keeps everything else, also what it does not know, and follows a link", async () => {
    const real = await write("real", `${second}preferences: { colors: true }\n`);
    const path = join(folder, "link");
    await symlink(real, path);
    await mergeContext(path, { name: "wherry", namespace: "shop", ...entry });
    const config = await loadKubeconfig({ path: real });
    expect(config.currentContext).toBe("two");
    expect(config.contexts.get("wherry")?.value).toEqual({ cluster: "wherry", user: "wherry", namespace: "shop" });
    expect(await readFile(real, "utf8")).toContain("colors: true");
    await mergeContext(path, { name: "wherry", ...entry }, { setCurrent: true });
    const again = await loadKubeconfig({ path: real });
    expect([...again.contexts.keys()]).toEqual(["two", "wherry"]);
    expect(again.currentContext).toBe("wherry");
    await removeContext(path, "wherry");
    const removed = await loadKubeconfig({ path: real });
    expect([...removed.contexts.keys(), ...removed.users.keys(), removed.currentContext]).toEqual([
      "two",
      "me",
      undefined,
    ]);
  });

  it("loses nothing of two writers at once: who comes second is told so", async () => {
    const path = await write("contended", first);
    const names = ["a", "b", "c", "d"];
    const written = await Promise.allSettled(names.map((name) => mergeContext(path, { name, ...entry })));
    const done = names.filter((_name, index) => written[index]?.status === "fulfilled");
    expect(done).not.toEqual([]);
    for (const one of written)
      if (one.status === "rejected") expect(String(one.reason)).toContain("another process is writing");
    const { contexts } = await loadKubeconfig({ path });
    expect(names.filter((name) => contexts.has(name))).toEqual(done);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).filter((name) => name.startsWith("contended"))).toEqual(["contended"]);
  });

  it("leaves a file alone that is broken, or that another process is writing", async () => {
    const broken = await write("mangled", "kind: Pod\n");
    await expect(mergeContext(broken, { name: "a", ...entry })).rejects.toThrow("not of kind Config");
    expect(await readFile(broken, "utf8")).toBe("kind: Pod\n");
    const locked = await write("locked", first);
    await write("locked.lock", "");
    await expect(mergeContext(locked, { name: "a", ...entry })).rejects.toThrow("another process is writing");
    expect(await readFile(locked, "utf8")).toBe(first);
  });
});
