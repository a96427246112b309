import type { Column } from "./kind.ts";
import type { KubeObject, ListMeta, ObjectMeta } from "./meta.ts";

/** What a cell holds. */
export type TableCell = string | number | bigint | boolean | null;

/** One column as it stands on the wire. */
export interface TableColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** Columns above 0 show with `-o wide` only. */
  readonly priority: number;
}

/** An object reduced to its metadata. */
export interface PartialObjectMetadata {
  readonly apiVersion: "meta.k8s.io/v1";
  readonly kind: "PartialObjectMetadata";
  readonly metadata: ObjectMeta;
}

/** One row: the cells, and as much of the object as was asked for. */
export interface TableRow {
  readonly cells: readonly TableCell[];
  readonly object: KubeObject | PartialObjectMetadata | null;
}

/** What `kubectl get` prints, made by the server. @see https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: ListMeta;
  /** Only the first event of a watch carries them. */
  readonly columnDefinitions?: readonly TableColumnDefinition[];
  readonly rows: readonly TableRow[];
}

/** How much of its object a row carries. */
export type IncludeObject = "Metadata" | "Object" | "None";

/** Options of {@linkcode tableOf}. */
export interface TableOptions {
  /** Default `Metadata`. */
  readonly includeObject?: IncludeObject | undefined;
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
  /** Metadata of the list; default none. */
  readonly metadata?: ListMeta | undefined;
  /** False leaves the column definitions out: every event of a watch but the first. Default true. */
  readonly definitions?: boolean | undefined;
}

/** The Table of some objects: every column of the kind, one row an object. */
export function tableOf<T extends KubeObject>(
  { columns }: { readonly columns: readonly Column<T>[] },
  objects: readonly T[],
  { includeObject = "Metadata", now, metadata = {}, definitions = true }: TableOptions,
): Table {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    ...(definitions ? { columnDefinitions: columnDefinitions(columns) } : {}),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, { now })),
      object: rowObject(object, includeObject),
    })),
  };
}

/** Columns as they stand on the wire. */
function columnDefinitions(
  columns: readonly Pick<Column<never>, "name" | "type" | "format" | "description" | "priority">[],
): readonly TableColumnDefinition[] {
  return columns.map(({ name, type, format = "", description = "", priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

/** The metadata of an object as an object of its own. */
function partialObjectMetadata({ metadata }: KubeObject): PartialObjectMetadata {
  return { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata", metadata };
}

function rowObject(object: KubeObject, include: IncludeObject): TableRow["object"] {
  if (include === "None") return null;
  return include === "Object" ? object : partialObjectMetadata(object);
}

/**
 * How long ago a timestamp was, as kubectl's AGE: `<unknown>` when there is none.
 *
 * @param now milliseconds since the epoch
 */
export function ageText(then: string | undefined, now: number): string {
  const at = then === undefined ? Number.NaN : Date.parse(then);
  return Number.isNaN(at) ? "<unknown>" : durationText(now - at);
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/**
 * A duration in milliseconds in at most two units, the coarser the longer: `45s`, `5m30s`, `3h`, `2d4h`, `1y20d`.
 *
 * @see k8s.io/apimachinery/pkg/util/duration HumanDuration
 */
export function durationText(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  // Clocks of two machines differ: a second or so in the future is now.
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * minute) return `${seconds}s`;
  if (seconds < 10 * minute) return twoUnits(seconds, [minute, "m"], [1, "s"]);
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < 8 * hour) return twoUnits(seconds, [hour, "h"], [minute, "m"]);
  if (seconds < 2 * day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 8 * day) return twoUnits(seconds, [day, "d"], [hour, "h"]);
  if (seconds < 2 * year) return `${Math.floor(seconds / day)}d`;
  if (seconds < 8 * year) return twoUnits(seconds, [year, "y"], [day, "d"]);
  return `${Math.floor(seconds / year)}y`;
}

function twoUnits(
  seconds: number,
  [large, largeName]: readonly [number, string],
  [small, smallName]: readonly [number, string],
): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeName}${rest === 0 ? "" : `${rest}${smallName}`}`;
}
