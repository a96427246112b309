import { programsIn, searchPath } from "../../core/platform/programs.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { pluginPrefixes } from "./run_plugin.ts";

/** Lists the plug-ins on PATH, and what is wrong with them. */
export const list: Verb = defineVerb({
  name: "list",
  group: "Settings",
  summary: "List the plug-ins on PATH.",
  words: "[ignored...]",
  flags: { "name-only": { type: "boolean", description: "File names without their folders." } },
  examples: [["By their names", "wherry plugin list --name-only"]],
  async run({ flags, env }) {
    const { verbs } = await import("../mod.ts");
    const seen = new Map<string, string>();
    let warnings = 0;
    for (const folder of searchPath()) {
      const found = await programsIn(folder, pluginPrefixes).catch(() => {
        env.terminal.warn(
          `Unable to read directory "${folder}" from your PATH: open ${folder}: no such file or directory. Skipping...`,
        );
        return [];
      });
      for (const { name, path, isExecutable } of found) {
        if (seen.size === 0) await env.terminal.write("The following compatible plugins are available:\n\n");
        await env.terminal.write(`${flags["name-only"] ? name : path}\n`);
        const shadow = seen.get(name);
        const [word = ""] = name.replace(/^(wherry|kubectl)-/, "").split("-");
        const complaints = [
          ...(isExecutable ? [] : [`${path} identified as a kubectl plugin, but it is not executable`]),
          ...(shadow === undefined ? [] : [`${path} is overshadowed by a similarly named plugin: ${shadow}`]),
          ...(Object.hasOwn(verbs, word) ? [`${name} overwrites existing command: "wherry ${word}"`] : []),
        ];
        if (shadow === undefined) seen.set(name, path);
        for (const complaint of complaints) env.terminal.warn(`  - warning: ${complaint}`);
        warnings += complaints.length;
      }
    }
    if (seen.size === 0) throw new UsageError("unable to find any wherry or kubectl plugins in your PATH");
    if (warnings > 0)
      throw new UsageError(warnings === 1 ? "one plugin warning was found" : `${warnings} plugin warnings were found`);
    return 0;
  },
});
