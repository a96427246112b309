import { type Completion, completeLine } from "./completion/complete_line.ts";
import { globalFlags } from "./global_flags.ts";
import { systemEnv } from "./system_env.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Says how the last word of a command line may go on: what shells ask. */
export const complete: Verb = defineVerb({
  name: "__complete",
  group: "Settings",
  summary: "Say how the last word of a command line may go on.",
  words: "[words...]",
  passesOn: "all",
  flags: {},
  hidden: true,
  async run({ literal, env }) {
    // Loaded here: the list of verbs names this one.
    const [{ verbs }, { withoutAliases }] = await Promise.all([
      import("./mod.ts"),
      import("./preferences/with_preferences.ts"),
    ]);
    const line = await withoutAliases(literal[0] === "--" ? literal.slice(1) : literal);
    const found: readonly Completion[] = await completeLine(line, {
      verbs,
      globals: globalFlags,
      env: (given) => systemEnv(valuesOf(given), env),
    });
    const lines = found.map(({ text, what }) => `${text}${what ? `\t${what}` : ""}\n`);
    const directive = directiveOf(line, found);
    await env.terminal.write(`${lines.join("")}:${directive}\n`);
    env.terminal.warn(`Completion ended with directive: ${directiveNames[directive]}`);
    return 0;
  },
});

/** What a shell is to do besides, as cobra says it: the scripts of kubectl and of others understand it. */
const directiveNames = { 0: "ShellCompDirectiveDefault", 4: "ShellCompDirectiveNoFileComp" } as const;

const takesFiles: ReadonlySet<string> = new Set(["-f", "--filename", "-k", "--kustomize", "--kubeconfig"]);

/** Files are offered where they are wanted, or where nothing else is known. */
function directiveOf(line: readonly string[], found: readonly Completion[]): keyof typeof directiveNames {
  const wantsFile = takesFiles.has(line.at(-2) ?? "") || ["kustomize", "cp", "run-script"].includes(line[0] ?? "");
  return found.length === 0 && wantsFile ? 0 : 4;
}

/** Values by the names that the command line's reader gives them: `as-group` is `asGroup`. */
function valuesOf(given: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      globalFlags[name]?.type === "list" ? [value] : value,
    ]),
  );
}
