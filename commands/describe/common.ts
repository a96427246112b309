import { compareText, goText } from "../../core/api/go_value.ts";
import type { Json, KubeObject, StringMap } from "../../core/api/meta.ts";
import { controllerOf } from "../../core/api/meta.ts";
import { ageText } from "../../core/api/table.ts";
import type { Client } from "../../core/client/client.ts";
import type { Page } from "./page.ts";

/** What describing needs besides the object. */
export interface DescribeContext {
  readonly client: Client;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly showEvents: boolean;
  readonly chunkSize: number;
}

/** Describes objects of one kind. Events are described where it calls for them. */
export type Describer = (object: KubeObject, page: Page, context: DescribeContext) => Promise<void>;

/** Longest value of an annotation that is shown. */
const maxAnnotation = 140;
const hiddenAnnotations = ["kubectl.kubernetes.io/last-applied-configuration"];

/** `Name:` and, where there is one, `Namespace:`. */
export function nameLines(page: Page, { metadata }: KubeObject): void {
  page.line(0, `Name:\t${metadata.name ?? ""}`);
  if (metadata.namespace) page.line(0, `Namespace:\t${metadata.namespace}`);
}

/** A title with lines below each other; `<none>` for none. `indent` stands before each line. */
export function multiline(page: Page, title: string, lines: readonly string[], indent = ""): void {
  const shown = lines.length === 0 ? ["<none>"] : lines;
  shown.forEach((line, index) => {
    page.line(0, `${indent}${index === 0 ? `${title}:` : ""}\t${line}`);
  });
}

/** Entries of a map by name. */
export function sortedEntries<T>(map: { readonly [name: string]: T } | undefined): readonly (readonly [string, T])[] {
  return Object.entries(map ?? {}).sort(([a], [b]) => compareText(a, b));
}

/** `key=value` a line. */
export function labelLines(page: Page, title: string, labels: StringMap | undefined, indent = ""): void {
  multiline(
    page,
    title,
    sortedEntries(labels).map(([key, value]) => `${key}=${value}`),
    indent,
  );
}

/** `key: value` a line; long ones, and those of several lines, below their keys. */
export function annotationLines(page: Page, title: string, annotations: StringMap | undefined): void {
  const lines = sortedEntries(annotations)
    .filter(([key]) => !hiddenAnnotations.includes(key))
    .flatMap(([key, text]) => {
      const value = text.replace(/\n$/, "");
      if (value.length + key.length + 2 <= maxAnnotation && !value.includes("\n")) return [`${key}: ${value}`];
      return [`${key}:`, ...value.split("\n").map((line) => `  ${shorten(line, maxAnnotation - 2)}`)];
    });
  multiline(page, title, lines);
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}

/** Labels and annotations, with their usual titles. */
export function metadataLines(page: Page, { metadata }: KubeObject): void {
  labelLines(page, "Labels", metadata.labels);
  annotationLines(page, "Annotations", metadata.annotations);
}

/** `ReplicaSet/web`: what controls the object. */
export function controlledBy(page: Page, object: KubeObject): void {
  const owner = controllerOf(object);
  if (owner) page.line(0, `Controlled By:\t${owner.kind}/${owner.name}`);
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A time in this machine's zone: `Mon, 02 Jan 2006 15:04:05 -0700`. */
export function timeText(timestamp: string | undefined | null): string {
  const at = new Date(timestamp ?? "0001-01-01T00:00:00Z");
  if (Number.isNaN(at.getTime())) return "<invalid>";
  if (!timestamp) return "Mon, 01 Jan 0001 00:00:00 +0000";
  const two = (value: number) => String(value).padStart(2, "0");
  const offset = -at.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${days[at.getDay()]}, ${two(at.getDate())} ${months[at.getMonth()]} ${at.getFullYear()} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${zone}`;
}

/** How long ago: `5m30s`. */
export function since(timestamp: string | undefined | null, { now }: Pick<DescribeContext, "now">): string {
  return ageText(timestamp ?? undefined, now);
}

/** `True` or `False`. */
export function boolText(value: boolean | undefined): string {
  return value ? "True" : "False";
}

/** A value as Go prints it. */
export function text(value: unknown): string {
  return value === undefined ? "" : goText(value as Json);
}

/** A pointer's value, or `<unset>`. */
export function orUnset(value: unknown, suffix = ""): string {
  return value === undefined || value === null ? "<unset>" : `${text(value)}${suffix}`;
}
