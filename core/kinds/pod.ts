import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, JsonObject, KubeObject, ObjectMeta, StringMap } from "../api/meta.ts";
import type { PersistentVolumeClaimSpec } from "./persistent_volume_claim.ts";
import { podColumns } from "./pod_columns.ts";
import { defaultPod } from "./pod_defaults.ts";
import { ephemeralContainers, resize } from "./pod_parts.ts";
import { qosClass } from "./pod_resources.ts";
import { preparePodStatus, validatePodStatus } from "./pod_status.ts";
import { validatePodUpdate } from "./pod_update.ts";
import { validatePod } from "./pod_validation.ts";
import { podWarnings } from "./pod_warnings.ts";
import { withStatusOf } from "./with_status.ts";

/** Amounts by resource name (`cpu`, `memory`, …) as quantities. */
export type ResourceList = { readonly [name: string]: string | number };

/** What a container is promised and what it may not exceed. */
export interface ResourceRequirements {
  readonly limits?: ResourceList;
  readonly requests?: ResourceList;
  /** Devices that the container gets of those that the pod claims. */
  readonly claims?: readonly { readonly name: string; readonly request?: string }[];
}

/** A port that a container listens on. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly hostPort?: number;
  readonly hostIP?: string;
  readonly protocol?: "TCP" | "UDP" | "SCTP";
}

/** Points at an entry of a ConfigMap or Secret. */
export interface KeySelector {
  readonly name?: string;
  readonly key: string;
  readonly optional?: boolean;
}

/** Points at a field of the pod. */
export interface ObjectFieldSelector {
  readonly apiVersion?: string;
  readonly fieldPath: string;
}

/** Points at a request or limit of a container. */
export interface ResourceFieldSelector {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string | number;
}

/** An environment variable: a text, or where to take one from. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: ObjectFieldSelector;
    readonly resourceFieldRef?: ResourceFieldSelector;
    readonly configMapKeyRef?: KeySelector;
    readonly secretKeyRef?: KeySelector;
    readonly fileKeyRef?: FileKeySelector;
  };
}

/** A variable in a file of an emptyDir of the pod. */
export interface FileKeySelector {
  readonly volumeName: string;
  /** Below the volume's root. */
  readonly path: string;
  readonly key: string;
  readonly optional?: boolean;
}

/** An object whose entries become environment variables. */
export interface EnvFromSource {
  readonly prefix?: string;
  readonly configMapRef?: { readonly name?: string; readonly optional?: boolean };
  readonly secretRef?: { readonly name?: string; readonly optional?: boolean };
}

/** Where a container sees a volume. */
export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly subPathExpr?: string;
  readonly readOnly?: boolean;
  readonly recursiveReadOnly?: string;
  readonly mountPropagation?: string;
}

/** An HTTP request that succeeds with a status from 200 to 399. */
export interface HttpGetAction {
  readonly path?: string;
  readonly port: number | string;
  readonly host?: string;
  readonly scheme?: "HTTP" | "HTTPS";
  readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
}

/** What a probe or a life-cycle hook does. Exactly one is set. */
export interface Handler {
  readonly exec?: { readonly command?: readonly string[] };
  readonly httpGet?: HttpGetAction;
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly sleep?: { readonly seconds: number };
}

/** How to find out whether a container is alive, ready or started. */
export interface Probe extends Handler {
  readonly initialDelaySeconds?: number;
  readonly timeoutSeconds?: number;
  readonly periodSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
  readonly terminationGracePeriodSeconds?: number;
}

/** Which system calls are allowed. */
export interface SeccompProfile {
  readonly type: string;
  readonly localhostProfile?: string;
}

/** What AppArmor allows. */
export interface AppArmorProfile {
  readonly type: string;
  readonly localhostProfile?: string;
}

/** Whom containers run as on Windows. */
export interface WindowsOptions {
  readonly gmsaCredentialSpecName?: string;
  readonly gmsaCredentialSpec?: string;
  readonly runAsUserName?: string;
  readonly hostProcess?: boolean;
}

/** What pods and containers may both say about the confinement of their processes. */
export interface Confinement {
  readonly seLinuxOptions?: {
    readonly user?: string;
    readonly role?: string;
    readonly type?: string;
    readonly level?: string;
  };
  readonly windowsOptions?: WindowsOptions;
  readonly appArmorProfile?: AppArmorProfile;
  readonly seccompProfile?: SeccompProfile;
}

/** What the processes of a container may do. */
export interface SecurityContext extends Confinement {
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly privileged?: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly procMount?: string;
}

/** One program of a pod with its image, environment and limits. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly ports?: readonly ContainerPort[];
  readonly envFrom?: readonly EnvFromSource[];
  readonly env?: readonly EnvVar[];
  readonly resources?: ResourceRequirements;
  readonly resizePolicy?: readonly { readonly resourceName: string; readonly restartPolicy: string }[];
  readonly volumeMounts?: readonly VolumeMount[];
  readonly volumeDevices?: readonly { readonly name: string; readonly devicePath: string }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly lifecycle?: { readonly postStart?: Handler; readonly preStop?: Handler; readonly stopSignal?: string };
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: "File" | "FallbackToLogsOnError";
  readonly imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  readonly securityContext?: SecurityContext;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
  /** In place of the pod's own. Of init containers, `Always` makes a sidecar. */
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  /** When it runs again, whatever the policy. The first that knows the exit code counts. */
  readonly restartPolicyRules?: readonly ContainerRestartRule[];
}

/** What to do when a container ends with certain codes. */
export interface ContainerRestartRule {
  readonly action: string;
  readonly exitCodes?: { readonly operator: string; readonly values?: readonly number[] };
}

/** A container that was put into a running pod to look around. */
export interface EphemeralContainer extends Container {
  readonly targetContainerName?: string;
}

/** The file that an entry becomes. */
export interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

/** A ConfigMap or Secret as files. */
export interface ConfigMapProjection {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

/** A file that shows a field of the pod. */
export interface DownwardApiFile {
  readonly path: string;
  readonly fieldRef?: ObjectFieldSelector;
  readonly resourceFieldRef?: ResourceFieldSelector;
  readonly mode?: number;
}

/** One source of a projected volume. Exactly one is set. */
export interface VolumeProjection {
  readonly configMap?: ConfigMapProjection;
  readonly secret?: ConfigMapProjection;
  readonly downwardAPI?: { readonly items?: readonly DownwardApiFile[] };
  readonly serviceAccountToken?: {
    readonly audience?: string;
    readonly expirationSeconds?: number;
    readonly path: string;
  };
}

/** Where volumes may lie that no node of this cluster mounts: kept as they are. */
export interface ForeignVolumeSources {
  readonly iscsi?: JsonObject;
  readonly fc?: JsonObject;
  readonly gcePersistentDisk?: JsonObject;
  readonly awsElasticBlockStore?: JsonObject;
  readonly glusterfs?: JsonObject;
  readonly rbd?: JsonObject;
  readonly cinder?: JsonObject;
  readonly cephfs?: JsonObject;
  readonly flocker?: JsonObject;
  readonly flexVolume?: JsonObject;
  readonly azureFile?: JsonObject;
  readonly vsphereVolume?: JsonObject;
  readonly quobyte?: JsonObject;
  readonly azureDisk?: JsonObject;
  readonly photonPersistentDisk?: JsonObject;
  readonly portworxVolume?: JsonObject;
  readonly scaleIO?: JsonObject;
  readonly storageos?: JsonObject;
}

/** Files that the containers of a pod may mount. Exactly one source is set. */
export interface Volume extends ForeignVolumeSources {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string | number };
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly configMap?: ConfigMapProjection & { readonly defaultMode?: number };
  readonly secret?: {
    readonly secretName?: string;
    readonly items?: readonly KeyToPath[];
    readonly defaultMode?: number;
    readonly optional?: boolean;
  };
  readonly downwardAPI?: { readonly items?: readonly DownwardApiFile[]; readonly defaultMode?: number };
  readonly projected?: { readonly sources?: readonly VolumeProjection[]; readonly defaultMode?: number };
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
  /** A claim of the pod's own, made from a template. */
  readonly ephemeral?: {
    readonly volumeClaimTemplate?: { readonly metadata?: ObjectMeta; readonly spec: PersistentVolumeClaimSpec };
  };
  readonly csi?: {
    readonly driver: string;
    readonly readOnly?: boolean;
    readonly fsType?: string;
    readonly volumeAttributes?: StringMap;
    readonly nodePublishSecretRef?: { readonly name?: string };
  };
  readonly image?: { readonly reference?: string; readonly pullPolicy?: string };
  readonly nfs?: { readonly server: string; readonly path: string; readonly readOnly?: boolean };
  readonly gitRepo?: JsonObject;
}

/** Lets a pod onto nodes, or stay on nodes, that have a matching taint. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  readonly tolerationSeconds?: number;
}

/** What one label or field of a node must be. */
export interface NodeSelectorRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  readonly values?: readonly string[];
}

/** Requirements that must all hold. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: readonly NodeSelectorRequirement[];
  readonly matchFields?: readonly NodeSelectorRequirement[];
}

/** Pods that another pod wants to be near to, or far from. */
export interface PodAffinityTerm {
  readonly labelSelector?: LabelSelector;
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: LabelSelector;
  readonly topologyKey: string;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/** Which neighbours a pod wants, or does not. */
export interface PodAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodAffinityTerm[];
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
    readonly weight: number;
    readonly podAffinityTerm: PodAffinityTerm;
  }[];
}

/** Which nodes and neighbours a pod wants. */
export interface Affinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: {
      readonly nodeSelectorTerms: readonly NodeSelectorTerm[];
    };
    readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
      readonly weight: number;
      readonly preference: NodeSelectorTerm;
    }[];
  };
  readonly podAffinity?: PodAffinity;
  readonly podAntiAffinity?: PodAffinity;
}

/** What all processes of a pod may do. */
export interface PodSecurityContext extends Confinement {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly supplementalGroups?: readonly number[];
  readonly fsGroup?: number;
  readonly fsGroupChangePolicy?: string;
  readonly supplementalGroupsPolicy?: string;
  readonly seLinuxChangePolicy?: string;
  readonly sysctls?: readonly { readonly name: string; readonly value: string }[];
}

/** Devices that a pod claims: by the name of a claim, or of what one is made from. */
export interface PodResourceClaim {
  readonly name: string;
  readonly resourceClaimName?: string;
  readonly resourceClaimTemplateName?: string;
}

/** What a pod is to be. */
export interface PodSpec {
  readonly volumes?: readonly Volume[];
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly ephemeralContainers?: readonly EphemeralContainer[];
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  readonly terminationGracePeriodSeconds?: number;
  readonly activeDeadlineSeconds?: number;
  readonly dnsPolicy?: string;
  readonly dnsConfig?: {
    readonly nameservers?: readonly string[];
    readonly searches?: readonly string[];
    readonly options?: readonly { readonly name?: string; readonly value?: string }[];
  };
  readonly nodeSelector?: StringMap;
  readonly serviceAccountName?: string;
  readonly serviceAccount?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly nodeName?: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly hostUsers?: boolean;
  readonly resourceClaims?: readonly PodResourceClaim[];
  readonly shareProcessNamespace?: boolean;
  readonly securityContext?: PodSecurityContext;
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly setHostnameAsFQDN?: boolean;
  readonly affinity?: Affinity;
  readonly schedulerName?: string;
  readonly tolerations?: readonly Toleration[];
  readonly hostAliases?: readonly { readonly ip: string; readonly hostnames?: readonly string[] }[];
  readonly priorityClassName?: string;
  readonly priority?: number;
  readonly preemptionPolicy?: string;
  readonly readinessGates?: readonly { readonly conditionType: string }[];
  readonly runtimeClassName?: string;
  readonly enableServiceLinks?: boolean;
  readonly overhead?: ResourceList;
  readonly os?: { readonly name: string };
  /** Requests and limits of the pod as a whole. */
  readonly resources?: ResourceRequirements;
  readonly topologySpreadConstraints?: readonly {
    readonly maxSkew: number;
    readonly topologyKey: string;
    readonly whenUnsatisfiable: string;
    readonly labelSelector?: LabelSelector;
    readonly minDomains?: number;
    readonly nodeAffinityPolicy?: string;
    readonly nodeTaintsPolicy?: string;
    readonly matchLabelKeys?: readonly string[];
  }[];
  readonly schedulingGates?: readonly { readonly name: string }[];
}

/** A container that runs. */
export interface ContainerStateRunning {
  readonly startedAt?: string;
}

/** A container that has ended. */
export interface ContainerStateTerminated {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly containerID?: string;
}

/** Exactly one is set. */
export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: ContainerStateRunning;
  readonly terminated?: ContainerStateTerminated;
}

/** How a container is, and was before its last restart. */
export interface ContainerStatus {
  readonly name: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly started?: boolean;
  /** What the node has set aside for it. */
  readonly allocatedResources?: ResourceList;
  /** What it runs with. */
  readonly resources?: ResourceRequirements;
  /** What ends it, where its pod says so. */
  readonly stopSignal?: string;
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly recursiveReadOnly?: string;
  }[];
  /** Whom its first process begins as, where the node can tell. */
  readonly user?: {
    readonly linux?: { readonly uid: number; readonly gid: number; readonly supplementalGroups?: readonly number[] };
  };
}

/** What is known about a pod: PodScheduled, Initialized, ContainersReady, Ready. */
export interface PodCondition extends Condition {
  readonly lastProbeTime?: string | null;
}

/** Where a pod is in its life. */
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** What the pod as a whole is doing, as its status says. */
export interface PodStatus {
  readonly observedGeneration?: number;
  readonly phase?: PodPhase;
  readonly conditions?: readonly PodCondition[];
  readonly message?: string;
  readonly reason?: string;
  readonly nominatedNodeName?: string;
  readonly hostIP?: string;
  readonly hostIPs?: readonly { readonly ip: string }[];
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime?: string;
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly ephemeralContainerStatuses?: readonly ContainerStatus[];
  readonly qosClass?: "Guaranteed" | "Burstable" | "BestEffort";
  /** What the node has set aside for the pod as a whole. */
  readonly allocatedResources?: ResourceList;
  /** What the pod as a whole runs with. */
  readonly resources?: ResourceRequirements;
}

/** A group of containers that share a network and live together. @see https://kubernetes.io/docs/concepts/workloads/pods/ */
export interface Pod extends KubeObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

/** What pods made from it are like. */
export interface PodTemplateSpec {
  readonly metadata?: ObjectMeta;
  readonly spec: PodSpec;
}

/** The kind Pod. */
export const pod: Kind<Pod> = defineKind<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  namespaced: true,
  shortNames: ["po"],
  categories: ["all"],
  schema: "io.k8s.api.core.v1.Pod",
  subresources: { status: true },
  parts: { ephemeralcontainers: ephemeralContainers, resize },
  strategy: {
    applyDefaults: defaultPod,
    prepareForCreate: (object) => ({ ...object, status: { phase: "Pending", qosClass: qosClass(object) } }),
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: (next, _context, previous) => validatePod(next, previous),
    warnings: podWarnings,
    validateUpdate: validatePodUpdate,
    prepareForStatusUpdate: preparePodStatus,
    validateStatusUpdate: validatePodStatus,
    fields: ({ spec, status = {} }) => ({
      "spec.nodeName": spec.nodeName ?? "",
      "spec.restartPolicy": spec.restartPolicy ?? "",
      "spec.schedulerName": spec.schedulerName ?? "",
      "spec.serviceAccountName": spec.serviceAccountName ?? "",
      "spec.hostNetwork": String(spec.hostNetwork ?? false),
      "status.phase": status.phase ?? "",
      "status.podIP": status.podIPs?.[0]?.ip ?? status.podIP ?? "",
      "status.podIPs": status.podIPs?.[0]?.ip ?? status.podIP ?? "",
      "status.nominatedNodeName": status.nominatedNodeName ?? "",
    }),
    gracePeriodSeconds: podGracePeriodSeconds,
  },
  columns: podColumns,
});

/** How long a pod may take to end: nothing when nobody runs it. */
function podGracePeriodSeconds({ spec, status }: Pod, requested: number | undefined): number {
  if (!spec.nodeName || status?.phase === "Succeeded" || status?.phase === "Failed") return 0;
  const seconds = requested ?? spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}
