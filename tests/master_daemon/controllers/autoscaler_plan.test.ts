import { describe, expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import type {
  AutoscalerBehavior,
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerSpec,
  MetricSpec,
  MetricTarget,
} from "../../../core/kinds/horizontal_pod_autoscaler.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import type { AutoscalerMemory } from "../../../master_daemon/controllers/_autoscaler_limits.ts";
import {
  type AutoscalerPlan,
  asksMetrics,
  type ObservedAutoscaler,
  planAutoscaler,
  rescaled,
} from "../../../master_daemon/controllers/_plan_autoscaler.ts";
import type { Observation } from "../../../master_daemon/controllers/_replica_calculator.ts";
import { aPod, at, start } from "./fixtures.ts";

const settings = {
  tolerance: 0.1,
  cpuInitializationPeriodMs: 300_000,
  initialReadinessDelayMs: 30_000,
  downscaleStabilizationMs: 300_000,
};
/** Long after the pods of these tests started. */
const nowMs = start + 3_600_000;
const nothing: AutoscalerMemory = { recommendations: [], changes: [] };

function anAutoscaler(spec: Partial<HorizontalPodAutoscalerSpec> = {}): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace: "default" },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 1,
      maxReplicas: 100,
      metrics: [cpu({ type: "Utilization", averageUtilization: 50 })],
      ...spec,
    },
  };
}

function cpu(target: MetricTarget): MetricSpec {
  return { type: "Resource", resource: { name: "cpu", target } };
}

/** A pod that asks for a processor, ready since it started. */
function runningPod(name: string, { startedMs = 0, readyMs = 0, ready = "True", ...rest }: PodFacts = {}): Pod {
  const pod = aPod(name, { readySince: 0, ...rest });
  return {
    ...pod,
    spec: { containers: [{ name: "app", image: "app:1", resources: { requests: { cpu: "1" } } }] },
    status: {
      ...pod.status,
      startTime: at(startedMs),
      conditions: [{ type: "Ready", status: ready, lastTransitionTime: at(readyMs) }],
    },
  };
}

interface PodFacts {
  readonly startedMs?: number;
  readonly readyMs?: number;
  readonly ready?: "True" | "False";
  readonly phase?: "Pending" | "Running" | "Failed";
  readonly metadata?: Pod["metadata"];
}

/** Use of each pod `p0`, `p1` …; undefined where nothing was measured. */
function uses(...milli: readonly (number | undefined)[]): Observation {
  const known = milli.flatMap((one, index) =>
    one === undefined ? [] : [[`p${index}`, { milli: one, atMs: nowMs, windowMs: 15_000 }] as const],
  );
  return { samples: new Map(known) };
}

const pods = (count: number): readonly Pod[] => Array.from({ length: count }, (_, index) => runningPod(`p${index}`));

function plan(changes: Partial<ObservedAutoscaler> = {}): AutoscalerPlan {
  const all = changes.pods ?? pods(changes.specReplicas ?? 2);
  return planAutoscaler({
    autoscaler: anAutoscaler(),
    specReplicas: all.length,
    statusReplicas: all.length,
    pods: all,
    observations: [uses(500, 500)],
    // It was looked at before, so long ago that it does not matter.
    memory: { ...nothing, recommendations: [{ replicas: 1, atMs: 0 }] },
    settings,
    nowMs,
    ...changes,
  });
}

const condition = ({ status }: AutoscalerPlan, type: string) => {
  const { status: value, reason, message } = findCondition(status.conditions, type) ?? {};
  return [value, reason, message];
};

describe("planAutoscaler() by the use of a resource", () => {
  it.each<[string, readonly Pod[], Observation, number | undefined]>([
    ["as much as wanted", pods(2), uses(500, 500), undefined],
    ["within a tenth of it", pods(2), uses(550, 540), undefined],
    ["more", pods(2), uses(900, 800), 4],
    ["less", pods(4), uses(100, 100, 100, 100), 1],
    ["nothing", pods(3), uses(0, 0, 0), 1],
    ["more, and nothing known of one: it counts as idle", pods(3), uses(1000, 900, undefined), 4],
    ["so much that one more would turn it: nothing", pods(3), uses(600, 700, undefined), undefined],
    ["less, and nothing known of one: it counts as busy", pods(4), uses(100, 100, 100, undefined), 3],
    [
      "a pod that is going, which does not count",
      [...pods(2), runningPod("p2", { metadata: { deletionTimestamp: at(0) } })],
      uses(900, 900, 5000),
      4,
    ],
    [
      "a pod that failed, which does not count",
      [...pods(2), runningPod("p2", { phase: "Failed" })],
      uses(900, 900, 0),
      4,
    ],
    [
      "a pod that waits: it counts as idle when there is more",
      [...pods(2), runningPod("p2", { phase: "Pending" })],
      uses(900, 900),
      4,
    ],
    [
      "a pod that waits: it does not count when there is less",
      [...pods(2), runningPod("p2", { phase: "Pending" })],
      uses(100, 100),
      1,
    ],
    [
      "a pod that never was ready, whose use does not count",
      [...pods(2), runningPod("p2", { ready: "False", readyMs: 10_000 })],
      uses(900, 900, 4000),
      4,
    ],
    [
      "a pod that was ready once, whose use counts",
      [...pods(2), runningPod("p2", { ready: "False", readyMs: 60_000 })],
      uses(900, 900, 600),
      5,
    ],
    [
      "a pod that starts, measured before it was ready",
      [...pods(2), runningPod("p2", { startedMs: 3_500_000, readyMs: 3_590_000 })],
      uses(900, 900, 4000),
      4,
    ],
    [
      "a pod that starts, measured while it was ready",
      [...pods(2), runningPod("p2", { startedMs: 3_500_000, readyMs: 3_510_000 })],
      uses(900, 900, 600),
      5,
    ],
  ])("of %s", (_, all, observation, expected) => {
    expect(plan({ pods: all, observations: [observation] }).rescale?.replicas).toBe(expected);
  });

  it.each<[string, number, readonly (number | undefined)[], readonly Pod[]]>([
    ["fewer pods than there are to be, though each does too much", 10, [1000, 1000, undefined], pods(3)],
    ["more pods than there are to be, though each does too little", 1, [100, 100, 100, undefined], pods(4)],
  ])("leaves the number as it is, when what is not known would ask for %s", (_, specReplicas, milli, all) => {
    expect(plan({ pods: all, specReplicas, observations: [uses(...milli)] }).rescale).toBeUndefined();
  });

  it("does not count a pod of which it is not known when it started", () => {
    const { startTime: _, ...status } = runningPod("p2").status ?? {};
    const all = [...pods(2), { ...runningPod("p2"), status }];
    expect(plan({ pods: all, observations: [uses(900, 900, 4000)] }).rescale?.replicas).toBe(4);
  });

  it("tells what it is, and from what it was reckoned", () => {
    const { status, rescale } = plan({ observations: [uses(900, 700)] });
    expect(status.currentMetrics).toEqual([
      { type: "Resource", resource: { name: "cpu", current: { averageUtilization: 80, averageValue: "800m" } } },
    ]);
    expect(rescale).toEqual({
      replicas: 4,
      reason: "cpu resource utilization (percentage of request) above target",
    });
    expect(status.conditions?.map(({ type, status: value, reason }) => [type, value, reason])).toEqual([
      ["AbleToScale", "True", "ReadyForNewScale"],
      ["ScalingActive", "True", "ValidMetricFound"],
      ["ScalingLimited", "False", "DesiredWithinRange"],
    ]);
  });

  it("takes the tolerance of the behaviour for that of its direction", () => {
    const scaleUp = { policies: [{ type: "Pods", value: 9, periodSeconds: 60 }], tolerance: "0.5" } as const;
    const scaleDown = {
      policies: [{ type: "Pods", value: 9, periodSeconds: 60 }],
      stabilizationWindowSeconds: 0,
    } as const;
    const autoscaler = anAutoscaler({ behavior: { scaleUp, scaleDown } });
    expect(plan({ autoscaler, observations: [uses(740, 740)] }).rescale).toBeUndefined();
    expect(plan({ autoscaler, observations: [uses(760, 760)] }).rescale?.replicas).toBe(4);
    expect(plan({ autoscaler, pods: pods(8), observations: [uses(...Array(8).fill(440))] }).rescale).toBeUndefined();
    expect(plan({ autoscaler, pods: pods(8), observations: [uses(...Array(8).fill(420))] }).rescale?.replicas).toBe(7);
  });

  it.each<[string, Partial<ObservedAutoscaler>, string, string]>([
    [
      "a pod that asks for nothing",
      {
        pods: [{ ...runningPod("p0"), spec: { containers: [{ name: "app", image: "app:1" }] } }],
        observations: [uses(1)],
      },
      "FailedGetResourceMetric",
      "failed to get cpu utilization: missing request for cpu in container app of Pod p0",
    ],
    [
      "no API",
      { observations: [{ failure: "unable to fetch metrics from resource metrics API: it is away" }] },
      "FailedGetResourceMetric",
      "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: it is away",
    ],
    [
      "no pod that is ready",
      { pods: [runningPod("p0", { phase: "Pending" })], observations: [uses(1)] },
      "FailedGetResourceMetric",
      "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
    ],
    [
      "no pod",
      { pods: [], specReplicas: 1, observations: [uses(1)] },
      "FailedGetResourceMetric",
      "failed to get cpu utilization: no pods returned by selector while calculating replica count",
    ],
  ])("says why it cannot: %s", (_, changes, reason, message) => {
    const result = plan(changes);
    expect(result.rescale).toBeUndefined();
    const unable = `the HPA was unable to compute the replica count: ${message}`;
    expect(condition(result, "ScalingActive")).toEqual(["False", reason, unable]);
    expect(result.warnings).toEqual([
      { reason, message },
      {
        reason: "FailedComputeMetricsReplicas",
        message: `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${message}`,
      },
    ]);
  });

  it("sums the containers that last, or takes what is said of the pod; or one container", () => {
    const requests = (amount: string) => ({ requests: { cpu: amount } });
    const of = (spec: Partial<Pod["spec"]>): Pod => {
      const pod = runningPod("p0");
      return { ...pod, spec: { ...pod.spec, ...spec } };
    };
    const containers = [
      { name: "app", image: "i", resources: requests("100m") },
      { name: "side", image: "i", resources: requests("300m") },
    ];
    const init = { name: "init", image: "i" };
    const sidecar = { name: "log", image: "i", restartPolicy: "Always", resources: requests("400m") } as const;
    const percent = (pod: Pod, metric: MetricSpec = cpu({ type: "Utilization", averageUtilization: 50 })) => {
      const { status } = plan({
        autoscaler: anAutoscaler({ metrics: [metric] }),
        pods: [pod],
        observations: [uses(400)],
      });
      const [found] = status.currentMetrics ?? [];
      return (found?.resource ?? found?.containerResource)?.current.averageUtilization;
    };
    expect(percent(of({ containers, initContainers: [init, sidecar] }))).toBe(50);
    expect(percent(of({ containers, resources: requests("1600m") }))).toBe(25);
    const side: MetricSpec = {
      type: "ContainerResource",
      containerResource: { name: "cpu", container: "side", target: { type: "Utilization", averageUtilization: 50 } },
    };
    expect(percent(of({ containers }), side)).toBe(133);
    const hostile = {
      type: "Resource",
      resource: { name: "__proto__", target: { type: "Utilization", averageUtilization: 50 } },
    } as const;
    expect(condition(plan({ autoscaler: anAutoscaler({ metrics: [hostile] }) }), "ScalingActive")[2]).toMatch(
      "missing request for __proto__ in container app of Pod p0",
    );
  });
});

describe("planAutoscaler() by other metrics", () => {
  const metric = { name: "hits" };
  const describedObject = { apiVersion: "v1", kind: "Service", name: "web" };
  it.each<[string, MetricSpec, Observation, number | undefined, object]>([
    [
      "an average amount of a resource",
      cpu({ type: "AverageValue", averageValue: "250m" }),
      uses(500, 500),
      4,
      { resource: { name: "cpu", current: { averageValue: "500m" } } },
    ],
    [
      "a metric of pods",
      { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "10" } } },
      uses(15_000, 16_000),
      4,
      { pods: { metric, current: { averageValue: "15500m" } } },
    ],
    [
      "a metric of an object",
      { type: "Object", object: { metric, describedObject, target: { type: "Value", value: "100" } } },
      { milli: 150_000 },
      3,
      { object: { metric, describedObject, current: { value: "150" } } },
    ],
    [
      "a metric of an object, so much for each pod",
      { type: "Object", object: { metric, describedObject, target: { type: "AverageValue", averageValue: "10" } } },
      { milli: 35_000 },
      4,
      { object: { metric, describedObject, current: { averageValue: "17500m" } } },
    ],
    [
      "an external metric",
      { type: "External", external: { metric, target: { type: "Value", value: "30" } } },
      { milli: 31_000 },
      undefined,
      { external: { metric, current: { value: "31" } } },
    ],
    [
      "an external metric, so much for each pod",
      { type: "External", external: { metric, target: { type: "AverageValue", averageValue: "30" } } },
      { milli: 91_000 },
      4,
      { external: { metric, current: { averageValue: "45500m" } } },
    ],
  ])("%s", (_, spec, observation, replicas, status) => {
    const result = plan({ autoscaler: anAutoscaler({ metrics: [spec] }), observations: [observation] });
    expect(result.rescale?.replicas).toBe(replicas);
    expect(result.status.currentMetrics).toEqual([{ type: spec.type, ...status }]);
  });

  it("takes the most that any asks for, and removes pods only when all are known", () => {
    const external = {
      type: "External",
      external: { metric, target: { type: "AverageValue", averageValue: "10" } },
    } as const;
    const autoscaler = anAutoscaler({ metrics: [cpu({ type: "Utilization", averageUtilization: 50 }), external] });
    const both = (first: Observation, second: Observation) =>
      plan({ autoscaler, pods: pods(3), observations: [first, second] });
    const away = { failure: "away" };
    expect(both(uses(500, 500, 500), { milli: 60_000 }).rescale).toEqual({
      replicas: 6,
      reason: "external metric hits(nil) above target",
    });
    expect(both(uses(900, 900, 900), { milli: 20_000 }).rescale).toEqual({
      replicas: 6,
      reason: "cpu resource utilization (percentage of request) above target",
    });
    const more = both(away, { milli: 60_000 });
    expect(more.rescale?.replicas).toBe(6);
    expect(more.status.currentMetrics?.[0]).toEqual({ type: "" });
    expect(condition(more, "ScalingActive")[1]).toBe("ValidMetricFound");
    const fewer = both(uses(100, 100, 100), away);
    expect(fewer.rescale).toBeUndefined();
    expect(condition(fewer, "ScalingActive")).toEqual([
      "False",
      "FailedGetExternalMetric",
      "the HPA was unable to compute the replica count: unable to get external metric default/hits/nil: away",
    ]);
    expect(fewer.status.currentMetrics?.map(({ type }) => type)).toEqual(["Resource", ""]);
  });

  it.each<[string, MetricSpec, string, string]>([
    [
      "use of a container",
      {
        type: "ContainerResource",
        containerResource: { name: "cpu", container: "app", target: { type: "Utilization", averageUtilization: 50 } },
      },
      "failed to get app container metric value: failed to get cpu utilization: ",
      "unable to get metrics for resource cpu: away",
    ],
    [
      "a metric of pods",
      { type: "Pods", pods: { metric, target: { type: "AverageValue", averageValue: "10" } } },
      "failed to get pods metric value: ",
      "unable to get metric hits: away",
    ],
    [
      "a metric of an object",
      { type: "Object", object: { metric, describedObject, target: { type: "Value", value: "100" } } },
      "failed to get object metric value: ",
      "unable to get metric hits: Service on default web/away",
    ],
    [
      "a metric of an object, so much for each pod",
      { type: "Object", object: { metric, describedObject, target: { type: "AverageValue", averageValue: "10" } } },
      "failed to get object metric value: failed to get hits object metric: ",
      "unable to get metric hits: Service on default web/away",
    ],
    [
      "an external metric",
      { type: "External", external: { metric, target: { type: "Value", value: "30" } } },
      "failed to get hits external metric value: failed to get external metric hits: ",
      "unable to get external metric default/hits/nil: away",
    ],
    [
      "an external metric, so much for each pod",
      { type: "External", external: { metric, target: { type: "AverageValue", averageValue: "30" } } },
      "failed to get hits external metric value: failed to get hits external metric: ",
      "unable to get external metric default/hits/nil: away",
    ],
    [
      "use that is to be neither part nor amount",
      cpu({ type: "Utilization" }),
      "failed to get cpu resource metric value: ",
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    ],
  ])("says what could not be read, in one event and in the one that sums up: %s", (_, spec, outer, message) => {
    const read = message.endsWith("away") ? { failure: "away" } : uses(1, 1);
    const { warnings, rescale } = plan({ autoscaler: anAutoscaler({ metrics: [spec] }), observations: [read] });
    expect(rescale).toBeUndefined();
    expect(warnings[1]?.message).toBe(`invalid metrics (1 invalid out of 1), first error is: ${outer}${message}`);
    expect(warnings[0]?.message).toBe(
      message.startsWith("unable to get metrics") ? `failed to get cpu utilization: ${message}` : message,
    );
  });

  it("tells the use of one container from that of the pod in its reason", () => {
    const target = { type: "Utilization", averageUtilization: 50 } as const;
    const spec: MetricSpec = {
      type: "ContainerResource",
      containerResource: { name: "cpu", container: "app", target },
    };
    expect(
      plan({ autoscaler: anAutoscaler({ metrics: [spec] }), observations: [uses(900, 900)] }).rescale?.reason,
    ).toBe("cpu container resource utilization (percentage of request) above target");
  });

  it("at the target exactly, takes pods of which nothing is known for idle where amounts count, and leaves them out where parts do", () => {
    const missing = { pods: pods(3), observations: [uses(500, 500, undefined)] };
    expect(plan(missing).rescale).toBeUndefined();
    const autoscaler = anAutoscaler({ metrics: [cpu({ type: "AverageValue", averageValue: "500m" })] });
    expect(plan({ ...missing, autoscaler }).rescale?.replicas).toBe(2);
  });
});

describe("planAutoscaler() outside of its bounds", () => {
  it.each<[string, Partial<HorizontalPodAutoscalerSpec>, number, AutoscalerPlan["rescale"]]>([
    ["above", { maxReplicas: 3 }, 5, { replicas: 3, reason: "Current number of replicas above Spec.MaxReplicas" }],
    ["below", { minReplicas: 3 }, 2, { replicas: 3, reason: "Current number of replicas below Spec.MinReplicas" }],
    ["at none, which switches it off", {}, 0, undefined],
  ])("%s", (_, spec, specReplicas, rescale) => {
    const result = plan({ autoscaler: anAutoscaler(spec), specReplicas, observations: [] });
    expect(result.rescale).toEqual(rescale);
    if (rescale) return;
    expect(condition(result, "ScalingActive")).toEqual([
      "False",
      "ScalingDisabled",
      "scaling is disabled since the replica count of the target is zero",
    ]);
  });

  it("wakes what sleeps, where none is within the bounds", () => {
    const external = {
      type: "External",
      external: { metric: { name: "hits" }, target: { type: "Value", value: "30" } },
    } as const;
    const autoscaler = anAutoscaler({ minReplicas: 0, metrics: [external] });
    expect(asksMetrics(autoscaler, 0)).toBe(true);
    expect(asksMetrics(anAutoscaler(), 0)).toBe(false);
    const result = plan({ autoscaler, specReplicas: 0, pods: [], observations: [{ milli: 60_000 }] });
    expect(result.rescale?.replicas).toBe(2);
  });

  it("leaves everything as it is, when it has no metrics", () => {
    const result = plan({ autoscaler: anAutoscaler({ metrics: [] }), observations: [] });
    expect([result.rescale, result.warnings, result.status.currentMetrics]).toEqual([undefined, [], []]);
    expect(condition(result, "ScalingActive")).toEqual([undefined, undefined, undefined]);
  });
});

describe("planAutoscaler() within limits", () => {
  const up = (spec: Partial<HorizontalPodAutoscalerSpec>, memory = nothing, specReplicas = 5) =>
    plan({
      autoscaler: anAutoscaler(spec),
      pods: pods(specReplicas),
      observations: [uses(...Array(specReplicas).fill(5000))],
      memory,
    });
  const down = (spec: Partial<HorizontalPodAutoscalerSpec>, memory = nothing, specReplicas = 10) =>
    plan({
      autoscaler: anAutoscaler(spec),
      pods: pods(specReplicas),
      observations: [uses(...Array(specReplicas).fill(50))],
      memory,
    });
  const old = { replicas: 1, atMs: 0 };
  const fresh: AutoscalerMemory = { ...nothing, recommendations: [old] };

  it.each<[string, AutoscalerPlan, number | undefined, unknown[]]>([
    ["twice as many at a time, without rules", up({}, fresh), 10, ["True", "ScaleUpLimit"]],
    ["four at least", up({}, fresh, 1), 4, ["True", "ScaleUpLimit"]],
    ["the most there may be", up({ maxReplicas: 8 }, fresh), 8, ["True", "TooManyReplicas"]],
    ["the least there may be", down({ minReplicas: 3 }, fresh), 3, ["True", "TooFewReplicas"]],
    [
      "what was asked for lately, when it was more",
      down({}, { ...nothing, recommendations: [{ replicas: 7, atMs: nowMs - 299_000 }] }),
      7,
      ["False", "DesiredWithinRange"],
    ],
    ["the size it began with", down({}, nothing), undefined, ["False", "DesiredWithinRange"]],
  ])("%s", (_, result, replicas, limitedBy) => {
    expect(result.rescale?.replicas).toBe(replicas);
    expect(condition(result, "ScalingLimited").slice(0, 2)).toEqual(limitedBy);
  });

  const policies = [
    { type: "Pods", value: 2, periodSeconds: 60 },
    { type: "Percent", value: 10, periodSeconds: 60 },
  ] as const;
  const zero = { stabilizationWindowSeconds: 0 };
  const behavior = (rules: AutoscalerBehavior["scaleUp"]): AutoscalerBehavior => ({
    scaleUp: { ...zero, policies, ...rules },
    scaleDown: { ...zero, policies, ...rules },
  });
  const done = (added: number, secondsAgo: number): AutoscalerMemory => ({
    ...fresh,
    changes: [{ added, atMs: nowMs - secondsAgo * 1000 }],
  });

  it.each<[string, AutoscalerMemory, AutoscalerBehavior["scaleUp"], number | undefined, number | undefined]>([
    ["the policy that allows most", fresh, {}, 7, 8],
    ["the policy that allows least", fresh, { selectPolicy: "Min" }, 6, 9],
    ["no change in that direction", fresh, { selectPolicy: "Disabled" }, undefined, undefined],
    ["what is left of the period", done(1, 30), {}, 6, 7],
    ["nothing, as all was done in the period", done(2, 59), {}, undefined, 6],
    ["all, once the period is over", done(2, 61), {}, 7, 8],
    ["what was taken back counts again", done(-2, 30), {}, 9, undefined],
  ])("with rules: %s", (_, memory, rules, more, fewer) => {
    expect(up({ behavior: behavior(rules) }, memory).rescale?.replicas).toBe(more);
    expect(down({ behavior: behavior(rules) }, memory).rescale?.replicas).toBe(fewer);
  });

  it("waits with more until it was asked for during the whole window, and with fewer", () => {
    const rules = behavior({
      stabilizationWindowSeconds: 120,
      policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
    });
    const asked = (replicas: number, secondsAgo: number): AutoscalerMemory => ({
      ...nothing,
      recommendations: [{ replicas, atMs: nowMs - secondsAgo * 1000 }],
    });
    const early = up({ behavior: rules }, asked(6, 119));
    expect(early.rescale?.replicas).toBe(6);
    expect(condition(early, "AbleToScale")).toEqual([
      "True",
      "ScaleUpStabilized",
      "recent recommendations were lower than current one, applying the lowest recent recommendation",
    ]);
    expect(up({ behavior: rules }, asked(6, 121)).rescale?.replicas).toBe(10);
    const kept = down({ behavior: rules }, asked(9, 119));
    expect(kept.rescale?.replicas).toBe(9);
    expect(condition(kept, "AbleToScale")[1]).toBe("ScaleDownStabilized");
    expect(down({ behavior: rules }, asked(9, 121)).rescale?.replicas).toBe(1);
  });

  it("remembers what windows and periods reach, and no more", () => {
    const memory: AutoscalerMemory = {
      recommendations: [old, { replicas: 3, atMs: nowMs - 299_000 }],
      changes: [
        { added: 1, atMs: nowMs - 59_000 },
        { added: 1, atMs: nowMs - 61_000 },
      ],
    };
    const result = up({ behavior: { ...behavior({}), scaleDown: { policies } } }, memory);
    expect(result.memory.recommendations.map(({ replicas }) => replicas)).toEqual([3, 50]);
    expect(result.memory.changes).toEqual([{ added: 1, atMs: nowMs - 59_000 }]);
  });
});

describe("rescaled()", () => {
  it("tells that the size was changed, or why not", () => {
    const status = { currentReplicas: 2, desiredReplicas: 3 };
    const before = plan({ autoscaler: { ...anAutoscaler(), status }, observations: [uses(900, 900)] });
    const done = rescaled(before, { from: 2, to: 4, nowMs });
    expect(done.status).toMatchObject({ currentReplicas: 2, desiredReplicas: 4, lastScaleTime: at(3_600_000) });
    expect(findCondition(done.status.conditions, "AbleToScale")).toMatchObject({
      status: "True",
      reason: "SucceededRescale",
      message: "the HPA controller was able to update the target scale to 4",
    });
    expect(done.memory.changes).toEqual([{ added: 2, atMs: nowMs }]);
    const failed = rescaled(before, { from: 2, to: 4, nowMs, failure: "no" });
    expect(failed.status).toMatchObject({ currentReplicas: 2, desiredReplicas: 3 });
    expect(failed.memory.changes).toEqual([]);
    expect(findCondition(failed.status.conditions, "AbleToScale")).toMatchObject({
      status: "False",
      reason: "FailedUpdateScale",
      message: "the HPA controller was unable to update the target scale: no",
    });
  });
});
