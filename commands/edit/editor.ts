import { temporaryFile } from "../../core/platform/files.ts";
import { environmentVariable } from "../../core/platform/process.ts";
import { runInForeground } from "../../core/platform/programs.ts";
import { UsageError } from "../verb.ts";

/** What the user left in the file, and where that is. */
export interface EditedFile {
  readonly text: string;
  readonly path: string;
}

/**
 * Lets the user change a text in the editor of KUBE_EDITOR or EDITOR, `vi` otherwise. The file stays until it is removed.
 *
 * @throws UsageError when the editor fails
 */
export async function editText(text: string, suffix: string): Promise<EditedFile> {
  const file = await temporaryFile("wherry-edit-", suffix, text);
  const editor = environmentVariable("KUBE_EDITOR") || environmentVariable("EDITOR") || "vi";
  const words = wordsOf(editor);
  // A shell gets the file's path as a word of its own: it is not text to be read by it.
  const [program = "", ...args] = words ? [...words, file.path] : [shell(), "-c", `${editor} "$@"`, editor, file.path];
  const problem = `there was a problem with the editor "${editor}"`;
  let code: number;
  try {
    code = await runInForeground(program, args);
  } catch (cause) {
    // Of a path kubectl finds out only when the program does not begin.
    if (program.includes("/")) throw new UsageError(problem, { cause });
    throw new UsageError(`unable to launch the editor "${editor}"`, { cause });
  }
  if (code !== 0) throw new UsageError(problem);
  return { text: await file.read(), path: file.path };
}

/** The words of a command line that needs no shell. */
function wordsOf(editor: string): readonly string[] | undefined {
  return /["'\\]/.test(editor) ? undefined : editor.split(" ").filter(Boolean);
}

function shell(): string {
  return environmentVariable("SHELL") || "/bin/bash";
}
