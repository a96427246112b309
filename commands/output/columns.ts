import { unicodeWidth } from "@std/cli";

/** What separates columns, as in kubectl. */
export const gap = 3;
/** No column but the last is narrower, as in kubectl. */
const leastWidth = 3;

/**
 * Lines of a text table: each column as wide as its widest cell. The last cell of a line is not padded.
 *
 * @param widths columns already agreed on (a watch goes on below its first lines); grows with what is wider
 */
export function alignColumns(rows: readonly (readonly string[])[], widths: number[] = []): readonly string[] {
  const safe = rows.map((row) => row.map(printable));
  for (const row of safe) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? leastWidth, unicodeWidth(cell));
    });
  }
  return safe.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - unicodeWidth(cell) + gap),
      )
      .join(""),
  );
}

/** `text` with its line ends and tabs as they are, and the rest as {@linkcode printable} writes it. */
export function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

/**
 * `text` on one line, with control characters and direction marks written out: what other people put into names,
 * messages and labels must not move the cursor of the one who reads it.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
