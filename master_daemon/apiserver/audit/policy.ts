import { isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import type { Attributes } from "../../authorization/authorizer.ts";

/** How much of a request is noted. */
export type AuditLevel = "None" | "Metadata" | "Request" | "RequestResponse";

/** When something is noted. */
export type AuditStage = "RequestReceived" | "ResponseStarted" | "ResponseComplete" | "Panic";

const levels: readonly string[] = ["None", "Metadata", "Request", "RequestResponse"];
const stages: readonly string[] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

/** Which requests are noted, and how. Of several rules the first that matches counts. */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
}

/** A rule; absent members match everything. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<string>;
  readonly omitManagedFields: boolean;
  readonly users: readonly string[];
  readonly userGroups: readonly string[];
  readonly verbs: readonly string[];
  readonly namespaces: readonly string[];
  readonly nonResourceURLs: readonly string[];
  readonly resources: readonly {
    readonly group: string;
    readonly resources: readonly string[];
    readonly resourceNames: readonly string[];
  }[];
}

/**
 * The policy that a `Policy` of `audit.k8s.io/v1` stands for.
 *
 * @throws RangeError naming what is wrong
 * @see https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy
 */
export function parseAuditPolicy(document: Json): AuditPolicy {
  if (!isJsonObject(document) || document["kind"] !== "Policy" || document["apiVersion"] !== "audit.k8s.io/v1")
    throw wrong("it is no Policy of audit.k8s.io/v1");
  const omitStages = texts(document, "omitStages", stages);
  const omitManagedFields = document["omitManagedFields"] === true;
  const rules = objects(document, "rules").map((rule, index): AuditRule => {
    const { level } = rule;
    if (typeof level !== "string" || !levels.includes(level))
      throw wrong(`rules[${index}].level: Unsupported value: ${JSON.stringify(level ?? "")}`);
    const own = rule["omitManagedFields"];
    const parsed: AuditRule = {
      level: level as AuditLevel,
      omitStages: new Set([...omitStages, ...texts(rule, "omitStages", stages)]),
      omitManagedFields: typeof own === "boolean" ? own : omitManagedFields,
      users: texts(rule, "users"),
      userGroups: texts(rule, "userGroups"),
      verbs: texts(rule, "verbs"),
      namespaces: texts(rule, "namespaces"),
      nonResourceURLs: texts(rule, "nonResourceURLs"),
      resources: objects(rule, "resources").map((entry) => ({
        group: typeof entry["group"] === "string" ? entry["group"] : "",
        resources: texts(entry, "resources"),
        resourceNames: texts(entry, "resourceNames"),
      })),
    };
    if (parsed.nonResourceURLs.length > 0 && parsed.resources.length + parsed.namespaces.length > 0)
      throw wrong(
        `rules[${index}].nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`,
      );
    return parsed;
  });
  if (rules.length === 0) throw wrong("it has no rules");
  return { rules };
}

/** The rule that is for a request; undefined when nothing of it is noted. */
export function auditRuleFor({ rules }: AuditPolicy, user: UserInfo, attributes: Attributes): AuditRule | undefined {
  const rule = rules.find((candidate) => matches(candidate, user, attributes));
  return rule?.level === "None" ? undefined : rule;
}

function matches(rule: AuditRule, user: UserInfo, attributes: Attributes): boolean {
  const allows = (list: readonly string[], value: string) => list.length === 0 || list.includes(value);
  if (!allows(rule.users, user.username) || !allows(rule.verbs, attributes.verb)) return false;
  if (rule.userGroups.length > 0 && !user.groups.some((group) => rule.userGroups.includes(group))) return false;
  if (rule.namespaces.length + rule.resources.length > 0) {
    if (attributes.type !== "resource" || !allows(rule.namespaces, attributes.namespace ?? "")) return false;
    return rule.resources.length === 0 || rule.resources.some((entry) => matchesResource(entry, attributes));
  }
  if (rule.nonResourceURLs.length === 0) return true;
  return attributes.type === "path" && rule.nonResourceURLs.some((spec) => matchesPath(spec, attributes.path));
}

function matchesPath(spec: string, path: string): boolean {
  return spec === "*" || spec === path || (spec.endsWith("*") && path.startsWith(spec.slice(0, -1)));
}

function matchesResource(
  { group, resources, resourceNames }: AuditRule["resources"][number],
  attributes: Attributes & { readonly type: "resource" },
): boolean {
  if (group !== attributes.group && group !== "*") return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(attributes.name ?? "")) return false;
  const { resource, subresource = "" } = attributes;
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return resources.some(
    (wanted) =>
      wanted === whole ||
      wanted === "*" ||
      wanted === `${resource}/*` ||
      (subresource && wanted === `*/${subresource}`),
  );
}

function texts(object: JsonObject, name: string, allowed?: readonly string[]): readonly string[] {
  const list = object[name] ?? [];
  if (!Array.isArray(list)) throw wrong(`${name} is no list`);
  for (const item of list as readonly Json[])
    if (typeof item !== "string" || (allowed && !allowed.includes(item)))
      throw wrong(`${name}: Unsupported value: ${JSON.stringify(item)}`);
  return list as readonly string[];
}

function objects(object: JsonObject, name: string): readonly JsonObject[] {
  const list = object[name] ?? [];
  if (Array.isArray(list) && list.every(isJsonObject)) return list;
  throw wrong(`${name} is no list of objects`);
}

function wrong(why: string): RangeError {
  return new RangeError(`Cannot use the audit policy: ${why}`);
}
