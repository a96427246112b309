import type { StringMap } from "../../core/api/meta.ts";
import { printable } from "../output/columns.ts";

/** A label with its text, or with lines that stand below it. */
export type Field = readonly [label: string, value: string | number | boolean | readonly string[] | undefined];

/** Lines `Label:   text`, the texts in one column; a list's further lines stand in that column too. Undefined values are left out. */
export function fieldLines(fields: readonly Field[]): readonly string[] {
  const shown = fields.filter(([, value]) => value !== undefined);
  const width =
    Math.max(
      0,
      ...shown.filter(([, value]) => !Array.isArray(value) || value.length > 0).map(([label]) => label.length),
    ) + 1;
  return shown.flatMap(([label, value]) => {
    const texts = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
    const [first = "<none>", ...rest] = texts;
    return [
      `${`${label}:`.padEnd(width)}  ${printable(first)}`.trimEnd(),
      ...rest.map((text) => `${" ".repeat(width)}  ${printable(text)}`),
    ];
  });
}

/** A heading with lines indented below it; `Heading:  <none>` when there are none. */
export function section(heading: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [`${heading}:  <none>`] : [`${heading}:`, ...indented(lines)];
}

/** Lines two columns further in. */
export function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => (line === "" ? line : `  ${line}`));
}

/** `key=value` a line, sorted. */
export function labelLines(labels: StringMap | undefined): readonly string[] {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}

/** `key: value` a line, sorted; long values are cut. */
export function annotationLines(annotations: StringMap | undefined): readonly string[] {
  return Object.entries(annotations ?? {})
    .filter(([key]) => key !== "kubectl.kubernetes.io/last-applied-configuration")
    .map(([key, value]) => `${key}: ${value.length > 140 ? `${value.slice(0, 140)}...` : value}`)
    .sort();
}
