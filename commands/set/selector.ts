import { asJson, asObject, isJsonObject } from "../../core/api/json_object.ts";
import type { LabelSelectorRequirement } from "../../core/api/labels.ts";
import { createStrategicPatch } from "../../core/api/patch/mod.ts";
import { recordFlag } from "../change_cause.ts";
import { textFlag } from "../create/generator.ts";
import { labelSelectorOf } from "../create/pod_disruption_budget.ts";
import { objectPrinter } from "../output/object_printer.ts";
import { findTargets } from "../targets.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { dryRunOf, structPrinterOptions } from "../write_flags.ts";
import { sendChange, setFlags } from "./pod_specs.ts";

// The words say the selector: -l is none of its flags.
const { selector: _, ...withoutSelector } = setFlags;

/** Sets which pods a service is for. */
export const setSelector: Verb = defineVerb({
  name: "selector",
  group: "Change",
  summary: "Set which pods a service is for.",
  words: "[type] [names-and-selector...]",
  flags: {
    ...withoutSelector,
    ...recordFlag,
    "resource-version": textFlag("Only if the object is at this version.", "version"),
  },
  examples: [["Send a service's users to other pods", "wherry set selector service/web app=web,track=next"]],
  async run({ flags, words, env }) {
    const dryRun = dryRunOf(flags, env);
    const text = words.at(-1);
    if (text === undefined) throw new UsageError("one selector is required");
    const selector = labelSelectorOf(text);
    const print = await objectPrinter(flags, structPrinterOptions(dryRun, env));
    const targets = await findTargets(
      { words: words.slice(0, -1), manifests: flags, typeAlone: flags.all, local: flags.local },
      env,
    );
    await targets.visitLoaded(
      async (target) => {
        const { object } = target;
        if (object.kind !== "Service" || object.apiVersion !== "v1")
          throw new UsageError("setting a selector is only supported for Services");
        const expressions = (selector as { readonly matchExpressions?: readonly LabelSelectorRequirement[] })
          .matchExpressions;
        if (expressions) {
          const shown = expressions.map(
            ({ key, operator, values = [] }) => `{${key} ${operator} [${values.join(" ")}]}`,
          );
          throw new UsageError(`match expression [${shown.join(" ")}] not supported on this object`);
        }
        const before = asJson(object);
        const { spec } = before;
        const wanted = { ...(isJsonObject(spec) ? spec : {}), selector: selector["matchLabels"] ?? {} };
        const changed = asObject({ ...before, spec: wanted });
        if (flags.local || dryRun === "client") return await print(changed, "selector updated");
        const diff = createStrategicPatch(before, asJson(changed), before, "io.k8s.api.core.v1.Service");
        const version = flags["resource-version"];
        const body = version ? { ...diff, metadata: { resourceVersion: version } } : diff;
        await print(await sendChange(target, body, flags, env), "selector updated");
      },
      { latest: true },
    );
    return 0;
  },
});
