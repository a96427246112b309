import { parseArgs } from "@std/cli";
import type { ScriptArgs, ScriptContext, ScriptFlags } from "../core/client/script.ts";
import { isFolder, resolvePath } from "../core/platform/files.ts";
import { programRunner } from "./run_script/run_words.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Runs a TypeScript file with a connected client. */
export const runScript: Verb = defineVerb({
  name: "run-script",
  group: "Settings",
  summary: "Run a TypeScript file with a client of the cluster.",
  description:
    "The file exports main({ client, namespace, args, words, signal, $ }), typed as ScriptContext of the package wherry; a number that it returns is the exit code. What stands behind the file's name is for the script.",
  words: "<file> [args...]",
  passesOn: "behind its first word",
  flags: {},
  examples: [["Restart what a label selects, on another cluster", "wherry --context=b run-script roll.ts tier=web"]],
  async run({ words: [file = ""], literal, env }) {
    const path = resolvePath(file);
    if ((await isFolder(path)) !== false) throw new UsageError(`the path "${file}" is not a file`);
    const { importScript } = await import("../core/platform/import_script.ts");
    const { main, flags = {} } = (await importScript(path)) as Script;
    if (typeof main !== "function") throw new UsageError(`${file} exports no function main`);
    const code = await main({
      client: await env.client(),
      namespace: await env.namespace(),
      args: readArgs(literal, flags),
      words: literal,
      signal: env.signal,
      $: programRunner(env.signal),
    });
    return typeof code === "number" ? code : 0;
  },
});

interface Script {
  readonly main?: (context: ScriptContext) => unknown;
  readonly flags?: ScriptFlags;
}

function readArgs(words: readonly string[], flags: ScriptFlags): ScriptArgs {
  const { boolean = [], string = [], collect = [], alias = {}, default: preset = {} } = flags;
  // The package's own type tells flags that are known beforehand: these are the script's.
  const args: unknown = parseArgs([...words], {
    boolean: [...boolean],
    string: [...string],
    collect: [...collect],
    alias,
    default: preset,
  });
  return args as ScriptArgs;
}
