import { labelValueErrors, qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { parseRange } from "./addresses.ts";
import type { Node, Taint } from "./node.ts";
import { checkAmount } from "./resource_validation.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { taintEffects } from "./toleration_validation.ts";
import { check, checkAll, checkRequiredOneOf, checkUnique, type FieldErrors } from "./validators.ts";

const oncePodCidr = 'node updates may not change podCIDR except from "" to valid';
const onceProvider = 'node updates may not change providerID except from "" to valid';

/** What is wrong with a node. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateNode */
export function validateNode(object: Node): FieldErrors {
  const { taints = [], podCIDRs = [] } = object.spec ?? {};
  const field = "spec.podCIDRs";
  const families = podCIDRs.map((range) => (range.includes(":") ? "IPv6" : "IPv4"));
  return [
    // Kubernetes names the metadata here.
    ...checkTaints(taints, "metadata.taints"),
    ...checkStatusAmounts(object),
    ...podCIDRs.flatMap((range, index) =>
      check(
        `${field}[${index}]`,
        range,
        parseRange(range) ? undefined : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      ),
    ),
    ...(new Set(families).size < families.length
      ? [fieldError.invalid(field, podCIDRs, "may specify no more than one CIDR for each IP family")]
      : []),
    ...checkUnique(podCIDRs, (index) => `${field}[${index}]`),
  ];
}

/** What may not change in a node once it is set. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateNodeUpdate */
export function validateNodeUpdate(next: Node, previous: Node): FieldErrors {
  const errors: FieldError[] = [];
  const [spec, old] = [next.spec ?? {}, previous.spec ?? {}];
  if (old.podCIDRs?.length && !semanticEqual(spec.podCIDRs, old.podCIDRs))
    errors.push(fieldError.forbidden("spec.podCIDRs", oncePodCidr));
  if (old.providerID && spec.providerID !== old.providerID)
    errors.push(fieldError.forbidden("spec.providerID", onceProvider));
  return [...checkStatusAddresses(next), ...errors];
}

/** What is wrong with the status of a node. */
export function validateNodeStatus(object: Node): FieldErrors {
  return [...checkStatusAmounts(object), ...checkStatusAddresses(object)];
}

function checkStatusAmounts({ status = {} }: Node): FieldErrors {
  return (["capacity", "allocatable"] as const).flatMap((list) =>
    Object.entries(status[list] ?? {}).flatMap(([name, text]) => checkAmount(name, text, `status.${list}.${name}`)),
  );
}

function checkStatusAddresses({ status = {} }: Node): FieldErrors {
  const seen = new Set<string>();
  return (status.addresses ?? []).flatMap((each, index) => {
    const { type, address } = each;
    const key = `${type} ${address}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    // As Kubernetes shows it.
    return [fieldError.duplicate(`status.addresses[${index}]`, { Type: type, Address: address })];
  });
}

function checkTaints(taints: readonly Taint[], field: string): FieldErrors {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const at = `${field}[${index}]`;
    const { key = "", value = "", effect } = taint;
    const errors: FieldError[] = [
      ...checkAll(`${at}.key`, key, qualifiedNameErrors(key)),
      ...checkAll(`${at}.value`, value, labelValueErrors(value)),
      ...checkRequiredOneOf(`${at}.effect`, effect, taintEffects),
    ];
    if (seen.has(`${key}:${effect}`)) {
      // As Kubernetes shows it.
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: taint.timeAdded ?? null };
      const { message, ...rest } = fieldError.duplicate(at, shown);
      errors.push({ ...rest, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(`${key}:${effect}`);
    return errors;
  });
}
