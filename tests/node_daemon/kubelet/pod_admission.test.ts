import { expect, it } from "vitest";
import { node as nodeKind } from "../../../core/kinds/node.ts";
import { type Pod, type PodSpec, pod as podKind } from "../../../core/kinds/pod.ts";
import { openTestNode, type TestNode } from "./cluster.ts";

const app = { name: "app", image: "img:1", command: ["run"] };
const asking = (cpu: string, rest: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [{ ...app, resources: { requests: { cpu } } }],
  ...rest,
});
const ready = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
const failed = ({ status }: Pod) => status?.phase === "Failed";

async function makeNode(node: TestNode, labels: Record<string, string> = {}): Promise<void> {
  const object = { apiVersion: "v1", kind: "Node", metadata: { name: "node-1", labels } };
  await node.client.create(nodeKind, object);
}

it("a pod beyond what its node has fails; what fits beside others runs, and so does the next when one has ended", async () => {
  await using node = await openTestNode();
  await node.run(asking("1500m"), { name: "a" });
  await node.run(asking("600m"), { name: "b" });
  await node.run(asking("500m"), { name: "c" });
  const refused = await node.until(failed, "b");
  const message = "Node didn't have enough resource: cpu, requested: 600, used: 1500, capacity: 2000";
  expect(refused.status).toMatchObject({ reason: "OutOfcpu", message: `Pod was rejected: ${message}` });
  await node.until(ready, "a");
  await node.until(ready, "c");
  await node.soon(async () => (await node.events()).includes(`OutOfcpu: ${message}`));
  await node.client.delete(podKind, { namespace: "default", name: "a" }, { gracePeriodSeconds: 0 });
  await node.gone("a");
  await node.run(asking("1500m"), { name: "d" });
  await node.until(ready, "d");
});

it("what runs already is not refused by a kubelet that starts again, even when the node has become too small or another", async () => {
  await using node = await openTestNode();
  await makeNode(node, { disk: "ssd" });
  await node.run(asking("1", { nodeSelector: { disk: "ssd" } }));
  await node.until(ready);
  await node.stopKubelet();
  await node.client.patch(
    nodeKind,
    { name: "node-1" },
    { type: "merge", body: { metadata: { labels: { disk: null } } } },
  );
  await node.run(asking("1500m"), { name: "a" });
  await node.startKubelet();
  await node.until(failed, "a");
  expect(ready(await node.get())).toBe(true);
});

it("a pod whose node is not the one that it selects fails; a label that was set just before it counts", async () => {
  await using node = await openTestNode();
  await makeNode(node);
  await node.run({ nodeSelector: { disk: "ssd" } }, { name: "a" });
  const refused = await node.until(failed, "a");
  expect(refused.status).toMatchObject({
    reason: "NodeAffinity",
    message: "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  });
  await node.client.patch(
    nodeKind,
    { name: "node-1" },
    { type: "merge", body: { metadata: { labels: { disk: "ssd" } } } },
  );
  await node.run({ nodeSelector: { disk: "ssd" } }, { name: "b" });
  await node.until(ready, "b");
});

it("a critical pod has others end that are not, and runs", async () => {
  await using node = await openTestNode();
  await node.run(asking("1500m"), { name: "a" });
  await node.until(ready, "a");
  await node.run(asking("1", { priority: 2_000_000_000 }), { name: "critical" });
  await node.until(ready, "critical");
  const ended = await node.until(failed, "a");
  const message = "Preempted in order to admit critical pod";
  expect(ended.status).toMatchObject({ reason: "Preempting", message });
  expect(ended.status?.conditions).toContainEqual(
    expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message }),
  );
  await node.soon(async () => (await node.events()).includes(`Preempting: ${message}`));
});
