import { describe, expect, it } from "vitest";
import { apiVersionOf } from "../../../core/api/kind.ts";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { now } from "./fixtures.ts";
import { samples } from "./samples.ts";

function kindOf(name: string) {
  const kind = kinds.find((one) => `${apiVersionOf(one)}/${one.kind}` === name);
  if (!kind) throw new Error(`${name} is not served`);
  return kind;
}

function objectOf(name: string, rest: JsonObject = {}): KubeObject {
  const metadata = { name: "web", namespace: "default", uid: "u1", creationTimestamp: "2026-01-31T11:00:00Z" };
  return { apiVersion: "", kind: kindOf(name).kind, metadata, ...samples.get(name)?.body, ...rest } as KubeObject;
}

describe("defaults", () => {
  it.each<[string, JsonObject]>([
    [
      "apps/v1/StatefulSet",
      {
        spec: {
          replicas: 1,
          podManagementPolicy: "OrderedReady",
          revisionHistoryLimit: 10,
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
          volumeClaimTemplates: [
            { apiVersion: "v1", kind: "PersistentVolumeClaim", spec: { volumeMode: "Filesystem" } },
          ],
        },
      },
    ],
    [
      "apps/v1/DaemonSet",
      {
        spec: {
          revisionHistoryLimit: 10,
          updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        },
      },
    ],
    ["v1/ReplicationController", { metadata: { labels: { app: "web" } }, spec: { selector: { app: "web" } } }],
    [
      "batch/v1/Job",
      {
        spec: {
          completions: 1,
          parallelism: 1,
          backoffLimit: 6,
          completionMode: "NonIndexed",
          suspend: false,
          podReplacementPolicy: "TerminatingOrFailed",
        },
      },
    ],
    [
      "batch/v1/CronJob",
      {
        spec: { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
      },
    ],
    ["v1/PersistentVolume", { spec: { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" } }],
    ["v1/LimitRange", { spec: { limits: [{ default: { cpu: "2" }, defaultRequest: { cpu: "2" } }] } }],
    ["autoscaling/v2/HorizontalPodAutoscaler", { spec: { minReplicas: 1 } }],
  ])("of %s are Kubernetes'", (name, expected) => {
    expect(kindOf(name).strategy.applyDefaults(objectOf(name))).toMatchObject(expected);
  });

  it.each<[string, JsonObject, JsonObject]>([
    [
      "autoscaling/v2/HorizontalPodAutoscaler",
      { spec: { behavior: { scaleUp: { tolerance: "0.05" } } } },
      {
        spec: { behavior: { scaleUp: { tolerance: "50m", selectPolicy: "Max" }, scaleDown: { selectPolicy: "Max" } } },
      },
    ],
    [
      "node.k8s.io/v1/RuntimeClass",
      { overhead: { podFixed: { memory: "1024Mi" } } },
      { overhead: { podFixed: { memory: "1Gi" } } },
    ],
    [
      "storage.k8s.io/v1/CSIStorageCapacity",
      { capacity: "1024Mi", maximumVolumeSize: "0.5Gi" },
      { capacity: "1Gi", maximumVolumeSize: "512Mi" },
    ],
  ])("of %s leave amounts in their canonical form", (name, given, expected) => {
    expect(kindOf(name).strategy.applyDefaults(objectOf(name, given))).toMatchObject(expected);
  });

  it.each<[string, object, object]>([
    ["iscsi", { lun: 1 }, { iscsiInterface: "default" }],
    ["iscsi", { lun: 1, iscsiInterface: "" }, { iscsiInterface: "default" }],
    ["rbd", { image: "i", user: "u" }, { pool: "rbd", user: "u", keyring: "/etc/ceph/keyring" }],
    ["azureDisk", { kind: "Managed" }, { cachingMode: "ReadWrite", fsType: "ext4", readOnly: false, kind: "Managed" }],
    ["scaleIO", { storageMode: "" }, { storageMode: "ThinProvisioned", fsType: "xfs" }],
  ])("complete %s %j in a volume of a pod as in a persistent one", (type, source, expected) => {
    const spec = { [type]: source };
    const persistent = kindOf("v1/PersistentVolume").strategy.applyDefaults({ spec } as never);
    const inPod = kindOf("v1/Pod").strategy.applyDefaults({ spec: { volumes: [{ name: "v", ...spec }] } } as never);
    expect(persistent).toMatchObject({ spec: { [type]: expected } });
    expect(inPod).toMatchObject({ spec: { volumes: [{ [type]: expected }] } });
  });

  it("give a job a selector that nobody else has", () => {
    const { strategy } = kindOf("batch/v1/Job");
    const labels = {
      "controller-uid": "u1",
      "job-name": "web",
      "batch.kubernetes.io/controller-uid": "u1",
      "batch.kubernetes.io/job-name": "web",
    };
    expect(strategy.prepareForCreate(strategy.applyDefaults(objectOf("batch/v1/Job")))).toMatchObject({
      metadata: { labels },
      spec: {
        selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "u1" } },
        template: { metadata: { labels } },
      },
    });
  });

  it("count the templates of a daemon set in an annotation", () => {
    const { strategy } = kindOf("apps/v1/DaemonSet");
    const first = strategy.prepareForCreate(strategy.applyDefaults(objectOf("apps/v1/DaemonSet")));
    const annotation = "deprecated.daemonset.template.generation";
    expect(first.metadata.annotations).toEqual({ [annotation]: "1" });
    expect(strategy.prepareForUpdate(first, first).metadata.annotations).toEqual({ [annotation]: "1" });
    const { spec } = first as unknown as { spec: { template: { spec: object } } };
    const other = {
      ...first,
      spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, hostPID: true } } },
    };
    expect(strategy.prepareForUpdate(other, first).metadata.annotations).toEqual({ [annotation]: "2" });
  });
});

describe("columns", () => {
  const time = "2026-01-31T11:58:00Z";
  it.each<[string, JsonObject, readonly unknown[]]>([
    ["apps/v1/StatefulSet", { status: { readyReplicas: 1 } }, ["web", "1/1", "60m", "main", "nginx:1.27"]],
    [
      "apps/v1/DaemonSet",
      { status: { desiredNumberScheduled: 3, numberReady: 2 } },
      ["web", 3, 0, 2, 0, 0, "<none>", "60m", "main", "nginx:1.27", "app=web"],
    ],
    [
      "v1/ReplicationController",
      { status: { replicas: 2, readyReplicas: 1 } },
      ["web", 2, 2, 1, "60m", "main", "nginx:1.27", "app=web"],
    ],
    [
      "batch/v1/Job",
      { status: { startTime: time, succeeded: 1 } },
      ["web", "Running", "1/1", "2m", "60m", "main", "nginx:1.27", "<none>"],
    ],
    [
      "batch/v1/CronJob",
      { status: { lastScheduleTime: time, active: [{}] } },
      ["web", "*/5 * * * *", "<none>", "False", 1, "2m", "60m", "main", "nginx:1.27", "<none>"],
    ],
    [
      "autoscaling/v2/HorizontalPodAutoscaler",
      { status: { currentReplicas: 2, desiredReplicas: 2 } },
      ["web", "Deployment/web", "memory: <unknown>/1Gi", "1", 3, 2, "60m"],
    ],
    ["policy/v1/PodDisruptionBudget", { status: { disruptionsAllowed: 1 } }, ["web", "50%", "N/A", 1, "60m"]],
    [
      "v1/ResourceQuota",
      { status: { hard: { pods: "5", "limits.cpu": "2" }, used: { pods: "1" } } },
      ["web", "60m", "pods: 1/5", "limits.cpu: 0/2"],
    ],
    [
      "v1/PersistentVolume",
      { status: { phase: "Available" } },
      ["web", "1Gi", "RWO", "Retain", "Available", "", "", "<unset>", "", "60m", "Filesystem"],
    ],
    [
      "v1/PersistentVolumeClaim",
      { status: { phase: "Pending" } },
      ["web", "Pending", "", "", "", "", "<unset>", "60m", "Filesystem"],
    ],
    ["v1/PodTemplate", {}, ["web", "main", "nginx:1.27", "app=web"]],
    ["v1/LimitRange", {}, ["web", "2026-01-31T11:00:00Z"]],
    [
      "apps/v1/ControllerRevision",
      {
        metadata: {
          name: "web-1",
          creationTimestamp: "2026-01-31T11:00:00Z",
          ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "web", uid: "u", controller: true }],
        },
      },
      ["web-1", "statefulset.apps/web", 1, "60m"],
    ],
  ])("of %s are kubectl's", (name, rest, cells) => {
    const { strategy, columns } = kindOf(name);
    const object = { ...strategy.applyDefaults(objectOf(name)), ...rest } as KubeObject;
    expect(columns.map((column) => column.cell(object, { now }))).toEqual(cells);
  });
});
