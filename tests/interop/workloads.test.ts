import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { type Interop, shellDeployment, startInterop, stay } from "./_kubectl.ts";

/** Jobs, daemons and what has a state, as kubectl starts, rolls and spares them. */
describe.skipIf(missing("kubectl", kubectl))("kubectl and workloads:", () => {
  let cluster: Interop;
  const ns = { namespace: "work" };
  const ok = (...args: string[]) => cluster.ok(args, ns);
  const create = (input: object) => cluster.ok(["create", "-f", "-"], { ...ns, input });
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("work");
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it("create job, wait, logs, and create job --from a cron job", async () => {
    await ok("create", "job", "hello", "--image=shell:1", "--", "/bin/sh", "-c", "echo hello");
    expect(await ok("wait", "job/hello", "--for=condition=complete", "--timeout=60s")).toBe(
      "job.batch/hello condition met\n",
    );
    expect(await ok("logs", "job/hello")).toBe("hello\n");
    expect(await ok("get", "job", "hello", "--no-headers")).toMatch(/^hello\s+Complete\s+1\/1/);
    await ok("create", "cronjob", "yearly", "--image=shell:1", "--schedule=0 0 1 1 *", "--", "/bin/sh", "-c", "exit 3");
    await ok("create", "job", "now", "--from=cronjob/yearly");
    await ok("patch", "job", "now", "--type=merge", "-p", '{"spec":{"backoffLimit":0}}');
    await ok("wait", "job/now", "--for=condition=failed", "--timeout=60s");
    expect(await ok("describe", "job", "now")).toMatch(
      /BackoffLimitExceeded.*Job has reached the specified backoff limit/,
    );
  });

  it.each([
    ["StatefulSet", { serviceName: "peers" }],
    ["DaemonSet", {}],
  ])("rollout of a %s: status, history, undo", async (kind, more) => {
    const resource = `${kind.toLowerCase()}/app`;
    const { spec } = shellDeployment("app", stay, 1) as { spec: { replicas?: number } };
    const { replicas, ...rest } = spec;
    await create({
      apiVersion: "apps/v1",
      kind,
      metadata: { name: "app" },
      spec: { ...rest, ...more, ...(kind === "StatefulSet" ? { replicas } : {}) },
    });
    const status = () => ok("rollout", "status", resource, "--timeout=60s");
    const image = () => ok("get", "pods", "-l", "app=app", "-o", "jsonpath={.items[*].spec.containers[0].image}");
    expect(await status()).toMatch(/complete|successfully rolled out/);
    await ok("set", "image", resource, "main=shell:2");
    await status();
    expect(await image()).toBe("shell:2");
    expect(await ok("rollout", "history", resource)).toMatch(/\n1 .*\n2 /);
    expect(await ok("rollout", "history", resource, "--revision=1")).toMatch(/Image:\s+shell:1/);
    expect(await ok("rollout", "undo", resource)).toContain("rolled back");
    await status();
    expect(await image()).toBe("shell:1");
    expect(await ok("rollout", "history", resource)).toMatch(/\n2 .*\n3 /);
    await ok("delete", resource, "--wait=true");
    await ok("wait", "pods", "-l", "app=app", "--for=delete", "--timeout=60s");
  });

  it("drain spares pods that a budget guards", async () => {
    await create(shellDeployment("guarded", stay, 1));
    await ok("create", "pdb", "guard", "--selector=app=guarded", "--min-available=1");
    await ok("rollout", "status", "deploy/guarded", "--timeout=60s");
    await ok("wait", "pdb/guard", "--for=jsonpath={.status.currentHealthy}=1", "--timeout=60s");
    const node = (await ok("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")).trim();
    const drain = ["drain", node, "--ignore-daemonsets", "--force", "--pod-selector=app=guarded"];
    expect(await cluster.fails([...drain, "--timeout=3s"], ns)).toContain(
      "Cannot evict pod as it would violate the pod's disruption budget.",
    );
    await ok("patch", "pdb", "guard", "--type=merge", "-p", '{"spec":{"minAvailable":0}}');
    await ok("wait", "pdb/guard", "--for=jsonpath={.status.disruptionsAllowed}=1", "--timeout=60s");
    expect(await ok(...drain, "--timeout=60s")).toContain("drained");
    await ok("uncordon", node);
  });
});
