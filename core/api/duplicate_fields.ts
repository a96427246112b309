/** Clients are told this many duplicate fields and no more. */
const maxDuplicates = 100;

interface Level {
  /** Members seen so far; undefined inside a list. */
  readonly seen: Set<string> | undefined;
  /** The member or item that is being read. */
  step: string | number;
}

/**
 * Paths of the members that stand twice in one object of a JSON text, e.g. `spec.containers[0].image`: `JSON.parse` keeps
 * the last and says nothing. One linear pass over a text that is known to be valid JSON.
 */
export function duplicateFields(text: string): readonly string[] {
  const found = new Set<string>();
  const levels: Level[] = [];
  let expectsName = false;
  for (let at = 0; at < text.length; at++) {
    const level = levels[levels.length - 1];
    switch (text[at]) {
      case "{":
        levels.push({ seen: new Set(), step: "" });
        expectsName = true;
        break;
      case "[":
        levels.push({ seen: undefined, step: 0 });
        expectsName = false;
        break;
      case "}":
      case "]":
        levels.pop();
        expectsName = false;
        break;
      case ",":
        if (level?.seen) expectsName = true;
        else if (typeof level?.step === "number") level.step++;
        break;
      case '"': {
        const end = closingQuote(text, at);
        if (expectsName && level?.seen) {
          const name = JSON.parse(text.slice(at, end + 1)) as string;
          level.step = name;
          if (level.seen.has(name) && found.size < maxDuplicates) found.add(pathOf(levels));
          level.seen.add(name);
          expectsName = false;
        }
        at = end;
        break;
      }
    }
  }
  return [...found];
}

function closingQuote(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function pathOf(levels: readonly Level[]): string {
  return levels.reduce((path, { step }) => {
    if (typeof step === "number") return `${path}[${step}]`;
    return path ? `${path}.${step}` : step;
  }, "");
}
