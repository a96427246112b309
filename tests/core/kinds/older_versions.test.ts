import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Kind } from "../../../core/api/kind.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerV1,
  MetricSpec,
  PodDisruptionBudget,
} from "../../../core/kinds/mod.ts";
import {
  cronJob,
  cronJobV1beta1,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  podDisruptionBudget,
  podDisruptionBudgetV1beta1,
} from "../../../core/kinds/mod.ts";

const reference = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const metadata = { name: "web", namespace: "default" };
const amount = fc.constantFrom("100m", "5", "1Gi");
const selector = fc.option(fc.constant({ matchLabels: { a: "b" } }), { nil: undefined });
const metric = fc.record({ name: fc.constantFrom("queue", "__proto__"), selector });
const average = fc.record({ type: fc.constant("AverageValue"), averageValue: amount });
const value = fc.record({ type: fc.constant("Value"), value: amount });
const utilization = fc.record({
  type: fc.constant("Utilization"),
  averageUtilization: fc.integer({ min: 1, max: 100 }),
});
const metrics = fc.oneof(
  fc.record({
    type: fc.constant("Resource"),
    resource: fc.record({ name: fc.constant("memory"), target: fc.oneof(average, utilization) }),
  }),
  fc.record({
    type: fc.constant("ContainerResource"),
    containerResource: fc.record({
      name: fc.constant("cpu"),
      container: fc.constant("main"),
      target: fc.oneof(average, utilization),
    }),
  }),
  fc.record({ type: fc.constant("Pods"), pods: fc.record({ metric, target: average }) }),
  fc.record({
    type: fc.constant("Object"),
    object: fc.record({ describedObject: fc.constant(reference), metric, target: fc.oneof(average, value) }),
  }),
  fc.record({ type: fc.constant("External"), external: fc.record({ metric, target: fc.oneof(average, value) }) }),
);
const rules = fc.record({
  stabilizationWindowSeconds: fc.nat(100),
  selectPolicy: fc.constantFrom("Max", "Min", "Disabled"),
  policies: fc.array(
    fc.record({ type: fc.constantFrom("Pods", "Percent"), value: fc.nat(9), periodSeconds: fc.nat(9) }),
  ),
});
const cpu: MetricSpec = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
};
const autoscaler = fc
  .record({
    others: fc.array(metrics, { maxLength: 3 }),
    withCpu: fc.boolean(),
    behavior: fc.option(fc.record({ scaleUp: rules, scaleDown: rules }), { nil: undefined }),
    annotations: fc.option(fc.constant({ mine: "kept" }), { nil: undefined }),
  })
  .filter(({ others, withCpu }) => others.length > 0 || withCpu)
  .map(({ others, withCpu, behavior, annotations }) =>
    JSON.parse(
      JSON.stringify({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { ...metadata, annotations },
        spec: {
          scaleTargetRef: reference,
          minReplicas: 1,
          maxReplicas: 5,
          metrics: [...others, ...(withCpu ? [cpu] : [])],
          behavior,
        },
        status: {
          currentReplicas: 2,
          desiredReplicas: 3,
          currentMetrics: [
            { type: "Resource", resource: { name: "cpu", current: { averageValue: "10m", averageUtilization: 7 } } },
          ],
          conditions: [{ type: "AbleToScale", status: "True" }],
        },
      }),
    ),
  );

async function through(object: HorizontalPodAutoscaler): Promise<{ v1: HorizontalPodAutoscalerV1; v2: unknown }> {
  const { storedAs } = horizontalPodAutoscalerV1;
  const [v1] = (await storedAs?.fromStored([object])) ?? [];
  const [v2] = (await storedAs?.toStored(v1 ? [v1] : [])) ?? [];
  return { v1: v1 as HorizontalPodAutoscalerV1, v2 };
}

describe("autoscaling/v1", () => {
  it("loses nothing of an autoscaler of v2", async () => {
    await fc.assert(
      fc.asyncProperty(autoscaler, async (object: HorizontalPodAutoscaler) => {
        const { v2 } = await through(object);
        // Absent annotations and none are the same.
        expect(JSON.parse(JSON.stringify(v2))).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });

  it("shows processor time in its own fields, and the rest in Kubernetes' annotations", async () => {
    const object = {
      ...horizontalPodAutoscaler.strategy.applyDefaults({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata,
        spec: {
          scaleTargetRef: reference,
          maxReplicas: 5,
          metrics: [
            cpu,
            { type: "Pods", pods: { metric: { name: "q" }, target: { type: "AverageValue", averageValue: "5" } } },
          ],
          behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
        },
      }),
    };
    const { v1 } = await through(object);
    expect(v1.spec).toEqual({
      scaleTargetRef: reference,
      minReplicas: 1,
      maxReplicas: 5,
      targetCPUUtilizationPercentage: 50,
    });
    const { annotations = {} } = v1.metadata;
    expect(JSON.parse(annotations["autoscaling.alpha.kubernetes.io/metrics"] ?? "")).toEqual([
      { type: "Pods", pods: { metricName: "q", targetAverageValue: "5" } },
    ]);
    expect(JSON.parse(annotations["autoscaling.alpha.kubernetes.io/behavior"] ?? "")).toMatchObject({
      ScaleDown: { StabilizationWindowSeconds: 60, SelectPolicy: "Max" },
    });
  });

  it.each(["{", "[1]", "null", '{"type":1}', '[{"type":"Pods"}]'])(
    "reads what a user wrote into its annotations as far as it can: %s",
    async (text) => {
      const names = ["metrics", "current-metrics", "conditions", "behavior"];
      const annotations = Object.fromEntries(names.map((name) => [`autoscaling.alpha.kubernetes.io/${name}`, text]));
      const object: HorizontalPodAutoscalerV1 = {
        apiVersion: "autoscaling/v1",
        kind: "HorizontalPodAutoscaler",
        metadata: { ...metadata, annotations },
        spec: { scaleTargetRef: reference, maxReplicas: 1 },
        status: { currentReplicas: 0, desiredReplicas: 0 },
      };
      const [stored] = (await horizontalPodAutoscalerV1.storedAs?.toStored([object])) ?? [];
      expect(stored?.metadata.annotations).toBeUndefined();
      expect(horizontalPodAutoscalerV1.strategy.validate(object, { localRanges: [] })).toBeDefined();
    },
  );
});

it.each<[string, PodDisruptionBudget["spec"], object]>([
  [
    "selects no pod, where the older version says so",
    { selector: {} },
    { matchExpressions: [{ key: "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match", operator: "Exists" }] },
  ],
  ["selects as it says", { selector: { matchLabels: { a: "b" } } }, { matchLabels: { a: "b" } }],
])("a budget of policy/v1beta1 %s", async (_, spec, selector) => {
  const object = { apiVersion: "policy/v1beta1", kind: "PodDisruptionBudget", metadata, ...(spec ? { spec } : {}) };
  const { storedAs } = podDisruptionBudgetV1beta1;
  const [stored] = (await storedAs?.toStored([object])) ?? [];
  expect(stored).toMatchObject({ apiVersion: "policy/v1", spec: { selector } });
  expect(await storedAs?.fromStored(stored ? [stored] : [])).toEqual([object]);
});

describe("older versions", () => {
  it.each([
    [horizontalPodAutoscalerV1, horizontalPodAutoscaler],
    [cronJobV1beta1, cronJob],
    [podDisruptionBudgetV1beta1, podDisruptionBudget],
  ])("are written by the rules of the stored one: %#", (older, stored) => {
    const rulesOf = ({ generation, conditionalUpdate, createOnUpdate, statusKeepsMetadata, subresources }: Rules) => ({
      generation,
      conditionalUpdate,
      createOnUpdate,
      statusKeepsMetadata,
      subresources,
    });
    expect(rulesOf(older)).toEqual(rulesOf(stored));
    expect(older.version).not.toBe(stored.version);
  });
});

type Rules = Pick<Kind, "generation" | "conditionalUpdate" | "createOnUpdate" | "statusKeepsMetadata" | "subresources">;
