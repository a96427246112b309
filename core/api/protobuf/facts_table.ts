/**
 * The protobuf messages of the kinds that are served and of everything they reach, as data. One message a line:
 * its name, then the number, name in JSON and type of its fields.
 *
 * - A type that is left out is `string`; `[]T` is a list, `{}T` a map with text for keys.
 * - `name?` is a pointer in Go: its presence says something. Other fields are on the wire even when they are zero.
 * - `...T` embeds the fields of a message.
 * - They stand in the order in which Go declares them: so JSON has them that is written from Go's structures.
 * - `[core.v1]` begins a section: bare names in it are of this section. What stands before the first one belongs to all.
 *
 * To serve another kind, add its message and those it reaches; the tests compare them with the API's schema.
 *
 * @see https://github.com/kubernetes/api generated.proto of each group
 */
export const protobufFacts: string = `
TypeMeta: 1 apiVersion, 2 kind
Quantity: 1 text
IntOrString: 1 type int64, 2 intVal int32, 3 strVal
Time: 1 seconds? int64, 2 nanos int32
MicroTime: 1 seconds? int64, 2 nanos int32
Raw: 1 raw
ExtraValue: 1 items []string
[meta.v1]
Condition: 1 type, 2 status, 3 observedGeneration int64, 4 lastTransitionTime Time, 5 reason, 6 message
DeleteOptions: 1 gracePeriodSeconds? int64, 2 preconditions? Preconditions, 3 orphanDependents? bool, 4 propagationPolicy?, 5 dryRun []string, 6 ignoreStoreReadErrorWithClusterBreakingPotential? bool
FieldSelectorRequirement: 1 key, 2 operator, 3 values []string
LabelSelector: 1 matchLabels {}string, 2 matchExpressions []LabelSelectorRequirement
LabelSelectorRequirement: 1 key, 2 operator, 3 values []string
ListMeta: 1 selfLink, 2 resourceVersion, 3 continue, 4 remainingItemCount? int64, 5 shardInfo? ShardInfo
ManagedFieldsEntry: 1 manager, 2 operation, 3 apiVersion, 4 time? Time, 6 fieldsType, 7 fieldsV1? Raw, 8 subresource
ObjectMeta: 1 name, 2 generateName, 3 namespace, 4 selfLink, 5 uid, 6 resourceVersion, 7 generation int64, 8 creationTimestamp Time, 9 deletionTimestamp? Time, 10 deletionGracePeriodSeconds? int64, 11 labels {}string, 12 annotations {}string, 13 ownerReferences []OwnerReference, 14 finalizers []string, 17 managedFields []ManagedFieldsEntry
OwnerReference: 5 apiVersion, 1 kind, 3 name, 4 uid, 6 controller? bool, 7 blockOwnerDeletion? bool
Preconditions: 1 uid?, 2 resourceVersion?
ShardInfo: 1 selector
Status: 1 metadata ListMeta, 2 status, 3 message, 4 reason, 5 details? StatusDetails, 6 code int32
StatusCause: 1 reason, 2 message, 3 field
StatusDetails: 1 name, 2 group, 3 kind, 6 uid, 4 causes []StatusCause, 5 retryAfterSeconds int32
[core.v1]
AWSElasticBlockStoreVolumeSource: 1 volumeID, 2 fsType, 3 partition int32, 4 readOnly bool
Affinity: 1 nodeAffinity? NodeAffinity, 2 podAffinity? PodAffinity, 3 podAntiAffinity? PodAntiAffinity
AppArmorProfile: 1 type, 2 localhostProfile?
AttachedVolume: 1 name, 2 devicePath
AzureDiskVolumeSource: 1 diskName, 2 diskURI, 3 cachingMode?, 4 fsType?, 5 readOnly? bool, 6 kind?
AzureFilePersistentVolumeSource: 1 secretName, 2 shareName, 3 readOnly bool, 4 secretNamespace?
AzureFileVolumeSource: 1 secretName, 2 shareName, 3 readOnly bool
Binding: 1 metadata meta.v1.ObjectMeta, 2 target ObjectReference
CSIPersistentVolumeSource: 1 driver, 2 volumeHandle, 3 readOnly bool, 4 fsType, 5 volumeAttributes {}string, 6 controllerPublishSecretRef? SecretReference, 7 nodeStageSecretRef? SecretReference, 8 nodePublishSecretRef? SecretReference, 9 controllerExpandSecretRef? SecretReference, 10 nodeExpandSecretRef? SecretReference
CSIVolumeSource: 1 driver, 2 readOnly? bool, 3 fsType?, 4 volumeAttributes {}string, 5 nodePublishSecretRef? LocalObjectReference
Capabilities: 1 add []string, 2 drop []string
CephFSPersistentVolumeSource: 1 monitors []string, 2 path, 3 user, 4 secretFile, 5 secretRef? SecretReference, 6 readOnly bool
CephFSVolumeSource: 1 monitors []string, 2 path, 3 user, 4 secretFile, 5 secretRef? LocalObjectReference, 6 readOnly bool
CinderPersistentVolumeSource: 1 volumeID, 2 fsType, 3 readOnly bool, 4 secretRef? SecretReference
CinderVolumeSource: 1 volumeID, 2 fsType, 3 readOnly bool, 4 secretRef? LocalObjectReference
ClientIPConfig: 1 timeoutSeconds? int32
ClusterTrustBundleProjection: 1 name?, 2 signerName?, 3 labelSelector? meta.v1.LabelSelector, 5 optional? bool, 4 path
ComponentCondition: 1 type, 2 status, 3 message, 4 error
ComponentStatus: 1 metadata meta.v1.ObjectMeta, 2 conditions []ComponentCondition
ConfigMap: 1 metadata meta.v1.ObjectMeta, 4 immutable? bool, 2 data {}string, 3 binaryData {}bytes
ConfigMapEnvSource: 1 ...LocalObjectReference, 2 optional? bool
ConfigMapKeySelector: 1 ...LocalObjectReference, 2 key, 3 optional? bool
ConfigMapNodeConfigSource: 1 namespace, 2 name, 3 uid, 4 resourceVersion, 5 kubeletConfigKey
ConfigMapProjection: 1 ...LocalObjectReference, 2 items []KeyToPath, 4 optional? bool
ConfigMapVolumeSource: 1 ...LocalObjectReference, 2 items []KeyToPath, 3 defaultMode? int32, 4 optional? bool
Container: 1 name, 2 image, 3 command []string, 4 args []string, 5 workingDir, 6 ports []ContainerPort, 19 envFrom []EnvFromSource, 7 env []EnvVar, 8 resources ResourceRequirements, 23 resizePolicy []ContainerResizePolicy, 24 restartPolicy?, 25 restartPolicyRules []ContainerRestartRule, 9 volumeMounts []VolumeMount, 21 volumeDevices []VolumeDevice, 10 livenessProbe? Probe, 11 readinessProbe? Probe, 22 startupProbe? Probe, 12 lifecycle? Lifecycle, 13 terminationMessagePath, 20 terminationMessagePolicy, 14 imagePullPolicy, 15 securityContext? SecurityContext, 16 stdin bool, 17 stdinOnce bool, 18 tty bool
ContainerExtendedResourceRequest: 1 containerName, 2 resourceName, 3 requestName
ContainerImage: 1 names []string, 2 sizeBytes int64
ContainerPort: 1 name, 2 hostPort int32, 3 containerPort int32, 4 protocol, 5 hostIP
ContainerResizePolicy: 1 resourceName, 2 restartPolicy
ContainerRestartRule: 1 action, 2 exitCodes? ContainerRestartRuleOnExitCodes
ContainerRestartRuleOnExitCodes: 1 operator, 2 values []int32
ContainerState: 1 waiting? ContainerStateWaiting, 2 running? ContainerStateRunning, 3 terminated? ContainerStateTerminated
ContainerStateRunning: 1 startedAt Time
ContainerStateTerminated: 1 exitCode int32, 2 signal int32, 3 reason, 4 message, 5 startedAt Time, 6 finishedAt Time, 7 containerID
ContainerStateWaiting: 1 reason, 2 message
ContainerStatus: 1 name, 2 state ContainerState, 3 lastState ContainerState, 4 ready bool, 5 restartCount int32, 6 image, 7 imageID, 8 containerID, 9 started? bool, 10 allocatedResources {}Quantity, 11 resources? ResourceRequirements, 12 volumeMounts []VolumeMountStatus, 13 user? ContainerUser, 14 allocatedResourcesStatus []ResourceStatus, 15 stopSignal?
ContainerUser: 1 linux? LinuxContainerUser
DaemonEndpoint: 1 Port int32
DownwardAPIProjection: 1 items []DownwardAPIVolumeFile
DownwardAPIVolumeFile: 1 path, 2 fieldRef? ObjectFieldSelector, 3 resourceFieldRef? ResourceFieldSelector, 4 mode? int32
DownwardAPIVolumeSource: 1 items []DownwardAPIVolumeFile, 2 defaultMode? int32
EmptyDirVolumeSource: 1 medium, 2 sizeLimit? Quantity
EndpointAddress: 1 ip, 3 hostname, 4 nodeName?, 2 targetRef? ObjectReference
EndpointPort: 1 name, 2 port int32, 3 protocol, 4 appProtocol?
EndpointSubset: 1 addresses []EndpointAddress, 2 notReadyAddresses []EndpointAddress, 3 ports []EndpointPort
Endpoints: 1 metadata meta.v1.ObjectMeta, 2 subsets []EndpointSubset
EnvFromSource: 1 prefix, 2 configMapRef? ConfigMapEnvSource, 3 secretRef? SecretEnvSource
EnvVar: 1 name, 2 value, 3 valueFrom? EnvVarSource
EnvVarSource: 1 fieldRef? ObjectFieldSelector, 2 resourceFieldRef? ResourceFieldSelector, 3 configMapKeyRef? ConfigMapKeySelector, 4 secretKeyRef? SecretKeySelector, 5 fileKeyRef? FileKeySelector
EphemeralContainer: 1 ...EphemeralContainerCommon, 2 targetContainerName
EphemeralContainerCommon: 1 name, 2 image, 3 command []string, 4 args []string, 5 workingDir, 6 ports []ContainerPort, 19 envFrom []EnvFromSource, 7 env []EnvVar, 8 resources ResourceRequirements, 23 resizePolicy []ContainerResizePolicy, 24 restartPolicy?, 25 restartPolicyRules []ContainerRestartRule, 9 volumeMounts []VolumeMount, 21 volumeDevices []VolumeDevice, 10 livenessProbe? Probe, 11 readinessProbe? Probe, 22 startupProbe? Probe, 12 lifecycle? Lifecycle, 13 terminationMessagePath, 20 terminationMessagePolicy, 14 imagePullPolicy, 15 securityContext? SecurityContext, 16 stdin bool, 17 stdinOnce bool, 18 tty bool
EphemeralVolumeSource: 1 volumeClaimTemplate? PersistentVolumeClaimTemplate
Event: 1 metadata meta.v1.ObjectMeta, 2 involvedObject ObjectReference, 3 reason, 4 message, 5 source EventSource, 6 firstTimestamp Time, 7 lastTimestamp Time, 8 count int32, 9 type, 10 eventTime MicroTime, 11 series? EventSeries, 12 action, 13 related? ObjectReference, 14 reportingComponent, 15 reportingInstance
EventSeries: 1 count int32, 2 lastObservedTime MicroTime
EventSource: 1 component, 2 host
ExecAction: 1 command []string
FCVolumeSource: 1 targetWWNs []string, 2 lun? int32, 3 fsType, 4 readOnly bool, 5 wwids []string
FileKeySelector: 1 volumeName, 2 path, 3 key, 4 optional? bool
FlexPersistentVolumeSource: 1 driver, 2 fsType, 3 secretRef? SecretReference, 4 readOnly bool, 5 options {}string
FlexVolumeSource: 1 driver, 2 fsType, 3 secretRef? LocalObjectReference, 4 readOnly bool, 5 options {}string
FlockerVolumeSource: 1 datasetName, 2 datasetUUID
GCEPersistentDiskVolumeSource: 1 pdName, 2 fsType, 3 partition int32, 4 readOnly bool
GRPCAction: 1 port int32, 2 service?
GitRepoVolumeSource: 1 repository, 2 revision, 3 directory
GlusterfsPersistentVolumeSource: 1 endpoints, 2 path, 3 readOnly bool, 4 endpointsNamespace?
GlusterfsVolumeSource: 1 endpoints, 2 path, 3 readOnly bool
HTTPGetAction: 1 path, 2 port IntOrString, 3 host, 4 scheme, 5 httpHeaders []HTTPHeader
HTTPHeader: 1 name, 2 value
HostAlias: 1 ip, 2 hostnames []string
HostIP: 1 ip
HostPathVolumeSource: 1 path, 2 type?
ISCSIPersistentVolumeSource: 1 targetPortal, 2 iqn, 3 lun int32, 4 iscsiInterface, 5 fsType, 6 readOnly bool, 7 portals []string, 8 chapAuthDiscovery bool, 11 chapAuthSession bool, 10 secretRef? SecretReference, 12 initiatorName?
ISCSIVolumeSource: 1 targetPortal, 2 iqn, 3 lun int32, 4 iscsiInterface, 5 fsType, 6 readOnly bool, 7 portals []string, 8 chapAuthDiscovery bool, 11 chapAuthSession bool, 10 secretRef? LocalObjectReference, 12 initiatorName?
ImageVolumeSource: 1 reference, 2 pullPolicy
ImageVolumeStatus: 1 imageRef
KeyToPath: 1 key, 2 path, 3 mode? int32
Lifecycle: 1 postStart? LifecycleHandler, 2 preStop? LifecycleHandler, 3 stopSignal?
LifecycleHandler: 1 exec? ExecAction, 2 httpGet? HTTPGetAction, 3 tcpSocket? TCPSocketAction, 4 sleep? SleepAction
LimitRange: 1 metadata meta.v1.ObjectMeta, 2 spec LimitRangeSpec
LimitRangeItem: 1 type, 2 max {}Quantity, 3 min {}Quantity, 4 default {}Quantity, 5 defaultRequest {}Quantity, 6 maxLimitRequestRatio {}Quantity
LimitRangeSpec: 1 limits []LimitRangeItem
LinuxContainerUser: 1 uid int64, 2 gid int64, 3 supplementalGroups []int64
LoadBalancerIngress: 1 ip, 2 hostname, 3 ipMode?, 4 ports []PortStatus
LoadBalancerStatus: 1 ingress []LoadBalancerIngress
LocalObjectReference: 1 name
LocalVolumeSource: 1 path, 2 fsType?
ModifyVolumeStatus: 1 targetVolumeAttributesClassName, 2 status
NFSVolumeSource: 1 server, 2 path, 3 readOnly bool
Namespace: 1 metadata meta.v1.ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus
NamespaceCondition: 1 type, 2 status, 4 lastTransitionTime Time, 5 reason, 6 message
NamespaceSpec: 1 finalizers []string
NamespaceStatus: 1 phase, 2 conditions []NamespaceCondition
Node: 1 metadata meta.v1.ObjectMeta, 2 spec NodeSpec, 3 status NodeStatus
NodeAddress: 1 type, 2 address
NodeAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution? NodeSelector, 2 preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm
NodeAllocatableResourceClaimStatus: 1 resourceClaimName, 2 containers []string, 3 resources {}Quantity
NodeCondition: 1 type, 2 status, 3 lastHeartbeatTime Time, 4 lastTransitionTime Time, 5 reason, 6 message
NodeConfigSource: 2 configMap? ConfigMapNodeConfigSource
NodeConfigStatus: 1 assigned? NodeConfigSource, 2 active? NodeConfigSource, 3 lastKnownGood? NodeConfigSource, 4 error
NodeDaemonEndpoints: 1 kubeletEndpoint DaemonEndpoint
NodeFeatures: 1 supplementalGroupsPolicy? bool
NodeRuntimeHandler: 1 name, 2 features? NodeRuntimeHandlerFeatures
NodeRuntimeHandlerFeatures: 1 recursiveReadOnlyMounts? bool, 2 userNamespaces? bool
NodeSelector: 1 nodeSelectorTerms []NodeSelectorTerm
NodeSelectorRequirement: 1 key, 2 operator, 3 values []string
NodeSelectorTerm: 1 matchExpressions []NodeSelectorRequirement, 2 matchFields []NodeSelectorRequirement
NodeSpec: 1 podCIDR, 7 podCIDRs []string, 3 providerID, 4 unschedulable bool, 5 taints []Taint, 6 configSource? NodeConfigSource, 2 externalID
NodeStatus: 1 capacity {}Quantity, 2 allocatable {}Quantity, 3 phase, 4 conditions []NodeCondition, 5 addresses []NodeAddress, 6 daemonEndpoints NodeDaemonEndpoints, 7 nodeInfo NodeSystemInfo, 8 images []ContainerImage, 9 volumesInUse []string, 10 volumesAttached []AttachedVolume, 11 config? NodeConfigStatus, 12 runtimeHandlers []NodeRuntimeHandler, 13 features? NodeFeatures, 14 declaredFeatures []string
NodeSwapStatus: 1 capacity? int64
NodeSystemInfo: 1 machineID, 2 systemUUID, 3 bootID, 4 kernelVersion, 5 osImage, 6 containerRuntimeVersion, 7 kubeletVersion, 8 kubeProxyVersion, 9 operatingSystem, 10 architecture, 11 swap? NodeSwapStatus
ObjectFieldSelector: 1 apiVersion, 2 fieldPath
ObjectReference: 1 kind, 2 namespace, 3 name, 4 uid, 5 apiVersion, 6 resourceVersion, 7 fieldPath
PersistentVolume: 1 metadata meta.v1.ObjectMeta, 2 spec PersistentVolumeSpec, 3 status PersistentVolumeStatus
PersistentVolumeClaim: 1 metadata meta.v1.ObjectMeta, 2 spec PersistentVolumeClaimSpec, 3 status PersistentVolumeClaimStatus
PersistentVolumeClaimCondition: 1 type, 2 status, 3 lastProbeTime Time, 4 lastTransitionTime Time, 5 reason, 6 message
PersistentVolumeClaimSpec: 1 accessModes []string, 4 selector? meta.v1.LabelSelector, 2 resources VolumeResourceRequirements, 3 volumeName, 5 storageClassName?, 6 volumeMode?, 7 dataSource? TypedLocalObjectReference, 8 dataSourceRef? TypedObjectReference, 9 volumeAttributesClassName?
PersistentVolumeClaimStatus: 1 phase, 2 accessModes []string, 3 capacity {}Quantity, 4 conditions []PersistentVolumeClaimCondition, 5 allocatedResources {}Quantity, 7 allocatedResourceStatuses {}string, 8 currentVolumeAttributesClassName?, 9 modifyVolumeStatus? ModifyVolumeStatus
PersistentVolumeClaimTemplate: 1 metadata meta.v1.ObjectMeta, 2 spec PersistentVolumeClaimSpec
PersistentVolumeClaimVolumeSource: 1 claimName, 2 readOnly bool
PersistentVolumeSource: 1 gcePersistentDisk? GCEPersistentDiskVolumeSource, 2 awsElasticBlockStore? AWSElasticBlockStoreVolumeSource, 3 hostPath? HostPathVolumeSource, 4 glusterfs? GlusterfsPersistentVolumeSource, 5 nfs? NFSVolumeSource, 6 rbd? RBDPersistentVolumeSource, 7 iscsi? ISCSIPersistentVolumeSource, 8 cinder? CinderPersistentVolumeSource, 9 cephfs? CephFSPersistentVolumeSource, 10 fc? FCVolumeSource, 11 flocker? FlockerVolumeSource, 12 flexVolume? FlexPersistentVolumeSource, 13 azureFile? AzureFilePersistentVolumeSource, 14 vsphereVolume? VsphereVirtualDiskVolumeSource, 15 quobyte? QuobyteVolumeSource, 16 azureDisk? AzureDiskVolumeSource, 17 photonPersistentDisk? PhotonPersistentDiskVolumeSource, 18 portworxVolume? PortworxVolumeSource, 19 scaleIO? ScaleIOPersistentVolumeSource, 20 local? LocalVolumeSource, 21 storageos? StorageOSPersistentVolumeSource, 22 csi? CSIPersistentVolumeSource
PersistentVolumeSpec: 1 capacity {}Quantity, 2 ...PersistentVolumeSource, 3 accessModes []string, 4 claimRef? ObjectReference, 5 persistentVolumeReclaimPolicy, 6 storageClassName, 7 mountOptions []string, 8 volumeMode?, 9 nodeAffinity? VolumeNodeAffinity, 10 volumeAttributesClassName?
PersistentVolumeStatus: 1 phase, 2 message, 3 reason, 4 lastPhaseTransitionTime? Time
PhotonPersistentDiskVolumeSource: 1 pdID, 2 fsType
Pod: 1 metadata meta.v1.ObjectMeta, 2 spec PodSpec, 3 status PodStatus
PodAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm, 2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
PodAffinityTerm: 1 labelSelector? meta.v1.LabelSelector, 2 namespaces []string, 3 topologyKey, 4 namespaceSelector? meta.v1.LabelSelector, 5 matchLabelKeys []string, 6 mismatchLabelKeys []string
PodAntiAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm, 2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
PodCertificateProjection: 1 signerName, 2 keyType, 3 maxExpirationSeconds? int32, 4 credentialBundlePath, 5 keyPath, 6 certificateChainPath, 7 userAnnotations {}string
PodCondition: 1 type, 7 observedGeneration int64, 2 status, 3 lastProbeTime Time, 4 lastTransitionTime Time, 5 reason, 6 message
PodDNSConfig: 1 nameservers []string, 2 searches []string, 3 options []PodDNSConfigOption
PodDNSConfigOption: 1 name, 2 value?
PodExtendedResourceClaimStatus: 1 requestMappings []ContainerExtendedResourceRequest, 2 resourceClaimName
PodIP: 1 ip
PodOS: 1 name
PodReadinessGate: 1 conditionType
PodResourceClaim: 1 name, 3 resourceClaimName?, 4 resourceClaimTemplateName?
PodResourceClaimStatus: 1 name, 2 resourceClaimName?
PodSchedulingGate: 1 name
PodSchedulingGroup: 1 podGroupName?
PodSecurityContext: 1 seLinuxOptions? SELinuxOptions, 8 windowsOptions? WindowsSecurityContextOptions, 2 runAsUser? int64, 6 runAsGroup? int64, 3 runAsNonRoot? bool, 4 supplementalGroups []int64, 12 supplementalGroupsPolicy?, 5 fsGroup? int64, 7 sysctls []Sysctl, 9 fsGroupChangePolicy?, 10 seccompProfile? SeccompProfile, 11 appArmorProfile? AppArmorProfile, 13 seLinuxChangePolicy?
PodSpec: 1 volumes []Volume, 20 initContainers []Container, 2 containers []Container, 34 ephemeralContainers []EphemeralContainer, 3 restartPolicy, 4 terminationGracePeriodSeconds? int64, 5 activeDeadlineSeconds? int64, 6 dnsPolicy, 7 nodeSelector {}string, 8 serviceAccountName, 9 serviceAccount, 21 automountServiceAccountToken? bool, 10 nodeName, 11 hostNetwork bool, 12 hostPID bool, 13 hostIPC bool, 27 shareProcessNamespace? bool, 14 securityContext? PodSecurityContext, 15 imagePullSecrets []LocalObjectReference, 16 hostname, 17 subdomain, 18 affinity? Affinity, 19 schedulerName, 22 tolerations []Toleration, 23 hostAliases []HostAlias, 24 priorityClassName, 25 priority? int32, 26 dnsConfig? PodDNSConfig, 28 readinessGates []PodReadinessGate, 29 runtimeClassName?, 30 enableServiceLinks? bool, 31 preemptionPolicy?, 32 overhead {}Quantity, 33 topologySpreadConstraints []TopologySpreadConstraint, 35 setHostnameAsFQDN? bool, 36 os? PodOS, 37 hostUsers? bool, 38 schedulingGates []PodSchedulingGate, 39 resourceClaims []PodResourceClaim, 40 resources? ResourceRequirements, 41 hostnameOverride?, 43 schedulingGroup? PodSchedulingGroup
PodStatus: 17 observedGeneration int64, 1 phase, 2 conditions []PodCondition, 3 message, 4 reason, 11 nominatedNodeName, 5 hostIP, 16 hostIPs []HostIP, 6 podIP, 12 podIPs []PodIP, 7 startTime? Time, 10 initContainerStatuses []ContainerStatus, 8 containerStatuses []ContainerStatus, 9 qosClass, 13 ephemeralContainerStatuses []ContainerStatus, 14 resize, 15 resourceClaimStatuses []PodResourceClaimStatus, 18 extendedResourceClaimStatus? PodExtendedResourceClaimStatus, 19 allocatedResources {}Quantity, 20 resources? ResourceRequirements, 21 nodeAllocatableResourceClaimStatuses []NodeAllocatableResourceClaimStatus
PodTemplate: 1 metadata meta.v1.ObjectMeta, 2 template PodTemplateSpec
PodTemplateSpec: 1 metadata meta.v1.ObjectMeta, 2 spec PodSpec
PortStatus: 1 port int32, 2 protocol, 3 error?
PortworxVolumeSource: 1 volumeID, 2 fsType, 3 readOnly bool
PreferredSchedulingTerm: 1 weight int32, 2 preference NodeSelectorTerm
Probe: 1 ...ProbeHandler, 2 initialDelaySeconds int32, 3 timeoutSeconds int32, 4 periodSeconds int32, 5 successThreshold int32, 6 failureThreshold int32, 7 terminationGracePeriodSeconds? int64
ProbeHandler: 1 exec? ExecAction, 2 httpGet? HTTPGetAction, 3 tcpSocket? TCPSocketAction, 4 grpc? GRPCAction
ProjectedVolumeSource: 1 sources []VolumeProjection, 2 defaultMode? int32
QuobyteVolumeSource: 1 registry, 2 volume, 3 readOnly bool, 4 user, 5 group, 6 tenant
RBDPersistentVolumeSource: 1 monitors []string, 2 image, 3 fsType, 4 pool, 5 user, 6 keyring, 7 secretRef? SecretReference, 8 readOnly bool
RBDVolumeSource: 1 monitors []string, 2 image, 3 fsType, 4 pool, 5 user, 6 keyring, 7 secretRef? LocalObjectReference, 8 readOnly bool
ReplicationController: 1 metadata meta.v1.ObjectMeta, 2 spec ReplicationControllerSpec, 3 status ReplicationControllerStatus
ReplicationControllerCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
ReplicationControllerSpec: 1 replicas? int32, 4 minReadySeconds int32, 2 selector {}string, 3 template? PodTemplateSpec
ReplicationControllerStatus: 1 replicas int32, 2 fullyLabeledReplicas int32, 4 readyReplicas int32, 5 availableReplicas int32, 3 observedGeneration int64, 6 conditions []ReplicationControllerCondition
ResourceClaim: 1 name, 2 request
ResourceFieldSelector: 1 containerName, 2 resource, 3 divisor Quantity
ResourceHealth: 1 resourceID, 2 health, 6 message?
ResourceQuota: 1 metadata meta.v1.ObjectMeta, 2 spec ResourceQuotaSpec, 3 status ResourceQuotaStatus
ResourceQuotaSpec: 1 hard {}Quantity, 2 scopes []string, 3 scopeSelector? ScopeSelector
ResourceQuotaStatus: 1 hard {}Quantity, 2 used {}Quantity
ResourceRequirements: 1 limits {}Quantity, 2 requests {}Quantity, 3 claims []ResourceClaim
ResourceStatus: 1 name, 2 resources []ResourceHealth
SELinuxOptions: 1 user, 2 role, 3 type, 4 level
ScaleIOPersistentVolumeSource: 1 gateway, 2 system, 3 secretRef? SecretReference, 4 sslEnabled bool, 5 protectionDomain, 6 storagePool, 7 storageMode, 8 volumeName, 9 fsType, 10 readOnly bool
ScaleIOVolumeSource: 1 gateway, 2 system, 3 secretRef? LocalObjectReference, 4 sslEnabled bool, 5 protectionDomain, 6 storagePool, 7 storageMode, 8 volumeName, 9 fsType, 10 readOnly bool
ScopeSelector: 1 matchExpressions []ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement: 1 scopeName, 2 operator, 3 values []string
SeccompProfile: 1 type, 2 localhostProfile?
Secret: 1 metadata meta.v1.ObjectMeta, 5 immutable? bool, 2 data {}bytes, 4 stringData {}string, 3 type
SecretEnvSource: 1 ...LocalObjectReference, 2 optional? bool
SecretKeySelector: 1 ...LocalObjectReference, 2 key, 3 optional? bool
SecretProjection: 1 ...LocalObjectReference, 2 items []KeyToPath, 4 optional? bool
SecretReference: 1 name, 2 namespace
SecretVolumeSource: 1 secretName, 2 items []KeyToPath, 3 defaultMode? int32, 4 optional? bool
SecurityContext: 1 capabilities? Capabilities, 2 privileged? bool, 3 seLinuxOptions? SELinuxOptions, 10 windowsOptions? WindowsSecurityContextOptions, 4 runAsUser? int64, 8 runAsGroup? int64, 5 runAsNonRoot? bool, 6 readOnlyRootFilesystem? bool, 7 allowPrivilegeEscalation? bool, 9 procMount?, 11 seccompProfile? SeccompProfile, 12 appArmorProfile? AppArmorProfile
Service: 1 metadata meta.v1.ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus
ServiceAccount: 1 metadata meta.v1.ObjectMeta, 2 secrets []ObjectReference, 3 imagePullSecrets []LocalObjectReference, 4 automountServiceAccountToken? bool
ServiceAccountTokenProjection: 1 audience, 2 expirationSeconds? int64, 3 path
ServicePort: 1 name, 2 protocol, 6 appProtocol?, 3 port int32, 4 targetPort IntOrString, 5 nodePort int32
ServiceSpec: 1 ports []ServicePort, 2 selector {}string, 3 clusterIP, 18 clusterIPs []string, 4 type, 5 externalIPs []string, 7 sessionAffinity, 8 loadBalancerIP, 9 loadBalancerSourceRanges []string, 10 externalName, 11 externalTrafficPolicy, 12 healthCheckNodePort int32, 13 publishNotReadyAddresses bool, 14 sessionAffinityConfig? SessionAffinityConfig, 19 ipFamilies []string, 17 ipFamilyPolicy?, 20 allocateLoadBalancerNodePorts? bool, 21 loadBalancerClass?, 22 internalTrafficPolicy?, 23 trafficDistribution?
ServiceStatus: 1 loadBalancer LoadBalancerStatus, 2 conditions []meta.v1.Condition
SessionAffinityConfig: 1 clientIP? ClientIPConfig
SleepAction: 1 seconds int64
StorageOSPersistentVolumeSource: 1 volumeName, 2 volumeNamespace, 3 fsType, 4 readOnly bool, 5 secretRef? ObjectReference
StorageOSVolumeSource: 1 volumeName, 2 volumeNamespace, 3 fsType, 4 readOnly bool, 5 secretRef? LocalObjectReference
Sysctl: 1 name, 2 value
TCPSocketAction: 1 port IntOrString, 2 host
Taint: 1 key, 2 value, 3 effect, 4 timeAdded? Time
Toleration: 1 key, 2 operator, 3 value, 4 effect, 5 tolerationSeconds? int64
TopologySelectorLabelRequirement: 1 key, 2 values []string
TopologySelectorTerm: 1 matchLabelExpressions []TopologySelectorLabelRequirement
TopologySpreadConstraint: 1 maxSkew int32, 2 topologyKey, 3 whenUnsatisfiable, 4 labelSelector? meta.v1.LabelSelector, 5 minDomains? int32, 6 nodeAffinityPolicy?, 7 nodeTaintsPolicy?, 8 matchLabelKeys []string
TypedLocalObjectReference: 1 apiGroup?, 2 kind, 3 name
TypedObjectReference: 1 apiGroup?, 2 kind, 3 name, 4 namespace?
Volume: 1 name, 2 ...VolumeSource
VolumeDevice: 1 name, 2 devicePath
VolumeMount: 1 name, 2 readOnly bool, 7 recursiveReadOnly?, 3 mountPath, 4 subPath, 5 mountPropagation?, 6 subPathExpr
VolumeMountStatus: 1 name, 2 mountPath, 3 readOnly bool, 4 recursiveReadOnly?, 5 volumeStatus? VolumeStatus
VolumeNodeAffinity: 1 required? NodeSelector
VolumeProjection: 1 secret? SecretProjection, 2 downwardAPI? DownwardAPIProjection, 3 configMap? ConfigMapProjection, 4 serviceAccountToken? ServiceAccountTokenProjection, 5 clusterTrustBundle? ClusterTrustBundleProjection, 6 podCertificate? PodCertificateProjection
VolumeResourceRequirements: 1 limits {}Quantity, 2 requests {}Quantity
VolumeSource: 1 hostPath? HostPathVolumeSource, 2 emptyDir? EmptyDirVolumeSource, 3 gcePersistentDisk? GCEPersistentDiskVolumeSource, 4 awsElasticBlockStore? AWSElasticBlockStoreVolumeSource, 5 gitRepo? GitRepoVolumeSource, 6 secret? SecretVolumeSource, 7 nfs? NFSVolumeSource, 8 iscsi? ISCSIVolumeSource, 9 glusterfs? GlusterfsVolumeSource, 10 persistentVolumeClaim? PersistentVolumeClaimVolumeSource, 11 rbd? RBDVolumeSource, 12 flexVolume? FlexVolumeSource, 13 cinder? CinderVolumeSource, 14 cephfs? CephFSVolumeSource, 15 flocker? FlockerVolumeSource, 16 downwardAPI? DownwardAPIVolumeSource, 17 fc? FCVolumeSource, 18 azureFile? AzureFileVolumeSource, 19 configMap? ConfigMapVolumeSource, 20 vsphereVolume? VsphereVirtualDiskVolumeSource, 21 quobyte? QuobyteVolumeSource, 22 azureDisk? AzureDiskVolumeSource, 23 photonPersistentDisk? PhotonPersistentDiskVolumeSource, 26 projected? ProjectedVolumeSource, 24 portworxVolume? PortworxVolumeSource, 25 scaleIO? ScaleIOVolumeSource, 27 storageos? StorageOSVolumeSource, 28 csi? CSIVolumeSource, 29 ephemeral? EphemeralVolumeSource, 30 image? ImageVolumeSource
VolumeStatus: 1 image? ImageVolumeStatus
VsphereVirtualDiskVolumeSource: 1 volumePath, 2 fsType, 3 storagePolicyName, 4 storagePolicyID
WeightedPodAffinityTerm: 1 weight int32, 2 podAffinityTerm PodAffinityTerm
WindowsSecurityContextOptions: 1 gmsaCredentialSpecName?, 2 gmsaCredentialSpec?, 3 runAsUserName?, 4 hostProcess? bool
[apps.v1]
ControllerRevision: 1 metadata meta.v1.ObjectMeta, 2 data Raw, 3 revision int64
DaemonSet: 1 metadata meta.v1.ObjectMeta, 2 spec DaemonSetSpec, 3 status DaemonSetStatus
DaemonSetCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
DaemonSetSpec: 1 selector? meta.v1.LabelSelector, 2 template core.v1.PodTemplateSpec, 3 updateStrategy DaemonSetUpdateStrategy, 4 minReadySeconds int32, 6 revisionHistoryLimit? int32
DaemonSetStatus: 1 currentNumberScheduled int32, 2 numberMisscheduled int32, 3 desiredNumberScheduled int32, 4 numberReady int32, 5 observedGeneration int64, 6 updatedNumberScheduled int32, 7 numberAvailable int32, 8 numberUnavailable int32, 9 collisionCount? int32, 10 conditions []DaemonSetCondition
DaemonSetUpdateStrategy: 1 type, 2 rollingUpdate? RollingUpdateDaemonSet
Deployment: 1 metadata meta.v1.ObjectMeta, 2 spec DeploymentSpec, 3 status DeploymentStatus
DeploymentCondition: 1 type, 2 status, 6 lastUpdateTime Time, 7 lastTransitionTime Time, 4 reason, 5 message
DeploymentSpec: 1 replicas? int32, 2 selector? meta.v1.LabelSelector, 3 template core.v1.PodTemplateSpec, 4 strategy DeploymentStrategy, 5 minReadySeconds int32, 6 revisionHistoryLimit? int32, 7 paused bool, 9 progressDeadlineSeconds? int32
DeploymentStatus: 1 observedGeneration int64, 2 replicas int32, 3 updatedReplicas int32, 7 readyReplicas int32, 4 availableReplicas int32, 5 unavailableReplicas int32, 9 terminatingReplicas? int32, 6 conditions []DeploymentCondition, 8 collisionCount? int32
DeploymentStrategy: 1 type, 2 rollingUpdate? RollingUpdateDeployment
ReplicaSet: 1 metadata meta.v1.ObjectMeta, 2 spec ReplicaSetSpec, 3 status ReplicaSetStatus
ReplicaSetCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
ReplicaSetSpec: 1 replicas? int32, 4 minReadySeconds int32, 2 selector? meta.v1.LabelSelector, 3 template core.v1.PodTemplateSpec
ReplicaSetStatus: 1 replicas int32, 2 fullyLabeledReplicas int32, 4 readyReplicas int32, 5 availableReplicas int32, 7 terminatingReplicas? int32, 3 observedGeneration int64, 6 conditions []ReplicaSetCondition
RollingUpdateDaemonSet: 1 maxUnavailable? IntOrString, 2 maxSurge? IntOrString
RollingUpdateDeployment: 1 maxUnavailable? IntOrString, 2 maxSurge? IntOrString
RollingUpdateStatefulSetStrategy: 1 partition? int32, 2 maxUnavailable? IntOrString
StatefulSet: 1 metadata meta.v1.ObjectMeta, 2 spec StatefulSetSpec, 3 status StatefulSetStatus
StatefulSetCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
StatefulSetOrdinals: 1 start int32
StatefulSetPersistentVolumeClaimRetentionPolicy: 1 whenDeleted, 2 whenScaled
StatefulSetSpec: 1 replicas? int32, 2 selector? meta.v1.LabelSelector, 3 template core.v1.PodTemplateSpec, 4 volumeClaimTemplates []core.v1.PersistentVolumeClaim, 5 serviceName, 6 podManagementPolicy, 7 updateStrategy StatefulSetUpdateStrategy, 8 revisionHistoryLimit? int32, 9 minReadySeconds int32, 10 persistentVolumeClaimRetentionPolicy? StatefulSetPersistentVolumeClaimRetentionPolicy, 11 ordinals? StatefulSetOrdinals
StatefulSetStatus: 1 observedGeneration int64, 2 replicas int32, 3 readyReplicas int32, 4 currentReplicas int32, 5 updatedReplicas int32, 6 currentRevision, 7 updateRevision, 9 collisionCount? int32, 10 conditions []StatefulSetCondition, 11 availableReplicas int32
StatefulSetUpdateStrategy: 1 type, 2 rollingUpdate? RollingUpdateStatefulSetStrategy
[admissionregistration.v1]
ApplyConfiguration: 1 expression
AuditAnnotation: 1 key, 2 valueExpression
ExpressionWarning: 2 fieldRef, 3 warning
JSONPatch: 1 expression
MatchCondition: 1 name, 2 expression
MatchResources: 1 namespaceSelector? meta.v1.LabelSelector, 2 objectSelector? meta.v1.LabelSelector, 3 resourceRules []NamedRuleWithOperations, 4 excludeResourceRules []NamedRuleWithOperations, 7 matchPolicy?
MutatingAdmissionPolicy: 1 metadata meta.v1.ObjectMeta, 2 spec MutatingAdmissionPolicySpec
MutatingAdmissionPolicyBinding: 1 metadata meta.v1.ObjectMeta, 2 spec MutatingAdmissionPolicyBindingSpec
MutatingAdmissionPolicyBindingSpec: 1 policyName, 2 paramRef? ParamRef, 3 matchResources? MatchResources
MutatingAdmissionPolicySpec: 1 paramKind? ParamKind, 2 matchConstraints? MatchResources, 3 variables []Variable, 4 mutations []Mutation, 5 failurePolicy?, 6 matchConditions []MatchCondition, 7 reinvocationPolicy
MutatingWebhook: 1 name, 2 clientConfig WebhookClientConfig, 3 rules []RuleWithOperations, 4 failurePolicy?, 9 matchPolicy?, 5 namespaceSelector? meta.v1.LabelSelector, 11 objectSelector? meta.v1.LabelSelector, 6 sideEffects?, 7 timeoutSeconds? int32, 8 admissionReviewVersions []string, 10 reinvocationPolicy?, 12 matchConditions []MatchCondition
MutatingWebhookConfiguration: 1 metadata meta.v1.ObjectMeta, 2 webhooks []MutatingWebhook
Mutation: 2 patchType, 3 applyConfiguration? ApplyConfiguration, 4 jsonPatch? JSONPatch
NamedRuleWithOperations: 1 resourceNames []string, 2 ...RuleWithOperations
ParamKind: 1 apiVersion, 2 kind
ParamRef: 1 name, 2 namespace, 3 selector? meta.v1.LabelSelector, 4 parameterNotFoundAction?
Rule: 1 apiGroups []string, 2 apiVersions []string, 3 resources []string, 4 scope?
RuleWithOperations: 1 operations []string, 2 ...Rule
ServiceReference: 1 namespace, 2 name, 3 path?, 4 port? int32
TypeChecking: 1 expressionWarnings []ExpressionWarning
ValidatingAdmissionPolicy: 1 metadata meta.v1.ObjectMeta, 2 spec ValidatingAdmissionPolicySpec, 3 status ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyBinding: 1 metadata meta.v1.ObjectMeta, 2 spec ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec: 1 policyName, 2 paramRef? ParamRef, 3 matchResources? MatchResources, 4 validationActions []string
ValidatingAdmissionPolicySpec: 1 paramKind? ParamKind, 2 matchConstraints? MatchResources, 3 validations []Validation, 4 failurePolicy?, 5 auditAnnotations []AuditAnnotation, 6 matchConditions []MatchCondition, 7 variables []Variable
ValidatingAdmissionPolicyStatus: 1 observedGeneration int64, 2 typeChecking? TypeChecking, 3 conditions []meta.v1.Condition
ValidatingWebhook: 1 name, 2 clientConfig WebhookClientConfig, 3 rules []RuleWithOperations, 4 failurePolicy?, 9 matchPolicy?, 5 namespaceSelector? meta.v1.LabelSelector, 10 objectSelector? meta.v1.LabelSelector, 6 sideEffects?, 7 timeoutSeconds? int32, 8 admissionReviewVersions []string, 11 matchConditions []MatchCondition
ValidatingWebhookConfiguration: 1 metadata meta.v1.ObjectMeta, 2 webhooks []ValidatingWebhook
Validation: 1 expression, 2 message, 3 reason?, 4 messageExpression
Variable: 1 name, 2 expression
WebhookClientConfig: 3 url?, 1 service? ServiceReference, 2 caBundle bytes
[apiextensions.v1]
CustomResourceColumnDefinition: 1 name, 2 type, 3 format, 4 description, 5 priority int32, 6 jsonPath
CustomResourceConversion: 1 strategy, 2 webhook? WebhookConversion
CustomResourceDefinition: 1 metadata meta.v1.ObjectMeta, 2 spec CustomResourceDefinitionSpec, 3 status CustomResourceDefinitionStatus
CustomResourceDefinitionCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message, 6 observedGeneration int64
CustomResourceDefinitionNames: 1 plural, 2 singular, 3 shortNames []string, 4 kind, 5 listKind, 6 categories []string
CustomResourceDefinitionSpec: 1 group, 3 names CustomResourceDefinitionNames, 4 scope, 7 versions []CustomResourceDefinitionVersion, 9 conversion? CustomResourceConversion, 10 preserveUnknownFields bool
CustomResourceDefinitionStatus: 1 conditions []CustomResourceDefinitionCondition, 2 acceptedNames CustomResourceDefinitionNames, 3 storedVersions []string, 4 observedGeneration int64
CustomResourceDefinitionVersion: 1 name, 2 served bool, 3 storage bool, 4 schema? CustomResourceValidation, 5 subresources? CustomResourceSubresources, 6 additionalPrinterColumns []CustomResourceColumnDefinition, 7 deprecated bool, 8 deprecationWarning?, 9 selectableFields []SelectableField
CustomResourceSubresourceScale: 1 specReplicasPath, 2 statusReplicasPath, 3 labelSelectorPath?
CustomResourceSubresourceStatus:
CustomResourceSubresources: 1 status? CustomResourceSubresourceStatus, 2 scale? CustomResourceSubresourceScale
CustomResourceValidation: 1 openAPIV3Schema? JSONSchemaProps
ExternalDocumentation: 1 description, 2 url
JSONSchemaProps: 1 id, 2 $schema, 3 $ref?, 4 description, 5 type, 6 format, 7 title, 8 default? Raw, 9 maximum? double, 10 exclusiveMaximum bool, 11 minimum? double, 12 exclusiveMinimum bool, 13 maxLength? int64, 14 minLength? int64, 15 pattern, 16 maxItems? int64, 17 minItems? int64, 18 uniqueItems bool, 19 multipleOf? double, 20 enum []Raw, 21 maxProperties? int64, 22 minProperties? int64, 23 required []string, 24 items? JSONSchemaPropsOrArray, 25 allOf []JSONSchemaProps, 26 oneOf []JSONSchemaProps, 27 anyOf []JSONSchemaProps, 28 not? JSONSchemaProps, 29 properties {}JSONSchemaProps, 30 additionalProperties? JSONSchemaPropsOrBool, 31 patternProperties {}JSONSchemaProps, 32 dependencies {}JSONSchemaPropsOrStringArray, 33 additionalItems? JSONSchemaPropsOrBool, 34 definitions {}JSONSchemaProps, 35 externalDocs? ExternalDocumentation, 36 example? Raw, 37 nullable bool, 38 x-kubernetes-preserve-unknown-fields? bool, 39 x-kubernetes-embedded-resource bool, 40 x-kubernetes-int-or-string bool, 41 x-kubernetes-list-map-keys []string, 42 x-kubernetes-list-type?, 43 x-kubernetes-map-type?, 44 x-kubernetes-validations []ValidationRule
JSONSchemaPropsOrArray: 1 schema? JSONSchemaProps, 2 jSONSchemas []JSONSchemaProps
JSONSchemaPropsOrBool: 1 allows bool, 2 schema? JSONSchemaProps
JSONSchemaPropsOrStringArray: 1 schema? JSONSchemaProps, 2 property []string
SelectableField: 1 jsonPath
ServiceReference: 1 namespace, 2 name, 3 path?, 4 port? int32
ValidationRule: 1 rule, 2 message, 3 messageExpression, 4 reason?, 5 fieldPath, 6 optionalOldSelf? bool
WebhookClientConfig: 1 service? ServiceReference, 2 caBundle bytes, 3 url?
WebhookConversion: 2 clientConfig? WebhookClientConfig, 3 conversionReviewVersions []string
[apiregistration.v1]
APIService: 1 metadata meta.v1.ObjectMeta, 2 spec APIServiceSpec, 3 status APIServiceStatus
APIServiceCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
APIServiceSpec: 1 service? ServiceReference, 2 group, 3 version, 4 insecureSkipTLSVerify bool, 5 caBundle bytes, 7 groupPriorityMinimum int32, 8 versionPriority int32
APIServiceStatus: 1 conditions []APIServiceCondition
ServiceReference: 1 namespace, 2 name, 3 port? int32
[authentication.v1]
BoundObjectReference: 1 kind, 2 apiVersion, 3 name, 4 uid
SelfSubjectReview: 1 metadata meta.v1.ObjectMeta, 2 status SelfSubjectReviewStatus
SelfSubjectReviewStatus: 1 userInfo UserInfo
TokenRequest: 1 metadata meta.v1.ObjectMeta, 2 spec TokenRequestSpec, 3 status TokenRequestStatus
TokenRequestSpec: 1 audiences []string, 4 expirationSeconds? int64, 3 boundObjectRef? BoundObjectReference
TokenRequestStatus: 1 token, 2 expirationTimestamp Time
TokenReview: 1 metadata meta.v1.ObjectMeta, 2 spec TokenReviewSpec, 3 status TokenReviewStatus
TokenReviewSpec: 1 token, 2 audiences []string
TokenReviewStatus: 1 authenticated bool, 2 user UserInfo, 4 audiences []string, 3 error
UserInfo: 1 username, 2 uid, 3 groups []string, 4 extra {}ExtraValue
[authorization.v1]
FieldSelectorAttributes: 1 rawSelector, 2 requirements []meta.v1.FieldSelectorRequirement
LabelSelectorAttributes: 1 rawSelector, 2 requirements []meta.v1.LabelSelectorRequirement
LocalSubjectAccessReview: 1 metadata meta.v1.ObjectMeta, 2 spec SubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus
NonResourceAttributes: 1 path, 2 verb
NonResourceRule: 1 verbs []string, 2 nonResourceURLs []string
ResourceAttributes: 1 namespace, 2 verb, 3 group, 4 version, 5 resource, 6 subresource, 7 name, 8 fieldSelector? FieldSelectorAttributes, 9 labelSelector? LabelSelectorAttributes
ResourceRule: 1 verbs []string, 2 apiGroups []string, 3 resources []string, 4 resourceNames []string
SelfSubjectAccessReview: 1 metadata meta.v1.ObjectMeta, 2 spec SelfSubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus
SelfSubjectAccessReviewSpec: 1 resourceAttributes? ResourceAttributes, 2 nonResourceAttributes? NonResourceAttributes
SelfSubjectRulesReview: 1 metadata meta.v1.ObjectMeta, 2 spec SelfSubjectRulesReviewSpec, 3 status SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec: 1 namespace
SubjectAccessReview: 1 metadata meta.v1.ObjectMeta, 2 spec SubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus
SubjectAccessReviewSpec: 1 resourceAttributes? ResourceAttributes, 2 nonResourceAttributes? NonResourceAttributes, 3 user, 4 groups []string, 5 extra {}ExtraValue, 6 uid
SubjectAccessReviewStatus: 1 allowed bool, 4 denied bool, 2 reason, 3 evaluationError
SubjectRulesReviewStatus: 1 resourceRules []ResourceRule, 2 nonResourceRules []NonResourceRule, 3 incomplete bool, 4 evaluationError
[autoscaling.v1]
CrossVersionObjectReference: 1 kind, 2 name, 3 apiVersion
HorizontalPodAutoscaler: 1 metadata meta.v1.ObjectMeta, 2 spec HorizontalPodAutoscalerSpec, 3 status HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec: 1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas? int32, 3 maxReplicas int32, 4 targetCPUUtilizationPercentage? int32
HorizontalPodAutoscalerStatus: 1 observedGeneration? int64, 2 lastScaleTime? Time, 3 currentReplicas int32, 4 desiredReplicas int32, 5 currentCPUUtilizationPercentage? int32
Scale: 1 metadata meta.v1.ObjectMeta, 2 spec ScaleSpec, 3 status ScaleStatus
ScaleSpec: 1 replicas int32
ScaleStatus: 1 replicas int32, 2 selector
[autoscaling.v2]
ContainerResourceMetricSource: 1 name, 2 target MetricTarget, 3 container
ContainerResourceMetricStatus: 1 name, 2 current MetricValueStatus, 3 container
CrossVersionObjectReference: 1 kind, 2 name, 3 apiVersion
ExternalMetricSource: 1 metric MetricIdentifier, 2 target MetricTarget
ExternalMetricStatus: 1 metric MetricIdentifier, 2 current MetricValueStatus
HPAScalingPolicy: 1 type, 2 value int32, 3 periodSeconds int32
HPAScalingRules: 3 stabilizationWindowSeconds? int32, 1 selectPolicy?, 2 policies []HPAScalingPolicy, 4 tolerance? Quantity
HorizontalPodAutoscaler: 1 metadata meta.v1.ObjectMeta, 2 spec HorizontalPodAutoscalerSpec, 3 status HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerBehavior: 1 scaleUp? HPAScalingRules, 2 scaleDown? HPAScalingRules
HorizontalPodAutoscalerCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
HorizontalPodAutoscalerSpec: 1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas? int32, 3 maxReplicas int32, 4 metrics []MetricSpec, 5 behavior? HorizontalPodAutoscalerBehavior
HorizontalPodAutoscalerStatus: 1 observedGeneration? int64, 2 lastScaleTime? Time, 3 currentReplicas int32, 4 desiredReplicas int32, 5 currentMetrics []MetricStatus, 6 conditions []HorizontalPodAutoscalerCondition
MetricIdentifier: 1 name, 2 selector? meta.v1.LabelSelector
MetricSpec: 1 type, 2 object? ObjectMetricSource, 3 pods? PodsMetricSource, 4 resource? ResourceMetricSource, 7 containerResource? ContainerResourceMetricSource, 5 external? ExternalMetricSource
MetricStatus: 1 type, 2 object? ObjectMetricStatus, 3 pods? PodsMetricStatus, 4 resource? ResourceMetricStatus, 7 containerResource? ContainerResourceMetricStatus, 5 external? ExternalMetricStatus
MetricTarget: 1 type, 2 value? Quantity, 3 averageValue? Quantity, 4 averageUtilization? int32
MetricValueStatus: 1 value? Quantity, 2 averageValue? Quantity, 3 averageUtilization? int32
ObjectMetricSource: 1 describedObject CrossVersionObjectReference, 2 target MetricTarget, 3 metric MetricIdentifier
ObjectMetricStatus: 1 metric MetricIdentifier, 2 current MetricValueStatus, 3 describedObject CrossVersionObjectReference
PodsMetricSource: 1 metric MetricIdentifier, 2 target MetricTarget
PodsMetricStatus: 1 metric MetricIdentifier, 2 current MetricValueStatus
ResourceMetricSource: 1 name, 2 target MetricTarget
ResourceMetricStatus: 1 name, 2 current MetricValueStatus
[batch.v1]
CronJob: 1 metadata meta.v1.ObjectMeta, 2 spec CronJobSpec, 3 status CronJobStatus
CronJobSpec: 1 schedule, 8 timeZone?, 2 startingDeadlineSeconds? int64, 3 concurrencyPolicy, 4 suspend? bool, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit? int32, 7 failedJobsHistoryLimit? int32
CronJobStatus: 1 active []core.v1.ObjectReference, 4 lastScheduleTime? Time, 5 lastSuccessfulTime? Time
Job: 1 metadata meta.v1.ObjectMeta, 2 spec JobSpec, 3 status JobStatus
JobCondition: 1 type, 2 status, 3 lastProbeTime Time, 4 lastTransitionTime Time, 5 reason, 6 message
JobSpec: 1 parallelism? int32, 2 completions? int32, 3 activeDeadlineSeconds? int64, 11 podFailurePolicy? PodFailurePolicy, 16 successPolicy? SuccessPolicy, 7 backoffLimit? int32, 12 backoffLimitPerIndex? int32, 13 maxFailedIndexes? int32, 4 selector? meta.v1.LabelSelector, 5 manualSelector? bool, 6 template core.v1.PodTemplateSpec, 8 ttlSecondsAfterFinished? int32, 9 completionMode?, 10 suspend? bool, 14 podReplacementPolicy?, 15 managedBy?
JobStatus: 1 conditions []JobCondition, 2 startTime? Time, 3 completionTime? Time, 4 active int32, 5 succeeded int32, 6 failed int32, 11 terminating? int32, 7 completedIndexes, 10 failedIndexes?, 8 uncountedTerminatedPods? UncountedTerminatedPods, 9 ready? int32
JobTemplateSpec: 1 metadata meta.v1.ObjectMeta, 2 spec JobSpec
PodFailurePolicy: 1 rules []PodFailurePolicyRule
PodFailurePolicyOnExitCodesRequirement: 1 containerName?, 2 operator, 3 values []int32
PodFailurePolicyOnPodConditionsPattern: 1 type, 2 status
PodFailurePolicyRule: 1 action, 2 onExitCodes? PodFailurePolicyOnExitCodesRequirement, 3 onPodConditions []PodFailurePolicyOnPodConditionsPattern
SuccessPolicy: 1 rules []SuccessPolicyRule
SuccessPolicyRule: 1 succeededIndexes?, 2 succeededCount? int32
UncountedTerminatedPods: 1 succeeded []string, 2 failed []string
[certificates.v1]
CertificateSigningRequest: 1 metadata meta.v1.ObjectMeta, 2 spec CertificateSigningRequestSpec, 3 status CertificateSigningRequestStatus
CertificateSigningRequestCondition: 1 type, 6 status, 2 reason, 3 message, 4 lastUpdateTime Time, 5 lastTransitionTime Time
CertificateSigningRequestSpec: 1 request bytes, 7 signerName, 8 expirationSeconds? int32, 5 usages []string, 2 username, 3 uid, 4 groups []string, 6 extra {}ExtraValue
CertificateSigningRequestStatus: 1 conditions []CertificateSigningRequestCondition, 2 certificate bytes
[coordination.v1]
Lease: 1 metadata meta.v1.ObjectMeta, 2 spec LeaseSpec
LeaseSpec: 1 holderIdentity?, 2 leaseDurationSeconds? int32, 3 acquireTime? MicroTime, 4 renewTime? MicroTime, 5 leaseTransitions? int32, 6 strategy?, 7 preferredHolder?
[discovery.v1]
Endpoint: 1 addresses []string, 2 conditions EndpointConditions, 3 hostname?, 4 targetRef? core.v1.ObjectReference, 5 deprecatedTopology {}string, 6 nodeName?, 7 zone?, 8 hints? EndpointHints
EndpointConditions: 1 ready? bool, 2 serving? bool, 3 terminating? bool
EndpointHints: 1 forZones []ForZone, 2 forNodes []ForNode
EndpointPort: 1 name?, 2 protocol?, 3 port? int32, 4 appProtocol?
EndpointSlice: 1 metadata meta.v1.ObjectMeta, 4 addressType, 2 endpoints []Endpoint, 3 ports []EndpointPort
ForNode: 1 name
ForZone: 1 name
[events.v1]
Event: 1 metadata meta.v1.ObjectMeta, 2 eventTime MicroTime, 3 series? EventSeries, 4 reportingController, 5 reportingInstance, 6 action, 7 reason, 8 regarding core.v1.ObjectReference, 9 related? core.v1.ObjectReference, 10 note, 11 type, 12 deprecatedSource core.v1.EventSource, 13 deprecatedFirstTimestamp Time, 14 deprecatedLastTimestamp Time, 15 deprecatedCount int32
EventSeries: 1 count int32, 2 lastObservedTime MicroTime
[flowcontrol.v1]
ExemptPriorityLevelConfiguration: 1 nominalConcurrencyShares? int32, 2 lendablePercent? int32
FlowDistinguisherMethod: 1 type
FlowSchema: 1 metadata meta.v1.ObjectMeta, 2 spec FlowSchemaSpec, 3 status FlowSchemaStatus
FlowSchemaCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
FlowSchemaSpec: 1 priorityLevelConfiguration PriorityLevelConfigurationReference, 2 matchingPrecedence int32, 3 distinguisherMethod? FlowDistinguisherMethod, 4 rules []PolicyRulesWithSubjects
FlowSchemaStatus: 1 conditions []FlowSchemaCondition
GroupSubject: 1 name
LimitResponse: 1 type, 2 queuing? QueuingConfiguration
LimitedPriorityLevelConfiguration: 1 nominalConcurrencyShares? int32, 2 limitResponse LimitResponse, 3 lendablePercent? int32, 4 borrowingLimitPercent? int32
NonResourcePolicyRule: 1 verbs []string, 6 nonResourceURLs []string
PolicyRulesWithSubjects: 1 subjects []Subject, 2 resourceRules []ResourcePolicyRule, 3 nonResourceRules []NonResourcePolicyRule
PriorityLevelConfiguration: 1 metadata meta.v1.ObjectMeta, 2 spec PriorityLevelConfigurationSpec, 3 status PriorityLevelConfigurationStatus
PriorityLevelConfigurationCondition: 1 type, 2 status, 3 lastTransitionTime Time, 4 reason, 5 message
PriorityLevelConfigurationReference: 1 name
PriorityLevelConfigurationSpec: 1 type, 2 limited? LimitedPriorityLevelConfiguration, 3 exempt? ExemptPriorityLevelConfiguration
PriorityLevelConfigurationStatus: 1 conditions []PriorityLevelConfigurationCondition
QueuingConfiguration: 1 queues int32, 2 handSize int32, 3 queueLengthLimit int32
ResourcePolicyRule: 1 verbs []string, 2 apiGroups []string, 3 resources []string, 4 clusterScope bool, 5 namespaces []string
ServiceAccountSubject: 1 namespace, 2 name
Subject: 1 kind, 2 user? UserSubject, 3 group? GroupSubject, 4 serviceAccount? ServiceAccountSubject
UserSubject: 1 name
[networking.v1]
HTTPIngressPath: 1 path, 3 pathType?, 2 backend IngressBackend
HTTPIngressRuleValue: 1 paths []HTTPIngressPath
IPAddress: 1 metadata meta.v1.ObjectMeta, 2 spec IPAddressSpec
IPAddressSpec: 1 parentRef? ParentReference
IPBlock: 1 cidr, 2 except []string
Ingress: 1 metadata meta.v1.ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus
IngressBackend: 4 service? IngressServiceBackend, 3 resource? core.v1.TypedLocalObjectReference
IngressClass: 1 metadata meta.v1.ObjectMeta, 2 spec IngressClassSpec
IngressClassParametersReference: 1 apiGroup?, 2 kind, 3 name, 4 scope?, 5 namespace?
IngressClassSpec: 1 controller, 2 parameters? IngressClassParametersReference
IngressLoadBalancerIngress: 1 ip, 2 hostname, 4 ports []IngressPortStatus
IngressLoadBalancerStatus: 1 ingress []IngressLoadBalancerIngress
IngressPortStatus: 1 port int32, 2 protocol, 3 error?
IngressRule: 1 host, 2 ...IngressRuleValue
IngressRuleValue: 1 http? HTTPIngressRuleValue
IngressServiceBackend: 1 name, 2 port ServiceBackendPort
IngressSpec: 4 ingressClassName?, 1 defaultBackend? IngressBackend, 2 tls []IngressTLS, 3 rules []IngressRule
IngressStatus: 1 loadBalancer IngressLoadBalancerStatus
IngressTLS: 1 hosts []string, 2 secretName
NetworkPolicy: 1 metadata meta.v1.ObjectMeta, 2 spec NetworkPolicySpec
NetworkPolicyEgressRule: 1 ports []NetworkPolicyPort, 2 to []NetworkPolicyPeer
NetworkPolicyIngressRule: 1 ports []NetworkPolicyPort, 2 from []NetworkPolicyPeer
NetworkPolicyPeer: 1 podSelector? meta.v1.LabelSelector, 2 namespaceSelector? meta.v1.LabelSelector, 3 ipBlock? IPBlock
NetworkPolicyPort: 1 protocol?, 2 port? IntOrString, 3 endPort? int32
NetworkPolicySpec: 1 podSelector meta.v1.LabelSelector, 2 ingress []NetworkPolicyIngressRule, 3 egress []NetworkPolicyEgressRule, 4 policyTypes []string
ParentReference: 1 group, 2 resource, 3 namespace, 4 name
ServiceBackendPort: 1 name, 2 number int32
ServiceCIDR: 1 metadata meta.v1.ObjectMeta, 2 spec ServiceCIDRSpec, 3 status ServiceCIDRStatus
ServiceCIDRSpec: 1 cidrs []string
ServiceCIDRStatus: 1 conditions []meta.v1.Condition
[node.v1]
Overhead: 1 podFixed {}Quantity
RuntimeClass: 1 metadata meta.v1.ObjectMeta, 2 handler, 3 overhead? Overhead, 4 scheduling? Scheduling
Scheduling: 1 nodeSelector {}string, 2 tolerations []core.v1.Toleration
[policy.v1]
Eviction: 1 metadata meta.v1.ObjectMeta, 2 deleteOptions? meta.v1.DeleteOptions
PodDisruptionBudget: 1 metadata meta.v1.ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 status PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: 1 minAvailable? IntOrString, 2 selector? meta.v1.LabelSelector, 3 maxUnavailable? IntOrString, 4 unhealthyPodEvictionPolicy?
PodDisruptionBudgetStatus: 1 observedGeneration int64, 2 disruptedPods {}Time, 3 disruptionsAllowed int32, 4 currentHealthy int32, 5 desiredHealthy int32, 6 expectedPods int32, 7 conditions []meta.v1.Condition
[rbac.v1]
AggregationRule: 1 clusterRoleSelectors []meta.v1.LabelSelector
ClusterRole: 1 metadata meta.v1.ObjectMeta, 2 rules []PolicyRule, 3 aggregationRule? AggregationRule
ClusterRoleBinding: 1 metadata meta.v1.ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef
PolicyRule: 1 verbs []string, 2 apiGroups []string, 3 resources []string, 4 resourceNames []string, 5 nonResourceURLs []string
Role: 1 metadata meta.v1.ObjectMeta, 2 rules []PolicyRule
RoleBinding: 1 metadata meta.v1.ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef
RoleRef: 1 apiGroup, 2 kind, 3 name
Subject: 1 kind, 2 apiGroup, 3 name, 4 namespace
[resource.v1]
AllocatedDeviceStatus: 1 driver, 2 pool, 3 device, 7 shareID?, 4 conditions []meta.v1.Condition, 5 data? Raw, 6 networkData? NetworkDeviceData
AllocationResult: 1 devices DeviceAllocationResult, 3 nodeSelector? core.v1.NodeSelector, 5 allocationTimestamp? Time
CELDeviceSelector: 1 expression
CapacityRequestPolicy: 1 default? Quantity, 3 validValues []Quantity, 4 validRange? CapacityRequestPolicyRange
CapacityRequestPolicyRange: 1 min? Quantity, 2 max? Quantity, 3 step? Quantity
CapacityRequirements: 1 requests {}Quantity
Counter: 1 value Quantity
CounterSet: 1 name, 2 counters {}Counter
Device: 1 name, 2 attributes {}DeviceAttribute, 3 capacity {}DeviceCapacity, 4 consumesCounters []DeviceCounterConsumption, 5 nodeName?, 6 nodeSelector? core.v1.NodeSelector, 7 allNodes? bool, 8 taints []DeviceTaint, 9 bindsToNode? bool, 10 bindingConditions []string, 11 bindingFailureConditions []string, 12 allowMultipleAllocations? bool, 13 nodeAllocatableResourceMappings {}NodeAllocatableResourceMapping
DeviceAllocationConfiguration: 1 source, 2 requests []string, 3 ...DeviceConfiguration
DeviceAllocationResult: 1 results []DeviceRequestAllocationResult, 2 config []DeviceAllocationConfiguration
DeviceAttribute: 2 int? int64, 3 bool? bool, 4 string?, 5 version?, 6 ints []int64, 7 bools []bool, 8 strings []string, 9 versions []string
DeviceCapacity: 1 value Quantity, 2 requestPolicy? CapacityRequestPolicy
DeviceClaim: 1 requests []DeviceRequest, 2 constraints []DeviceConstraint, 3 config []DeviceClaimConfiguration
DeviceClaimConfiguration: 1 requests []string, 2 ...DeviceConfiguration
DeviceClass: 1 metadata meta.v1.ObjectMeta, 2 spec DeviceClassSpec
DeviceClassConfiguration: 1 ...DeviceConfiguration
DeviceClassSpec: 1 selectors []DeviceSelector, 2 config []DeviceClassConfiguration, 4 extendedResourceName?
DeviceConfiguration: 1 opaque? OpaqueDeviceConfiguration
DeviceConstraint: 1 requests []string, 2 matchAttribute?, 3 distinctAttribute?
DeviceCounterConsumption: 1 counterSet, 2 counters {}Counter
DeviceRequest: 1 name, 2 exactly? ExactDeviceRequest, 3 firstAvailable []DeviceSubRequest
DeviceRequestAllocationResult: 1 request, 2 driver, 3 pool, 4 device, 5 adminAccess? bool, 6 tolerations []DeviceToleration, 7 bindingConditions []string, 8 bindingFailureConditions []string, 9 shareID?, 10 consumedCapacity {}Quantity
DeviceSelector: 1 cel? CELDeviceSelector
DeviceSubRequest: 1 name, 2 deviceClassName, 3 selectors []DeviceSelector, 4 allocationMode, 5 count int64, 6 tolerations []DeviceToleration, 7 capacity? CapacityRequirements
DeviceTaint: 1 key, 2 value, 3 effect, 4 timeAdded? Time
DeviceToleration: 1 key, 2 operator, 3 value, 4 effect, 5 tolerationSeconds? int64
ExactDeviceRequest: 1 deviceClassName, 2 selectors []DeviceSelector, 3 allocationMode, 4 count int64, 5 adminAccess? bool, 6 tolerations []DeviceToleration, 7 capacity? CapacityRequirements
NetworkDeviceData: 1 interfaceName, 2 ips []string, 3 hardwareAddress
NodeAllocatableResourceMapping: 1 capacityKey?, 2 allocationMultiplier? Quantity
OpaqueDeviceConfiguration: 1 driver, 2 parameters Raw
ResourceClaim: 1 metadata meta.v1.ObjectMeta, 2 spec ResourceClaimSpec, 3 status ResourceClaimStatus
ResourceClaimConsumerReference: 1 apiGroup, 3 resource, 4 name, 5 uid
ResourceClaimSpec: 1 devices DeviceClaim
ResourceClaimStatus: 1 allocation? AllocationResult, 2 reservedFor []ResourceClaimConsumerReference, 4 devices []AllocatedDeviceStatus
ResourceClaimTemplate: 1 metadata meta.v1.ObjectMeta, 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec: 1 metadata meta.v1.ObjectMeta, 2 spec ResourceClaimSpec
ResourcePool: 1 name, 2 generation int64, 3 resourceSliceCount int64
ResourceSlice: 1 metadata meta.v1.ObjectMeta, 2 spec ResourceSliceSpec
ResourceSliceSpec: 1 driver, 2 pool ResourcePool, 3 nodeName?, 4 nodeSelector? core.v1.NodeSelector, 5 allNodes? bool, 6 devices []Device, 7 perDeviceNodeSelection? bool, 8 sharedCounters []CounterSet
[scheduling.v1]
PriorityClass: 1 metadata meta.v1.ObjectMeta, 2 value int32, 3 globalDefault bool, 4 description, 5 preemptionPolicy?
[storage.v1]
CSIDriver: 1 metadata meta.v1.ObjectMeta, 2 spec CSIDriverSpec
CSIDriverSpec: 1 attachRequired? bool, 2 podInfoOnMount? bool, 3 volumeLifecycleModes []string, 4 storageCapacity? bool, 5 fsGroupPolicy?, 6 tokenRequests []TokenRequest, 7 requiresRepublish? bool, 8 seLinuxMount? bool, 9 nodeAllocatableUpdatePeriodSeconds? int64, 10 serviceAccountTokenInSecrets? bool, 11 preventPodSchedulingIfMissing? bool
CSINode: 1 metadata meta.v1.ObjectMeta, 2 spec CSINodeSpec
CSINodeDriver: 1 name, 2 nodeID, 3 topologyKeys []string, 4 allocatable? VolumeNodeResources
CSINodeSpec: 1 drivers []CSINodeDriver
CSIStorageCapacity: 1 metadata meta.v1.ObjectMeta, 2 nodeTopology? meta.v1.LabelSelector, 3 storageClassName, 4 capacity? Quantity, 5 maximumVolumeSize? Quantity
StorageClass: 1 metadata meta.v1.ObjectMeta, 2 provisioner, 3 parameters {}string, 4 reclaimPolicy?, 5 mountOptions []string, 6 allowVolumeExpansion? bool, 7 volumeBindingMode?, 8 allowedTopologies []core.v1.TopologySelectorTerm
TokenRequest: 1 audience, 2 expirationSeconds? int64
VolumeAttachment: 1 metadata meta.v1.ObjectMeta, 2 spec VolumeAttachmentSpec, 3 status VolumeAttachmentStatus
VolumeAttachmentSource: 1 persistentVolumeName?, 2 inlineVolumeSpec? core.v1.PersistentVolumeSpec
VolumeAttachmentSpec: 1 attacher, 2 source VolumeAttachmentSource, 3 nodeName
VolumeAttachmentStatus: 1 attached bool, 2 attachmentMetadata {}string, 3 attachError? VolumeError, 4 detachError? VolumeError
VolumeAttributesClass: 1 metadata meta.v1.ObjectMeta, 2 driverName, 3 parameters {}string
VolumeError: 1 time Time, 2 message, 3 errorCode? int32
VolumeNodeResources: 1 count? int32
`;
