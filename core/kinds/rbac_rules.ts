import type { PolicyRule } from "./rbac.ts";

/** Whether a path of a rule, maybe with `*` at its end, means another path or pattern too. */
export function urlCovers(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, "")));
}

/** Rules of one verb, one group, one resource and at most one name each (or one path) are called atomic. More are not judged. */
const maxAtoms = 100_000;

/**
 * The parts of `wanted` that `owned` does not cover, as atomic rules.
 *
 * @throws RangeError when `wanted` is made of more than 100,000 atomic rules
 */
export function uncoveredRules(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): readonly PolicyRule[] {
  const atoms = wanted.reduce((sum, rule) => sum + atomCount(rule), 0);
  if (atoms > maxAtoms) throw new RangeError(`Cannot compare rules: they combine to ${atoms}, more than ${maxAtoms}`);
  return wanted.flatMap((rule) => {
    // What one rule holds as a whole need not be taken apart.
    if (owned.some((owner) => ruleCovers(owner, rule))) return [];
    return atomsOf(rule).filter((atom) => !owned.some((owner) => ruleCovers(owner, atom)));
  });
}

function atomCount({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule) {
  const named = apiGroups.length * resources.length * Math.max(1, resourceNames.length);
  return verbs.length * (named + nonResourceURLs.length);
}

function atomsOf({ verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs = [] }: PolicyRule) {
  const names = resourceNames?.length ? resourceNames.map((name) => ({ resourceNames: [name] })) : [{}];
  const resourceAtoms = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((name): PolicyRule => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...name })),
      ),
    ),
  );
  const pathAtoms = nonResourceURLs.flatMap((url) =>
    verbs.map((verb): PolicyRule => ({ nonResourceURLs: [url], verbs: [verb] })),
  );
  return [...resourceAtoms, ...pathAtoms];
}

/** Whether `owner` allows all that `rule` does. */
function ruleCovers(owner: PolicyRule, rule: PolicyRule): boolean {
  return (
    hasAll(owner.verbs, rule.verbs) &&
    hasAll(owner.apiGroups, rule.apiGroups) &&
    (rule.resources ?? []).every((resource) => ownsResource(owner.resources, resource)) &&
    (rule.nonResourceURLs ?? []).every((url) => (owner.nonResourceURLs ?? []).some((own) => urlCovers(own, url))) &&
    ownsNames(owner.resourceNames, rule.resourceNames)
  );
}

function hasAll(owned: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return owned.includes("*") || wanted.every((one) => owned.includes(one));
}

function ownsResource(owned: readonly string[] = [], resource: string): boolean {
  if (owned.includes("*") || owned.includes(resource)) return true;
  const slash = resource.indexOf("/");
  return slash >= 0 && owned.includes(`*${resource.slice(slash)}`);
}

function ownsNames(owned: readonly string[] = [], wanted: readonly string[] = []): boolean {
  if (owned.length === 0) return true;
  return wanted.length > 0 && wanted.every((name) => owned.includes(name));
}
