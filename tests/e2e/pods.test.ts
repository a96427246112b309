import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../core/client/wait_for.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import { service } from "../../core/kinds/service.ts";
import { patienceMs } from "../patience.ts";
import { eventually, processesOf, startUp, type TestCluster, temporaryFolder } from "./harness.ts";
import { serverContainer, servers, serviceOf, shellPod } from "./manifests.ts";
import { ask } from "./traffic.ts";

const folder = temporaryFolder();
const namespace = "default";
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startUp(folder.path);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const until = (name: string, predicate: (found: Pod) => boolean) =>
  waitFor(cluster.client, pod, { namespace, name }, { predicate, timeoutMs: patienceMs });

const restarts = ({ status }: Pod) => status?.containerStatuses?.[0]?.restartCount ?? 0;
const isReady = ({ status }: Pod) => status?.containerStatuses?.[0]?.ready === true;

async function clusterIp(name: string): Promise<string> {
  return (await cluster.client.get(service, { namespace, name })).spec?.clusterIP ?? "";
}

/** The pods of a label, in the order of their names. */
async function podsOf(app: string): Promise<readonly Pod[]> {
  const { items } = await cluster.client.list(pod, { namespace, labelSelector: `app=${app}` });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp);
}

describe("pods", () => {
  it("start a killed process again, RESTARTS 1, while their service goes on answering", async () => {
    await cluster.apply(servers("pair", 2), serviceOf("pair"));
    await cluster.ok("rollout", "status", "deploy/pair");
    const ip = await clusterIp("pair");
    const [victim = "", pid = 0] = (await ask(ip, 80)).trim().split(" ");
    // From inside: its number may be another there than on the machine. What kills it may end with the container.
    await cluster.wherry("exec", victim, "--", "sh", "-c", `kill -9 ${pid}; while kill -0 ${pid}; do :; done`);
    // Only what was under way in the killed process is lost: a connection that is refused is tried at the other pod.
    for (let sent = 0; sent < 10; sent++) expect(await ask(ip, 80)).toMatch(/^pair-/);
    const again = await until(victim, (found) => restarts(found) === 1 && isReady(found));
    expect(again.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 137 });
    expect(await cluster.ok("get", "pod", victim)).toMatch(/ 1\/1 +Running +1 \(\d+s ago\) /);
    const answered = new Set<string>();
    while (answered.size < 2) answered.add((await ask(ip, 80)).split(" ")[0] ?? "");
    expect(answered).toContain(victim);
    await cluster.ok("delete", "deploy/pair", "svc/pair", "--wait=false");
  });

  it("are given more while they run, as kubectl patch --subresource resize asks", async () => {
    const resources = { requests: { cpu: "10m", memory: "32Mi" } };
    const container = { name: "main", image: "sh", command: ["sleep", "1000"], resources };
    await cluster.apply(shellPod("sized", "", { containers: [container] }));
    const before = await until("sized", isReady);
    const more = { requests: { cpu: "20m", memory: "48Mi" } };
    const body = { spec: { containers: [{ name: "main", resources: more }] } };
    const key = { namespace, name: "sized" };
    await cluster.client.patch(pod, key, { type: "strategic", body }, { subresource: "resize" });
    const has = ({ status }: Pod) => status?.containerStatuses?.[0]?.resources?.requests?.["cpu"] === "20m";
    const after = await until("sized", has);
    expect(after.status?.containerStatuses?.[0]).toMatchObject({
      allocatedResources: more.requests,
      restartCount: 0,
      containerID: before.status?.containerStatuses?.[0]?.containerID,
    });
    await cluster.ok("delete", "pod/sized", "--wait=false");
  });

  it("restart once when their liveness probe fails", async () => {
    const httpGet = { path: "/healthz", port: "http" };
    const web = serverContainer({
      // Only the answer is to fail a probe, not the time that a busy machine takes for it.
      startupProbe: { httpGet, periodSeconds: 1, failureThreshold: 30, timeoutSeconds: 30 },
      livenessProbe: { httpGet, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 30 },
    });
    await cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "frail" },
      spec: { terminationGracePeriodSeconds: 2, containers: [web] },
    });
    const { status } = await until("frail", isReady);
    await ask(status?.podIP ?? "", 8080, "/break");
    await until("frail", (found) => restarts(found) === 1 && isReady(found));
    await expect
      .poll(() => cluster.ok("describe", "pod", "frail"))
      .toMatch(
        /Warning +Unhealthy +.*Liveness probe failed: HTTP probe failed with statuscode: 500[\s\S]*Normal +Killing +.*Container web failed liveness probe, will be restarted/,
      );
    expect(restarts(await cluster.client.get(pod, { namespace, name: "frail" }))).toBe(1);
    await cluster.ok("delete", "pod/frail", "--wait=false");
  });

  it("show CrashLoopBackOff when they end again and again", async () => {
    await cluster.apply(shellPod("crasher", "echo trying; exit 1"));
    const waiting = ({ status }: Pod) => status?.containerStatuses?.[0]?.state?.waiting?.reason;
    const found = await until("crasher", (one) => waiting(one) === "CrashLoopBackOff");
    expect(found.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 1, reason: "Error" });
    await expect.poll(() => cluster.ok("get", "pod", "crasher")).toMatch(/ 0\/1 +CrashLoopBackOff +\d+ \(\d+s ago\) /);
    expect(await cluster.ok("logs", "crasher", "--previous")).toBe("trying\n");
    await expect
      .poll(() => cluster.ok("describe", "pod", "crasher"))
      .toMatch(/Warning +BackOff +.*Back-off restarting failed container main in pod crasher_default/);
    await cluster.ok("delete", "pod/crasher");
  });

  it("are replaced one by one under load without a failed request", async () => {
    const preStop = { exec: { command: ["sleep", "1"] } };
    await cluster.apply(servers("busy", 3, { lifecycle: { preStop } }), serviceOf("busy"));
    await cluster.ok("rollout", "status", "deploy/busy");
    const before = (await podsOf("busy")).map(({ metadata }) => metadata.name);
    const ip = await clusterIp("busy");
    await ask(ip, 80);
    const load = startLoad(4, () => ask(ip, 80));
    await cluster.ok("rollout", "restart", "deploy/busy");
    await cluster.ok("rollout", "status", "deploy/busy");
    for (const name of before) await cluster.ok("wait", `pod/${name}`, "--for=delete");
    const { failures, answers } = await load.end();
    expect(failures).toEqual([]);
    const after = (await podsOf("busy")).map(({ metadata }) => metadata.name);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
    for (const name of [...before, ...after]) expect([...answers]).toContain(name);
  });

  it("leave nothing behind when they are deleted", async () => {
    await cluster.apply(
      shellPod("parent", "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & while :; do sleep 1; done"),
    );
    const found = await until("parent", isReady);
    const id = found.status?.containerStatuses?.[0]?.containerID?.split("//")[1] ?? "none";
    await eventually("its child runs", () => processesOf(id).length > 1 || undefined);
    await cluster.ok("delete", "pod/parent");
    expect(processesOf(id)).toEqual([]);
  });
});

interface Load {
  /** Stops sending; resolves with the names of the pods that answered, and with what went wrong. */
  end(): Promise<{ readonly failures: readonly string[]; readonly answers: ReadonlySet<string> }>;
}

/** Keeps `clients` busy, each with one request after the other. */
function startLoad(clients: number, send: () => Promise<string>): Load {
  const failures: string[] = [];
  const answers = new Set<string>();
  let ended = false;
  const client = async () => {
    while (!ended) {
      await send().then(
        (answer) => answers.add(answer.split(" ")[0] ?? ""),
        (error: unknown) => failures.push(String(error)),
      );
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return {
    async end() {
      ended = true;
      await all;
      return { failures, answers };
    },
  };
}
