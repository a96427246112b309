/** A figure that was read. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly at: number | undefined;
}

/** A family that was read. */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: ParsedSample[];
}

const nameRule = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/**
 * Reads Prometheus' text format strictly: every figure belongs to the family above it, every family is announced once,
 * with a type, and no figure stands there twice. Counters do not fall below zero; histograms are cumulative.
 *
 * @throws Error with the line that is wrong
 */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let help: string | undefined;
  let current: ParsedFamily | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, what, name = "", rest = ""] = comment;
      if (!nameRule.test(name)) fail("no name of a family");
      if (what === "HELP") {
        help = rest;
        continue;
      }
      if (!["counter", "gauge", "histogram"].includes(rest)) fail("no type");
      if (families.has(name)) fail("a family stands there twice");
      current = { name, type: rest, help: help ?? fail("no help before the type"), samples: [] };
      families.set(name, current);
      help = undefined;
      continue;
    }
    const sample = parseSample(line);
    const family = current ?? fail("a figure of no family");
    const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (!suffixes.some((suffix) => sample.name === family.name + suffix)) fail(`not of the family ${family.name}`);
    if (family.type === "counter" && !(sample.value >= 0)) fail("a counter below zero");
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(key)) fail("a figure stands there twice");
    seen.add(key);
    family.samples.push(sample);
  }
  for (const family of families.values()) if (family.type === "histogram") checkHistogram(family);
  return families;
}

/** The figures of one name that have these labels. */
export function samplesOf(
  families: ReadonlyMap<string, ParsedFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): readonly ParsedSample[] {
  const all = [...families.values()].flatMap(({ samples }) => samples).filter((sample) => sample.name === name);
  return all.filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
}

function parseSample(line: string): ParsedSample {
  const fail = (): never => {
    throw new Error(`no figure: ${line}`);
  };
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? fail();
  let rest = line.slice(name.length);
  const labels: Record<string, string> = Object.create(null);
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    for (let first = true; !rest.startsWith("}"); first = false) {
      if (!first) rest = rest.startsWith(",") ? rest.slice(1) : fail();
      const [whole, label = "", text = ""] = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"/.exec(rest) ?? fail();
      if (label in labels) fail();
      labels[label] = text.replace(/\\(.)/g, (_, mark: string) => (mark === "n" ? "\n" : mark));
      rest = rest.slice(whole.length);
    }
    rest = rest.slice(1);
  }
  const [, number = "", at] = /^ (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?: (-?\d+))?$/.exec(rest) ?? fail();
  const value = number.endsWith("Inf") ? Number(number.replace("Inf", "Infinity")) : Number(number);
  return { name, labels, value, at: at === undefined ? undefined : Number(at) };
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const series = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const own of series.values()) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const limits = buckets.map(({ labels }) =>
      labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"]),
    );
    const grows = (list: readonly number[], strictly: boolean) =>
      list.every(
        (value, index) =>
          index === 0 || (strictly ? value > Number(list[index - 1]) : value >= Number(list[index - 1])),
      );
    const counts = buckets.map(({ value }) => value);
    const total = own.find((sample) => sample.name === `${name}_count`)?.value;
    const hasSum = own.some((sample) => sample.name === `${name}_sum`);
    if (
      !grows(limits, true) ||
      !grows(counts, false) ||
      limits.at(-1) !== Number.POSITIVE_INFINITY ||
      counts.at(-1) !== total ||
      !hasSum
    )
      throw new Error(`no histogram: ${name}`);
  }
}
