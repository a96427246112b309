/**
 * The controllers: each makes one kind of object come true.
 *
 * - One controller per file. What it decides is a pure function of what it sees (`planX`); `reconcile` only carries it out.
 * - Level-triggered: a controller is told where to look, never what happened. Missing a change costs time, not truth.
 * - A key is never reconciled twice at once, and again only when the caches show its own last writes (`runner.ts`).
 * - They are ordinary clients of the API: nothing here reaches into the store.
 */
import type { ResourceType } from "../../core/api/kind.ts";
import { storedKinds } from "../../core/kinds/mod.ts";
import { bootstrapSignerController } from "./bootstrap_signer.ts";
import { certificateApprovingController } from "./certificate_approving.ts";
import { certificateCleanerController } from "./certificate_cleaner.ts";
import { type CertificateSigningOptions, certificateSigningController } from "./certificate_signing.ts";
import { clusterRoleAggregationController } from "./cluster_role_aggregation.ts";
import type { Controller } from "./controller.ts";
import { type CronJobOptions, cronJobController } from "./cronjob.ts";
import { daemonSetController } from "./daemonset.ts";
import { deploymentController } from "./deployment.ts";
import { disruptionController } from "./disruption.ts";
import { endpointSliceMirroringController } from "./endpoint_slice_mirroring.ts";
import { endpointSliceController } from "./endpoint_slices.ts";
import { endpointsController } from "./endpoints.ts";
import { ephemeralVolumeController } from "./ephemeral_volume.ts";
import { type EventTtlOptions, eventTtlController } from "./event_ttl.ts";
import { garbageCollector } from "./garbage_collector.ts";
import { type HorizontalPodAutoscalerOptions, horizontalPodAutoscalerController } from "./horizontal_pod_autoscaler.ts";
import { jobController } from "./job.ts";
import { jobOrphanPodsController } from "./job_orphan_pods.ts";
import { type LegacyTokenCleanerOptions, legacyTokenCleaner } from "./legacy_token_cleaner.ts";
import { localPathProvisionerController, localPathRemoverController } from "./local_path_provisioner.ts";
import { namespaceController } from "./namespace.ts";
import { nodeIpamController } from "./node_ipam.ts";
import { type NodeLifecycleOptions, nodeLifecycleController } from "./node_lifecycle.ts";
import { nodeTtlController } from "./node_ttl.ts";
import { persistentVolumeClaimBinder, persistentVolumeReclaimer } from "./persistent_volume_binder.ts";
import { type PodGcOptions, podGcController } from "./pod_gc.ts";
import { pvProtectionController } from "./pv_protection.ts";
import { pvcProtectionController } from "./pvc_protection.ts";
import { replicaSetController } from "./replicaset.ts";
import { replicationControllerController } from "./replication_controller.ts";
import { rootCaPublisher } from "./root_ca_publisher.ts";
import { serviceAccountController } from "./service_account.ts";
import { type ServiceAccountSecretsOptions, serviceAccountSecretsController } from "./service_account_secrets.ts";
import { serviceCidrController } from "./service_cidr.ts";
import { serviceIpAddressesController } from "./service_ip_addresses.ts";
import { staleDisruptionController } from "./stale_disruption.ts";
import { statefulSetController } from "./statefulset.ts";
import { tokenCleanerController } from "./token_cleaner.ts";
import { ttlAfterFinishedController } from "./ttl_after_finished.ts";
import { vacProtectionController } from "./vac_protection.ts";
import { volumeExpandController } from "./volume_expand.ts";

/** Options of {@linkcode controllers}, named as kube-controller-manager's flags. */
export interface ControllersOptions
  extends NodeLifecycleOptions,
    PodGcOptions,
    EventTtlOptions,
    CronJobOptions,
    HorizontalPodAutoscalerOptions,
    LegacyTokenCleanerOptions {
  /** Range from which nodes get pod ranges. Absent: nodes get none. */
  readonly clusterCidr?: string | undefined;
  /** Prefix length of a node's pod range. Default 24 (IPv4) or 64 (IPv6). */
  readonly nodeCidrMaskSize?: number | undefined;
  /** The ranges that services get their addresses from, separated by a comma. Absent: none is said to be in use. */
  readonly serviceClusterIpRange?: string | undefined;
  /** PEM of the authority by which pods know the API server. Absent: it is not published. */
  readonly rootCa?: (() => Promise<string>) | undefined;
  /** Writes certificates that were asked for and approved. Absent: nobody does. */
  readonly signCertificate?: CertificateSigningOptions["signCertificate"] | undefined;
  /** Seconds that such a certificate is valid at most. Default a year. */
  readonly clusterSigningSeconds?: number | undefined;
  /** Makes the tokens that people want in secrets. Absent: they get none. */
  readonly issueToken?: ServiceAccountSecretsOptions["issueToken"] | undefined;
  /** Every kind that is served. Default: all that this program knows. */
  readonly kinds?: readonly ResourceType[] | undefined;
}

/** All controllers, for `runControllers()`. They remember things: make them anew for every run. */
export function controllers(options: ControllersOptions = {}): readonly Controller[] {
  const {
    clusterCidr,
    nodeCidrMaskSize,
    serviceClusterIpRange,
    rootCa,
    issueToken,
    signCertificate,
    clusterSigningSeconds,
    kinds = storedKinds,
  } = options;
  return [
    deploymentController,
    replicaSetController,
    replicationControllerController,
    statefulSetController,
    daemonSetController(),
    jobController(),
    jobOrphanPodsController,
    cronJobController(options),
    ttlAfterFinishedController,
    disruptionController(),
    staleDisruptionController,
    horizontalPodAutoscalerController(options),
    endpointsController(),
    endpointSliceController(),
    endpointSliceMirroringController,
    serviceIpAddressesController,
    ...(serviceClusterIpRange ? [serviceCidrController({ serviceClusterIpRange })] : []),
    serviceAccountController,
    ...(rootCa ? [rootCaPublisher({ rootCa })] : []),
    ...(rootCa && issueToken ? [serviceAccountSecretsController({ rootCa, issueToken })] : []),
    legacyTokenCleaner(options),
    bootstrapSignerController,
    tokenCleanerController,
    persistentVolumeClaimBinder,
    persistentVolumeReclaimer,
    localPathProvisionerController,
    localPathRemoverController,
    volumeExpandController,
    ephemeralVolumeController,
    pvcProtectionController,
    pvProtectionController,
    vacProtectionController,
    clusterRoleAggregationController,
    certificateApprovingController,
    certificateCleanerController,
    ...(signCertificate ? [certificateSigningController({ signCertificate, clusterSigningSeconds })] : []),
    namespaceController({ kinds }),
    garbageCollector({ kinds }),
    nodeLifecycleController(options),
    nodeTtlController(),
    podGcController(options),
    eventTtlController(options),
    ...(clusterCidr ? [nodeIpamController({ clusterCidr, nodeCidrMaskSize })] : []),
  ];
}

export type { Controller } from "./controller.ts";
export { runControllers } from "./runner.ts";
