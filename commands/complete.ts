import { type Completion, completeLine } from "./completion/complete_line.ts";
import { globalFlags, systemEnv } from "./global_flags.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Says how the last word of a command line may go on: what shells ask. */
export const complete: Verb = defineVerb({
  name: "__complete",
  group: "Settings",
  summary: "Say how the last word of a command line may go on.",
  words: "[words...]",
  passesOn: true,
  flags: {},
  hidden: true,
  async run({ words, literal, env }) {
    // Loaded here: the list of verbs names this one.
    const [{ verbs }, { withoutAliases }] = await Promise.all([
      import("./mod.ts"),
      import("./preferences/with_preferences.ts"),
    ]);
    const line = await withoutAliases([...words, ...literal]);
    const found: readonly Completion[] = await completeLine(line, {
      verbs,
      globals: globalFlags,
      env: (given) => systemEnv(valuesOf(given), env),
    });
    await env.terminal.write(found.map(({ text, what }) => `${text}${what ? `\t${what}` : ""}\n`).join(""));
    return 0;
  },
});

/** Values by the names that the command line's reader gives them: `as-group` is `asGroup`. */
function valuesOf(given: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      globalFlags[name]?.type === "list" ? [value] : value,
    ]),
  );
}
