import { jsonText } from "../../core/api/json_text.ts";
import type { StringMap } from "../../core/api/meta.ts";
import { alignColumns } from "./columns.ts";

/** A server-side Table as far as printing goes. @see https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface WireTable {
  readonly kind: "Table";
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?:
    | readonly { readonly name: string; readonly type?: string; readonly priority?: number }[]
    | null;
  readonly rows?:
    | readonly {
        readonly cells: readonly unknown[];
        readonly object?: {
          readonly kind?: string;
          readonly apiVersion?: string;
          readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: StringMap };
        } | null;
      }[]
    | null;
}

/** How a Table is shown. */
export interface TableOptions {
  readonly wide: boolean;
  readonly headers: boolean;
  readonly withNamespace: boolean;
  /** Put before the names, e.g. `pod/`. */
  readonly namePrefix?: string | undefined;
  readonly showLabels: boolean;
  /** Labels that get a column each. */
  readonly labelColumns: readonly string[];
}

/** Prints Tables one after another in the same columns: a list's pages, then a watch's events. */
export class TablePrinter {
  readonly #options: TableOptions;
  readonly #widths: number[] = [];
  #columns: readonly { readonly name: string; readonly priority?: number }[] = [];
  #headersDue: boolean;

  constructor(options: TableOptions) {
    this.#options = options;
    this.#headersDue = options.headers;
  }

  /** The lines of one more Table. Column definitions of the first hold for those without. */
  lines(table: WireTable): readonly string[] {
    const { wide, withNamespace, showLabels, labelColumns, namePrefix } = this.#options;
    if (table.columnDefinitions && table.columnDefinitions.length > 0) this.#columns = table.columnDefinitions;
    const shown = this.#columns
      .map((column, index) => ({ column, index }))
      .filter(({ column }) => wide || !column.priority);
    const rows: string[][] = [];
    if (this.#headersDue && (table.rows?.length ?? 0) > 0) {
      this.#headersDue = false;
      rows.push([
        ...(withNamespace ? ["NAMESPACE"] : []),
        ...shown.map(({ column }) => column.name.toUpperCase()),
        ...labelColumns.map((label) => label.slice(label.lastIndexOf("/") + 1).toUpperCase()),
        ...(showLabels ? ["LABELS"] : []),
      ]);
    }
    for (const { cells, object } of table.rows ?? []) {
      const labels = object?.metadata?.labels ?? {};
      rows.push([
        ...(withNamespace ? [object?.metadata?.namespace ?? ""] : []),
        ...shown.map(
          ({ column, index }) => `${namePrefix && column.name === "Name" ? namePrefix : ""}${cellText(cells[index])}`,
        ),
        ...labelColumns.map((label) => (Object.hasOwn(labels, label) ? (labels[label] ?? "") : "")),
        ...(showLabels ? [labelsText(labels)] : []),
      ]);
    }
    return alignColumns(rows, this.#widths);
  }
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "<none>";
  return typeof cell === "object" ? jsonText(cell) : String(cell);
}

/** `a=1,b=2`, sorted, or `<none>`. */
export function labelsText(labels: StringMap | undefined): string {
  const parts = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return parts.length > 0 ? parts.sort().join(",") : "<none>";
}
