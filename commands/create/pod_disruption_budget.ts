import { parseSelectorTerms } from "../../core/api/label_selector_parser.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";

/** Makes a pod disruption budget. */
export const createPodDisruptionBudget: Verb = generatorVerb({
  name: "poddisruptionbudget",
  aliases: ["pdb"],
  summary: "Create a pod disruption budget.",
  flags: {
    "min-available": textFlag("Pods that must stay, a number or percentage.", "n"),
    "max-unavailable": textFlag("Pods that may be away, a number or percentage.", "n"),
    selector: textFlag("Labels of the pods.", "labels"),
  },
  examples: [["One at least stays up", "wherry create poddisruptionbudget web --selector=app=web --min-available=1"]],
  namespaced: true,
  failure: "failed to create poddisruptionbudgets: ",
  make({ name, flags }) {
    const { "min-available": least, "max-unavailable": most, selector } = flags;
    if (!selector) throw new UsageError("a selector must be specified");
    if (!least && !most) throw new UsageError("one of min-available or max-unavailable must be specified");
    if (least && most) throw new UsageError("min-available and max-unavailable cannot be both specified");
    for (const [flag, value] of [
      ["min-available", least],
      ["max-unavailable", most],
    ] as const)
      if (value && !/^[0-9]+%?$/.test(value)) throw new UsageError(`invalid format specified for ${flag}`);
    return {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name },
      spec: {
        ...(most ? { maxUnavailable: intOrText(most) } : {}),
        ...(least ? { minAvailable: intOrText(least) } : {}),
        selector: labelSelectorOf(selector),
      },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    };
  },
});

/** A number where the text is one. */
export function intOrText(text: string): number | string {
  return /^-?\d{1,10}$/.test(text) ? Number(text) : text;
}

/** The selector in the form that objects have it, of the form that `-l` takes. @throws SyntaxError */
export function labelSelectorOf(text: string): JsonObject {
  const terms = [...parseSelectorTerms(text)].sort((a, b) => (a.key < b.key ? -1 : 1));
  const labels: [string, string][] = [];
  const expressions: JsonObject[] = [];
  for (const { key, operator, values } of terms) {
    if (operator === "=" || operator === "==") labels.push([key, values[0] ?? ""]);
    else if (operator === "exists") expressions.push({ key, operator: "Exists" });
    else if (operator === "!") expressions.push({ key, operator: "DoesNotExist" });
    else if (operator === "in" || operator === "notin")
      expressions.push({ key, operator: operator === "in" ? "In" : "NotIn", values: [...values].sort() });
    else if (operator === "!=") expressions.push({ key, operator: "NotIn", values });
    else throw new UsageError(`"${operator === ">" ? "gt" : "lt"}" isn't supported in label selectors`);
  }
  return {
    ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
    ...(labels.length > 0 ? { matchLabels: Object.fromEntries(labels) } : {}),
  };
}
