import { unicodeWidth } from "@std/cli";
import { isPlain, printable } from "../../core/util/printable.ts";

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
      widths[column] = Math.max(widths[column] ?? leastWidth, columnsOf(cell));
    });
  }
  return safe.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - columnsOf(cell) + gap),
      )
      .join(""),
  );
}

/** How many columns a text takes on a terminal. Nearly all that is printed is plain, and quickly told. */
export function columnsOf(text: string): number {
  return isPlain(text) ? text.length : unicodeWidth(text);
}
