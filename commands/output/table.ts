import { goText } from "../../core/api/go_value.ts";
import type { Json, StringMap } from "../../core/api/meta.ts";
import { alignColumns } from "./columns.ts";
import { coloured, colourOf } from "./state_colours.ts";

/** A server-side Table as far as printing goes. @see https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface WireTable {
  readonly kind: "Table";
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?: readonly WireColumn[] | null;
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
  /** What happened to the objects: shown in a first column. */
  readonly event?: string;
}

interface WireColumn {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  readonly priority?: number;
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
  /** Whether states are coloured. Default false. */
  readonly colours?: boolean;
}

/** Prints Tables one after another in the same columns: what a list is now, then a watch's events. */
export class TablePrinter {
  readonly #options: TableOptions;
  readonly #widths: number[] = [];
  #columns: readonly WireColumn[] = [];
  #headersOf = "";

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** The lines of more Tables. Column definitions of the last that has some hold for those without. */
  lines(...tables: readonly WireTable[]): readonly string[] {
    const rows = tables.flatMap((table) => this.#rows(table));
    const lines = alignColumns(rows, this.#widths);
    if (!this.#options.colours) return lines;
    return lines.map((line, index) => coloured(line, rows[index] ?? [], this.#widths, colourOf));
  }

  #rows(table: WireTable): readonly (readonly string[])[] {
    const { wide, headers, withNamespace, showLabels, labelColumns, namePrefix } = this.#options;
    if (table.columnDefinitions && table.columnDefinitions.length > 0) this.#columns = table.columnDefinitions;
    const columns = this.#columns
      .map((column, index) => ({ column, index }))
      .filter(({ column }) => wide || !column.priority);
    const named = this.#columns.findIndex(({ format, type }) => format === "name" && type === "string");
    const hasEvent = table.event !== undefined;
    const shown: string[][] = [];
    const found = table.rows ?? [];
    if (headers && found.length > 0) {
      const line = [
        ...(hasEvent ? ["EVENT"] : []),
        ...(withNamespace ? ["NAMESPACE"] : []),
        ...columns.map(({ column }) => column.name.toUpperCase()),
        ...labelColumns.map((label) => label.slice(label.lastIndexOf("/") + 1).toUpperCase()),
        ...(showLabels ? ["LABELS"] : []),
      ];
      // A table with other columns than the one before says so.
      if (this.#headersOf !== line.join("\t")) shown.push(line);
      this.#headersOf = line.join("\t");
    }
    for (const { cells, object } of found) {
      const labels = object?.metadata?.labels ?? {};
      shown.push([
        ...(hasEvent ? [table.event ?? ""] : []),
        ...(withNamespace ? [object?.metadata?.namespace ?? ""] : []),
        ...columns.map(({ index }) => `${namePrefix && index === named ? namePrefix : ""}${cellText(cells[index])}`),
        ...labelColumns.map((label) => (Object.hasOwn(labels, label) ? (labels[label] ?? "") : "")),
        ...(showLabels ? [labelsText(labels)] : []),
      ]);
    }
    return shown;
  }
}

/** A cell on one line: what is behind a line's end is left out, and the escape character is shown. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  const text = typeof cell === "string" ? cell : goText(cell as Json);
  const end = text.search(/[\n\r\f]/);
  return (end < 0 ? text : `${text.slice(0, end)}...`).replaceAll("\x1b", "^[");
}

/** `a=1,b=2`, sorted, or `<none>`. */
export function labelsText(labels: StringMap | undefined): string {
  const parts = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return parts.length > 0 ? parts.sort().join(",") : "<none>";
}
