import { findProgram, runInForeground } from "../../core/platform/programs.ts";

/** How the file names of plug-ins begin; the first that is found counts. */
export const pluginPrefixes: readonly string[] = ["wherry-", "kubectl-"];

/** More words than a name of a file has room for are arguments. */
const maxWords = 16;

/**
 * Runs the plug-in that the words name: for `foo bar x` the first of `wherry-foo-bar-x`, `wherry-foo-bar`, `wherry-foo`
 * that is on PATH, with the words behind as its arguments. Dashes in words are underscores in names of files.
 *
 * @returns its exit code; undefined when there is none
 * @see k8s.io/kubectl/pkg/cmd/cmd.go HandlePluginCommand
 */
export async function runPlugin(args: readonly string[]): Promise<number | undefined> {
  const flagAt = args.findIndex((word) => word.startsWith("-"));
  const words = args.slice(0, flagAt < 0 ? args.length : flagAt).slice(0, maxWords);
  for (let count = words.length; count > 0; count--) {
    const named = words.slice(0, count);
    // A word with a slash would leave the folders of PATH.
    if (named.some((word) => word === "" || /[/\\\0]/.test(word))) continue;
    const name = named.map((word) => word.replaceAll("-", "_")).join("-");
    for (const prefix of pluginPrefixes) {
      const program = await findProgram(prefix + name);
      if (program !== undefined) return await runInForeground(program, args.slice(count));
    }
  }
  return undefined;
}
