const plain = /^[ -~]*$/;

/** Whether there is nothing in a text but what ASCII prints. */
export function isPlain(text: string): boolean {
  return plain.test(text);
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
  if (isPlain(text)) return text;
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === "\n") return "\\n";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
