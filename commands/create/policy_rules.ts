import type { JsonObject } from "../../core/api/meta.ts";
import { type DiscoveredResource, findResource, UnknownResourceError } from "../../core/client/discovery.ts";
import type { FlagOf } from "../../core/flags/flag.ts";
import type { CommandEnv } from "../env.ts";
import { resourcesOf } from "../resource_args.ts";
import { PlainError, UsageError } from "../verb.ts";
import { listFlag, split } from "./generator.ts";

/** The flags that say what a role allows. */
export const ruleFlags: {
  readonly verb: FlagOf<"list">;
  readonly resource: FlagOf<"list">;
  readonly "resource-name": FlagOf<"list">;
} = {
  verb: listFlag("What is allowed, e.g. get.", "verb"),
  resource: listFlag("What it is allowed on, e.g. pods, deployments.apps, pods/log.", "resource"),
  "resource-name": listFlag("Only objects of this name; may be repeated.", "name"),
};

/** What rules are made of. */
export interface RuleParts {
  readonly verbs: readonly string[];
  readonly resources: readonly { readonly group: string; readonly resource: string; readonly subresource: string }[];
  readonly resourceNames: readonly string[];
}

const standardVerbs: ReadonlySet<string> = new Set(
  "* get delete list create update patch watch proxy deletecollection use bind escalate impersonate".split(" "),
);

/** Verbs that mean something for few resources only. */
const specialVerbs: ReadonlyMap<string, readonly string[]> = new Map([
  ["use", ["podsecuritypolicies.policy", "podsecuritypolicies.extensions"]],
  ["bind", ["roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"]],
  ["escalate", ["roles.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"]],
  ["impersonate", ["users.", "serviceaccounts.", "groups.", "userextras.authentication.k8s.io"]],
]);

/** What the flags say, doubles left out. */
export function ruleParts(flags: { readonly [Name in keyof typeof ruleFlags]: readonly string[] }): RuleParts {
  const verbs = [...new Set(split(flags.verb))];
  const resources: RuleParts["resources"][number][] = [];
  for (const text of split(flags.resource)) {
    const slash = text.indexOf("/");
    const [whole, subresource] = slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
    const dot = whole.indexOf(".");
    const [resource, group] = dot < 0 ? [whole, ""] : [whole.slice(0, dot), whole.slice(dot + 1)];
    if (text === "*") {
      resources.splice(0, resources.length, { group: "", resource: "*", subresource: "" });
      break;
    }
    resources.push({ group, resource, subresource });
  }
  return {
    verbs: verbs.includes("*") ? ["*"] : verbs,
    resources,
    resourceNames: [...new Set(flags["resource-name"])],
  };
}

/** Warns of verbs that nobody knows, and refuses resources that the server does not have. @throws UsageError */
export async function checkResources({ verbs, resources }: RuleParts, env: CommandEnv): Promise<void> {
  for (const verb of verbs)
    if (!standardVerbs.has(verb)) env.terminal.warn(`Warning: '${verb}' is not a standard resource verb`);
  for (const { group, resource } of resources) {
    if (resource === "") throw new UsageError("resource must be specified if apiGroup/subresource specified");
    if (resource === "*") return;
    const found = await lookUp(resource, group, env);
    const [plural, ofGroup] = found ? [found.plural, found.group] : [resource, group];
    let known = found !== undefined;
    for (const verb of verbs) {
      const special = specialVerbs.get(verb);
      if (!special) continue;
      if (!special.includes(`${plural}.${ofGroup}`))
        throw new UsageError(`can not perform '${verb}' on '${plural}' in group '${ofGroup}'`);
      known = true;
    }
    if (!known)
      throw new PlainError(
        `the server doesn't have a resource type "${resource}"${group ? ` in group "${group}"` : ""}`,
      );
  }
}

/** One rule for each group, the groups in order. */
export async function policyRules(
  { verbs, resources, resourceNames }: RuleParts,
  nonResourceURLs: readonly string[],
  env: CommandEnv,
): Promise<readonly JsonObject[]> {
  const byGroup = new Map<string, Set<string>>();
  for (const { group, resource, subresource } of resources) {
    const found = resource === "*" ? undefined : await lookUp(resource, group, env);
    const name = `${found?.plural ?? resource}${subresource ? `/${subresource}` : ""}`;
    const ofGroup = found?.group ?? group;
    byGroup.set(ofGroup, (byGroup.get(ofGroup) ?? new Set()).add(name));
  }
  const names = resourceNames.length > 0 ? { resourceNames } : {};
  const rules: JsonObject[] = [...byGroup]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, names_]) => ({ apiGroups: [group], ...names, resources: [...names_], verbs }));
  return nonResourceURLs.length > 0 ? [...rules, { nonResourceURLs, verbs }] : rules;
}

async function lookUp(resource: string, group: string, env: CommandEnv): Promise<DiscoveredResource | undefined> {
  try {
    return findResource(await resourcesOf(await env.client()), group ? `${resource}.${group}` : resource);
  } catch (error) {
    if (error instanceof UnknownResourceError) return undefined;
    throw error;
  }
}
