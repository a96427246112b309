import { addQuantities, milliValue, parseQuantity, type Quantity, value } from "../../core/api/quantity.ts";
import { isReason } from "../../core/api/status.ts";
import type { FlagOf } from "../../core/flags/flag.ts";
import type { ResourceList } from "../../core/kinds/pod.ts";
import { tabbed } from "../output/tabbed.ts";
import { UsageError } from "../verb.ts";

/** What is measured. */
export interface Usage {
  readonly cpu: Quantity;
  readonly memory: Quantity;
}

/** The flags of both verbs. */
export const usageFlags: {
  readonly [Name in "sort-by" | "selector"]: FlagOf<"string">;
} & { readonly [Name in "no-headers" | "use-protocol-buffers" | "show-swap"]: FlagOf<"boolean"> } = {
  "sort-by": { type: "string", placeholder: "cpu|memory", description: "Those that use most first." },
  selector: { type: "string", short: "l", placeholder: "labels", description: "Only those with these labels." },
  "no-headers": { type: "boolean", description: "Leave out the headers." },
  "use-protocol-buffers": { type: "boolean", hidden: true, description: "Answers are always JSON." },
  "show-swap": { type: "boolean", hidden: true, description: "Swap is not measured." },
};

/** Nothing used. */
export const noUsage: Usage = { cpu: parseQuantity("0"), memory: parseQuantity("0") };

/** The use that a list of resources says. */
export function usageOf(list: ResourceList | undefined): Usage {
  return { cpu: parseQuantity(list?.["cpu"] ?? "0"), memory: parseQuantity(list?.["memory"] ?? "0") };
}

/** Both together. */
export function addUsage(a: Usage, b: Usage): Usage {
  return { cpu: addQuantities(a.cpu, b.cpu), memory: addQuantities(a.memory, b.memory) };
}

/** `12m` and `34Mi`, and how much of `available` that is. */
export function usageCells({ cpu, memory }: Usage, available?: Usage): readonly string[] {
  const share = (used: Quantity, whole: Quantity | undefined) =>
    whole === undefined
      ? []
      : [`${milliValue(whole) === 0 ? 0 : Math.trunc((milliValue(used) / milliValue(whole)) * 100)}%`];
  return [
    `${milliValue(cpu)}m`,
    ...share(cpu, available?.cpu),
    `${Math.trunc(value(memory) / (1024 * 1024))}Mi`,
    ...share(memory, available?.memory),
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
