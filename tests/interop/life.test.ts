import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import {
  dialects,
  type Interop,
  parse,
  sayAndStay,
  shellDeployment,
  shellPod,
  startInterop,
  stay,
} from "./_kubectl.ts";

/** How kubectl rolls out, waits, deletes and empties nodes. */
describe.skipIf(missing("kubectl", kubectl))("kubectl leads through life:", () => {
  let cluster: Interop;
  const ns = { namespace: "life" };
  const create = (input: object) => cluster.ok(["create", "-f", "-"], { ...ns, input });
  const names = async (...args: string[]) =>
    (await cluster.ok(["get", "-o", "name", ...args], ns)).split("\n").filter(Boolean);
  beforeAll(async () => {
    cluster = await startInterop();
    await cluster.namespace("life");
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  // Side by side: most of what they do is to wait, each for objects of its own.
  it.concurrent("rollout status, history, undo and restart", async ({ expect }) => {
    const rollout = (...args: string[]) => cluster.ok(["rollout", ...args], ns);
    const image = () =>
      cluster.ok(["get", "deploy", "app", "-o", "jsonpath={.spec.template.spec.containers[0].image}"], ns);
    await create(shellDeployment("app", stay, 2));
    expect(await rollout("status", "deploy/app", "--timeout=60s")).toContain(
      'deployment "app" successfully rolled out\n',
    );

    await cluster.ok(["set", "image", "deploy/app", "main=shell:2"], ns);
    await cluster.ok(["annotate", "deploy/app", "kubernetes.io/change-cause=second image"], ns);
    await rollout("status", "deploy/app", "--timeout=60s");
    await expect
      .poll(() => rollout("history", "deploy/app"))
      .toBe("deployment.apps/app \nREVISION  CHANGE-CAUSE\n1         <none>\n2         second image\n\n");
    expect(await rollout("history", "deploy/app", "--revision=1")).toMatch(
      /^deployment\.apps\/app with revision #1\nPod Template:[\s\S]*Image:\s+shell:1/,
    );

    expect(await rollout("undo", "deploy/app")).toBe("deployment.apps/app rolled back\n");
    await rollout("status", "deploy/app", "--timeout=60s");
    expect(await image()).toBe("shell:1");
    expect(await rollout("history", "deploy/app")).toMatch(/^2 .*\n3 /m);
    expect(await rollout("undo", "deploy/app", "--to-revision=2")).toBe("deployment.apps/app rolled back\n");
    expect(await image()).toBe("shell:2");
    await rollout("status", "deploy/app", "--timeout=60s");
    expect(await cluster.fails(["rollout", "undo", "deploy/app", "--to-revision=99"], ns)).toMatch(
      /unable to find specified revision 99/,
    );

    const before = await names("pods", "-l", "app=app", "--field-selector=status.phase=Running");
    expect(await rollout("restart", "deploy/app")).toBe("deployment.apps/app restarted\n");
    await rollout("status", "deploy/app", "--timeout=60s");
    await cluster.ok(["wait", "--for=delete", ...before, "--timeout=60s"], ns);
    expect(await names("pods", "-l", "app=app")).toHaveLength(2);
  });

  it.concurrent("rollout pause holds changes back until resume", async () => {
    await create(shellDeployment("paused", stay, 1));
    await cluster.ok(["rollout", "status", "deploy/paused", "--timeout=60s"], ns);
    expect(await cluster.ok(["rollout", "pause", "deploy/paused"], ns)).toBe("deployment.apps/paused paused\n");
    await cluster.ok(["set", "image", "deploy/paused", "main=shell:2"], ns);
    await cluster.ok(["wait", "deploy/paused", "--for=condition=Progressing=Unknown", "--timeout=60s"], ns);
    expect(await names("rs", "-l", "app=paused")).toHaveLength(1);
    expect(await cluster.fails(["rollout", "restart", "deploy/paused"], ns)).toMatch(/can't restart paused deployment/);
    expect(await cluster.ok(["rollout", "resume", "deploy/paused"], ns)).toBe("deployment.apps/paused resumed\n");
    await cluster.ok(["rollout", "status", "deploy/paused", "--timeout=60s"], ns);
    expect(await names("rs", "-l", "app=paused")).toHaveLength(2);
  });

  it.concurrent("rollout status ends with an error when the deployment makes no progress", async ({ expect }) => {
    const { spec, ...stuck } = shellDeployment("stuck", stay, 1) as { spec: { template: { spec: object } } };
    const template = { ...spec.template, spec: { ...spec.template.spec, nodeSelector: { place: "none" } } };
    await create({ ...stuck, spec: { ...spec, template, progressDeadlineSeconds: 1 } });
    expect(await cluster.fails(["rollout", "status", "deploy/stuck", "--timeout=60s"], ns)).toBe(
      'error: deployment "stuck" exceeded its progress deadline\n',
    );
    await expect
      .poll(() => cluster.ok(["describe", "pod", "-l", "app=stuck"], ns))
      .toMatch(/Warning +FailedScheduling .*1 node\(s\) didn't match Pod's node affinity\/selector/);
    await cluster.ok(["delete", "deploy/stuck"], ns);
  });

  it.concurrent.each(dialects.map((client) => [client.name, client] as const))(
    "%s waits for conditions, fields and deletion",
    async (name, client) => {
      const options = { ...ns, client };
      const pod = `waits-${name.replaceAll(".", "-")}`;
      const wait = (...args: string[]) => cluster.ok(["wait", `pod/${pod}`, "--timeout=60s", ...args], options);
      await cluster.ok(["create", "-f", "-"], { ...options, input: shellPod(pod, stay) });
      expect(await wait("--for=condition=Ready")).toBe(`pod/${pod} condition met\n`);
      // Older ones cannot wait for a field.
      if (client.minor >= 23)
        expect(await wait("--for=jsonpath={.status.phase}=Running")).toBe(`pod/${pod} condition met\n`);
      expect(
        await cluster.fails(["wait", `pod/${pod}`, "--for=condition=Ready=false", "--timeout=1s"], options),
      ).toContain(`error: timed out waiting for the condition on pods/${pod}\n`);
      await using gone = cluster.start(["wait", `pod/${pod}`, "--for=delete", "--timeout=60s", "-v=6"], options);
      // It has seen the pod: what is gone before has no condition to meet.
      await gone.printed(/GET.*\/pods.*200 OK/);
      await cluster.ok(["delete", "pod", pod], options);
      await gone.printed(/pod\/waits-\S+ condition met/);
    },
  );

  it.concurrent("delete lets a pod end by itself, and waits until it is gone", async () => {
    const end = "until [ -e let-go ]; do sleep 0.1; done; exit 0";
    const script = `trap '${end}' TERM; touch heeds; while :; do sleep 60 & wait $!; done`;
    const [container] = (shellPod("slow", script) as { spec: { containers: object[] } }).spec.containers;
    const readinessProbe = { exec: { command: ["test", "-e", "heeds"] }, periodSeconds: 1, timeoutSeconds: 10 };
    await create(shellPod("slow", "", { containers: [{ ...container, readinessProbe }] }));
    await cluster.ok(["wait", "pod/slow", "--for=condition=Ready", "--timeout=60s"], ns);
    expect(await cluster.ok(["delete", "pod", "slow", "--wait=false"], ns)).toBe('pod "slow" deleted\n');
    expect(await cluster.ok(["get", "pod", "slow", "--no-headers"], ns)).toMatch(/Terminating/);
    await using deleting = cluster.start(["delete", "pod", "slow"], ns);
    await deleting.printed(/pod "slow" deleted/);
    await cluster.ok(["exec", "slow", "--", "touch", "let-go"], ns);
    expect(await deleting.ended).toMatchObject({ code: 0 });
    expect(await cluster.fails(["get", "pod", "slow"], ns)).toMatch(/NotFound/);
    expect(await cluster.ok(["delete", "pod", "slow", "--ignore-not-found"], ns)).toBe("");
  });

  it.concurrent("delete --force and --now do not wait for a pod that does not end", async () => {
    const folder = join(cluster.folder, "deaf");
    mkdirSync(folder);
    const script = `trap '' TERM; until [ -e ${folder}/end ]; do sleep 0.2; done`;
    const spec = { terminationGracePeriodSeconds: 600 };
    for (const [name, ...flags] of [
      ["deaf", "--now"],
      ["deafer", "--force"],
    ]) {
      await create(shellPod(name ?? "", script, spec));
      await cluster.ok(["wait", `pod/${name}`, "--for=condition=Ready", "--timeout=60s"], ns);
      await cluster.ok(["delete", "pod", name ?? "", ...flags, "--timeout=60s"], ns);
      expect(await names("pods", "--ignore-not-found", name ?? "")).toEqual([]);
    }
    // What was let go by force would hold up the cluster's end.
    mkdirSync(join(folder, "end"));
  });

  it.concurrent.each([
    ["background", []],
    ["foreground", ["rs", "pods"]],
  ])("delete --cascade=%s takes what belongs to a deployment with it", async (cascade, goneAtOnce) => {
    const name = `all-${cascade}`;
    await create(shellDeployment(name, stay, 2));
    await cluster.ok(["rollout", "status", `deploy/${name}`, "--timeout=60s"], ns);
    expect(await cluster.ok(["delete", "deploy", name, `--cascade=${cascade}`], ns)).toBe(
      `deployment.apps "${name}" deleted\n`,
    );
    // In the foreground the deployment goes last.
    for (const kind of goneAtOnce) expect(await names(kind, "-l", `app=${name}`)).toEqual([]);
    await cluster.ok(["wait", "rs,pods", "-l", `app=${name}`, "--for=delete", "--timeout=60s"], ns);
  });

  it.concurrent("delete --cascade=orphan leaves replica sets and pods, which a new deployment adopts", async () => {
    await create(shellDeployment("orphans", stay, 1));
    await cluster.ok(["rollout", "status", "deploy/orphans", "--timeout=60s"], ns);
    const pods = await names("pods", "-l", "app=orphans");
    await cluster.ok(["delete", "deploy", "orphans", "--cascade=orphan"], ns);
    const { items } = parse(await cluster.ok(["get", "rs", "-l", "app=orphans", "-o", "json"], ns));
    expect(items?.map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[]]);
    await create(shellDeployment("orphans", stay, 1));
    await cluster.ok(["rollout", "status", "deploy/orphans", "--timeout=60s"], ns);
    expect(await names("pods", "-l", "app=orphans")).toEqual(pods);
  });

  it.concurrent("delete -l, --all and of a whole namespace", async () => {
    const own = { namespace: await cluster.namespace("whole") };
    for (const name of ["a", "b", "c"])
      await cluster.ok(["create", "-f", "-"], {
        ...own,
        input: shellPod(name, stay, {}, { odd: String(name !== "b") }),
      });
    expect(await cluster.ok(["delete", "pods", "-l", "odd=true", "--now"], own)).toBe(
      'pod "a" deleted\npod "c" deleted\n',
    );
    expect(await cluster.ok(["delete", "pods", "--all", "--now"], own)).toBe('pod "b" deleted\n');
    await cluster.ok(["create", "-f", "-"], { ...own, input: shellDeployment("web", stay, 2) });
    await cluster.ok(["delete", "ns", "whole", "--timeout=60s"]);
    expect(await cluster.fails(["get", "ns", "whole"])).toMatch(/namespaces "whole" not found/);
    expect(
      await cluster.ok(["get", "pods,rs,deploy", "-A", "-o", "name", "--field-selector=metadata.namespace=whole"]),
    ).toBe("");
  });

  it.concurrent("a pod that ends is started again, and logs --previous keeps what it said", async () => {
    // What a container writes beside its volumes goes with it.
    const volume = { name: "state", emptyDir: {} };
    const script = `cd $WHERRY_ROOT/state; [ -e once ] && echo second || { echo first; touch once; exit 3; }; ${stay}`;
    const [container] = (shellPod("again", script) as { spec: { containers: object[] } }).spec.containers;
    const mounted = { ...container, volumeMounts: [{ name: "state", mountPath: "/state" }] };
    await create(shellPod("again", "", { containers: [mounted], volumes: [volume] }));
    await cluster.ok(
      ["wait", "pod/again", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=60s"],
      ns,
    );
    await cluster.ok(["wait", "pod/again", "--for=condition=Ready", "--timeout=60s"], ns);
    expect(await cluster.ok(["get", "pod", "again", "--no-headers"], ns)).toMatch(
      /^again +1\/1 +Running +1 \(\d+s ago\) /,
    );
    expect(await cluster.ok(["logs", "again", "--previous"], ns)).toBe("first\n");
    expect(await cluster.ok(["describe", "pod", "again"], ns)).toMatch(
      /Last State: +Terminated\n +Reason: +Error\n +Exit Code: +3\n/,
    );
  });

  // What is done to the node, every pod feels.
  it("cordon, drain and uncordon a node", async () => {
    await create(shellDeployment("drained", sayAndStay("here"), 2));
    await cluster.ok(["rollout", "status", "deploy/drained", "--timeout=60s"], ns);
    expect(await cluster.ok(["cordon", "node-0"])).toBe("node/node-0 cordoned\n");
    expect(await cluster.ok(["get", "node", "node-0", "--no-headers"])).toMatch(/Ready,SchedulingDisabled/);
    expect(
      await cluster.ok(["drain", "node-0", "--force", "--delete-emptydir-data", "--grace-period=1", "--timeout=60s"]),
    ).toMatch(/evicting pod life\/drained-[\s\S]*node\/node-0 drained\n$/);
    await expect
      .poll(() => cluster.ok(["get", "pods", "-l", "app=drained", "--no-headers"], ns))
      .toMatch(/^(drained-\S+ +0\/1 +Pending .*\n){2}$/);
    await using scheduling = cluster.start(["get", "events", "-w", "--field-selector=reason=FailedScheduling"], ns);
    await scheduling.printed(/0\/1 nodes are available: 1 node\(s\) were unschedulable/);
    expect(await cluster.ok(["uncordon", "node-0"])).toBe("node/node-0 uncordoned\n");
    await cluster.ok(["rollout", "status", "deploy/drained", "--timeout=60s"], ns);
  });

  it("taint keeps pods away, and lets those in that tolerate it", async () => {
    await cluster.ok(["taint", "node", "node-0", "only=us:NoSchedule"]);
    await create(shellPod("away", stay));
    await create(shellPod("us", stay, { tolerations: [{ key: "only", operator: "Exists" }] }));
    await cluster.ok(["wait", "pod/us", "--for=condition=Ready", "--timeout=60s"], ns);
    await cluster.ok(["wait", "pod/away", "--for=condition=PodScheduled=false", "--timeout=60s"], ns);
    await cluster.ok(["taint", "node", "node-0", "only-"]);
    await cluster.ok(["wait", "pod/away", "--for=condition=Ready", "--timeout=60s"], ns);
  });
});
