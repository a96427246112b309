import type { KubeObject } from "../../../core/api/meta.ts";
import { parseQuantity, type Quantity } from "../../../core/api/quantity.ts";
import type { PersistentVolumeClaim } from "../../../core/kinds/persistent_volume_claim.ts";
import type { ScopedResourceSelectorRequirement } from "../../../core/kinds/resource_quota.ts";
import type { Service } from "../../../core/kinds/service.ts";
import { storageClassOf } from "../../../core/kinds/volume_binding.ts";
import { type Amounts, greater } from "../_amounts.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { podEvaluator } from "./pods.ts";
import { matchesRequirement } from "./scopes.ts";

/** How objects of one resource use up a quota. */
export interface QuotaEvaluator {
  /** Whether objects of the resource use up what a quota calls `name`. */
  measures(name: string): boolean;
  /** Whether every object counts one and nothing else: then nobody need look at it. */
  readonly countsOnly: boolean;
  /** Whether a write may change what is used. */
  handles(request: AdmissionRequest): boolean;
  usage(object: KubeObject, now: number): Amounts;
  /** Whether an object is in a scope. */
  isIn(scope: ScopedResourceSelectorRequirement, object: KubeObject): boolean;
  /** What an object must say because a quota limits `names`, and does not. */
  missing?(names: readonly string[], object: KubeObject): string | undefined;
}

const one: Quantity = { nano: 1_000_000_000n, format: "DecimalSI" };
const none: Quantity = { nano: 0n, format: "DecimalSI" };

/** A number of things. */
export function pieces(count: number): Quantity {
  return { nano: BigInt(count) * one.nano, format: "DecimalSI" };
}

/** The name under which a quota counts the objects of a resource: `count/deployments.apps`. */
function countName({ group, plural }: { readonly group: string; readonly plural: string }): string {
  return `count/${plural}${group ? `.${group}` : ""}`;
}

/** Resources that quotas also count by their bare names. */
const aliases: readonly string[] = ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];

/** The evaluator of a resource: what it measures besides the number of objects is known of a few. */
export function evaluatorOf(resource: { readonly group: string; readonly plural: string }): QuotaEvaluator {
  const name = `${resource.group}/${resource.plural}`;
  return special.get(name) ?? counter(resource);
}

function counter(resource: { readonly group: string; readonly plural: string }): QuotaEvaluator {
  const isAliased = resource.group === "" && aliases.includes(resource.plural);
  const names = [countName(resource), ...(isAliased ? [resource.plural] : [])];
  const usage: Amounts = new Map(names.map((name) => [name, one]));
  return {
    measures: (name) => names.includes(name),
    countsOnly: true,
    handles: ({ operation, subresource }) => operation === "CREATE" && subresource === undefined,
    usage: () => usage,
    isIn: () => false,
  };
}

const serviceNames = ["count/services", "services", "services.nodeports", "services.loadbalancers"];

const serviceEvaluator: QuotaEvaluator = {
  measures: (name) => serviceNames.includes(name),
  countsOnly: false,
  handles: ({ subresource }) => subresource === undefined,
  usage: (object) => {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as Service).spec ?? {};
    const isBalanced = type === "LoadBalancer";
    const withoutNodePorts = isBalanced && allocateLoadBalancerNodePorts === false;
    const allocated = ports.filter(({ nodePort }) => nodePort).length;
    const nodePorts = withoutNodePorts ? allocated : type === "NodePort" || isBalanced ? ports.length : 0;
    return new Map([
      ["count/services", one],
      ["services", one],
      ["services.nodeports", pieces(nodePorts)],
      ["services.loadbalancers", isBalanced ? one : none],
    ]);
  },
  isIn: () => false,
};

const claimNames = ["persistentvolumeclaims", "requests.storage"];
const classInfix = ".storageclass.storage.k8s.io/";

const claimEvaluator: QuotaEvaluator = {
  measures: (name) =>
    name === "count/persistentvolumeclaims" ||
    claimNames.some((known) => name === known || name.endsWith(classInfix + known)),
  countsOnly: false,
  handles: ({ subresource }) => subresource === undefined,
  usage: (object) => {
    const claim = object as PersistentVolumeClaim;
    const { spec } = claim;
    const className = storageClassOf(claim);
    const storage = spec?.resources?.requests?.["storage"];
    const amounts = new Map<string, Quantity>([["count/persistentvolumeclaims", one]]);
    const note = (name: string, amount: Quantity) => {
      amounts.set(name, amount);
      if (className) amounts.set(className + classInfix + name, amount);
    };
    note("persistentvolumeclaims", one);
    // What was set aside for a claim that should have grown is used until it is given back.
    const allocated = claim.status?.allocatedResources?.["storage"];
    if (storage !== undefined)
      note("requests.storage", greater(parseQuantity(storage), parseQuantity(allocated ?? storage)));
    return amounts;
  },
  isIn: (scope, object) =>
    scope.scopeName === "VolumeAttributesClass" &&
    matchesRequirement(scope, (object as PersistentVolumeClaim).spec?.volumeAttributesClassName),
};

const special: ReadonlyMap<string, QuotaEvaluator> = new Map([
  ["/pods", podEvaluator],
  ["/services", serviceEvaluator],
  ["/persistentvolumeclaims", claimEvaluator],
]);
