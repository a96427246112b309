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

const rule = { apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"], operations: ["CREATE"] };
const policyRule = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };

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
  [
    "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy",
    {
      body: {
        spec: {
          matchConstraints: { resourceRules: [rule] },
          reinvocationPolicy: "Never",
          mutations: [
            { patchType: "JSONPatch", jsonPatch: { expression: `[JSONPatch{op: "remove", path: "/spec"}]` } },
          ],
        },
      },
    },
  ],
  ["admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding", { body: { spec: { policyName: "p" } } }],
  ["admissionregistration.k8s.io/v1/MutatingWebhookConfiguration", { body: {} }],
  [
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
    {
      body: { spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }] } },
      status: { observedGeneration: 1 },
    },
  ],
  [
    "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding",
    { body: { spec: { policyName: "p", validationActions: ["Deny"] } } },
  ],
  ["admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", { body: {} }],
  ["coordination.k8s.io/v1/Lease", { body: { spec: { holderIdentity: "a", leaseDurationSeconds: 15 } } }],
  [
    "discovery.k8s.io/v1/EndpointSlice",
    { body: { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }], ports: [{ port: 80 }] } },
  ],
  [
    "events.k8s.io/v1/Event",
    {
      body: {
        eventTime: "2026-01-31T12:00:00.000000Z",
        type: "Normal",
        reason: "Pulled",
        action: "Pull",
        reportingController: "kubelet",
        reportingInstance: "n1",
        regarding: { kind: "Pod", namespace: "default", name: "web" },
      },
    },
  ],
  [
    "flowcontrol.apiserver.k8s.io/v1/FlowSchema",
    { body: { spec: { priorityLevelConfiguration: { name: "p" } } }, status: {} },
  ],
  [
    "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration",
    { body: { spec: { type: "Limited", limited: { limitResponse: { type: "Reject" } } } }, status: {} },
  ],
  [
    "networking.k8s.io/v1/Ingress",
    {
      body: { spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } } },
      status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } },
    },
  ],
  ["networking.k8s.io/v1/IngressClass", { body: { spec: { controller: "example.com/c" } } }],
  ["networking.k8s.io/v1/NetworkPolicy", { body: { spec: { podSelector: selector } } }],
  ["networking.k8s.io/v1/ServiceCIDR", { body: { spec: { cidrs: ["10.0.0.0/24"] } }, status: {} }],
  ["node.k8s.io/v1/RuntimeClass", { body: { handler: "runc" } }],
  ["rbac.authorization.k8s.io/v1/ClusterRole", { body: { rules: [policyRule] } }],
  ["rbac.authorization.k8s.io/v1/ClusterRoleBinding", { body: { roleRef: { kind: "ClusterRole", name: "r" } } }],
  ["rbac.authorization.k8s.io/v1/Role", { body: { rules: [policyRule] } }],
  ["rbac.authorization.k8s.io/v1/RoleBinding", { body: { roleRef: { kind: "Role", name: "r" } } }],
  ["resource.k8s.io/v1/DeviceClass", { body: { spec: { selectors: [{ cel: { expression: "true" } }] } } }],
  [
    "resource.k8s.io/v1/ResourceClaim",
    { body: { spec: { devices: { requests: [{ name: "a", exactly: { deviceClassName: "c" } }] } } }, status: {} },
  ],
  [
    "resource.k8s.io/v1/ResourceClaimTemplate",
    { body: { spec: { spec: { devices: { requests: [{ name: "a", exactly: { deviceClassName: "c" } }] } } } } },
  ],
  [
    "resource.k8s.io/v1/ResourceSlice",
    {
      body: { spec: { driver: "d", pool: { name: "p", generation: 1, resourceSliceCount: 1 }, nodeName: "n" } },
    },
  ],
  ["scheduling.k8s.io/v1/PriorityClass", { body: { value: 10 } }],
  ["storage.k8s.io/v1/CSIDriver", { body: { spec: { attachRequired: false } } }],
  ["storage.k8s.io/v1/CSINode", { body: { spec: { drivers: [{ name: "d", nodeID: "n" }] } } }],
  ["storage.k8s.io/v1/CSIStorageCapacity", { body: { storageClassName: "c", capacity: "1Gi" } }],
  ["storage.k8s.io/v1/StorageClass", { body: { provisioner: "example.com/p" } }],
  [
    "storage.k8s.io/v1/VolumeAttachment",
    {
      body: { spec: { attacher: "d", nodeName: "n", source: { persistentVolumeName: "pv" } } },
      status: { attached: true },
    },
  ],
  ["storage.k8s.io/v1/VolumeAttributesClass", { body: { driverName: "d", parameters: { a: "1" } } }],
]);
