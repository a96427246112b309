import { get } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import {
  type Interop,
  parse,
  rows,
  sayAndStay,
  shellDeployment,
  shellPod,
  startInterop,
  stay,
  versions,
} from "./_kubectl.ts";

/** What kubectl shows of the cluster: get, describe, explain, discovery, events. */
describe.skipIf(missing("kubectl", kubectl))("kubectl sees", () => {
  let cluster: Interop;
  const ns = { namespace: "see" };
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("see");
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellDeployment("web", sayAndStay("up"), 2) });
    await cluster.ok(["expose", "deploy/web", "--port=80", "--target-port=8080"], ns);
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellPod("alone", stay, {}, { tier: "back" }) });
    await cluster.ok(["rollout", "status", "deploy/web", "--timeout=60s"], ns);
    await cluster.ok(["wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s"], ns);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it("get prints the server's table, wide, with labels and in every namespace", async () => {
    const [head, ...pods] = rows(await cluster.ok(["get", "pods"], ns));
    expect(head).toEqual(["NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
    expect(pods.map((pod) => pod.slice(1, 4))).toEqual(Array(3).fill(["1/1", "Running", "0"]));

    const [wideHead, wide = []] = rows(await cluster.ok(["get", "pods", "-o", "wide", "alone"], ns).catch(String));
    expect(wideHead).toEqual([
      "NAME",
      "READY",
      "STATUS",
      "RESTARTS",
      "AGE",
      "IP",
      "NODE",
      "NOMINATED NODE",
      "READINESS GATES",
    ]);
    expect(wide[5]).toMatch(/^127\./);
    expect(wide.slice(6)).toEqual(["node-0", "<none>", "<none>"]);

    expect(rows(await cluster.ok(["get", "pods", "--show-labels", "alone"], ns))[1]?.at(-1)).toBe("tier=back");
    expect(rows(await cluster.ok(["get", "pods", "-L", "tier", "alone"], ns))[0]?.at(-1)).toBe("TIER");
    expect(rows(await cluster.ok(["get", "pods", "-A", "--no-headers"]))[0]?.[0]).toBe("see");
    expect(await cluster.ok(["get", "deploy,svc", "--no-headers", "-o", "wide"], ns)).toMatch(
      /^deployment.apps\/web +2\/2 +2 +2 +\S+ +main +shell:1 +app=web\n\n?service\/web +ClusterIP +127\.\S+ +<none> +80\/TCP +\S+ +app=web\n$/,
    );
  });

  it("get prints objects as yaml, json, jsonpath, names and custom columns", async () => {
    expect(await cluster.ok(["get", "deploy", "web", "-o", "yaml"], ns)).toMatch(
      /^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n(.*\n)+status:\n/,
    );
    expect(parse(await cluster.ok(["get", "pod", "alone", "-o", "json"], ns))).toMatchObject({
      kind: "Pod",
      metadata: { name: "alone", namespace: "see", labels: { tier: "back" } },
      status: { phase: "Running", podIP: expect.stringMatching(/^127\./) },
    });
    expect(await cluster.ok(["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.nodeName}"], ns)).toBe(
      "node-0 node-0",
    );
    expect(await cluster.ok(["get", "deploy", "-o", "name"], ns)).toBe("deployment.apps/web\n");
    expect(await cluster.ok(["get", "svc", "-o", "custom-columns=N:.metadata.name,P:.spec.ports[0].port"], ns)).toBe(
      "N     P\nweb   80\n",
    );
  });

  it.each([
    [["-l", "tier=back"], 1],
    [["-l", "app in (web,none),tier!=back"], 2],
    [["-l", "!app"], 1],
    [["--field-selector", "metadata.name=alone"], 1],
    [["--field-selector", "status.phase=Running,spec.nodeName=node-0"], 3],
    [["--field-selector", "status.phase!=Running"], 0],
  ])("get pods %j finds %i", async (args, count) => {
    expect((await cluster.ok(["get", "pods", "-o", "name", ...args], ns)).split("\n").length - 1).toBe(count);
  });

  it("get sorts, and pages", async () => {
    const sorted = (await cluster.ok(["get", "pods", "--sort-by=.metadata.creationTimestamp", "-o", "name"], ns))
      .trim()
      .split("\n");
    expect(sorted).toHaveLength(3);
    const names = rows(await cluster.ok(["get", "pods", "--sort-by=.metadata.name", "--no-headers"], ns)).map(
      ([name]) => name,
    );
    expect(names).toEqual([...names].sort());
    expect(rows(await cluster.ok(["get", "pods", "--chunk-size=1", "--no-headers"], ns)).map(([name]) => name)).toEqual(
      names,
    );
  });

  it("get all shows what has the category, kind by kind", async () => {
    const shown = await cluster.ok(["get", "all"], ns);
    for (const name of ["pod/alone", "service/web", "deployment.apps/web", "replicaset.apps/web-"])
      expect(shown).toContain(name);
  });

  it("get -w shows each change as a row", async () => {
    await using watching = cluster.start(["get", "pods", "-w", "-l", "watched=yes"], ns);
    await using events = cluster.start(["get", "pods", "-w", "--output-watch-events", "-l", "watched=yes"], ns);
    await cluster.ok(["create", "-f", "-"], { ...ns, input: shellPod("seen", stay, {}, { watched: "yes" }) });
    await watching.printed(/seen +1\/1 +Running/);
    await events.printed(/(ADDED|MODIFIED) +seen/);
    await cluster.ok(["delete", "pod", "seen"], ns);
    await watching.printed(/seen +\d\/1 +Terminating/);
    expect(watching.output().match(/^NAME/gm)).toHaveLength(1);
    await events.printed(/DELETED +seen/);
  });

  it("get NAME -w starts with the object as it is", async () => {
    await using watching = cluster.start(
      ["get", "deploy", "web", "-w", "-o", "jsonpath={.metadata.labels.turn}{'\\n'}"],
      ns,
    );
    await watching.printed(/^\n/);
    await cluster.ok(["label", "deploy", "web", "turn=one"], ns);
    await watching.printed(/^one$/m);
    await cluster.ok(["label", "deploy", "web", "turn-"], ns);
  });

  it("get says what is not there", async () => {
    expect(await cluster.fails(["get", "pod", "none"], ns)).toBe(
      'Error from server (NotFound): pods "none" not found\n',
    );
    expect(await cluster.fails(["get", "deploy", "none"], ns)).toBe(
      'Error from server (NotFound): deployments.apps "none" not found\n',
    );
    expect(await cluster.fails(["get", "gizmos"], ns)).toBe(
      `error: the server doesn't have a resource type "gizmos"\n`,
    );
    expect(await cluster.fails(["get", "pods", "--field-selector", "spec.foo=1"], ns)).toMatch(
      /field label not supported: spec\.foo/,
    );
    const { stdout, stderr } = await cluster.kubectl(["get", "pods", "-l", "none=1"], ns);
    expect(stdout + stderr).toContain("No resources found in see namespace.");
  });

  it.each([
    [
      "pod",
      "alone",
      /Node: +node-0\/[\s\S]*Command:\n +sh\n[\s\S]*State: +Running[\s\S]*QoS Class: +BestEffort[\s\S]*Normal +Scheduled[\s\S]*Normal +Started/,
    ],
    [
      "deploy",
      "web",
      /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable[\s\S]*NewReplicaSet: +web-\w+ \(2\/2 replicas created\)[\s\S]*ScalingReplicaSet/,
    ],
    ["svc", "web", /IP: +127\.\S+\n[\s\S]*Endpoints: +127\.\S+:8080,127\.\S+:8080\n/],
    [
      "node",
      "node-0",
      /Ready +True [\s\S]*Capacity:\n[\s\S]*Non-terminated Pods: +\(3 in total\)[\s\S]*see +alone[\s\S]*Allocated resources:/,
    ],
    ["ns", "see", /Status: +Active/],
    ["rs", "", /Controlled By: +Deployment\/web/],
  ])("describe %s %s shows it with its events", async (kind, name, expected) => {
    await expect.poll(() => cluster.ok(["describe", kind, ...(name ? [name] : [])], ns)).toMatch(expected);
  });

  it("events shows what happened, to one object too", async () => {
    await expect
      .poll(() => cluster.ok(["events", "--for", "pod/alone"], ns))
      .toMatch(/Normal +Scheduled +Pod\/alone +Successfully assigned see\/alone to node-0/);
    await expect
      .poll(() => cluster.ok(["get", "events", "--field-selector", "reason=Started"], ns))
      .toMatch(/Normal +Started +pod\/alone +Started container main/);
  });

  it("explain knows every field", async () => {
    expect(await cluster.ok(["explain", "pod.spec.containers"])).toMatch(
      /^KIND: +Pod\nVERSION: +v1\n\nFIELD: containers <\[\]Container>[\s\S]* image\t<string>\n[\s\S]* name\t<string> -required-\n/,
    );
    expect(await cluster.ok(["explain", "deployment", "--recursive"])).toMatch(
      /^GROUP: +apps\n[\s\S]*rollingUpdate\t<\S+>\n\s+maxSurge\t<IntOrString>/,
    );
    expect(await cluster.fails(["explain", "pod.spec.nope"])).toBe('error: field "nope" does not exist\n');
  });

  it("api-resources and api-versions list what is served", async () => {
    const resources = await cluster.ok(["api-resources"]);
    expect(resources).toMatch(/^pods +po +v1 +true +Pod$/m);
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(await cluster.ok(["api-resources", "--verbs=list", "--namespaced=false", "-o", "name"])).toMatch(
      /^namespaces\nnodes\n/m,
    );
    expect((await cluster.ok(["api-versions"])).split("\n")).toEqual(expect.arrayContaining(["apps/v1", "v1"]));
  });

  it("version, cluster-info and config say where it is", async () => {
    expect(await cluster.ok(["version"])).toMatch(/^Server Version: v1\.\d+\.\d+/m);
    expect((await cluster.ok(["cluster-info"])).replace(/\x1b\[[\d;]*m/g, "")).toContain(
      `Kubernetes control plane is running at ${cluster.url}`,
    );
    expect(await cluster.ok(["config", "current-context"])).toBe("wherry\n");
    expect(await cluster.ok(["get", "--raw", "/readyz"])).toBe("ok");
  });

  it("nobody comes in without a token", async () => {
    const refused = await cluster.fails([
      "get",
      "pods",
      "--kubeconfig=/dev/null",
      `--server=${cluster.url}`,
      "--insecure-skip-tls-verify",
      "--token=wrong",
    ]);
    expect(refused).toMatch(/^error: You must be logged in to the server/m);
    const answer = await httpsGet(`${cluster.url}/api/v1/pods`, { "user-agent": "curl/8.0" });
    expect(answer.code).toBe(401);
    expect(answer.body).toMatch(/^ +"reason": "Unauthorized",$/m);
  });

  it.each(versions.map((client) => [client.name, client] as const))("%s sees the same", async (_name, client) => {
    const options = { ...ns, client };
    expect(rows(await cluster.ok(["get", "deploy", "web"], options))[1]?.slice(0, 4)).toEqual(["web", "2/2", "2", "2"]);
    expect(await cluster.ok(["get", "pod", "alone", "-o", "jsonpath={.status.phase}"], options)).toBe("Running");
    await expect
      .poll(() => cluster.ok(["describe", "svc", "web"], options))
      .toMatch(/Endpoints: +127\.\S+:8080,127\.\S+:8080\n/);
    expect(await cluster.ok(["explain", "pod.spec.containers.image"], options)).toMatch(/Container image name/);
    expect(await cluster.ok(["api-resources", "--api-group=apps"], options)).toMatch(
      /^deployments +deploy +apps\/v1 +true +Deployment$/m,
    );
    expect(await cluster.ok(["rollout", "status", "deploy/web"], options)).toContain("successfully rolled out");
  });
});

function httpsGet(url: string, headers: Record<string, string>): Promise<{ code: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers, rejectUnauthorized: false }, async (response) => {
      resolve({ code: response.statusCode, body: (await response.setEncoding("utf8").toArray()).join("") });
    }).on("error", reject);
  });
}
