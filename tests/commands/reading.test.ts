import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../../cluster/start_cluster.ts";
import { runCli } from "../../commands/run_cli.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { eventually } from "../e2e/harness.ts";
import { recordedTerminal } from "./_terminal.ts";

const kindOf = (group: string, kind: string, plural: string) => ({
  group,
  version: "v1",
  kind,
  plural,
  namespaced: true,
});
const pods = kindOf("", "Pod", "pods");

/** What kubectl has no word for, and what it writes into files. */
describe("verbs that read", () => {
  const folder = mkdtempSync(join(tmpdir(), "wherry-reading-"));
  const config = join(folder, "config");
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: "fake", nodes: 1 });
    writeFileSync(config, cluster.kubeconfig, { mode: 0o600 });
    const { client } = cluster;
    const create = (group: string, kind: string, plural: string, object: object) =>
      client.create(kindOf(group, kind, plural), {
        apiVersion: group ? `${group}/v1` : "v1",
        kind,
        ...object,
      } as unknown as KubeObject);
    await create("", "Secret", "secrets", {
      metadata: { name: "password", namespace: "default" },
      data: { user: btoa("me"), text: btoa("a\nb\n"), bytes: "AP8=" },
    });
    await create("apps", "Deployment", "deployments", {
      metadata: { name: "web", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "x" }] } },
      },
    });
    const evil = "\x1b]0;title\x07\u202e\x1b[2J\r";
    await create("", "ConfigMap", "configmaps", {
      metadata: { name: "evil", namespace: "default", annotations: { note: evil } },
      data: { text: evil },
    });
    await create("", "Event", "events", {
      metadata: { name: "evil.1", namespace: "default" },
      involvedObject: { apiVersion: "v1", kind: "ConfigMap", name: "evil", namespace: "default" },
      source: { component: evil },
      reason: evil,
      message: evil,
      type: "Warning",
    });
    await eventually("a pod that is ready", async () => {
      const { items } = await client.list(pods, { namespace: "default" });
      const { conditions = [] } = ((items[0] as { status?: object } | undefined)?.status ?? {}) as {
        conditions?: readonly { type: string; status: string }[];
      };
      return conditions.some(({ type, status }) => type === "Ready" && status === "True");
    });
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** What a verb prints on both streams, the cache beside the kubeconfig. */
  async function said(line: string, surroundings: Partial<Terminal> = {}): Promise<string> {
    const { terminal, text } = recordedTerminal("", surroundings);
    const all = [`--kubeconfig=${config}`, `--cache-dir=${join(folder, "cache")}`, ...line.split(" ")];
    await runCli(all, { terminal, signal: new AbortController().signal });
    return text();
  }

  it("tree shows what belongs to an object below it", async () => {
    const names = (await said("tree deploy/web"))
      .trimEnd()
      .split("\n")
      .map((row) => /^ *\S+/.exec(row)?.[0]);
    expect(names).toEqual([
      "NAME",
      "Deployment/web",
      expect.stringMatching(/^└─ReplicaSet\/web-\w+$/),
      expect.stringMatching(/^ +└─Pod\/web-\w+-\w+$/),
    ]);
    expect(await said("tree pod")).toBe("error: name an object, as TYPE/NAME\n");
  });

  it("tree shows the trouble of a pod as get does", async () => {
    const { client } = cluster;
    const created = await client.create(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "broken", namespace: "default" },
      // Nobody takes it, so that its status stays as it is written here.
      spec: { schedulerName: "nobody", containers: [{ name: "main", image: "x" }] },
    } as KubeObject);
    const waiting = { reason: "CrashLoopBackOff", message: "back-off" };
    await client.updateStatus(pods, {
      ...created,
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "False", reason: "ContainersNotReady" }],
        containerStatuses: [
          { name: "main", image: "x", imageID: "", ready: false, restartCount: 3, state: { waiting } },
        ],
      },
    } as KubeObject);
    const cells = (table: string) => table.split("\n")[1]?.split(/ {2,}/);
    expect(cells(await said("get pod broken"))?.slice(0, 3)).toEqual(["broken", "0/1", "CrashLoopBackOff"]);
    expect(cells(await said("tree pod/broken"))?.slice(0, 3)).toEqual(["Pod/broken", "False", "CrashLoopBackOff"]);
    await client.delete(pods, { namespace: "default", name: "broken" }, { gracePeriodSeconds: 0 });
  });

  it("get everything shows what get all leaves out, and no events; the cache stands where --cache-dir says", async () => {
    const names = (await said("get everything -o name")).split("\n");
    expect(names).toEqual(
      expect.arrayContaining(["secret/password", "deployment.apps/web", "configmap/kube-root-ca.crt"]),
    );
    expect(names.filter((name) => name.startsWith("event"))).toEqual([]);
    // The session with the server is kept beside it.
    const kept = readdirSync(join(folder, "cache", "wherry"));
    expect(kept.filter((name) => name.endsWith(".json"))).toHaveLength(1);
  });

  it("get secret --decode prints what a secret holds", async () => {
    expect(await said("get secret password --decode")).toBe("bytes (base64): AP8=\ntext: |\n  a\n  b\nuser: me\n");
    expect(await said("get pods --decode")).toBe("error: --decode is for secrets, not for Pod\n");
  });

  it("get colours states on a terminal, with --color=always anywhere, and not where NO_COLOR says so", async () => {
    const green = "\x1b[32mRunning\x1b[0m";
    expect(await said("get pods --color=always")).toContain(green);
    expect(await said("get pods", { outputIsTerminal: true })).toContain(green);
    expect(await said("get pods", { outputIsTerminal: true, noColour: true })).not.toContain("\x1b");
    expect(await said("get pods --color=never", { outputIsTerminal: true })).not.toContain("\x1b");
    expect(await said("get pods")).not.toContain("\x1b");
    expect(await said("get pods --color=red")).toBe('error: --color is always, never or auto, not "red"\n');
  });

  it.each([
    "get events",
    "get events -o wide",
    "events",
    "describe cm evil",
    "get cm evil -o yaml",
    "get cm evil -o custom-columns=A:.metadata.annotations.note,B:.data",
    "get cm evil -o jsonpath={.data}",
    "get everything",
    "tree cm/evil",
    "why cm/evil",
    "get cm evil-\x1b[2J",
    "label cm evil x=\x1b[2J",
  ])("%j moves nobody's cursor", async (line) => {
    // What programs read holds letters as they are.
    const moving = line.includes("-o yaml") || line.includes("-o jsonpath") ? /(?!\n)\p{Cc}/u : /(?!\n)\p{Cc}|\u202e/u;
    for (const surroundings of [{}, { outputIsTerminal: true, errorIsTerminal: true, noColour: true }])
      expect(await said(line, surroundings)).not.toMatch(moving);
  });

  it("a person is told which name or namespace was probably meant, a pipe is not", async () => {
    const seen = { errorIsTerminal: true };
    const missing = 'Error from server (NotFound): deployments.apps "wbe" not found\n';
    expect(await said("get deploy wbe", seen)).toBe(`${missing}Did you mean "web"?\n`);
    expect(await said("get deploy wbe")).toBe(missing);
    expect(await said("get deploy nothinglike", seen)).not.toContain("Did you mean");
    expect(await said("logs deploy/wbe", seen)).toContain('\nDid you mean "web"?\n');
    const empty = "No resources found in defualt namespace.\n";
    expect(await said("get pods -n defualt", seen)).toBe(
      `${empty}There is no namespace "defualt".\nDid you mean "default"?\n`,
    );
    expect(await said("get pods -n defualt")).toBe(empty);
    expect(await said("get pods -n kube-public", seen)).toBe("No resources found in kube-public namespace.\n");
  });

  it("cluster-info dump writes a file for each kind and for the logs of each pod", async () => {
    const to = join(folder, "dump");
    expect(await said(`cluster-info dump --namespaces=default --output-directory=${to}`)).toBe(
      `Cluster info dumped to ${to}\n`,
    );
    const [pod = ""] = readdirSync(join(to, "default")).filter((name) => !name.includes("."));
    expect(readdirSync(join(to, "default"))).toEqual(
      [
        ...["daemonsets", "deployments", "events", "pods", "replicasets", "replication-controllers", "services"].map(
          (name) => `${name}.json`,
        ),
        pod,
      ].sort(),
    );
    expect(JSON.parse(readFileSync(join(to, "nodes.json"), "utf8"))).toMatchObject({
      apiVersion: "v1",
      kind: "NodeList",
      items: [{ apiVersion: "v1", kind: "Node", metadata: { name: "node-0" } }],
    });
    expect(readFileSync(join(to, "default", pod, "logs.txt"), "utf8")).toMatch(
      /^==== START logs for container main of pod default\/web-\S+ ====\n(.*\n)*==== END logs for container main /,
    );
  });

  it("ns shows the namespaces and goes to another one", async () => {
    expect(await said("ns")).toMatch(/^\* default\n {2}kube-node-lease\n {2}kube-public\n {2}kube-system\n$/);
    expect(await said("ns kube-pulbic")).toBe(
      'error: namespaces "kube-pulbic" not found; did you mean "kube-public"?\n',
    );
    expect(await said("ns kube-public")).toMatch(/now works in namespace "kube-public"\.\n$/);
    expect(await said("ns")).toContain("* kube-public\n");
    await said("ns default");
  });
});
