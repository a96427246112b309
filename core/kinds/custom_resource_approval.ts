import type { Condition, StringMap } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import type { CustomResourceDefinition } from "./custom_resource_definition.ts";

const annotation = "api-approved.kubernetes.io";
const field = `metadata.annotations[${annotation}]`;
const see = "see https://github.com/kubernetes/enhancements/pull/1111";
const needed = `protected groups must have approval annotation ${JSON.stringify(annotation)}`;

/** Whether a kind of a group that belongs to Kubernetes' community was approved. */
interface Approval {
  readonly state: "Approved" | "Bypassed" | "Missing" | "Invalid";
  readonly reason: string;
}

function approvalOf(annotations: StringMap | undefined): Approval {
  const value = annotations && Object.hasOwn(annotations, annotation) ? (annotations[annotation] ?? "") : "";
  if (value === "") return { state: "Missing", reason: `${needed}, ${see}` };
  if (value.startsWith("unapproved")) return { state: "Bypassed", reason: `not approved: ${JSON.stringify(value)}` };
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+/.test(value) && URL.canParse(value))
    return { state: "Approved", reason: `approved in ${value}` };
  const reason = `${needed} with either a URL or a reason starting with "unapproved", ${see}`;
  return { state: "Invalid", reason };
}

function isProtected(group: string): boolean {
  return /(^|\.)(k8s|kubernetes)\.io$/.test(group);
}

/**
 * Refuses kinds of the community's groups that nobody approved. What was there before may stay.
 *
 * @see https://github.com/kubernetes/enhancements/pull/1111
 */
export function checkApproval(
  { spec, metadata }: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
): readonly FieldError[] {
  if (!isProtected(spec.group ?? "")) return [];
  const { state, reason } = approvalOf(metadata.annotations);
  if (previous && approvalOf(previous.metadata.annotations).state === state) return [];
  if (state === "Missing") return [fieldError.required(field, reason)];
  return state === "Invalid" ? [fieldError.invalid(field, metadata.annotations?.[annotation], reason)] : [];
}

const conditions: Readonly<Record<Approval["state"], Pick<Condition, "status" | "reason">>> = {
  Invalid: { status: "False", reason: "InvalidAnnotation" },
  Missing: { status: "False", reason: "MissingAnnotation" },
  Approved: { status: "True", reason: "ApprovedAnnotation" },
  Bypassed: { status: "False", reason: "UnapprovedAnnotation" },
};

/** What the definition's status says about its approval; undefined for groups that need none. */
export function approvalCondition({ spec, metadata }: CustomResourceDefinition): Condition | undefined {
  if (!isProtected(spec.group)) return undefined;
  const { state, reason } = approvalOf(metadata.annotations);
  return { type: "KubernetesAPIApprovalPolicyConformant", ...conditions[state], message: reason };
}
