import type { JsonObject } from "../../../core/api/meta.ts";

/** A valid object of a kind with little in it, and what else the suites over all kinds need of it. */
export interface Sample {
  /** Everything but apiVersion, kind and metadata. */
  readonly body: JsonObject;
  readonly metadata?: JsonObject;
  /** A valid status to write; absent: the kind has none. */
  readonly status?: JsonObject;
}

const labels = { app: "web" };
const containers = [{ name: "main", image: "nginx:1.27" }];
const template: JsonObject = { metadata: { labels }, spec: { containers } };
const ending: JsonObject = { spec: { containers, restartPolicy: "Never" } };
const selector = { matchLabels: labels };
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const reference = { kind: "Deployment", name: "web", apiVersion: "apps/v1" };
const now = "2026-01-31T12:00:00Z";

/** Samples by `apiVersion/Kind`. */
export const samples: ReadonlyMap<string, Sample> = new Map<string, Sample>([
  ["v1/ConfigMap", { body: { data: { a: "1" } } }],
  ["v1/Endpoints", { body: { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] } }],
  ["v1/Event", { body: { involvedObject: { kind: "Pod", name: "p", namespace: "default" }, reason: "Started" } }],
  ["v1/LimitRange", { body: { spec: { limits: [{ type: "Container", max: { cpu: "2" }, min: { cpu: "100m" } }] } } }],
  ["v1/Namespace", { body: {}, status: { phase: "Active" } }],
  ["v1/Node", { body: { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } }, status: { capacity: { cpu: "2" } } }],
  ["v1/PersistentVolumeClaim", { body: { spec: claim }, status: { phase: "Bound", capacity: { storage: "1Gi" } } }],
  [
    "v1/PersistentVolume",
    {
      body: { spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } } },
      status: { phase: "Available" },
    },
  ],
  ["v1/Pod", { body: { spec: { containers } }, status: { phase: "Running", podIP: "10.0.0.1" } }],
  ["v1/PodTemplate", { body: { template } }],
  [
    "v1/ReplicationController",
    { body: { spec: { replicas: 2, template } }, status: { replicas: 2, readyReplicas: 1 } },
  ],
  ["v1/ResourceQuota", { body: { spec: { hard: { pods: "5", "limits.cpu": "2" } } }, status: { hard: { pods: "5" } } }],
  ["v1/Secret", { body: { data: { a: "AQID" }, type: "Opaque" } }],
  ["v1/ServiceAccount", { body: { automountServiceAccountToken: false } }],
  ["v1/Service", { body: { spec: { selector: labels, ports: [{ port: 80 }] } }, status: { loadBalancer: {} } }],
  ["apps/v1/ControllerRevision", { body: { data: { spec: { template } }, revision: 1 } }],
  [
    "apps/v1/DaemonSet",
    {
      body: { spec: { selector, template } },
      status: { currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 1, numberReady: 1 },
    },
  ],
  ["apps/v1/Deployment", { body: { spec: { selector, template } }, status: { replicas: 1, readyReplicas: 1 } }],
  ["apps/v1/ReplicaSet", { body: { spec: { selector, template } }, status: { replicas: 1, readyReplicas: 1 } }],
  [
    "apps/v1/StatefulSet",
    {
      body: {
        spec: {
          selector,
          template,
          serviceName: "web",
          volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claim }],
        },
      },
      status: { replicas: 1, readyReplicas: 1, availableReplicas: 0 },
    },
  ],
  [
    "autoscaling/v2/HorizontalPodAutoscaler",
    {
      body: {
        spec: {
          scaleTargetRef: reference,
          maxReplicas: 3,
          metrics: [
            { type: "Resource", resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } } },
          ],
        },
      },
      status: { desiredReplicas: 2, currentReplicas: 1, currentMetrics: [] },
    },
  ],
  [
    "autoscaling/v1/HorizontalPodAutoscaler",
    {
      body: { spec: { scaleTargetRef: reference, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } },
      status: { desiredReplicas: 2, currentReplicas: 1 },
    },
  ],
  [
    "batch/v1/CronJob",
    {
      body: { spec: { schedule: "*/5 * * * *", jobTemplate: { spec: { template: ending } } } },
      status: { lastScheduleTime: now },
    },
  ],
  [
    "batch/v1beta1/CronJob",
    {
      body: { spec: { schedule: "@daily", jobTemplate: { spec: { template: ending } } } },
      status: { lastScheduleTime: now },
    },
  ],
  ["batch/v1/Job", { body: { spec: { template: ending } }, status: { startTime: now, active: 1 } }],
  [
    "policy/v1/PodDisruptionBudget",
    {
      body: { spec: { selector, minAvailable: "50%" } },
      status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
    },
  ],
  [
    "policy/v1beta1/PodDisruptionBudget",
    {
      body: { spec: { selector: {}, maxUnavailable: 1 } },
      status: { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
    },
  ],
]);
