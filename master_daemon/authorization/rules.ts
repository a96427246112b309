import { urlCovers } from "../../core/kinds/rbac_rules.ts";
import type { Attributes } from "./authorizer.ts";
import type { PolicyRule } from "./policy.ts";

/**
 * Whether a rule allows what is asked.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
export function ruleAllows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.type === "path") return (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, attributes.path));
  const { group, resource, subresource, name = "" } = attributes;
  return (
    has(rule.apiGroups, group) &&
    (rule.resources ?? []).some((one) => resourceCovers(one, resource, subresource)) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(name))
  );
}

function has(list: readonly string[] = [], wanted: string): boolean {
  return list.includes("*") || list.includes(wanted);
}

function resourceCovers(pattern: string, resource: string, subresource: string | undefined): boolean {
  if (pattern === "*") return true;
  if (!subresource) return pattern === resource;
  return pattern === `${resource}/${subresource}` || pattern === `*/${subresource}`;
}

/** Joins atomic rules that differ by verb only. */
export function compactRules(atoms: readonly PolicyRule[]): readonly PolicyRule[] {
  const bySubject = new Map<string, PolicyRule>();
  for (const atom of atoms) {
    const { verbs, ...subject } = atom;
    const id = atom.nonResourceURLs ? `${JSON.stringify(subject)} ${verbs.join()}` : JSON.stringify(subject);
    const known = bySubject.get(id);
    bySubject.set(id, known ? { ...known, verbs: [...known.verbs, ...verbs] } : atom);
  }
  return [...bySubject.values()];
}

/** A rule as Kubernetes' messages show it: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}`. */
export function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = [
    ["APIGroups", apiGroups],
    ["Resources", resources],
    ["NonResourceURLs", nonResourceURLs],
    ["ResourceNames", resourceNames],
    ["Verbs", verbs],
  ] as const;
  const shown = parts.flatMap(([name, list]) => (list?.length ? [`${name}:${quotedList(list)}`] : []));
  return `{${shown.join(", ")}}`;
}

/** A list of texts as Go prints it with `%q`. */
export function quotedList(list: readonly string[]): string {
  return `[${list.map((text) => JSON.stringify(text)).join(" ")}]`;
}
