import { describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { leastChanges } from "../../../core/client/why/changes.ts";
import { visibleRefusals } from "../../../core/client/why/refusals.ts";
import { schedulingReason } from "../../../core/client/why/scheduling.ts";
import type { Node, Pod, PodSpec } from "../../../core/kinds/mod.ts";

function aNode(name: string, spec: Node["spec"] = {}, labels: Readonly<Record<string, string>> = {}): Node {
  const allocatable = { cpu: "2", memory: "4Gi", pods: "3" };
  return { apiVersion: "v1", kind: "Node", metadata: { name, labels }, spec, status: { allocatable } };
}

function aPod(name: string, spec: Partial<PodSpec>, labels: Readonly<Record<string, string>> = {}): Pod {
  const containers = [{ name: "c", image: "i" }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "default", name, labels },
    spec: { containers, ...spec },
  };
}

const asking = (requests: Readonly<Record<string, string>>) => ({
  containers: [{ name: "c", image: "i", resources: { requests } }],
});
const withPort = { containers: [{ name: "c", image: "i", ports: [{ containerPort: 80, hostPort: 8080 }] }] };
const labelSelector = { matchLabels: { app: "web" } };
const near = [{ labelSelector, topologyKey: "kubernetes.io/hostname" }];
const spread = { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector };

const cases: readonly (readonly [
  what: string,
  spec: Partial<PodSpec>,
  nodes: readonly Node[],
  pods: readonly Pod[],
  message: string,
  changes: readonly RegExp[],
])[] = [
  [
    "the node on which it would have to ask for least less",
    asking({ cpu: "3" }),
    [aNode("a"), aNode("b")],
    [aPod("x", { nodeName: "a", ...asking({ cpu: "500m" }) })],
    "",
    [/^with no more than 2 of cpu it would fit on b$/],
  ],
  [
    "a resource that no node has",
    asking({ "example.com/gpu": "1" }),
    [aNode("a")],
    [],
    "",
    [/^no node has any example\.com\/gpu left/],
  ],
  [
    "nodes with as many pods as they take",
    {},
    [aNode("a")],
    ["x", "y", "z"].map((name) => aPod(name, { nodeName: "a" })),
    "",
    [/^no node has any pods left/],
  ],
  [
    "a cordoned node, and one that is out of reach",
    {},
    [
      aNode("a", { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoSchedule" }] }),
      aNode("b", { unschedulable: true }),
    ],
    [],
    "",
    [/^wherry uncordon b$/, /^wherry why node\/a$/],
  ],
  [
    "a taint that people gave",
    {},
    [aNode("a", { taints: [{ key: "team", value: "x", effect: "NoSchedule" }] })],
    [],
    "",
    [/^let it tolerate the taint team=x:NoSchedule, or wherry taint node a team-$/],
  ],
  [
    "a label that no node has",
    { nodeSelector: { zone: "a", disk: "ssd" } },
    [aNode("a", {}, { zone: "a" })],
    [],
    "",
    [/^no node has the label disk=ssd/],
  ],
  [
    "a requirement that no node meets",
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a", "b"] }] }],
          },
        },
      },
    },
    [aNode("a", {}, { zone: "c" })],
    [],
    "",
    [/^no node has zone In \(a, b\)/],
  ],
  [
    "who has the port",
    withPort,
    [aNode("a")],
    [aPod("x", { nodeName: "a", ...withPort }), aPod("gone", { nodeName: "a" })],
    "",
    [/^hostPort 8080 is taken by pod\/x:/],
  ],
  [
    "pods that it wants to be near, which have no node",
    { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near } } },
    [aNode("a")],
    [aPod("x", { nodeName: "a" }, { app: "other" })],
    "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
    [/^no pod with the labels app=web has a node yet/],
  ],
  [
    "pods that it keeps away from",
    { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near } } },
    [aNode("a")],
    [aPod("x", { nodeName: "a" }, { app: "web" })],
    "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    [/keeps it away from pods with the labels app=web/],
  ],
  [
    "a domain that no node is in",
    { topologySpreadConstraints: [spread] },
    [aNode("a")],
    [],
    "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).",
    [/^no node has a label zone: wherry label node NAME zone=VALUE$/],
  ],
  [
    "a spread that is too even",
    { topologySpreadConstraints: [spread] },
    [aNode("a", {}, { zone: "a" })],
    [],
    "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints.",
    [/^raise maxSkew/],
  ],
];

describe("leastChanges()", () => {
  it.each(cases)("names %s", (_what, spec, nodes, pods, message, changes) => {
    const pod = aPod("new", spec);
    const refusals = visibleRefusals(pod, nodes, pods);
    expect(leastChanges(pod, refusals, { nodes, pods, message })).toEqual(
      changes.map((one) => expect.stringMatching(one)),
    );
  });
});

describe("schedulingReason()", () => {
  const message =
    "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
  const pending = (status: Pod["status"] = {}): Pod => ({
    ...aPod("new", asking({ cpu: "3" })),
    status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", message }], ...status },
  });
  const nodes = { Node: [aNode("a")], Pod: [] as Pod[] };
  const client = {
    raw: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
    list: async ({ kind }: { kind: keyof typeof nodes }) => ({ items: nodes[kind] }),
  } as unknown as Client;
  const context = { client, resourceOf: async () => undefined };

  it("tells each node's lack and the least change of a scheduler that remembers nothing", async () => {
    expect(await schedulingReason(pending(), context)).toMatchObject({
      says: "0/1 nodes are available: 1 Insufficient cpu.",
      details: ["a  NodeResourcesFit  cpu: asks 3, 2 free", expect.stringMatching(/^preemption: 0\/1 nodes/)],
      remedy: "with no more than 2 of cpu it would fit on a",
    });
  });

  it("asks for no change of a pod that others make room for", async () => {
    const reason = await schedulingReason(pending({ nominatedNodeName: "a" }), context);
    expect(reason?.details).toContain("a: it gets its place once others have gone for it");
    expect(reason?.remedy).toBeUndefined();
  });
});
