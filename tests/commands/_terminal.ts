import type { Terminal } from "../../core/platform/terminal.ts";

/** A terminal that is none, with `typed` as its input; both of its streams go to one text. */
export function recordedTerminal(
  typed = "",
  surroundings: Partial<Terminal> = {},
): { readonly terminal: Terminal; text(): string } {
  let text = "";
  const add = async (data: string | Uint8Array) => {
    text += typeof data === "string" ? data : new TextDecoder().decode(data);
  };
  return {
    text: () => text,
    terminal: {
      input: (async function* () {
        if (typed !== "") yield new TextEncoder().encode(typed);
      })(),
      inputIsTerminal: false,
      outputIsTerminal: false,
      write: add,
      writeError: add,
      warn: (warning) => void add(`${warning}\n`),
      size: () => undefined,
      onResize: () => () => {},
      raw: () => () => {},
      ...surroundings,
    },
  };
}
