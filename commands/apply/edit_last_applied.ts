import { lastAppliedAnnotation } from "../../core/api/apply/apply_configuration.ts";
import { goJson } from "../../core/api/go_json.ts";
import { asObject } from "../../core/api/json_object.ts";
import { readJsonText } from "../../core/api/json_text.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { runEditSession } from "../edit/session.ts";
import { manifestFlags } from "../manifests.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { findTargets, type LoadedTarget } from "../targets.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { fieldManagerFlag, printerOptions, validateFlag } from "../write_flags.ts";

const heading = `# Please edit the 'last-applied-configuration' annotations below.
# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
#
`;

/** Lets the user change what is noted as applied last. */
export const editLastApplied: Verb = defineVerb({
  name: "edit-last-applied",
  group: "Change",
  summary: "Change what is noted as applied last, in an editor.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...validateFlag,
    ...fieldManagerFlag("kubectl-client-side-apply"),
    "windows-line-endings": { type: "boolean", description: "Lines of the file end as on Windows." },
  },
  examples: [["In the editor, as JSON", "wherry apply edit-last-applied deploy/web -o json"]],
  async run({ flags, words, env }) {
    const print = await objectPrinter(flags, printerOptions("none", env));
    const found: LoadedTarget[] = [];
    const targets = await findTargets({ words, manifests: flags, typeAlone: true }, env);
    await targets.visitLoaded(
      async (target) => {
        const noted = target.object.metadata.annotations?.[lastAppliedAnnotation];
        if (noted !== undefined) found.push({ ...target, object: asObject(readJsonText(noted) as JsonObject) });
      },
      { latest: true },
    );
    if (found.length === 0)
      throw new UsageError(
        "no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`",
      );
    return await runEditSession(
      {
        targets: found,
        format: flags.output === "json" ? "json" : "yaml",
        heading,
        checkTypes: true,
        windowsLineEndings: flags["windows-line-endings"],
        async commit(edited, { resource, key }) {
          const body = { metadata: { annotations: { [lastAppliedAnnotation]: goJson(edited) } } };
          const client = await env.client();
          await client.patch(
            resource,
            key,
            { type: "merge", body },
            {
              fieldManager: flags["field-manager"],
              signal: env.signal,
            },
          );
          await print(edited, "edited");
        },
        skip: ({ object }) => print(object, "skipped"),
      },
      env,
    );
  },
});
