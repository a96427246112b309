import { lastAppliedAnnotation } from "../../core/api/apply/apply_configuration.ts";
import { jsonText, readJsonText } from "../../core/api/json_text.ts";
import { formatYaml } from "../../core/api/yaml_writer.ts";
import { manifestFlags } from "../manifests.ts";
import { findTargets } from "../targets.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { selectorFlags } from "../write_flags.ts";

/** Shows what was applied last. */
export const viewLastApplied: Verb = defineVerb({
  name: "view-last-applied",
  group: "Change",
  summary: "Show what was applied last to objects.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    selector: selectorFlags.selector,
    all: { type: "boolean", description: "All objects of the type in the namespace." },
    output: { type: "string", short: "o", default: "yaml", placeholder: "format", description: "yaml or json." },
  },
  examples: [["Of a deployment", "wherry apply view-last-applied deploy/web"]],
  async run({ flags, words, env }) {
    const targets = await findTargets(
      {
        words,
        manifests: flags,
        selector: flags.selector,
        everything: flags.all,
        typeAlone: env.namespaceGiven,
        stopsAtError: true,
      },
      env,
    );
    const found: string[] = [];
    await targets.visitLoaded(
      async ({ object, source }) => {
        const text = object.metadata.annotations?.[lastAppliedAnnotation];
        if (text !== undefined) found.push(text);
        else if (source !== "")
          throw new UsageError(
            `error when no last-applied-configuration annotation found on resource: ${object.metadata.name ?? ""}\n "${source}": <nil>`,
          );
      },
      { latest: true },
    );
    for (const text of found) {
      if (flags.output === "json")
        await env.terminal.write(jsonText(readJsonText(text), 2) + (text.endsWith("\n") ? "\n" : ""));
      else if (flags.output === "yaml") await env.terminal.write(formatYaml(readJsonText(text)));
      else
        throw new UsageError(
          `Unexpected -o output mode: ${flags.output}, the flag 'output' must be one of yaml|json\nSee 'wherry apply view-last-applied -h' for help and examples`,
        );
    }
    return 0;
  },
});
