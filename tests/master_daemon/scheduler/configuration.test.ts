import { describe, expect, it } from "vitest";
import { readSchedulerConfiguration } from "../../../master_daemon/scheduler/configuration.ts";
import { writeTemporary } from "../_kubeconfig.ts";
import { labelled, on, place, snapshotOf, waiting } from "./_place.ts";

async function read(text: string) {
  const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
  return readSchedulerConfiguration(writeTemporary("scheduler.yaml", `${head}${text}`));
}

const weightsOf = ({
  plugins,
}: {
  readonly plugins: readonly { plugin: { name: string; score?: unknown }; weight: number }[];
}) =>
  Object.fromEntries(plugins.filter(({ plugin }) => plugin.score).map(({ plugin, weight }) => [plugin.name, weight]));

const kubernetesWeights = {
  TaintToleration: 3,
  NodeAffinity: 2,
  NodeResourcesFit: 1,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
  NodeResourcesBalancedAllocation: 1,
  ImageLocality: 1,
};

describe("readSchedulerConfiguration()", () => {
  it("gives Kubernetes' defaults for what is not said", async () => {
    const { profiles, podInitialBackoffMs, podMaxBackoffMs } = await read("");
    expect({ podInitialBackoffMs, podMaxBackoffMs }).toEqual({ podInitialBackoffMs: 1000, podMaxBackoffMs: 10_000 });
    expect(profiles.map(({ schedulerName }) => schedulerName)).toEqual(["default-scheduler"]);
    expect(profiles.map(weightsOf)).toEqual([kubernetesWeights]);
  });

  it("reads several profiles, with plug-ins on, off and of other weights", async () => {
    const { profiles, podMaxBackoffMs } = await read(`
leaderElection: { leaderElect: false }
podMaxBackoffSeconds: 30
percentageOfNodesToScore: 70
profiles:
- schedulerName: default-scheduler
- schedulerName: no-scoring
  percentageOfNodesToScore: 5
  plugins:
    score: { disabled: [{ name: "*" }] }
- schedulerName: own
  plugins:
    multiPoint:
      enabled: [{ name: ImageLocality, weight: 7 }]
      disabled: [{ name: PodTopologySpread }]
    score:
      enabled: [{ name: NodeAffinity, weight: 9 }]
      disabled: [{ name: TaintToleration }]
    filter: { disabled: [{ name: NodePorts }] }
`);
    expect(podMaxBackoffMs).toBe(30_000);
    expect(profiles.map(({ percentageOfNodesToScore }) => percentageOfNodesToScore)).toEqual([70, 5, 70]);
    const [standard, noScoring, own] = profiles.map(weightsOf);
    const { PodTopologySpread: _, TaintToleration: __, ...left } = kubernetesWeights;
    expect([standard, noScoring, own]).toEqual([kubernetesWeights, {}, { ...left, ImageLocality: 7, NodeAffinity: 9 }]);
    const ports = profiles[2]?.plugins.find(({ plugin }) => plugin.name === "NodePorts")?.plugin;
    expect([ports?.filter, ports?.name]).toEqual([undefined, "NodePorts"]);
    const taints = profiles[2]?.plugins.find(({ plugin }) => plugin.name === "TaintToleration")?.plugin;
    expect(taints?.filter).toBeTypeOf("function");
  });

  it("gives plug-ins their arguments", async () => {
    const { profiles } = await read(`
profiles:
- pluginConfig:
  - name: NodeResourcesFit
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeResourcesFitArgs
      scoringStrategy: { type: MostAllocated, resources: [{ name: cpu, weight: 1 }] }
  - name: NodeAffinity
    args:
      addedAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms: [{ matchExpressions: [{ key: pool, operator: In, values: [own] }] }]
`);
    const plugins = profiles[0]?.plugins ?? [];
    const busy = on(
      "b",
      "busy",
      {},
      { containers: [{ name: "c", resources: { requests: { cpu: "2", memory: "1Gi" } } }] },
    );
    const nodes = ["a", "b", "c"].map((name) => labelled(name, name === "c" ? {} : { pool: "own" }));
    const pod = waiting({ containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] });
    const onlyFit = plugins.filter(({ plugin }) => plugin.name !== "NodeResourcesBalancedAllocation");
    expect(place(pod, snapshotOf(nodes, [busy]), { plugins: onlyFit }).node?.name).toBe("b");
    expect(place(pod, snapshotOf(nodes.slice(2)), { plugins })).toMatchObject({
      message:
        "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    });
  });

  it.each<[string, string]>([
    ["percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"],
    ["parallelism: 0", "parallelism: Invalid value: 0: should be an integer value greater than zero"],
    ["podInitialBackoffSeconds: 0", "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0"],
    [
      "podInitialBackoffSeconds: 20",
      "podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds",
    ],
    ["profiles: []", "profiles: Required value"],
    [
      "profiles: [{ schedulerName: a }, { schedulerName: a }]",
      'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
    ],
    ["profiles: [{ schedulerName: a }, {}]", "profiles[1].schedulerName: Required value"],
    [
      "profiles: [{ plugins: { score: { enabled: [{ name: None }] } } }]",
      'profiles[0].plugins.score.enabled[0].name: Not found: "None"',
    ],
    [
      "profiles: [{ plugins: { filter: { enabled: [{ name: EBSLimits }] } } }]",
      'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "kubescheduler.config.k8s.io/v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
    ],
    [
      "profiles: [{ pluginConfig: [{ name: InterPodAffinity, args: { hardPodAffinityWeight: 101 } }] }]",
      "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]",
    ],
    [
      "profiles: [{ pluginConfig: [{ name: DefaultPreemption, args: { minCandidateNodesPercentage: -1 } }] }]",
      "profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: -1: not in valid range [0, 100]",
    ],
    [
      "profiles: [{ pluginConfig: [{ name: NodeResourcesFit, args: { scoringStrategy: { type: RequestedToCapacityRatio } } }] }]",
      "profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio",
    ],
    [
      "profiles: [{ pluginConfig: [{ name: PodTopologySpread, args: { defaultConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway }] } }] }]",
      'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
    [
      "profiles: [{ pluginConfig: [{ name: VolumeBinding, args: { bindTimeoutSeconds: -1 } }] }]",
      "profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value",
    ],
    [
      "extenders: [{ urlPrefix: 'http://127.0.0.1:1', prioritizeVerb: prioritize }]",
      "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it",
    ],
    [
      "extenders: [{ urlPrefix: 'http://127.0.0.1:1', bindVerb: b }, { urlPrefix: 'http://127.0.0.1:2', bindVerb: b }]",
      'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
    ],
    [
      "extenders: [{ urlPrefix: 'http://127.0.0.1:1', managedResources: [{ name: example.com/a }, { name: example.com/a }] }]",
      'extenders[0].managedResources[1].name: Invalid value: "example.com/a": duplicate extender managed resource name',
    ],
    [
      "extenders: [{ urlPrefix: 'http://127.0.0.1:1', managedResources: [{ name: cpu }] }]",
      'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
    ],
    [
      "profiles: [{ pluginConfig: [{ name: InterPodAffinity }, { name: InterPodAffinity }] }]",
      'profiles[0].pluginConfig[1]: Duplicate value: "InterPodAffinity"',
    ],
    [
      "profiles: [{ schedulerName: own, plugins: { bind: { disabled: [{ name: DefaultBinder }] } } }]",
      'profiles[0].plugins.bind: Required value: at least one bind plugin is needed for profile with scheduler name "own"',
    ],
    [
      'profiles: [{ schedulerName: own, plugins: { queueSort: { disabled: [{ name: "*" }] } } }]',
      'profiles[0].plugins.queueSort: Required value: only one queue sort plugin required for profile with scheduler name "own", but got 0',
    ],
    ["unheardOf: 1", 'unknown field "unheardOf"'],
  ])("refuses %s", async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
