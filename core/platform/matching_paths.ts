import { readdir, stat } from "node:fs/promises";

/**
 * The paths that a pattern names, sorted: `*` is any part of a name, `?` a letter, `[a-z]` and `[^a-z]` a letter that is or is
 * not among some, `\` before a letter that letter.
 *
 * @throws SyntaxError for a pattern that is none
 * @see https://pkg.go.dev/path/filepath#Glob
 */
export async function matchingPaths(pattern: string): Promise<readonly string[]> {
  const parts = pattern.split("/").filter((part) => part !== "");
  let found: readonly string[] = [pattern.startsWith("/") ? "/" : ""];
  for (const matcher of parts.map(nameMatcher)) {
    const next = found.map(async (folder) => {
      if (typeof matcher === "string") return [below(folder, matcher)];
      const names = await readdir(folder || ".").catch(() => []);
      return names.filter((name) => matcher.test(name)).map((name) => below(folder, name));
    });
    found = (await Promise.all(next)).flat();
  }
  const there = await Promise.all(found.map((path) => stat(path).catch(() => undefined)));
  return found.filter((_path, index) => there[index] !== undefined).sort();
}

function below(folder: string, name: string): string {
  return folder === "" || folder === "/" ? folder + name : `${folder}/${name}`;
}

/** A name as it is, or what tells the names that a pattern means. */
function nameMatcher(pattern: string): string | RegExp {
  if (!/[*?[\\]/.test(pattern)) return pattern;
  const part = /\*|\?|\[(\^?)((?:\\.|[^\]\\-])(?:\\.|[^\]\\])*)\]|\\(.)|([^[\\])/gsy;
  let expression = "";
  while (part.lastIndex < pattern.length) {
    const match = part.exec(pattern);
    if (!match) throw new SyntaxError("syntax error in pattern");
    const [text, not, letters, escaped, plain] = match;
    if (text === "*") expression += ".*";
    else if (text === "?") expression += ".";
    else if (letters !== undefined) expression += `[${not}${lettersOf(letters)}]`;
    else expression += (escaped ?? plain ?? "").replace(/[$()+./?[\\\]^{|}*-]/g, "\\$&");
  }
  return new RegExp(`^${expression}$`, "s");
}

/** What stands between brackets, in a regular expression's words. */
function lettersOf(text: string): string {
  return text.replace(/\\?([^-])/gs, (_text, letter: string) => (/[\\\]^[]/.test(letter) ? `\\${letter}` : letter));
}
