import process from "node:process";

/** One measured value, with what to hold it against. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "ms" | "ms CPU" | "per s" | "MiB" | "% of a core" | "pods" | "nodes";
  /** What it should be at most (ms, MiB) or at least (per s). */
  readonly goal?: number;
  /** The same, as somebody else does it on this machine in this run. */
  readonly beside?: Readonly<Record<string, number | undefined>>;
}

/** One benchmark: nothing is left behind. */
export interface Bench {
  /** One line about what is measured and how. */
  readonly about: string;
  /** Whether it takes minutes: then it is run only when it is named. */
  readonly isLong?: true;
  run(): AsyncIterable<Figure>;
}

/** A figure as one line. */
export function formatFigure({ what, value, unit, goal, beside = {} }: Figure): string {
  const isMet = goal === undefined || (unit === "per s" ? value >= goal : value <= goal);
  const parts = [
    ...(goal === undefined
      ? []
      : [`${isMet ? "goal" : "MISSED, goal"} ${unit === "per s" ? ">=" : "<="} ${number(goal)}`]),
    ...Object.entries(beside).flatMap(([name, other]) =>
      other === undefined ? [] : [`${name} ${number(other)} (${number(value / other)} x)`],
    ),
  ];
  return `  ${what.padEnd(46)} ${number(value).padStart(9)} ${unit.padEnd(6)}  ${parts.join(", ")}`.trimEnd();
}

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value that so many percent do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => PromiseLike<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** How fast something goes, and what it costs. */
export interface Rate {
  readonly perSecond: number;
  /** Milliseconds of this process's processor time for each: what stays true on a busy machine. */
  readonly cpuMs: number;
}

/** Milliseconds of processor time that this process has used, in all its threads. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** How often `work` is done in a second by `clients` who each ask again when answered. */
export async function rate(
  work: (turn: number) => Promise<unknown>,
  { clients, ms = 1000 }: { readonly clients: number; readonly ms?: number },
): Promise<Rate> {
  let turn = 0;
  const cpuBefore = cpuTime();
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() - startedAt < ms) await work(turn++);
    }),
  );
  const perSecond = (turn * 1000) / (performance.now() - startedAt);
  return { perSecond, cpuMs: (cpuTime() - cpuBefore) / turn };
}

function number(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value < 10 ? 2 : 1);
}
