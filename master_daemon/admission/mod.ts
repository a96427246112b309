/**
 * What has a say in writes, in order.
 *
 * - Plug-ins that change run first, each on what the one before made; then defaults and validation; then those that judge.
 * - A plug-in that reserves something gives it back when the write does not happen (`AdmissionRequest.onSettled`).
 * - They run on every write: none lists a whole kind where a namespace's part, or a name, will do.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
 */
import type { KubeObject } from "../../core/api/meta.ts";
import type { ApiSchema } from "../../core/api/schema.ts";
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { Registries } from "../registry/registry.ts";
import type { AdmissionConfiguration } from "./_admission_configuration.ts";
import { firstRound } from "./_reinvocations.ts";
import { alwaysPullImages } from "./always_pull_images.ts";
import { certificateApproval, certificateSigning } from "./certificate_approval.ts";
import { certificateSubjectRestriction } from "./certificate_subject_restriction.ts";
import { defaultIngressClass } from "./default_ingress_class.ts";
import { defaultStorageClass } from "./default_storage_class.ts";
import { type DefaultTolerationOptions, defaultTolerationSeconds } from "./default_toleration_seconds.ts";
import { denyServiceExternalIps } from "./deny_service_external_ips.ts";
import { expressionValidation } from "./expression_validation.ts";
import { extendedResourceToleration } from "./extended_resource_toleration.ts";
import { limitPodHardAntiAffinityTopology } from "./limit_pod_hard_anti_affinity_topology.ts";
import { limitRanger } from "./limit_ranger.ts";
import { mutatingAdmissionPolicy } from "./mutating_admission_policy.ts";
import { mutatingAdmissionWebhook } from "./mutating_admission_webhook.ts";
import { namespaceAutoProvision } from "./namespace_auto_provision.ts";
import { namespaceExists } from "./namespace_exists.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { nodeRestriction } from "./node_restriction.ts";
import { ownerReferencesPermissionEnforcement } from "./owner_references_permission_enforcement.ts";
import { persistentVolumeClaimResize } from "./persistent_volume_claim_resize.ts";
import type { AdmissionPlugin, AdmissionRequest, MutatingRounds } from "./plugin.ts";
import { podSecurity } from "./pod_security.ts";
import { priority } from "./priority.ts";
import { type EscalationOptions, rbacEscalation } from "./rbac_escalation.ts";
import type { ResourceQuotas } from "./resource_quota.ts";
import { runtimeClass } from "./runtime_class.ts";
import { serviceAccount } from "./service_account.ts";
import type { ServiceAddresses } from "./service_addresses.ts";
import { storageObjectInUseProtection } from "./storage_object_in_use_protection.ts";
import { taintNodesByCondition } from "./taint_nodes_by_condition.ts";
import { validatingAdmissionPolicy } from "./validating_admission_policy.ts";
import { validatingAdmissionWebhook } from "./validating_admission_webhook.ts";
import type { WebhookOptions } from "./webhooks/mod.ts";

/** What the plug-ins need. */
export interface AdmissionOptions {
  readonly registries: Registries;
  readonly serviceAddresses: ServiceAddresses;
  readonly resourceQuotas: ResourceQuotas;
  /** Who may do what. */
  readonly authorizer: Authorizer;
  readonly webhooks: WebhookOptions;
  /** Kubernetes' own definitions: what policies change is merged by them. */
  readonly schema: ApiSchema;
  /** Who has which rights. Absent: nobody is held to their own when they give some away. */
  readonly authorization?: EscalationOptions | undefined;
  /** Names of plug-ins to switch on that are off by default. */
  readonly enable?: readonly string[] | undefined;
  /** Names of plug-ins to switch off that are on by default. */
  readonly disable?: readonly string[] | undefined;
  readonly tolerations?: DefaultTolerationOptions | undefined;
  /** What a file of configuration says, by plug-in. */
  readonly configuration?: AdmissionConfiguration | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

const offByDefault: readonly string[] = [
  "AlwaysPullImages",
  "DenyServiceExternalIPs",
  "ExtendedResourceToleration",
  "LimitPodHardAntiAffinityTopology",
  "NamespaceAutoProvision",
  "NamespaceExists",
  "OwnerReferencesPermissionEnforcement",
];

/** Kubernetes' own that are not here: who switches them off gets what they want. */
const notThere: readonly string[] = [
  "AlwaysAdmit",
  "AlwaysDeny",
  "EventRateLimit",
  "ImagePolicyWebhook",
  "PodNodeSelector",
  "PodTolerationRestriction",
  "PodTopologyLabels",
];

/** Every plug-in, in the order of kube-apiserver. */
function allPlugins(options: AdmissionOptions): readonly AdmissionPlugin[] {
  const { clock, configuration = {} } = options;
  return [
    namespaceAutoProvision(options),
    namespaceLifecycle(options),
    namespaceExists(options),
    limitPodHardAntiAffinityTopology,
    limitRanger(options),
    serviceAccount(options),
    nodeRestriction(options),
    taintNodesByCondition,
    alwaysPullImages,
    podSecurity({ ...options, configuration: configuration.podSecurity, clock }),
    priority(options),
    defaultTolerationSeconds(options.tolerations),
    extendedResourceToleration,
    defaultStorageClass(options),
    storageObjectInUseProtection,
    ownerReferencesPermissionEnforcement(options),
    persistentVolumeClaimResize(options),
    runtimeClass(options),
    defaultIngressClass(options),
    certificateApproval(options.authorizer),
    certificateSigning(options.authorizer),
    certificateSubjectRestriction,
    denyServiceExternalIps,
    expressionValidation,
    mutatingAdmissionPolicy(options),
    mutatingAdmissionWebhook(options.webhooks),
    validatingAdmissionPolicy(options),
    validatingAdmissionWebhook(options.webhooks),
    // What reserves something comes last: nothing is reserved for what an earlier one refuses.
    options.resourceQuotas.plugin,
    options.serviceAddresses.plugin,
  ];
}

/**
 * The plug-ins that are on, in the order they are asked.
 *
 * @throws RangeError for names that are no plug-in's, or stand in both lists
 */
export function admissionPlugins(options: AdmissionOptions): readonly AdmissionPlugin[] {
  const { enable = [], disable = [] } = options;
  const all = allPlugins(options);
  const names = all.map(({ name }) => name);
  const flags = [
    ["enable-admission-plugins", enable],
    ["disable-admission-plugins", disable],
  ] as const;
  for (const [flag, list] of flags) {
    const unknown = list.find((name) => !names.includes(name) && !notThere.includes(name));
    if (unknown !== undefined) throw new RangeError(`Cannot use --${flag}: plugin "${unknown}" is unknown`);
  }
  const missing = enable.find((name) => notThere.includes(name));
  if (missing !== undefined)
    throw new RangeError(`Cannot use --enable-admission-plugins=${missing}: this plugin is not available`);
  const both = enable.filter((name) => disable.includes(name));
  if (both.length > 0)
    throw new RangeError(
      `Cannot use ${both.join(", ")} in enable-admission-plugins and disable-admission-plugins at once`,
    );
  const on = all.filter(
    ({ name }) => !disable.includes(name) && (enable.includes(name) || !offByDefault.includes(name)),
  );
  // Not a matter of choice: it stands with the kinds of RBAC themselves.
  return options.authorization ? [...on, rbacEscalation(options.authorization)] : on;
}

/** Who is asked about an operation, in order. */
interface Asked {
  readonly changing: readonly AdmissionPlugin[];
  /** Of those that change, those that reserve something. */
  readonly reserving: readonly AdmissionPlugin[];
  readonly judging: readonly AdmissionPlugin[];
}

/** By the list of plug-ins and the operation: found out at the first write, for all. */
const asked = new WeakMap<readonly AdmissionPlugin[], Map<AdmissionRequest["operation"], Asked>>();

function askedAbout(plugins: readonly AdmissionPlugin[], operation: AdmissionRequest["operation"]): Asked {
  const known = asked.get(plugins) ?? new Map<AdmissionRequest["operation"], Asked>();
  asked.set(plugins, known);
  const present = known.get(operation);
  if (present) return present;
  const concerned = plugins.filter(({ operations }) => operations.includes(operation));
  const found = {
    changing: concerned.filter(({ mutate, reserves }) => mutate && !reserves),
    reserving: concerned.filter(({ mutate, reserves }) => mutate && reserves),
    judging: concerned.filter((plugin) => plugin.validate),
  };
  known.set(operation, found);
  return found;
}

/** The object as the plug-ins want it. @throws StatusError when one refuses */
export async function mutate(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest & { readonly object: KubeObject },
): Promise<KubeObject> {
  const { changing, reserving } = askedAbout(plugins, request.operation);
  let isChanged = false;
  const changed = () => {
    isChanged = true;
  };
  const rounds = firstRound(changed);
  let object = await pass(changing, { ...request, rounds });
  // What a webhook changed, others may have to follow: once.
  if (isChanged) object = await pass(changing, { ...request, object, rounds: { ...rounds, round: 1 } });
  return reserving.length > 0 ? pass(reserving, { ...request, object, rounds }) : object;
}

async function pass(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest & { readonly object: KubeObject; readonly rounds: MutatingRounds },
): Promise<KubeObject> {
  let asked = request;
  for (const plugin of plugins) {
    const object = await plugin.mutate?.(asked);
    if (object && object !== asked.object) asked = { ...asked, object };
  }
  return asked.object;
}

/** @throws StatusError when a plug-in refuses */
export async function validate(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): Promise<void> {
  for (const plugin of askedAbout(plugins, request.operation).judging) await plugin.validate?.(request);
}

export { type AdmissionConfiguration, readAdmissionConfiguration } from "./_admission_configuration.ts";
export { keepPolicyStatus } from "./policies/status.ts";
export { openWebhooks } from "./webhooks/mod.ts";
