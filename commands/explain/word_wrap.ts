/**
 * Text in lines of at most `width` characters, broken between words; longer words stand by themselves.
 *
 * @see https://github.com/mitchellh/go-wordwrap
 */
export function wrapped(text: string, width: number): string {
  let out = "";
  let column = 0;
  let word = "";
  let space = "";
  const flush = () => {
    if (word === "") {
      if (column + space.length > width) column = 0;
      else column += space.length;
      if (column > 0) out += space;
    } else {
      out += space + word;
      column += space.length + word.length;
    }
    space = "";
    word = "";
  };
  for (const char of text) {
    if (char === "\n") {
      flush();
      out += char;
      column = 0;
    } else if (/\s/.test(char) && char !== "\u00a0") {
      if (space === "" || word !== "") flush();
      space += char;
    } else {
      word += char;
      if (column + word.length + space.length > width && word.length < width) {
        out += "\n";
        column = 0;
        space = "";
      }
    }
  }
  flush();
  return out;
}

/** Every line with so many spaces before it. */
export function indented(text: string, amount: number): string {
  const margin = " ".repeat(amount);
  return margin + text.replaceAll("\n", `\n${margin}`);
}
