import { labelValueErrors } from "../core/api/label_validation.ts";
import type { KubeObject, StringMap } from "../core/api/meta.ts";
import { recordFlag } from "./change_cause.ts";
import { metadataFlags, runMetadataVerb } from "./metadata_pairs.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { fieldManagerFlag } from "./write_flags.ts";

/** Sets and removes labels. */
export const label: Verb = defineVerb({
  name: "label",
  group: "Change",
  summary: "Set and remove labels of objects.",
  words: "[type] [names-and-labels...]",
  flags: {
    ...metadataFlags,
    ...fieldManagerFlag("kubectl-label"),
    ...recordFlag,
    "all-namespaces": { type: "boolean", short: "A", description: "In all namespaces." },
  },
  examples: [
    ["Set one", "wherry label pod web tier=front"],
    ["Take it away", "wherry label pod web tier-"],
  ],
  run: (call) =>
    runMetadataVerb(call, {
      field: "labels",
      noun: "label",
      exampleFile: "pod",
      parse: parseLabels,
      check: (present, added) =>
        Object.entries(added).flatMap(([key, value]) => {
          const current = Object.hasOwn(present, key) ? present[key] : undefined;
          return current === undefined || current === value
            ? []
            : [new UsageError(`'${key}' already has a value (${current}), and --overwrite is false`)];
        }),
      outcome: ({ added, removed }) =>
        added && removed ? "modified" : added ? "labeled" : removed ? "unlabeled" : "not labeled",
      tellsMissing: true,
      prints: (changed: KubeObject) => changed,
      printsApart: true,
      skipsUnchanged: true,
    }),
});

function parseLabels(pairs: readonly string[]): { readonly set: StringMap; readonly remove: readonly string[] } {
  const set: [string, string][] = [];
  const remove: string[] = [];
  for (const pair of pairs) {
    if (pair.includes("=")) {
      const [key = "", value = "", ...more] = pair.split("=");
      if (more.length > 0) throw new UsageError(`invalid label spec: ${pair}`);
      const errors = labelValueErrors(value);
      if (errors.length > 0) throw new UsageError(`invalid label value: "${pair}": ${errors.join(";")}`);
      set.push([key, value]);
    } else if (pair.endsWith("-")) remove.push(pair.slice(0, -1));
    else throw new UsageError(`unknown label spec: ${pair}`);
  }
  if (remove.some((key) => set.some(([other]) => other === key)))
    throw new UsageError("can not both modify and remove a label in the same command");
  return { set: Object.fromEntries(set), remove };
}
