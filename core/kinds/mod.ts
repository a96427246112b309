/**
 * Every API kind, in the order of discovery.
 *
 * - One kind per file: types, defaults, validation, columns. Pure.
 * - A kind that stands in `kinds` is served, stored, validated, printed and found by the command line; nothing else registers it.
 */
import type { Kind } from "../api/kind.ts";
import { apiService } from "./api_service.ts";
import { certificateSigningRequest } from "./certificate_signing_request.ts";
import { clusterRole } from "./cluster_role.ts";
import { clusterRoleBinding } from "./cluster_role_binding.ts";
import { componentStatus } from "./component_status.ts";
import { configMap } from "./configmap.ts";
import { controllerRevision } from "./controller_revision.ts";
import { cronJob, cronJobV1beta1 } from "./cron_job.ts";
import { csiDriver } from "./csi_driver.ts";
import { csiNode } from "./csi_node.ts";
import { csiStorageCapacity } from "./csi_storage_capacity.ts";
import { customResourceDefinition } from "./custom_resource_definition.ts";
import { daemonSet } from "./daemon_set.ts";
import { deployment } from "./deployment.ts";
import { deviceClass } from "./device_class.ts";
import { endpointSlice } from "./endpoint_slice.ts";
import { endpoints } from "./endpoints.ts";
import { event } from "./event.ts";
import { eventV1 } from "./event_v1.ts";
import { flowSchema } from "./flow_schema.ts";
import { horizontalPodAutoscaler } from "./horizontal_pod_autoscaler.ts";
import { horizontalPodAutoscalerV1 } from "./horizontal_pod_autoscaler_v1.ts";
import { ingress } from "./ingress.ts";
import { ingressClass } from "./ingress_class.ts";
import { ingressExtensions } from "./ingress_extensions.ts";
import { ingressV1Beta1 } from "./ingress_v1beta1.ts";
import { ipAddress } from "./ip_address.ts";
import { job } from "./job.ts";
import { lease } from "./lease.ts";
import { limitRange } from "./limit_range.ts";
import { mutatingAdmissionPolicy } from "./mutating_admission_policy.ts";
import { mutatingAdmissionPolicyBinding } from "./mutating_admission_policy_binding.ts";
import { mutatingWebhookConfiguration } from "./mutating_webhook_configuration.ts";
import { namespace } from "./namespace.ts";
import { networkPolicy } from "./network_policy.ts";
import { node } from "./node.ts";
import { nodeMetrics } from "./node_metrics.ts";
import { persistentVolume } from "./persistent_volume.ts";
import { persistentVolumeClaim } from "./persistent_volume_claim.ts";
import { pod } from "./pod.ts";
import { podDisruptionBudget, podDisruptionBudgetV1beta1 } from "./pod_disruption_budget.ts";
import { podMetrics } from "./pod_metrics.ts";
import { podTemplate } from "./pod_template.ts";
import { priorityClass } from "./priority_class.ts";
import { priorityLevelConfiguration } from "./priority_level_configuration.ts";
import { replicaSet } from "./replica_set.ts";
import { replicationController } from "./replication_controller.ts";
import { resourceClaim } from "./resource_claim.ts";
import { resourceClaimTemplate } from "./resource_claim_template.ts";
import { resourceQuota } from "./resource_quota.ts";
import { resourceSlice } from "./resource_slice.ts";
import { role } from "./role.ts";
import { roleBinding } from "./role_binding.ts";
import { runtimeClass } from "./runtime_class.ts";
import { secret } from "./secret.ts";
import { service } from "./service.ts";
import { serviceAccount } from "./service_account.ts";
import { serviceCidr } from "./service_cidr.ts";
import { statefulSet } from "./stateful_set.ts";
import { storageClass } from "./storage_class.ts";
import { validatingAdmissionPolicy } from "./validating_admission_policy.ts";
import { validatingAdmissionPolicyBinding } from "./validating_admission_policy_binding.ts";
import { validatingWebhookConfiguration } from "./validating_webhook_configuration.ts";
import { volumeAttachment } from "./volume_attachment.ts";
import { volumeAttributesClass } from "./volume_attributes_class.ts";

/** All kinds, core group first. */
export const kinds: readonly Kind[] = [
  componentStatus,
  configMap,
  endpoints,
  event,
  limitRange,
  namespace,
  node,
  persistentVolumeClaim,
  persistentVolume,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  serviceAccount,
  service,
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  cronJob,
  job,
  cronJobV1beta1,
  podDisruptionBudget,
  podDisruptionBudgetV1beta1,
  customResourceDefinition,
  lease,
  endpointSlice,
  role,
  roleBinding,
  clusterRole,
  clusterRoleBinding,
  priorityClass,
  runtimeClass,
  ingressClass,
  storageClass,
  validatingWebhookConfiguration,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  certificateSigningRequest,
  ingress,
  networkPolicy,
  ipAddress,
  serviceCidr,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  volumeAttachment,
  volumeAttributesClass,
  apiService,
  flowSchema,
  priorityLevelConfiguration,
  eventV1,
  deviceClass,
  resourceClaim,
  resourceClaimTemplate,
  resourceSlice,
  ingressV1Beta1,
  ingressExtensions,
  nodeMetrics,
  podMetrics,
];

/** Kinds with objects of their own that can be watched: without those that are computed, or show the objects of another. */
export const storedKinds: readonly Kind[] = kinds.filter(
  ({ storedAs, verbs }) => !storedAs && (verbs === undefined || verbs.includes("watch")),
);

export type * from "./api_service.ts";
export type * from "./certificate_signing_request.ts";
export type * from "./cluster_role.ts";
export type * from "./cluster_role_binding.ts";
export type * from "./component_status.ts";
export type * from "./configmap.ts";
export type * from "./controller_revision.ts";
export type * from "./cron_job.ts";
export type * from "./csi_driver.ts";
export type * from "./csi_node.ts";
export type * from "./csi_storage_capacity.ts";
export type * from "./custom_resource_definition.ts";
export type * from "./daemon_set.ts";
export type * from "./deployment.ts";
export type * from "./device_class.ts";
export type * from "./endpoint_slice.ts";
export type * from "./endpoints.ts";
export type * from "./event.ts";
export type * from "./event_v1.ts";
export type * from "./flow_schema.ts";
export type * from "./horizontal_pod_autoscaler.ts";
export type * from "./horizontal_pod_autoscaler_v1.ts";
export type * from "./ingress.ts";
export type * from "./ingress_class.ts";
export type * from "./ingress_extensions.ts";
export type * from "./ingress_v1beta1.ts";
export type * from "./ip_address.ts";
export type * from "./job.ts";
export type * from "./lease.ts";
export type * from "./limit_range.ts";
export type * from "./mutating_admission_policy.ts";
export type * from "./mutating_admission_policy_binding.ts";
export type * from "./mutating_webhook_configuration.ts";
export type * from "./namespace.ts";
export type * from "./network_policy.ts";
export type * from "./node.ts";
export type * from "./node_metrics.ts";
export type * from "./persistent_volume.ts";
export type * from "./persistent_volume_claim.ts";
export type * from "./pod.ts";
export type * from "./pod_disruption_budget.ts";
export type * from "./pod_metrics.ts";
export type * from "./pod_template.ts";
export type * from "./priority_class.ts";
export type * from "./priority_level_configuration.ts";
export type * from "./replica_set.ts";
export type * from "./replication_controller.ts";
export type * from "./resource_claim.ts";
export type * from "./resource_claim_template.ts";
export type * from "./resource_quota.ts";
export type * from "./resource_slice.ts";
export type * from "./role.ts";
export type * from "./role_binding.ts";
export type * from "./runtime_class.ts";
export type * from "./secret.ts";
export type * from "./service.ts";
export type * from "./service_account.ts";
export type * from "./service_cidr.ts";
export type * from "./stateful_set.ts";
export type * from "./storage_class.ts";
export type * from "./validating_admission_policy.ts";
export type * from "./validating_admission_policy_binding.ts";
export type * from "./validating_webhook_configuration.ts";
export type * from "./volume_attachment.ts";
export type * from "./volume_attributes_class.ts";
export {
  apiService,
  certificateSigningRequest,
  clusterRole,
  clusterRoleBinding,
  componentStatus,
  configMap,
  controllerRevision,
  cronJob,
  cronJobV1beta1,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  customResourceDefinition,
  daemonSet,
  deployment,
  deviceClass,
  endpointSlice,
  endpoints,
  event,
  eventV1,
  flowSchema,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  ingress,
  ingressClass,
  ingressExtensions,
  ingressV1Beta1,
  ipAddress,
  job,
  lease,
  limitRange,
  mutatingAdmissionPolicy,
  mutatingAdmissionPolicyBinding,
  mutatingWebhookConfiguration,
  namespace,
  networkPolicy,
  node,
  nodeMetrics,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  podDisruptionBudgetV1beta1,
  podMetrics,
  podTemplate,
  priorityClass,
  priorityLevelConfiguration,
  replicaSet,
  replicationController,
  resourceClaim,
  resourceClaimTemplate,
  resourceQuota,
  resourceSlice,
  role,
  roleBinding,
  runtimeClass,
  secret,
  service,
  serviceAccount,
  serviceCidr,
  statefulSet,
  storageClass,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
  validatingWebhookConfiguration,
  volumeAttachment,
  volumeAttributesClass,
};
