import type { Kind, ResourceType } from "../../core/api/kind.ts";
import { type LabelSelector, selectorFromObject } from "../../core/api/labels.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { isReason, StatusError } from "../../core/api/status.ts";
import type { MatchResources } from "../../core/kinds/admission_policy.ts";
import { type Namespace, namespace as namespaceKind } from "../../core/kinds/namespace.ts";
import type { RuleWithOperations } from "../../core/kinds/webhook.ts";
import type { Registries } from "../registry/registry.ts";
import type { AdmissionRequest } from "./plugin.ts";

/** Which requests a webhook or policy is about. */
export interface Matching {
  readonly rules: readonly (RuleWithOperations & { readonly resourceNames?: readonly string[] })[];
  readonly excluded?: Matching["rules"];
  readonly matchPolicy?: "Exact" | "Equivalent" | undefined;
  readonly namespaceSelector?: LabelSelector | undefined;
  readonly objectSelector?: LabelSelector | undefined;
}

/** Without rules everything matches. */
const everything: Matching["rules"] = [
  { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"], scope: "*" },
];

/** A policy's or binding's matching, as webhooks have theirs. */
export function matchingOf({ resourceRules = [], excludeResourceRules, ...rest }: MatchResources = {}): Matching {
  const rules = resourceRules.length > 0 ? resourceRules : everything;
  return { rules, ...(excludeResourceRules ? { excluded: excludeResourceRules } : {}), ...rest };
}

const configurationGroup = "admissionregistration.k8s.io";
const configurations: ReadonlySet<string> = new Set([
  "validatingwebhookconfigurations",
  "mutatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
  "mutatingadmissionpolicies",
  "mutatingadmissionpolicybindings",
]);

/** What configures admission is exempt from it: otherwise a mistake could not be taken back. */
export function isExempt({ kind }: AdmissionRequest): boolean {
  return kind.group === configurationGroup && configurations.has(kind.plural);
}

/**
 * The version in which a request is shown to a webhook or policy, or undefined when it is not about the request.
 *
 * @throws StatusError NotFound when the request's namespace is needed and missing
 */
export async function matchedKind(
  matching: Matching,
  request: AdmissionRequest,
  registries: Registries,
): Promise<Kind | undefined> {
  if (!matchesObject(matching.objectSelector, request)) return undefined;
  const { rules, excluded = [], matchPolicy = "Equivalent" } = matching;
  const kinds =
    matchPolicy === "Equivalent" ? [request.kind, ...equivalents(request.kind, registries)] : [request.kind];
  if (kinds.some((kind) => excluded.some((rule) => matchesRule(rule, request, kind)))) return undefined;
  // Earlier rules count more than nearer versions, except for the version of the request itself.
  const exact = rules.some((rule) => matchesRule(rule, request, request.kind));
  const kind = exact
    ? request.kind
    : rules.flatMap((rule) => kinds.find((one) => matchesRule(rule, request, one)) ?? [])[0];
  if (!kind || !(await matchesNamespace(matching.namespaceSelector, request, registries))) return undefined;
  return kind;
}

/** Other versions, and groups, of what is stored as the same object. */
function equivalents(kind: Kind, registries: Registries): readonly Kind[] {
  const stored = storedPath(kind);
  return registries.kinds.filter((other) => other !== kind && storedPath(other) === stored);
}

function storedPath(kind: Kind): string {
  const { group, plural }: ResourceType = kind.storedAs?.kind ?? kind;
  return `${group}/${plural}`;
}

/** Whether a rule is about a request, seen as one of `kind`. */
function matchesRule(
  rule: Matching["rules"][number],
  { operation, subresource = "", key }: AdmissionRequest,
  kind: Pick<Kind, "group" | "version" | "plural" | "namespaced">,
): boolean {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], resourceNames = [], scope = "*" } = rule;
  const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);
  const isClusterWide = !kind.namespaced || kind.plural === "namespaces";
  return (
    (scope === "*" || (scope === "Cluster") === isClusterWide) &&
    has(operations, operation) &&
    has(apiGroups, kind.group) &&
    has(apiVersions, kind.version) &&
    resources.some((resource) => matchesResource(resource, kind.plural, subresource)) &&
    (resourceNames.length === 0 || resourceNames.includes(key.name))
  );
}

function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  const slash = pattern.indexOf("/");
  const resource = slash < 0 ? pattern : pattern.slice(0, slash);
  const sub = slash < 0 ? "" : pattern.slice(slash + 1);
  return (resource === "*" || resource === plural) && (sub === subresource || (slash >= 0 && sub === "*"));
}

function matchesObject(selector: LabelSelector | undefined, { object, previous }: AdmissionRequest): boolean {
  const labels = selectorFromObject(selector ?? {});
  if (labels.empty) return true;
  const fits = (one: KubeObject | undefined) => one !== undefined && labels.matches(one.metadata?.labels ?? {});
  return fits(object) || fits(previous);
}

async function matchesNamespace(
  selector: LabelSelector | undefined,
  request: AdmissionRequest,
  registries: Registries,
): Promise<boolean> {
  const labels = selectorFromObject(selector ?? {});
  if (labels.empty) return true;
  const found = await namespaceOf(request, registries);
  return found === undefined || labels.matches(found.metadata.labels ?? {});
}

/**
 * The namespace that a request is about, itself included: as it would be written, where it is being written. Undefined for
 * objects of no namespace.
 *
 * @throws StatusError NotFound
 */
export async function namespaceOf(
  { kind, key, object, operation, subresource }: AdmissionRequest,
  registries: Registries,
): Promise<Namespace | undefined> {
  const isNamespace = kind.group === "" && kind.plural === "namespaces";
  if (isNamespace && subresource === undefined && operation !== "DELETE" && object) return object as Namespace;
  const name = isNamespace ? key.name : kind.namespaced ? key.namespace : undefined;
  if (!name) return undefined;
  try {
    return (await registries.for(namespaceKind).get({ name })).object;
  } catch (error) {
    if (isReason(error, "NotFound")) throw StatusError.notFound({ group: "", plural: "namespaces" }, name);
    throw error;
  }
}
