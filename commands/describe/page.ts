import { shownSafely, tabbed } from "../output/tabbed.ts";

/**
 * A description as it is written: lines of cells that tabs separate, indented by levels of two spaces. Cells of neighbouring
 * lines stand below each other, as Go's tabwriter sets them.
 */
export class Page {
  #text = "";

  /** A line. `text` may have tabs. */
  line(level: number, text: string): void {
    this.write(level, `${text}\n`);
  }

  /** Text that goes on where the last one ended. */
  write(level: number, text: string): void {
    this.#text += "  ".repeat(level) + text;
  }

  /** What was written, with its tabs; what would move the cursor is written out. */
  raw(): string {
    return shownSafely(this.#text);
  }

  /** What was written, in columns; what would move the cursor is written out. */
  text(): string {
    return tabbed(this.raw());
  }
}
