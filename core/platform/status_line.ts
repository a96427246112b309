/** A line at the end of what a terminal shows, drawn over as it changes. What is printed meanwhile stands above it. */
export class StatusLine {
  readonly #draw: (text: string) => void;
  #text: string | undefined;
  #drawn = false;
  /** Whether what was printed ended with a line feed: the status does not go on a line that is not its own. */
  #atLineStart = true;

  /** @param draw writes to the terminal at once */
  constructor(draw: (text: string) => void) {
    this.#draw = draw;
  }

  /** Shows `text`, which must fit on one line; undefined shows nothing. */
  set(text: string | undefined): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#redraw();
  }

  /** Prints `data` with `print`, in place of the status, which then follows it. */
  async above(data: string | Uint8Array, print: () => Promise<void>): Promise<void> {
    this.#clear();
    if (data.length > 0) this.#atLineStart = data.at(-1) === (typeof data === "string" ? "\n" : 10);
    await print();
    this.#redraw();
  }

  #redraw(): void {
    if (this.#text === undefined) this.#clear();
    else if (this.#atLineStart) {
      this.#draw(`\r${this.#text}\x1b[K`);
      this.#drawn = true;
    }
  }

  #clear(): void {
    if (this.#drawn) this.#draw("\r\x1b[K");
    this.#drawn = false;
  }
}
