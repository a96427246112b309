import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { planChange } from "../../commands/plan/changes.ts";
import { runCli } from "../../commands/run_cli.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { recordedTerminal } from "./_terminal.ts";

describe("plan and undo", () => {
  const folder = mkdtempSync(join(tmpdir(), "wherry-plan-"));
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: "fake", nodes: 0 });
    writeFileSync(join(folder, "config"), cluster.kubeconfig, { mode: 0o600 });
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** What a verb prints, on both streams. */
  async function said(args: readonly string[], input: object = {}): Promise<string> {
    const { terminal, text } = recordedTerminal(JSON.stringify(input));
    const all = [`--kubeconfig=${join(folder, "config")}`, ...args];
    await runCli(all, { terminal, signal: new AbortController().signal });
    return text();
  }

  const web = (image: string) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image }] } },
    },
  });

  it("plan says what an apply would do, and does nothing; undo takes the last change back", async () => {
    expect(await said(["plan", "-f", "-"], web("x:1"))).toBe(
      "+ deployment.apps/web\n1 to create, 0 to change, 0 to delete, 0 pods to restart\n",
    );
    expect(await said(["get", "deploy", "web"])).toContain("not found");
    await said(["apply", "-f", "-"], web("x:1"));
    expect(await said(["plan", "-f", "-"], web("x:1"))).toMatch(/^= deployment\.apps\/web\n0 to create, 0 to change/);
    expect(await said(["plan", "-f", "-"], web("x:2"))).toBe(
      "~ deployment.apps/web (3 pods restart)\n    spec.template.spec.containers[main].image: x:1 -> x:2\n0 to create, 1 to change, 0 to delete, 3 pods to restart\n",
    );
    await said(["apply", "-f", "-"], web("x:2"));
    expect(await said(["undo", "deploy/web"])).toMatch(/^deployment\.apps\/web put back to version \d+\n$/);
    expect(await said(["get", "deploy", "web", "-o", "yaml"])).toContain("image: x:1");
  });

  it("plan names the file that each object comes from", async () => {
    const manifests = join(folder, "manifests");
    mkdirSync(manifests);
    const named = (name: string, data: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });
    const write = (file: string, objects: readonly object[]) =>
      writeFileSync(join(manifests, file), objects.map((object) => JSON.stringify(object)).join("\n---\n"));
    write("a.yaml", [named("one", { n: "1" }), named("two", { n: "1" })]);
    write("b.yaml", [named("three", { n: "1" })]);
    await said(["apply", "-f", join(manifests, "a.yaml")]);
    write("a.yaml", [named("one", { n: "1" }), named("two", { n: "2" })]);
    expect(await said(["plan", "-f", manifests])).toBe(
      [
        `= configmap/one from ${manifests}/a.yaml`,
        `~ configmap/two from ${manifests}/a.yaml`,
        "    data.n: 1 -> 2",
        `+ configmap/three from ${manifests}/b.yaml`,
        "1 to create, 1 to change, 0 to delete, 0 pods to restart\n",
      ].join("\n"),
    );
  });

  it("undo takes a deletion back: the object as it was last, made anew", async () => {
    const settings = (value: string) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings", labels: { app: "web" }, finalizers: ["example.com/hold"] },
      data: { value },
    });
    await said(["apply", "-f", "-"], settings("first"));
    await said(["apply", "-f", "-"], settings("last"));
    const uid = await said(["get", "cm", "settings", "-o", "jsonpath={.metadata.uid}"]);
    await said(["delete", "cm", "settings", "--wait=false", "--cascade=foreground"]);
    await said(["patch", "cm", "settings", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']);
    await expect.poll(() => said(["get", "cm", "settings"])).toContain("not found");
    // It went a while ago: more versions than are asked for at once.
    for (let count = 0; count < 20; count++) await said(["create", "configmap", `other-${count}`]);

    expect(await said(["undo", "cm/settings", "--dry-run=client", "-o", "name"])).toBe("configmap/settings\n");
    expect(await said(["get", "cm", "settings"])).toContain("not found");
    expect(await said(["undo", "cm/settings"])).toMatch(/^configmap\/settings put back to version \d+\n$/);
    const fields = "jsonpath={.data.value} {.metadata.labels.app} {.metadata.deletionTimestamp}";
    expect(await said(["get", "cm", "settings", "-o", fields])).toBe("last web ");
    expect(await said(["get", "cm", "settings", "-o", "jsonpath={.metadata.uid}"])).not.toBe(uid);
  });

  it("undo says so of what never was there", async () => {
    expect(await said(["undo", "cm/never"])).toBe("error: configmaps/never is not there, and never was\n");
  });

  it("undo says so where the server does not keep what was", async () => {
    const asked: (string | null)[] = [];
    const forgetful = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://server");
      const answer = (code: number, body: object) =>
        response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
      const failure = (code: number, reason: string) =>
        answer(code, { apiVersion: "v1", kind: "Status", status: "Failure", code, reason, message: reason });
      const configmaps = { name: "configmaps", singularName: "configmap", namespaced: true, kind: "ConfigMap" };
      if (pathname === "/api") return answer(200, { kind: "APIVersions", versions: ["v1"] });
      if (pathname === "/apis") return answer(200, { kind: "APIGroupList", groups: [] });
      if (pathname === "/api/v1") {
        const resources = [{ ...configmaps, verbs: ["get", "list"] }];
        return answer(200, { kind: "APIResourceList", groupVersion: "v1", resources });
      }
      if (pathname !== "/api/v1/namespaces/default/configmaps") return failure(404, "NotFound");
      const version = searchParams.get("resourceVersion");
      if (version === null)
        return answer(200, { kind: "ConfigMapList", metadata: { resourceVersion: "7000" }, items: [] });
      asked.push(version);
      return failure(410, "Expired");
    });
    await new Promise<void>((resolve) => forgetful.listen(0, "127.0.0.1", resolve));
    const { port } = forgetful.address() as AddressInfo;
    const server = ["--server", `http://127.0.0.1:${port}`, "--cache-dir", join(folder, "cache")];
    try {
      expect(await said(["undo", "cm/gone", ...server])).toBe(
        "error: configmaps/gone is not there, and was not in all that the server still knows\n",
      );
      expect(asked[0]).toBe("6999");
    } finally {
      forgetful.close();
    }
  });
});

describe("planChange()", () => {
  const object = (kind: string, spec: object, more: object = {}): KubeObject =>
    ({ apiVersion: "apps/v1", kind, metadata: { name: "web", uid: "u" }, spec, ...more }) as KubeObject;
  const sized = (replicas: number, image = "a:1") =>
    object("Deployment", { replicas, template: { spec: { containers: [{ name: "main", image }] } } });
  const everywhere = (image: string) =>
    object("DaemonSet", { template: { image } }, { status: { desiredNumberScheduled: 7 } });
  const long = "x".repeat(100);

  it.each<[string, KubeObject | undefined, KubeObject, ReturnType<typeof planChange>]>([
    ["what is not there is made", undefined, sized(3), { kind: "create", fields: [], restarts: 0 }],
    [
      "what servers keep is no change",
      sized(3),
      { ...sized(3), metadata: { name: "web", uid: "v", resourceVersion: "7" }, status: {} } as KubeObject,
      { kind: "none", fields: [], restarts: 0 },
    ],
    ["a size", sized(3), sized(4), { kind: "change", fields: ["spec.replicas: 3 -> 4"], restarts: 0 }],
    [
      "a template, which replaces every pod",
      sized(3),
      sized(3, "a:2"),
      { kind: "change", fields: ["spec.template.spec.containers[main].image: a:1 -> a:2"], restarts: 3 },
    ],
    [
      "a template of pods on every node",
      everywhere("a"),
      everywhere("b"),
      { kind: "change", fields: ["spec.template.image: a -> b"], restarts: 7 },
    ],
    [
      "what comes and what goes, cut where it is long",
      object("ConfigMap", { old: true, list: [1] }),
      object("ConfigMap", { next: long, list: [1, 2] }),
      {
        kind: "change",
        fields: ["spec.list: [1] -> [1,2]", `spec.next: nothing -> ${"x".repeat(80)}…`, "spec.old: true -> nothing"],
        restarts: 0,
      },
    ],
  ])("%s", (_, before, after, wanted) => {
    expect(planChange(before, after)).toEqual(wanted);
  });
});
