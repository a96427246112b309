import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb, listFlag, split } from "./generator.ts";
import { checkResources, policyRules, ruleFlags, ruleParts } from "./policy_rules.ts";
import { rbacGroup } from "./subjects.ts";

const nonResourceVerbs: ReadonlySet<string> = new Set([
  "*",
  "get",
  "post",
  "put",
  "delete",
  "patch",
  "head",
  "options",
]);

/** Makes a cluster role. */
export const createClusterRole: Verb = generatorVerb({
  name: "clusterrole",
  summary: "Create a cluster role: what may be done everywhere.",
  flags: {
    ...ruleFlags,
    "non-resource-url": listFlag("Path of the API that is no resource, e.g. /healthz.", "path"),
    "aggregation-rule": listFlag("Labels of the cluster roles whose rules it has, KEY=VALUE.", "labels"),
  },
  examples: [
    ["See nodes", "wherry create clusterrole node-reader --verb=get,list,watch --resource=nodes"],
    ["Look at the server's health", "wherry create clusterrole health --verb=get --non-resource-url=/healthz"],
  ],
  namespaced: false,
  async make({ name, flags, env }) {
    const head = { apiVersion: `${rbacGroup}/v1`, kind: "ClusterRole", metadata: { name } };
    const parts = ruleParts(flags);
    const paths = [...new Set(split(flags["non-resource-url"]))];
    const aggregated = pairsOf(flags["aggregation-rule"]);
    if (aggregated.length > 0) {
      if (paths.length + parts.verbs.length + parts.resources.length + parts.resourceNames.length > 0)
        throw new UsageError(
          "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
        );
      const clusterRoleSelectors = [{ matchLabels: Object.fromEntries(aggregated) }];
      return { aggregationRule: { clusterRoleSelectors }, ...head, rules: null };
    }
    if (parts.verbs.length === 0) throw new UsageError("at least one verb must be specified");
    if (parts.resources.length === 0 && paths.length === 0)
      throw new UsageError("one of resource or nonResourceURL must be specified");
    if (parts.resources.length > 0) await checkResources(parts, env);
    checkPaths(paths, parts.verbs);
    return { ...head, rules: await policyRules(parts, paths, env) };
  },
});

function pairsOf(values: readonly string[]): readonly (readonly [string, string])[] {
  return split(values).map((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 0)
      throw new UsageError(
        `invalid argument "${values.join(",")}" for "--aggregation-rule" flag: malformed pair, expect string=string`,
      );
    return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()] as const;
  });
}

function checkPaths(paths: readonly string[], verbs: readonly string[]): void {
  if (paths.length === 0) return;
  for (const verb of verbs)
    if (!nonResourceVerbs.has(verb)) throw new UsageError(`invalid verb: '${verb}' for nonResourceURL`);
  for (const path of paths) {
    if (path === "*") continue;
    if (!path.startsWith("/")) throw new UsageError("nonResourceURL should start with /");
    if (path.slice(0, -1).includes("*"))
      throw new UsageError("nonResourceURL only supports wildcard matches when '*' is at the end");
  }
}
