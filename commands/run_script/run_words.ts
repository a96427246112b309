import type { RunProgram } from "../../core/client/script.ts";
import { captureProgram, findProgram } from "../../core/platform/programs.ts";

/** A script's `$`. */
export function programRunner(signal: AbortSignal): RunProgram {
  return async (text, ...values) => {
    const [name = "", ...args] = commandWords(text, values);
    const program = await findProgram(name);
    if (program === undefined) throw new Error(`Cannot run ${JSON.stringify(name)}: there is no such program`);
    const { code, stdout } = await captureProgram(program, args, { signal });
    if (code !== 0) throw new Error(`${name} ended with exit code ${code}`, { cause: { code, stdout } });
    return new TextDecoder().decode(stdout).replace(/\r?\n$/, "");
  };
}

/**
 * The words of a command: text is split at blanks, values never are.
 *
 * @throws SyntaxError for what only a shell would read
 */
export function commandWords(
  text: readonly string[],
  values: readonly (string | number | readonly (string | number)[])[],
): readonly string[] {
  const words: string[] = [];
  // Whether what comes next belongs to the last word: `--name=${value}`.
  let open = false;
  text.forEach((part, index) => {
    for (const piece of part.split(/(\s+)/)) {
      if (piece === "") continue;
      if (/^\s/.test(piece)) {
        open = false;
        continue;
      }
      if (/["'\\]|^[|&;<>]/.test(piece))
        throw new SyntaxError(`Cannot run a command with ${piece}: no shell reads it, give it as a \${value}`);
      append(piece);
    }
    const value = values[index];
    if (value === undefined) return;
    for (const [at, one] of (typeof value === "object" ? value : [value]).entries()) {
      if (at > 0) open = false;
      append(String(one));
    }
  });
  return words;

  function append(piece: string): void {
    if (open) words.push(`${words.pop()}${piece}`);
    else words.push(piece);
    open = true;
  }
}
