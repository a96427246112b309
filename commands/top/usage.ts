import { addQuantities, milliValue, parseQuantity, type Quantity, value } from "../../core/api/quantity.ts";
import { isReason } from "../../core/api/status.ts";
import type { FlagOf, FlagWithDefault } from "../../core/flags/flag.ts";
import type { ResourceList } from "../../core/kinds/pod.ts";
import { tabbed } from "../output/tabbed.ts";
import { UsageError } from "../verb.ts";

/** What is measured. */
export interface Usage {
  readonly cpu: Quantity;
  readonly memory: Quantity;
  readonly swap: Quantity;
}

/** The flags of both verbs. */
export const usageFlags: {
  readonly [Name in "sort-by" | "selector"]: FlagOf<"string">;
} & { readonly [Name in "no-headers" | "show-swap"]: FlagOf<"boolean"> } & {
  readonly "use-protocol-buffers": FlagWithDefault<"boolean", true>;
} = {
  "sort-by": { type: "string", placeholder: "cpu|memory", description: "Those that use most first." },
  selector: { type: "string", short: "l", placeholder: "labels", description: "Only those with these labels." },
  "no-headers": { type: "boolean", description: "Leave out the headers." },
  "use-protocol-buffers": { type: "boolean", default: true, hidden: true, description: "Answers are always JSON." },
  "show-swap": { type: "boolean", description: "How much swap too, where that is measured." },
};

/** Nothing used. */
export const noUsage: Usage = { cpu: parseQuantity("0"), memory: parseQuantity("0"), swap: parseQuantity("0") };

/** The use that a list of resources says. */
export function usageOf(list: ResourceList | undefined): Usage {
  const of = (name: string) => parseQuantity(list?.[name] ?? "0");
  return { cpu: of("cpu"), memory: of("memory"), swap: of("swap") };
}

/** Both together. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    cpu: addQuantities(a.cpu, b.cpu),
    memory: addQuantities(a.memory, b.memory),
    swap: addQuantities(a.swap, b.swap),
  };
}

/** `12m` and `34Mi`, with `showSwap` how much swap as well, and how much of `available` that is. */
export function usageCells(
  { cpu, memory, swap }: Usage,
  { available, showSwap }: { readonly available?: Partial<Usage> | undefined; readonly showSwap: boolean },
): readonly string[] {
  const share = (used: Quantity, whole: Quantity | undefined) =>
    whole === undefined
      ? []
      : [`${milliValue(whole) === 0 ? 0 : Math.trunc((milliValue(used) / milliValue(whole)) * 100)}%`];
  const mebibytes = (quantity: Quantity) => `${Math.trunc(value(quantity) / (1024 * 1024))}Mi`;
  const swapCells =
    available && !available.swap ? ["<unknown>", "<unknown>"] : [mebibytes(swap), ...share(swap, available?.swap)];
  return [
    `${milliValue(cpu)}m`,
    ...share(cpu, available?.cpu),
    mebibytes(memory),
    ...share(memory, available?.memory),
    ...(showSwap ? swapCells : []),
  ];
}

/** Those that use most first, or by name. */
export function byUsage<T>(
  items: readonly T[],
  sortBy: string | undefined,
  of: (item: T) => { readonly usage: Usage; readonly name: string },
): readonly T[] {
  const size = ({ cpu, memory }: Usage) => (sortBy === "cpu" ? milliValue(cpu) : value(memory));
  return [...items].sort((a, b) => {
    if (sortBy) return size(of(b).usage) - size(of(a).usage);
    return of(a).name < of(b).name ? -1 : 1;
  });
}

/** @throws UsageError for another order than by cpu or memory */
export function checkSortBy(sortBy: string | undefined): void {
  if (sortBy && sortBy !== "cpu" && sortBy !== "memory") throw new UsageError("--sort-by accepts only cpu or memory");
}

/** The error for a server that measures nothing. */
export function withoutMetrics(error: unknown): unknown {
  return isReason(error, "NotFound") && !(error instanceof Error && /metrics.*"/.test(error.message))
    ? new UsageError("Metrics API not available")
    : error;
}

/** Rows in columns; every cell ends with a tab, as kubectl has it. */
export function usageTable(rows: readonly (readonly string[])[]): string {
  const text = rows.map((cells) => `${cells.map((cell) => `${cell}\t`).join("")}\n`).join("");
  return tabbed(text, { padding: 3, minWidth: 6 });
}
