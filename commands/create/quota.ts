import type { JsonObject } from "../../core/api/meta.ts";
import { canonicalQuantity, quantityError } from "../../core/api/quantity.ts";
import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";

/** Makes a resource quota. */
export const createQuota: Verb = generatorVerb({
  name: "quota",
  aliases: ["resourcequota"],
  summary: "Create a resource quota.",
  flags: {
    hard: textFlag("Limits, e.g. cpu=1,pods=2.", "limits"),
    scopes: textFlag("Scopes of the quota, with commas between.", "scopes"),
  },
  examples: [
    ["Ten pods that ask for four processors together", "wherry create quota small --hard=pods=10,requests.cpu=4"],
  ],
  namespaced: true,
  failure: "failed to create quota: ",
  make({ name, flags }) {
    const hard = limitsOf(flags.hard ?? "");
    const scopes = flags.scopes ? flags.scopes.split(",") : [];
    if (scopes.includes("")) throw new UsageError(`invalid resource quota scope ""`);
    return {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name },
      spec: { ...(hard ? { hard } : {}), ...(scopes.length > 0 ? { scopes } : {}) },
      status: {},
    };
  },
});

function limitsOf(text: string): JsonObject | undefined {
  if (text === "") return undefined;
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [resource = "", quantity, ...more] = pair.split("=");
      if (quantity === undefined || more.length > 0)
        throw new UsageError(`Invalid argument syntax ${pair}, expected <resource>=<value>`);
      const error = quantityError(quantity);
      if (error !== undefined) throw new UsageError(error);
      return [resource, canonicalQuantity(quantity)];
    }),
  );
}
