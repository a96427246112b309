import { lastAppliedAnnotation } from "../../core/api/apply/apply_configuration.ts";
import { goJson } from "../../core/api/go_json.ts";
import { readJsonText } from "../../core/api/json_text.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { manifestFlags } from "../manifests.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { findTargets, type Target } from "../targets.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { dryRunFlag, dryRunOf, printerOptions } from "../write_flags.ts";

/** Notes manifests as what was applied last, and changes nothing else. */
export const setLastApplied: Verb = defineVerb({
  name: "set-last-applied",
  group: "Change",
  summary: "Note manifests as what was applied last.",
  words: "[words...]",
  flags: {
    filename: manifestFlags.filename,
    ...printFlags,
    ...dryRunFlag,
    "create-annotation": { type: "boolean", description: "Also where nothing was noted yet." },
  },
  examples: [["After a change by other means", "wherry apply set-last-applied -f web.yaml"]],
  async run({ flags, env }) {
    const dryRun = dryRunOf(flags, env);
    const print = await objectPrinter(flags, printerOptions(dryRun, env));
    const client = await env.client();
    const targets = await findTargets(
      { words: [], manifests: { ...flags, recursive: false }, stopsAtError: true },
      env,
    );
    const changes: { readonly target: Target; readonly text: string; readonly present: KubeObject }[] = [];
    await targets.visitLoaded(async (target) => {
      const { resource, key, object } = target;
      const present = await client.get(resource, key, { signal: env.signal });
      const noted = present.metadata.annotations?.[lastAppliedAnnotation];
      if (noted === undefined && !flags["create-annotation"])
        throw new UsageError(
          `no last-applied-configuration annotation found on resource: ${key.name}, to create the annotation, run the command with --create-annotation`,
        );
      const text = `${goJson(object)}`;
      if (noted !== undefined && goJson(readJsonText(noted)) === text)
        await env.terminal.write(`set-last-applied ${key.name}: no changes required.\n`);
      else changes.push({ target, text, present });
    });
    for (const { target, text, present } of changes) {
      const body = { metadata: { annotations: { [lastAppliedAnnotation]: text } } };
      const changed =
        dryRun === "client"
          ? present
          : await client.patch(
              target.resource,
              target.key,
              { type: "merge", body },
              {
                dryRun: dryRun === "server",
                signal: env.signal,
              },
            );
      await print(changed, "configured");
    }
    return 0;
  },
});
