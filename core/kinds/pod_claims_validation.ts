import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { PodResourceClaim, PodSpec, ResourceRequirements } from "./pod.ts";
import { check, type FieldErrors } from "./validators.ts";

/** What is wrong with the devices that a pod claims. @see k8s.io/kubernetes/pkg/apis/core/validation, validatePodResourceClaims */
export function checkPodClaims({ resourceClaims = [] }: PodSpec, field: string): FieldErrors {
  const seen = new Set<string>();
  return resourceClaims.flatMap((claim, index) => {
    const at = `${field}[${index}]`;
    const { name } = claim;
    const errors: FieldError[] = name ? [] : [fieldError.required(`${at}.name`)];
    if (name && seen.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
    else if (name) errors.push(...check(`${at}.name`, name, dnsLabelError(name)));
    seen.add(name);
    return [...errors, ...checkSource(claim, at)];
  });
}

function checkSource(claim: PodResourceClaim, field: string): FieldErrors {
  const { resourceClaimName: name, resourceClaimTemplateName: template } = claim;
  const many = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified";
  const none = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
  return [
    ...(name !== undefined && template !== undefined ? [fieldError.invalid(field, claim, many)] : []),
    ...(name === undefined && template === undefined ? [fieldError.invalid(field, claim, none)] : []),
    ...(name === undefined ? [] : check(`${field}.resourceClaimName`, name, dnsSubdomainError(name))),
    ...(template === undefined
      ? []
      : check(`${field}.resourceClaimTemplateName`, template, dnsSubdomainError(template))),
  ];
}

/** Names of the devices that a pod claims. */
export function claimNames({ resourceClaims = [] }: PodSpec): ReadonlySet<string> {
  return new Set(resourceClaims.map(({ name }) => name).filter((name) => name));
}

/**
 * What is wrong with the devices that a container gets, which must be `claimed` by its pod: a claim is named as a whole, or
 * request by request.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/validation, validateResourceClaimNames
 */
export function checkContainerClaims(
  { claims = [] }: ResourceRequirements,
  field: string,
  claimed: ReadonlySet<string>,
): FieldErrors {
  const wholes = new Set<string>();
  const parts = new Set<string>();
  return claims.flatMap(({ name, request = "" }, index) => {
    const at = `${field}[${index}]`;
    if (!name) return [fieldError.required(at)];
    const errors: FieldError[] = [];
    if (wholes.has(name)) errors.push(fieldError.duplicate(at, name));
    else if (request) {
      errors.push(...check(`${at}.request`, request, dnsLabelError(request)));
      if (parts.has(`${name}/${request}`)) errors.push(fieldError.duplicate(at, `${name}/${request}`));
      parts.add(`${name}/${request}`);
    } else {
      if ([...parts].some((part) => part.startsWith(`${name}/`))) errors.push(fieldError.duplicate(at, name));
      wholes.add(name);
    }
    return claimed.has(name) ? errors : [...errors, notClaimed(at, name, claimed)];
  });
}

function notClaimed(field: string, name: string, claimed: ReadonlySet<string>): FieldError {
  const names = claimed.size === 0 ? " which is empty" : `: ${[...claimed].sort().join(", ")}`;
  const { message, ...rest } = fieldError.notFound(field, name);
  return { ...rest, message: `${message}: must be one of the names in pod.spec.resourceClaims${names}` };
}
