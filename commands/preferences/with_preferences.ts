import type { PluginPolicy } from "../../core/client/plugin_policy.ts";
import { readBytes, readSettings } from "../../core/platform/files.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { errorMessage } from "../../core/util/log.ts";
import { indexOfVerb } from "../arguments.ts";
import { globalFlags } from "../global_flags.ts";
import { verbs } from "../mod.ts";
import { PlainError } from "../verb.ts";
import { kubercFlag, locateKuberc } from "./locate.ts";

/** A command line as the user's preferences make it. */
export interface PreferredLine {
  readonly line: readonly string[];
  /** Which exec plug-ins may be run; undefined: any. */
  readonly pluginPolicy?: PluginPolicy | undefined;
}

/**
 * Applies the user's kuberc file to a command line. The verb that shows and changes the file works without, so that it can
 * mend it. Without a file this costs a look for it: everything else is loaded when there is one.
 *
 * @throws PlainError with kubectl's words for preferences that cannot be
 */
export async function withPreferences(
  args: readonly string[],
  terminal: Pick<Terminal, "warn">,
): Promise<PreferredLine> {
  if (args.length === 0 || args[indexOfVerb(args, globalFlags)] === "kuberc") return { line: args };
  try {
    const preference = await loadPreference(kubercFlag(args), terminal).catch((error: unknown) => {
      throw new Error(`kuberc error ${errorMessage(error)}`, { cause: error });
    });
    if (!preference) return { line: args };
    const [{ checkPreference, pluginPolicyOf }, { expandArguments }] = await Promise.all([
      import("./kuberc.ts"),
      import("./expand.ts"),
    ]);
    checkPreference(preference);
    const { aliases = [], defaults = [] } = preference;
    const warn = (text: string) => terminal.warn(text);
    const line = await expandArguments(args, { aliases, defaults, verbs, globals: globalFlags, warn });
    return { line, pluginPolicy: pluginPolicyOf(preference) };
  } catch (error) {
    throw new PlainError(`error occurred while applying preferences ${errorMessage(error)}`, { cause: error });
  }
}

/** A command line that is being typed with the command in place of an alias; as it is where preferences cannot be used. */
export async function withoutAliases(words: readonly string[]): Promise<readonly string[]> {
  try {
    const preference = await loadPreference(kubercFlag(words), { warn: () => {} });
    if (!preference?.aliases) return words;
    const { expandArguments } = await import("./expand.ts");
    // What stands behind the words of a line would be taken for the word that is typed.
    const aliases = preference.aliases.map(({ name, command, prependArgs }) => ({ name, command, prependArgs }));
    return await expandArguments(words, { aliases, defaults: [], verbs, globals: globalFlags, warn: () => {} });
  } catch {
    return words;
  }
}

/** The preference that counts; undefined when there is none. @throws Error for a file that was named and cannot be used */
async function loadPreference(
  given: string | undefined,
  terminal: Pick<Terminal, "warn">,
): Promise<import("./kuberc.ts").Preference | undefined> {
  const file = locateKuberc(given);
  if (!file) return undefined;
  const { path, explicit } = file;
  try {
    const text = explicit ? new TextDecoder().decode(await readBytes(path)) : readSettings(path);
    if (text === undefined) return undefined;
    const { readPreference } = await import("./kuberc.ts");
    const read = readPreference(text, path);
    if (read) warnOfUnknown(read.unknown, path, terminal);
    return read?.preference;
  } catch (error) {
    if (explicit) throw new Error(`kuberc: ${errorMessage(error)}`, { cause: error });
    terminal.warn(`kuberc: no preferences loaded from ${path}: ${errorMessage(error)}`);
    return undefined;
  }
}

/** Says which fields of the file are none. */
export function warnOfUnknown(unknown: readonly string[], path: string, terminal: Pick<Terminal, "warn">): void {
  if (unknown.length === 0) return;
  const fields = unknown.map((field) => `unknown field "${field}"`).join(", ");
  terminal.warn(`kuberc: ignoring strict decoding error in ${path}: strict decoding error: ${fields}`);
}
