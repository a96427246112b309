import { printableLines } from "../../core/util/printable.ts";
import { columnsOf } from "./columns.ts";

/** How columns are set. */
export interface TabbedOptions {
  /** Spaces behind the widest cell of a column. Default 2. */
  readonly padding?: number;
  /** Least width of a column with its padding. Default 0. */
  readonly minWidth?: number;
  /** Widths that columns had before; grows with what is wider. */
  readonly widths?: number[];
}

/**
 * Text with its tabs as columns: where neighbouring lines have a cell that a tab ends, these cells have one width.
 *
 * @see https://pkg.go.dev/text/tabwriter
 */
export function tabbed(text: string, { padding = 2, minWidth = 0, widths }: TabbedOptions = {}): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  // Of each column the width of the block of lines at hand; blocks end where a line has no such cell.
  let open: { width: number }[] = [];
  const blocks = lines.map((cells) => {
    open = cells.slice(0, -1).map((cell, column) => {
      const block = open[column] ?? { width: Math.max(minWidth, widths?.[column] ?? 0) };
      block.width = Math.max(block.width, columnsOf(cell) + padding);
      if (widths) widths[column] = block.width;
      return block;
    });
    return open;
  });
  return lines
    .map((cells, line) =>
      cells
        .map((cell, column) => {
          const width = blocks[line]?.[column]?.width;
          return width === undefined ? cell : cell + " ".repeat(width - columnsOf(cell));
        })
        .join(""),
    )
    .join("\n");
}

/** Text whose lines and tabs are as they are; what else would move the cursor is written out, as far as it goes as kubectl does. */
export function shownSafely(text: string): string {
  return printableLines(text.replaceAll("\x1b", "^[").replaceAll("\r", "\\r"));
}
