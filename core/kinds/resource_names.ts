/** Names of resources: what containers, quotas and limit ranges may speak of. @see k8s.io/kubernetes/pkg/apis/core/helper */
import { qualifiedNameErrors } from "../api/label_validation.ts";
import { fieldError } from "../api/status.ts";
import { checkAll, type FieldErrors } from "./validators.ts";

const containerResources: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);

const quotaResources: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
]);

const countedResources: ReadonlySet<string> = new Set([
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
]);

/** Whether more of the resource may be promised than there is: true of Kubernetes' own resources but huge pages. */
export function mayOvercommit(name: string): boolean {
  return isNative(name) && !name.startsWith("hugepages-");
}

/** Whether the name is one that quotas know without a domain. */
export function isQuotaResource(name: string): boolean {
  return quotaResources.has(name) || isQuotaHugePages(name);
}

/** Whether only whole numbers of the resource make sense. */
export function isCounted(name: string): boolean {
  return countedResources.has(name) || isExtended(name);
}

/** What is wrong with the name of any resource. */
export function checkResourceName(name: string, field: string): FieldErrors {
  const errors = checkAll(field, name, qualifiedNameErrors(name));
  if (errors.length > 0 || name.includes("/") || isQuotaResource(name) || name === "storage") return errors;
  return [fieldError.invalid(field, name, "must be a standard resource type or fully qualified")];
}

/** What is wrong with the name of a resource that containers ask for. */
export function checkContainerResourceName(name: string, field: string): FieldErrors {
  const errors = checkResourceName(name, field);
  if (!name.includes("/")) {
    if (containerResources.has(name) || name.startsWith("hugepages-")) return errors;
    return [...errors, fieldError.invalid(field, name, "must be a standard resource for containers")];
  }
  if (isNative(name) || isExtended(name)) return errors;
  return [...errors, fieldError.invalid(field, name, "doesn't follow extended resource name standard")];
}

/** What is wrong with the name of a resource that a quota limits. */
export function checkQuotaResourceName(name: string, field: string): FieldErrors {
  const errors = checkResourceName(name, field);
  if (name.includes("/") || isQuotaResource(name)) return errors;
  return [...errors, fieldError.invalid(field, name, "must be a standard resource for quota")];
}

function isNative(name: string): boolean {
  return !name.includes("/") || name.includes("kubernetes.io/");
}

/** Whether the resource is one that Kubernetes does not know itself, such as `example.com/gpu`. */
export function isExtended(name: string): boolean {
  if (isNative(name) || name.startsWith("requests.")) return false;
  return qualifiedNameErrors(`requests.${name}`).length === 0;
}

function isQuotaHugePages(name: string): boolean {
  return name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");
}
