import { labelValueErrors, qualifiedNameErrors } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { parseRange } from "./addresses.ts";
import type { Node, Taint } from "./node.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { taintEffects } from "./toleration_validation.ts";
import { check, checkAll, checkRequiredOneOf, type FieldErrors } from "./validators.ts";

/** What is wrong with a node. */
export function validateNode({ spec = {} }: Node): FieldErrors {
  return [
    ...checkTaints(spec.taints ?? [], "spec.taints"),
    ...(spec.podCIDRs ?? []).flatMap((range, index) =>
      check(
        `spec.podCIDRs[${index}]`,
        range,
        parseRange(range) ? undefined : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      ),
    ),
  ];
}

/** What may not change in a node once it is set. */
export function validateNodeUpdate(next: Node, previous: Node): FieldErrors {
  const errors: FieldError[] = [];
  const [spec, old] = [next.spec ?? {}, previous.spec ?? {}];
  if (old.podCIDRs?.length && !semanticEqual(spec.podCIDRs, old.podCIDRs)) {
    const detail = 'node updates may not change podCIDR except from "" to valid';
    errors.push(fieldError.forbidden("spec.podCIDRs", detail));
  }
  if (old.providerID && spec.providerID !== old.providerID) {
    const detail = 'node updates may not change providerID except from "" to valid';
    errors.push(fieldError.forbidden("spec.providerID", detail));
  }
  return errors;
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
      const { message, ...rest } = fieldError.duplicate(at, taint);
      errors.push({ ...rest, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(`${key}:${effect}`);
    return errors;
  });
}
