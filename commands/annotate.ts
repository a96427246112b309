import type { StringMap } from "../core/api/meta.ts";
import { changeCauseAnnotation, recordFlag } from "./change_cause.ts";
import { metadataFlags, parsePairs, runMetadataVerb } from "./metadata_pairs.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { fieldManagerFlag } from "./write_flags.ts";

/** Sets and removes annotations. */
export const annotate: Verb = defineVerb({
  name: "annotate",
  group: "Change",
  summary: "Set and remove annotations of objects.",
  words: "[type] [names-and-annotations...]",
  flags: {
    ...metadataFlags,
    ...fieldManagerFlag("kubectl-annotate"),
    ...recordFlag,
    "all-namespaces": { type: "boolean", short: "A", description: "In all namespaces." },
  },
  examples: [["Say what a pod is for", "wherry annotate pod web description='the front'"]],
  run: (call) =>
    runMetadataVerb(call, {
      field: "annotations",
      noun: "annotation",
      exampleFile: "rsrc",
      parse: parseAnnotations,
      check(present, added) {
        const taken = Object.entries(added).flatMap(([key, value]) => {
          const current = Object.hasOwn(present, key) ? present[key] : undefined;
          return key === changeCauseAnnotation || current === undefined || current === value
            ? []
            : [`'${key}' already has a value (${current})`];
        });
        if (taken.length === 0) return [];
        return [
          new UsageError(`--overwrite is false but found the following declared annotation(s): ${taken.join("; ")}`),
        ];
      },
      outcome: () => "annotated",
      tellsMissing: false,
      prints: (_changed, answer) => answer,
      printsApart: false,
      skipsUnchanged: false,
    }),
});

function parseAnnotations(pairs: readonly string[]): { readonly set: StringMap; readonly remove: readonly string[] } {
  const { set, remove } = parsePairs(pairs, "annotation");
  const both = remove.filter((key) => Object.hasOwn(set, key));
  if (both.length > 0)
    throw new UsageError(
      `can not both modify and remove the following annotation(s) in the same command: ${both.join(", ")}`,
    );
  return { set, remove };
}
