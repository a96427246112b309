import { columnsOf, gap } from "./columns.ts";

const good = "32";
const busy = "33";
const bad = "31";
const over = "2";

/** Words that servers use for states, and how they are shown. */
const states: ReadonlyMap<string, string> = new Map([
  ...["Running", "Ready", "Active", "Bound", "Available", "Healthy", "True"].map((word) => [word, good] as const),
  ...["Pending", "ContainerCreating", "PodInitializing", "Terminating", "Unknown", "Released", "Suspended"].map(
    (word) => [word, busy] as const,
  ),
  ...["Completed", "Succeeded", "Complete"].map((word) => [word, over] as const),
  ...["Failed", "Error", "Evicted", "OOMKilled", "NotReady", "Lost", "Warning", "Denied", "Unhealthy", "False"].map(
    (word) => [word, bad] as const,
  ),
]);

/** The colour of a cell, as the number of an SGR sequence; undefined for what is no state. */
export function colourOf(cell: string): string | undefined {
  const [word = ""] = cell.split(/[ ,(]/, 1);
  const known = states.get(word);
  if (known) return known;
  if (
    /^(CrashLoopBackOff|\w*(BackOff|Error|Failed)|ErrImage\w*|Invalid\w+|Init:(?:Error|CrashLoopBackOff))$/.test(word)
  )
    return bad;
  if (/^Init:/.test(word)) return busy;
  const [, ready, wanted] = /^(\d+)\/(\d+)$/.exec(cell) ?? [];
  return ready !== undefined && ready !== wanted ? busy : undefined;
}

/** A line of a table with its states in colour. `widths` are those of the columns. */
export function coloured(
  line: string,
  cells: readonly string[],
  widths: readonly number[],
  colour: (cell: string) => string | undefined,
): string {
  let shown = "";
  let rest = line;
  cells.forEach((cell, index) => {
    const isLast = index === cells.length - 1;
    const length = isLast ? rest.length : cell.length + (widths[index] ?? 0) - columnsOf(cell) + gap;
    const part = rest.slice(0, length);
    rest = rest.slice(length);
    const code = part.startsWith(cell) ? colour(cell) : undefined;
    shown += code ? `\x1b[${code}m${cell}\x1b[0m${part.slice(cell.length)}` : part;
  });
  return shown + rest;
}
