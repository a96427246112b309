/**
 * Who describes which kind, by `plural.group`; each file is loaded when one of its kinds is described. What is not named here
 * is described field by field.
 */
import type { Describer } from "./common.ts";

const batch = () => import("./batch.ts");
const config = () => import("./config.ts");
const network = () => import("./network.ts");
const policies = () => import("./policies.ts");
const services = () => import("./services.ts");
const storage = () => import("./storage.ts");
const workloads = () => import("./workloads.ts");

const describers: Readonly<Record<string, () => Promise<Describer>>> = {
  pods: async () => (await import("./pod.ts")).describePod,
  nodes: async () => (await import("./nodes.ts")).describeNode,
  services: async () => (await services()).describeService,
  endpoints: async () => (await services()).describeEndpoints,
  "endpointslices.discovery.k8s.io": async () => (await services()).describeEndpointSlice,
  "ingresses.networking.k8s.io": async () => (await services()).describeIngress,
  "ingressclasses.networking.k8s.io": async () => (await network()).describeIngressClass,
  "networkpolicies.networking.k8s.io": async () => (await network()).describeNetworkPolicy,
  "servicecidrs.networking.k8s.io": async () => (await network()).describeServiceCidr,
  "ipaddresses.networking.k8s.io": async () => (await network()).describeIpAddress,
  "deployments.apps": async () => (await workloads()).describeDeployment,
  "replicasets.apps": async () => (await workloads()).describeReplicaSet,
  "daemonsets.apps": async () => (await workloads()).describeDaemonSet,
  "statefulsets.apps": async () => (await workloads()).describeStatefulSet,
  replicationcontrollers: async () => (await workloads()).describeReplicationController,
  "jobs.batch": async () => (await batch()).describeJob,
  "cronjobs.batch": async () => (await batch()).describeCronJob,
  "horizontalpodautoscalers.autoscaling": async () =>
    (await import("./autoscaling.ts")).describeHorizontalPodAutoscaler,
  configmaps: async () => (await config()).describeConfigMap,
  secrets: async () => (await config()).describeSecret,
  serviceaccounts: async () => (await config()).describeServiceAccount,
  persistentvolumes: async () => (await storage()).describePersistentVolume,
  persistentvolumeclaims: async () => (await storage()).describeClaimOfVolume,
  "storageclasses.storage.k8s.io": async () => (await storage()).describeStorageClass,
  "volumeattributesclasses.storage.k8s.io": async () => (await storage()).describeVolumeAttributesClass,
  "csinodes.storage.k8s.io": async () => (await storage()).describeCsiNode,
  namespaces: async () => (await policies()).describeNamespace,
  resourcequotas: async () => (await policies()).describeResourceQuota,
  limitranges: async () => (await policies()).describeLimitRange,
  "poddisruptionbudgets.policy": async () => (await policies()).describePodDisruptionBudget,
  "priorityclasses.scheduling.k8s.io": async () => (await policies()).describePriorityClass,
  "roles.rbac.authorization.k8s.io": async () => (await policies()).describeRole,
  "clusterroles.rbac.authorization.k8s.io": async () => (await policies()).describeRole,
  "rolebindings.rbac.authorization.k8s.io": async () => (await policies()).describeBinding,
  "clusterrolebindings.rbac.authorization.k8s.io": async () => (await policies()).describeBinding,
  "certificatesigningrequests.certificates.k8s.io": async () => (await policies()).describeCertificateSigningRequest,
};

/** Who describes objects of a resource. */
export async function describerOf({
  plural,
  group,
}: {
  readonly plural: string;
  readonly group: string;
}): Promise<Describer> {
  const name = group ? `${plural}.${group}` : plural;
  if (Object.hasOwn(describers, name)) return (await describers[name]?.()) ?? (await config()).describeAny;
  return (await config()).describeAny;
}
