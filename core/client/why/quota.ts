import { compareQuantities, parseQuantity } from "../../api/quantity.ts";
import type { ResourceQuota } from "../../kinds/mod.ts";
import type { Explainer } from "./explanation.ts";

/** Of what a ResourceQuota has nothing left. */
export const explainQuota: Explainer<ResourceQuota> = async ({ status }) => {
  const { hard = {}, used = {} } = status ?? {};
  const full = Object.entries(hard).filter(
    ([name, most]) => compareQuantities(parseQuantity(used[name] ?? "0"), parseQuantity(most)) >= 0,
  );
  return {
    state: full.length > 0 ? "used up" : "has room",
    isWell: full.length === 0,
    reasons: full.map(([name, most]) => ({
      stage: "quota",
      says: `nothing is left of ${name}: ${used[name] ?? "0"} of ${most} are used`,
      remedy: "free some, or raise spec.hard",
    })),
  };
};
