import { selectorFromObject } from "../../core/api/labels.ts";
import { type ClusterRole, clusterRole } from "../../core/kinds/cluster_role.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import type { Controller } from "./controller.ts";

const aggregated = "aggregated";

/**
 * Keeps the rules of aggregated cluster roles: those of all roles that their selectors choose.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
 */
export const clusterRoleAggregationController: Controller = {
  name: "clusterrole-aggregation-controller",
  account: "clusterrole-aggregation-controller",
  reconciles: clusterRole,
  watches: [
    {
      kind: clusterRole,
      indexes: { [aggregated]: (object) => ((object as ClusterRole).aggregationRule ? [aggregated] : []) },
      // Whatever changes may be a part of any of them: before or after the change.
      keys: (_object, lister) =>
        lister(clusterRole)
          .byIndex(aggregated, aggregated)
          .map(({ metadata }) => ({ name: metadata.name ?? "" })),
    },
  ],
  async reconcile(key, { client, lister, signal }) {
    const role = lister(clusterRole).get(key);
    if (!role?.aggregationRule || role.metadata.deletionTimestamp) return undefined;
    const rules = aggregateRules(role, lister(clusterRole).list());
    if (!semanticEqual(rules, role.rules ?? [])) await client.update(clusterRole, { ...role, rules }, { signal });
    return undefined;
  },
};

type Rules = NonNullable<ClusterRole["rules"]>;

/** The rules of the roles that `role` is made of, each once, in the order of the roles' names. */
function aggregateRules(role: ClusterRole, all: readonly ClusterRole[]): Rules {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const chosen = selectors.map((selector) => selectorFromObject(selector));
  const parts = all
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .filter(({ metadata }) => chosen.some((one) => one.matches(metadata.labels ?? {})))
    .sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
  const rules = new Map(parts.flatMap((part) => part.rules ?? []).map((rule) => [JSON.stringify(rule), rule]));
  return [...rules.values()];
}
