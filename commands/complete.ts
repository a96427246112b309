import { type Completion, completeLine } from "./completion/complete_line.ts";
import { globalFlags } from "./global_flags.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Says how the last word of a command line may go on: what shells ask. */
export const complete: Verb = defineVerb({
  name: "__complete",
  group: "Settings",
  summary: "Say how the last word of a command line may go on.",
  words: "[words...]",
  flags: {},
  hidden: true,
  async run({ words, literal, env }) {
    // Loaded here: the list of verbs names this one.
    const { verbs } = await import("./mod.ts");
    const found: readonly Completion[] = await completeLine([...words, ...literal], {
      verbs,
      globals: globalFlags,
      env,
    });
    await env.terminal.write(found.map(({ text, what }) => `${text}${what ? `\t${what}` : ""}\n`).join(""));
    return 0;
  },
});
