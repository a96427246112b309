/** Prometheus' text format, as daemons write it. @see https://prometheus.io/docs/instrumenting/exposition_formats/ */

/** One figure of a family. */
export interface MetricSample {
  /** What follows the family's name: `_bucket`, `_sum` and `_count` of histograms. */
  readonly suffix?: string;
  /** Values may be any text. Absent: there are no labels. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
  /** When it was measured, milliseconds since the epoch. Absent: when it is read. */
  readonly at?: number | undefined;
}

/** All figures of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

/** Content-Type of what {@linkcode renderMetrics} writes. */
export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/** The families as text. Those without figures are left out. */
export function renderMetrics(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => `${head(family)}${family.samples.map((sample) => line(family.name, sample)).join("")}`)
    .join("");
}

function head({ name, type, help }: MetricFamily): string {
  const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${text}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, { suffix = "", labels = {}, value, at }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  const set = pairs.length > 0 ? `{${pairs.join(",")}}` : "";
  return `${name}${suffix}${set} ${numberText(value)}${at === undefined ? "" : ` ${Math.round(at)}`}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
