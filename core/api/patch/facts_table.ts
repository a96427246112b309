/**
 * What the types of Kubernetes' API say about merging, as data. One type a paragraph, one field a line:
 *
 * - `field: Type` leads to another type (of the same group and version unless qualified); only ways that lead to facts stand here.
 * - `merge=KEY` strategic merge patch merges the list by that key; `merge` alone merges a list of plain values.
 * - `retainKeys` a patch says which members stay; `replace` a patch replaces the whole object.
 * - `map=KEYS`, `set` how server-side apply owns the items of the list (otherwise the list is one value: atomic).
 * - `atomic` server-side apply owns the object, or with `atomicItems` each item of the list, as one value.
 *
 * Every `metadata` is an ObjectMeta. Whatever does not stand here has Kubernetes' defaults: objects merge by member,
 * lists are replaced.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
export const mergeFacts: string = `
meta.v1.ObjectMeta
  finalizers: merge set
  ownerReferences: merge=uid map=uid atomicItems
core.v1.Affinity
  nodeAffinity: NodeAffinity
core.v1.Binding
  target: atomic
core.v1.CSIPersistentVolumeSource
  controllerExpandSecretRef: atomic
  controllerPublishSecretRef: atomic
  nodeExpandSecretRef: atomic
  nodePublishSecretRef: atomic
  nodeStageSecretRef: atomic
core.v1.CSIVolumeSource
  nodePublishSecretRef: atomic
core.v1.CephFSPersistentVolumeSource
  secretRef: atomic
core.v1.CephFSVolumeSource
  secretRef: atomic
core.v1.CinderPersistentVolumeSource
  secretRef: atomic
core.v1.CinderVolumeSource
  secretRef: atomic
core.v1.ComponentStatus
  conditions: merge=type map=type
core.v1.Container
  env: EnvVar merge=name map=name
  ports: merge=containerPort map=containerPort,protocol
  resources: ResourceRequirements
  volumeDevices: merge=devicePath map=devicePath
  volumeMounts: merge=mountPath map=mountPath
core.v1.EnvVar
  valueFrom: EnvVarSource
core.v1.EnvVarSource
  configMapKeyRef: atomic
  fieldRef: atomic
  fileKeyRef: atomic
  resourceFieldRef: atomic
  secretKeyRef: atomic
core.v1.EphemeralContainer
  env: EnvVar merge=name map=name
  ports: merge=containerPort map=containerPort,protocol
  resources: ResourceRequirements
  volumeDevices: merge=devicePath map=devicePath
  volumeMounts: merge=mountPath map=mountPath
core.v1.EphemeralVolumeSource
  volumeClaimTemplate: PersistentVolumeClaimTemplate
core.v1.Event
  involvedObject: atomic
  related: atomic
core.v1.FlexPersistentVolumeSource
  secretRef: atomic
core.v1.FlexVolumeSource
  secretRef: atomic
core.v1.ISCSIPersistentVolumeSource
  secretRef: atomic
core.v1.ISCSIVolumeSource
  secretRef: atomic
core.v1.Namespace
  status: NamespaceStatus
core.v1.NamespaceStatus
  conditions: merge=type map=type
core.v1.Node
  spec: NodeSpec
  status: NodeStatus
core.v1.NodeAffinity
  requiredDuringSchedulingIgnoredDuringExecution: atomic
core.v1.NodeSpec
  podCIDRs: merge set
core.v1.NodeStatus
  addresses: merge=type map=type
  conditions: merge=type map=type
core.v1.PersistentVolume
  spec: PersistentVolumeSpec
core.v1.PersistentVolumeClaim
  spec: PersistentVolumeClaimSpec
  status: PersistentVolumeClaimStatus
core.v1.PersistentVolumeClaimSpec
  dataSource: atomic
  selector: atomic
core.v1.PersistentVolumeClaimStatus
  conditions: merge=type map=type
core.v1.PersistentVolumeClaimTemplate
  spec: PersistentVolumeClaimSpec
core.v1.PersistentVolumeSpec
  cephfs: CephFSPersistentVolumeSource
  cinder: CinderPersistentVolumeSource
  csi: CSIPersistentVolumeSource
  flexVolume: FlexPersistentVolumeSource
  iscsi: ISCSIPersistentVolumeSource
  nodeAffinity: VolumeNodeAffinity
  rbd: RBDPersistentVolumeSource
  scaleIO: ScaleIOPersistentVolumeSource
  storageos: StorageOSPersistentVolumeSource
core.v1.Pod
  spec: PodSpec
  status: PodStatus
core.v1.PodSpec
  affinity: Affinity
  containers: Container merge=name map=name
  ephemeralContainers: EphemeralContainer merge=name map=name
  hostAliases: merge=ip map=ip
  imagePullSecrets: merge=name map=name atomicItems
  initContainers: Container merge=name map=name
  nodeSelector: atomic
  resourceClaims: merge=name retainKeys map=name
  resources: ResourceRequirements
  schedulingGates: merge=name map=name
  topologySpreadConstraints: TopologySpreadConstraint merge=topologyKey map=topologyKey,whenUnsatisfiable
  volumes: Volume merge=name retainKeys map=name
core.v1.PodStatus
  conditions: merge=type map=type
  hostIPs: merge=ip
  podIPs: merge=ip map=ip
  resourceClaimStatuses: merge=name retainKeys map=name
  resources: ResourceRequirements
core.v1.PodTemplate
  template: PodTemplateSpec
core.v1.PodTemplateSpec
  spec: PodSpec
core.v1.RBDPersistentVolumeSource
  secretRef: atomic
core.v1.RBDVolumeSource
  secretRef: atomic
core.v1.ReplicationController
  spec: ReplicationControllerSpec
  status: ReplicationControllerStatus
core.v1.ReplicationControllerSpec
  selector: atomic
  template: PodTemplateSpec
core.v1.ReplicationControllerStatus
  conditions: merge=type map=type
core.v1.ResourceQuota
  spec: ResourceQuotaSpec
core.v1.ResourceQuotaSpec
  scopeSelector: atomic
core.v1.ResourceRequirements
  claims: map=name
core.v1.ScaleIOPersistentVolumeSource
  secretRef: atomic
core.v1.ScaleIOVolumeSource
  secretRef: atomic
core.v1.Service
  spec: ServiceSpec
  status: ServiceStatus
core.v1.ServiceAccount
  secrets: merge=name map=name atomicItems
core.v1.ServiceSpec
  ports: merge=port map=port,protocol
  selector: atomic
core.v1.ServiceStatus
  conditions: merge=type map=type
core.v1.StorageOSPersistentVolumeSource
  secretRef: atomic
core.v1.StorageOSVolumeSource
  secretRef: atomic
core.v1.TopologySpreadConstraint
  labelSelector: atomic
core.v1.Volume
  cephfs: CephFSVolumeSource
  cinder: CinderVolumeSource
  csi: CSIVolumeSource
  ephemeral: EphemeralVolumeSource
  flexVolume: FlexVolumeSource
  iscsi: ISCSIVolumeSource
  rbd: RBDVolumeSource
  scaleIO: ScaleIOVolumeSource
  storageos: StorageOSVolumeSource
core.v1.VolumeNodeAffinity
  required: atomic
apps.v1.DaemonSet
  spec: DaemonSetSpec
  status: DaemonSetStatus
apps.v1.DaemonSetSpec
  selector: atomic
  template: core.v1.PodTemplateSpec
apps.v1.DaemonSetStatus
  conditions: merge=type map=type
apps.v1.Deployment
  spec: DeploymentSpec
  status: DeploymentStatus
apps.v1.DeploymentSpec
  selector: atomic
  strategy: retainKeys
  template: core.v1.PodTemplateSpec
apps.v1.DeploymentStatus
  conditions: merge=type map=type
apps.v1.ReplicaSet
  spec: ReplicaSetSpec
  status: ReplicaSetStatus
apps.v1.ReplicaSetSpec
  selector: atomic
  template: core.v1.PodTemplateSpec
apps.v1.ReplicaSetStatus
  conditions: merge=type map=type
apps.v1.StatefulSet
  spec: StatefulSetSpec
  status: StatefulSetStatus
apps.v1.StatefulSetSpec
  selector: atomic
  template: core.v1.PodTemplateSpec
apps.v1.StatefulSetStatus
  conditions: merge=type map=type
admissionregistration.v1.MutatingAdmissionPolicy
  spec: MutatingAdmissionPolicySpec
admissionregistration.v1.MutatingAdmissionPolicyBinding
  spec: MutatingAdmissionPolicyBindingSpec
admissionregistration.v1.MutatingAdmissionPolicyBindingSpec
  matchResources: atomic
  paramRef: atomic
admissionregistration.v1.MutatingAdmissionPolicySpec
  matchConditions: merge=name map=name
  matchConstraints: atomic
  paramKind: atomic
admissionregistration.v1.MutatingWebhook
  matchConditions: merge=name map=name
  namespaceSelector: atomic
  objectSelector: atomic
admissionregistration.v1.MutatingWebhookConfiguration
  webhooks: MutatingWebhook merge=name map=name
admissionregistration.v1.ValidatingAdmissionPolicy
  spec: ValidatingAdmissionPolicySpec
  status: ValidatingAdmissionPolicyStatus
admissionregistration.v1.ValidatingAdmissionPolicyBinding
  spec: ValidatingAdmissionPolicyBindingSpec
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec
  matchResources: atomic
  paramRef: atomic
  validationActions: set
admissionregistration.v1.ValidatingAdmissionPolicySpec
  matchConditions: merge=name map=name
  matchConstraints: atomic
  paramKind: atomic
  variables: merge=name map=name atomicItems
admissionregistration.v1.ValidatingAdmissionPolicyStatus
  conditions: map=type
admissionregistration.v1.ValidatingWebhook
  matchConditions: merge=name map=name
  namespaceSelector: atomic
  objectSelector: atomic
admissionregistration.v1.ValidatingWebhookConfiguration
  webhooks: ValidatingWebhook merge=name map=name
apiextensions.v1.CustomResourceDefinition
  status: CustomResourceDefinitionStatus
apiextensions.v1.CustomResourceDefinitionStatus
  conditions: map=type
apiregistration.v1.APIService
  status: APIServiceStatus
apiregistration.v1.APIServiceStatus
  conditions: merge=type map=type
autoscaling.v1.HorizontalPodAutoscaler
  spec: HorizontalPodAutoscalerSpec
autoscaling.v1.HorizontalPodAutoscalerSpec
  scaleTargetRef: atomic
autoscaling.v2.HorizontalPodAutoscaler
  status: HorizontalPodAutoscalerStatus
autoscaling.v2.HorizontalPodAutoscalerStatus
  conditions: merge=type map=type
batch.v1.CronJob
  spec: CronJobSpec
batch.v1.CronJobSpec
  jobTemplate: JobTemplateSpec
batch.v1.Job
  spec: JobSpec
  status: JobStatus
batch.v1.JobSpec
  selector: atomic
  template: core.v1.PodTemplateSpec
batch.v1.JobStatus
  conditions: merge=type
  uncountedTerminatedPods: UncountedTerminatedPods
batch.v1.JobTemplateSpec
  spec: JobSpec
batch.v1.UncountedTerminatedPods
  failed: set
  succeeded: set
certificates.v1.CertificateSigningRequest
  status: CertificateSigningRequestStatus
certificates.v1.CertificateSigningRequestStatus
  conditions: map=type
events.v1.Event
  regarding: atomic
  related: atomic
flowcontrol.v1.FlowSchema
  status: FlowSchemaStatus
flowcontrol.v1.FlowSchemaStatus
  conditions: merge=type map=type
flowcontrol.v1.PriorityLevelConfiguration
  status: PriorityLevelConfigurationStatus
flowcontrol.v1.PriorityLevelConfigurationStatus
  conditions: merge=type map=type
networking.v1.Ingress
  spec: IngressSpec
networking.v1.IngressBackend
  resource: atomic
  service: IngressServiceBackend
networking.v1.IngressServiceBackend
  port: atomic
networking.v1.IngressSpec
  defaultBackend: IngressBackend
networking.v1.NetworkPolicy
  spec: NetworkPolicySpec
networking.v1.NetworkPolicySpec
  podSelector: atomic
networking.v1.ServiceCIDR
  status: ServiceCIDRStatus
networking.v1.ServiceCIDRStatus
  conditions: merge=type map=type
node.v1.RuntimeClass
  scheduling: Scheduling
node.v1.Scheduling
  nodeSelector: atomic
policy.v1.PodDisruptionBudget
  spec: PodDisruptionBudgetSpec
  status: PodDisruptionBudgetStatus
policy.v1.PodDisruptionBudgetSpec
  selector: replace atomic
policy.v1.PodDisruptionBudgetStatus
  conditions: merge=type map=type
rbac.v1.ClusterRoleBinding
  roleRef: atomic
rbac.v1.RoleBinding
  roleRef: atomic
resource.v1.AllocatedDeviceStatus
  conditions: map=type
resource.v1.AllocationResult
  nodeSelector: atomic
resource.v1.ResourceClaim
  status: ResourceClaimStatus
resource.v1.ResourceClaimStatus
  allocation: AllocationResult
  devices: AllocatedDeviceStatus map=driver,device,pool,shareID
  reservedFor: merge=uid map=uid
resource.v1.ResourceSlice
  spec: ResourceSliceSpec
resource.v1.ResourceSliceSpec
  nodeSelector: atomic
storage.v1.CSIDriver
  spec: CSIDriverSpec
storage.v1.CSIDriverSpec
  volumeLifecycleModes: set
storage.v1.CSINode
  spec: CSINodeSpec
storage.v1.CSINodeSpec
  drivers: merge=name map=name
storage.v1.CSIStorageCapacity
  nodeTopology: atomic
storage.v1.VolumeAttachment
  spec: VolumeAttachmentSpec
storage.v1.VolumeAttachmentSource
  inlineVolumeSpec: core.v1.PersistentVolumeSpec
storage.v1.VolumeAttachmentSpec
  source: VolumeAttachmentSource
`;
