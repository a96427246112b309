import { describe, expect, it } from "vitest";
import type { Container, Pod } from "../../../../core/kinds/pod.ts";
import { oomScoreAdj } from "../../../../node_daemon/kubelet/resources/oom_score.ts";

const gibibyte = 2 ** 30;

function container(name: string, memory?: string, rest: object = {}): Container {
  return { name, image: "a:1", ...(memory ? { resources: { requests: { memory } } } : {}), ...rest };
}

function score(spec: Partial<Pod["spec"]>, name = "main"): number {
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: { containers: [], ...spec } };
  const found = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((one) => one.name === name);
  return oomScoreAdj(pod, found ?? container(name), 4 * gibibyte);
}

const exact = { cpu: "1", memory: "1Gi" };
const sidecar = container("beside", undefined, { restartPolicy: "Always" });

describe("oomScoreAdj()", () => {
  it.each<[string, number, Partial<Pod["spec"]>, string?]>([
    ["a pod that asks for nothing", 1000, { containers: [container("main")] }],
    [
      "a guaranteed pod",
      -997,
      { containers: [{ ...container("main"), resources: { requests: exact, limits: exact } }] },
    ],
    [
      "one that the node cannot do without",
      -997,
      { containers: [container("main")], priorityClassName: "system-node-critical", priority: 2_000_001_000 },
    ],
    ["one that only the cluster cannot do without", 1000, { containers: [container("main")], priority: 2_000_000_000 }],
    ["a quarter of the memory", 750, { containers: [container("main", "1Gi")] }],
    ["hardly any memory", 999, { containers: [container("main", "1Ki")] }],
    ["more memory than there is", 3, { containers: [container("main", "8Gi")] }],
    ["a container beside one that asks", 999, { containers: [container("main"), container("other", "1Gi")] }],
    ["a sidecar", 750, { containers: [container("main", "1Gi")], initContainers: [sidecar] }, "beside"],
    [
      "a share of what the pod asks for as a whole",
      750,
      { containers: [container("main"), container("other")], resources: { requests: { memory: "2Gi" } } },
    ],
  ])("rates %s: %i", (_, expected, spec, name) => {
    expect(score(spec, name)).toBe(expected);
  });
});
