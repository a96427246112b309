const encoder = new TextEncoder();
const listItem = /^(\d+\.?|-|\*)\s/;

/**
 * Text in lines of at most `width` bytes with a margin: lines are joined where nothing speaks against it. Code, items of
 * lists, empty lines and what follows a colon keep their own lines.
 *
 * @see k8s.io/kubectl/pkg/explain/formatter.go
 */
export function filled(text: string, width: number, margin: number): string {
  const lines: string[] = [];
  let words: string[] = [];
  let length = 0;
  let lastWord = "";
  const flush = () => {
    if (words.length === 0) return;
    lines.push(words.join(" "));
    words = [];
    length = 0;
    lastWord = "";
  };
  for (const line of text.split("\n")) {
    const trimmed = line.trim();
    if (line.startsWith("    ") || (trimmed === "" && lines.length > 0)) {
      flush();
      lines.push(trimmed === "" && !line.startsWith("    ") ? "" : line);
      continue;
    }
    if (lastWord.endsWith(":") || trimmed === "" || listItem.test(trimmed)) flush();
    for (const word of trimmed.split(/\s+/).filter(Boolean)) {
      const size = encoder.encode(word).length;
      if (words.length > 0 && length + 1 + size > width) flush();
      length += (words.length > 0 ? 1 : 0) + size;
      words.push(word);
      lastWord = word;
    }
  }
  flush();
  return lines.map((line) => (line === "" ? "\n" : `${" ".repeat(margin)}${line}\n`)).join("");
}
