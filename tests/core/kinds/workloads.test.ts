import { describe, expect, it } from "vitest";
import type { Deployment, ReplicaSet } from "../../../core/kinds/mod.ts";
import { deployment, replicaSet } from "../../../core/kinds/mod.ts";
import { cellsOf, deploymentOf, errorsOf, nginx, updateErrorsOf } from "./fixtures.ts";

const labels = { app: "web" };
const template = (spec: object) => ({ metadata: { labels }, spec: { containers: [nginx], ...spec } });

function replicaSetOf(spec: Partial<ReplicaSet["spec"]> = {}): ReplicaSet {
  const { metadata, spec: base } = deploymentOf();
  return { apiVersion: "apps/v1", kind: "ReplicaSet", metadata, spec: { ...base, ...spec } };
}

describe("deployment", () => {
  it("applyDefaults() fills what Kubernetes documents", () => {
    expect(deployment.strategy.applyDefaults(deploymentOf()).spec).toMatchObject({
      replicas: 1,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: { spec: { restartPolicy: "Always", terminationGracePeriodSeconds: 30 } },
    });
    expect(deployment.strategy.applyDefaults(deploymentOf({ replicas: 0 })).spec.replicas).toBe(0);
    expect(deployment.strategy.applyDefaults(deploymentOf({ strategy: { type: "Recreate" } })).spec.strategy).toEqual({
      type: "Recreate",
    });
  });

  it.each<[string, Partial<Deployment["spec"]>, string[]]>([
    [
      "no image",
      { template: template({ containers: [{ name: "a" }] }) },
      ["spec.template.spec.containers[0].image: Required value"],
    ],
    ["fewer than none", { replicas: -1 }, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]],
    [
      "other labels",
      { selector: { matchLabels: { app: "db" } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
    ],
    [
      "an empty selector",
      { selector: {} },
      ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    ],
    [
      "pods that end",
      { template: template({ restartPolicy: "Never" }) },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      "a deadline for its pods",
      { template: template({ activeDeadlineSeconds: 5 }) },
      ["spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in Deployment is not Supported"],
    ],
    [
      "Recreate with a rolling update",
      { strategy: { type: "Recreate", rollingUpdate: {} } },
      ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      "an unknown strategy",
      { strategy: { type: "Canary" as "Recreate" } },
      [
        'spec.strategy: Unsupported value: {"Type":"Canary","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
      ],
    ],
    [
      "no room to move",
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    ],
    [
      "more than all",
      { strategy: { rollingUpdate: { maxUnavailable: "101%" } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    ],
    [
      "a deadline before pods can be ready",
      { minReadySeconds: 600 },
      ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
    ],
  ])("deployment names the field, when it has %s", (_, spec, errors) => {
    expect(errorsOf(deployment, deploymentOf(spec))).toEqual(errors);
  });

  it("a deployment without a spec is refused, not crashed on", () => {
    const bare = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a" } } as unknown as Deployment;
    expect(errorsOf(deployment, bare)).toEqual([
      "spec.selector: Required value",
      "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
      "spec.template.spec.containers: Required value",
    ]);
  });

  it("the selector is immutable", () => {
    const next = deploymentOf({ selector: { matchLabels: { app: "db" } } });
    expect(updateErrorsOf(deployment, next, deploymentOf())).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"app":"db"}}: field is immutable',
    ]);
  });

  it("columns are kubectl's", () => {
    const status = { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 };
    expect(cellsOf(deployment, { ...deploymentOf({ replicas: 3 }), status })).toEqual({
      Name: "web",
      Ready: "1/3",
      "Up-to-date": "2",
      Available: "1",
      Age: "60m",
      Containers: "nginx",
      Images: "nginx:1.27",
      Selector: "app=web",
    });
  });
});

describe("replica set", () => {
  it("a template is required", () => {
    const { template: _template, ...spec } = replicaSetOf().spec;
    const object = { ...replicaSetOf(), spec } as ReplicaSet;
    expect(errorsOf(replicaSet, object)).toEqual([
      "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
      "spec.template.spec.containers: Required value",
    ]);
    expect(errorsOf(replicaSet, replicaSetOf())).toEqual([]);
  });

  it("columns and fields are kubectl's", () => {
    const object: ReplicaSet = { ...replicaSetOf({ replicas: 3 }), status: { replicas: 2, readyReplicas: 1 } };
    expect(cellsOf(replicaSet, object)).toMatchObject({ Desired: 3, Current: 2, Ready: 1, Selector: "app=web" });
    expect(replicaSet.strategy.fields(object)).toEqual({ "status.replicas": "2" });
  });
});
