import { describe, expect, it } from "vitest";
import { node as nodeKind } from "../../../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../../../core/kinds/pod.ts";
import type { PodSource } from "../../../../node_daemon/kubelet/sources/source.ts";
import { collectPods, readStaticPods } from "../../../../node_daemon/kubelet/sources/static_pod.ts";
import { openTestNode, type TestNode } from "../cluster.ts";

const manifest = (image = "img:1", name = "web") => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: web } }
spec: { containers: [{ name: app, image: "${image}" }] }
`;
const options = { source: "file", from: "/etc/pods/web.yaml", nodeName: "node-1" } as const;

describe("readStaticPods()", () => {
  it("makes a pod the node's own", () => {
    const [pod] = readStaticPods(manifest(), options);
    const hash = pod?.metadata.annotations?.["kubernetes.io/config.hash"];
    expect(hash).toMatch(/^[0-9a-f]{32}$/);
    expect(pod?.metadata).toMatchObject({
      name: "web-node-1",
      namespace: "default",
      uid: hash,
      labels: { app: "web" },
      annotations: { "kubernetes.io/config.source": "file" },
    });
    expect(pod?.spec).toMatchObject({ nodeName: "node-1", restartPolicy: "Always", terminationGracePeriodSeconds: 30 });
    expect(pod?.spec.tolerations).toEqual([{ operator: "Exists", effect: "NoExecute" }]);
  });

  it("gives the same content the same uid, other content another", () => {
    const uid = (text: string) => readStaticPods(text, options)[0]?.metadata.uid;
    expect(uid(manifest())).toBe(uid(manifest()));
    expect(uid(manifest("img:2"))).not.toBe(uid(manifest()));
  });

  it("takes lists and several documents apart, JSON too", () => {
    const spec = { containers: [{ name: "a", image: "i" }] };
    const json = JSON.stringify({ apiVersion: "v1", kind: "PodList", items: [{ metadata: { name: "x" }, spec }] });
    const list = JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: [{ apiVersion: "v1", kind: "Pod", metadata: { name: "c" }, spec }],
    });
    const names = readStaticPods(`${manifest("i", "a")}---${manifest("i", "b")}---\n${list}`, options);
    expect(names.map(({ metadata }) => metadata.name)).toEqual(["a-node-1", "b-node-1", "c-node-1"]);
    expect(readStaticPods(json, options).map(({ metadata }) => metadata.name)).toEqual(["x-node-1"]);
  });

  it.each([
    [
      "apiVersion: v1\nkind: Secret\nmetadata: { name: x }",
      "Cannot run what is no pod: /etc/pods/web.yaml has a v1 Secret",
    ],
    ["apiVersion: v1\nkind: Pod\nmetadata: {}", "of this name"],
    [
      "apiVersion: v1\nkind: Pod\nmetadata: { name: ../../x }\nspec: { containers: [{ name: a, image: b }] }",
      "of this name",
    ],
    ["apiVersion: v1\nkind: Pod\nmetadata: { name: x }\nspec: { containers: [] }", "spec.containers"],
    ["[", "line"],
  ])("refuses %j", (text, message) => {
    expect(() => readStaticPods(text, options)).toThrow(new RegExp(message));
  });

  it("refuses pods that refer to what only the API has", () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "x" },
      spec: { containers: [{ name: "a", image: "b" }], volumes: [{ name: "v", secret: { secretName: "s" } }] },
    };
    expect(() => readStaticPods(JSON.stringify(pod), options)).toThrow("a static pod may not reference secrets");
  });
});

it("collectPods() tells of what it cannot read, and of a name that is taken", () => {
  const problems: string[] = [];
  const pods = collectPods(
    [
      ["a", manifest("img:1")],
      ["b", "nonsense: ["],
      ["c", manifest("img:2")],
    ],
    { source: "file", nodeName: "node-1", onProblem: (message) => problems.push(message) },
  );
  expect(pods.map(({ spec }) => spec.containers[0]?.image)).toEqual(["img:1"]);
  expect(problems).toHaveLength(2);
  expect(problems[1]).toBe("Cannot run pod default/web-node-1 of c: there is another of that name");
});

/** A source whose pods a test sets. */
function handSource(first: readonly Pod[]): PodSource & { set(pods: readonly Pod[]): void } {
  let tell: ((pods: readonly Pod[]) => void) | undefined;
  let last = first;
  return {
    async follow({ onPods, signal }) {
      tell = onPods;
      onPods(last);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
    set(pods) {
      last = pods;
      tell?.(pods);
    },
  };
}

it("a pod whose source has another of its name is told of by an event", async () => {
  const [first, second] = ["img:1", "img:2"].flatMap((image) => readStaticPods(manifest(image), options));
  const source: PodSource = {
    async follow({ onPods, onDuplicate, signal }) {
      onPods(first ? [first] : []);
      if (second) onDuplicate(second);
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
  };
  await using world = await open(source);
  await world.startKubelet();
  const pod = `web-node-1_default(${second?.metadata.uid})`;
  const event = `FailedValidation: Error validating pod ${pod} from file due to duplicate pod name "web-node-1", ignoring`;
  await world.soon(async () => (await world.events()).includes(event));
});

const pods = (image?: string) => readStaticPods(manifest(image), options);
const isRunning = ({ status }: Pod) => status?.phase === "Running";
const name = "web-node-1";

async function open(source: PodSource) {
  const world = await openTestNode(undefined, { kubelet: false, sources: [source] });
  await world.client.create(nodeKind, { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" }, spec: {} });
  return world;
}

const containersOf = async ({ runtime }: TestNode) =>
  (await runtime.listContainers({ signal: new AbortController().signal })).filter(({ state }) => state === "running");

describe("pods of a node's own", () => {
  it("run, and are shown in the API with their status", async () => {
    const source = handSource(pods());
    await using world = await open(source);
    await world.startKubelet();
    const mirror = await world.until(isRunning, name);
    const { metadata } = mirror;
    expect(metadata.annotations?.["kubernetes.io/config.mirror"]).toBe(pods()[0]?.metadata.uid);
    expect(metadata.annotations?.["kubernetes.io/config.source"]).toBe("file");
    expect(metadata.uid).not.toBe(pods()[0]?.metadata.uid);
    expect(metadata.ownerReferences).toMatchObject([{ kind: "Node", name: "node-1", controller: true }]);
    expect(world.started).toHaveLength(1);
  });

  it("are shown again when that is deleted, and run on", async () => {
    await using world = await open(handSource(pods()));
    await world.startKubelet();
    const first = await world.until(isRunning, name);
    await world.client.delete(podKind, { namespace: "default", name });
    const again = await world.until((pod) => pod.metadata.uid !== first.metadata.uid && isRunning(pod), name);
    expect(again.metadata.deletionTimestamp).toBeUndefined();
    expect(world.started).toHaveLength(1);
    expect(await containersOf(world)).toHaveLength(1);
  });

  it("end with their manifest, and are shown no more", async () => {
    const source = handSource(pods());
    await using world = await open(source);
    await world.startKubelet();
    await world.until(isRunning, name);
    source.set([]);
    await world.gone(name);
    await world.soon(async () => (await containersOf(world)).length === 0);
  });

  it("are replaced when their manifest changes: the old one ends first", async () => {
    const source = handSource(pods("img:1"));
    await using world = await open(source);
    await world.startKubelet();
    await world.until(isRunning, name);
    source.set(pods("img:2"));
    const next = await world.until((pod) => pod.spec.containers[0]?.image === "img:2" && isRunning(pod), name);
    expect(next.metadata.annotations?.["kubernetes.io/config.hash"]).toBe(pods("img:2")[0]?.metadata.uid);
    expect((await containersOf(world)).map(({ image }) => image)).toEqual(["img:2"]);
  });

  it("are adopted by a daemon that starts again; one whose manifest went meanwhile ends", async () => {
    const source = handSource(pods());
    await using world = await open(source);
    await world.startKubelet();
    await world.until(isRunning, name);
    await world.stopKubelet();
    await world.startKubelet();
    await world.soon(async () => (await containersOf(world)).length === 1);
    expect(world.started).toHaveLength(1);
    await world.stopKubelet();
    source.set([]);
    await world.startKubelet();
    await world.soon(async () => (await containersOf(world)).length === 0);
    await world.gone(name);
  });
});
