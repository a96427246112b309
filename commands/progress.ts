import { printable } from "../core/util/printable.ts";
import type { CommandEnv } from "./env.ts";
import { columnsOf } from "./output/columns.ts";

/** Says how far something is. */
export interface Progress {
  /** In a few words; how long it takes already is said behind them. Takes the place of what was said before. */
  show(text: string): void;
}

/** What is done sooner is not told. */
const delayMs = 300;
const refreshMs = 200;

/**
 * Runs `work`, and tells a person meanwhile how far it is, on one line of standard error that is gone at the end. Where nobody
 * looks, or the terminal cannot draw over a line, nothing is said.
 */
export async function withProgress<R>(
  { terminal, clock }: Pick<CommandEnv, "terminal" | "clock">,
  work: (progress: Progress) => Promise<R>,
): Promise<R> {
  const { status } = terminal;
  if (!status) return await work({ show() {} });
  const startedAt = clock.monotonic();
  let said = "";
  const draw = () => {
    const seconds = Math.floor((clock.monotonic() - startedAt) / 1000);
    if (said !== "") status.set(cut(`${said}${seconds > 0 ? ` (${seconds}s)` : ""}`, status.width));
    cancel = clock.schedule(refreshMs, draw);
  };
  let cancel = clock.schedule(delayMs, draw);
  try {
    return await work({
      show(text) {
        said = text;
      },
    });
  } finally {
    cancel();
    status.set(undefined);
  }
}

/** As much as stands in so many columns; what could move the cursor is written out. */
function cut(text: string, width: number): string {
  let shown = "";
  let columns = 0;
  for (const character of printable(text)) {
    columns += columnsOf(character);
    if (columns > width) break;
    shown += character;
  }
  return shown;
}

/** `12.4 MiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
