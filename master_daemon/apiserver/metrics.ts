/** What a finished request is counted under. */
export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly code: number;
}

const bucketsSeconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Labels come from served resources, verbs and codes only; this bounds them even so. */
const maxSeries = 5000;

/** Counts requests and writes them in Prometheus' text format, under the names that Kubernetes' API server uses. */
export class Metrics {
  readonly #counts = new Map<string, number>();
  readonly #durations = new Map<string, { readonly buckets: number[]; sum: number; count: number }>();

  /** Notes a finished request. @param seconds how long it took, undefined for watches and streams */
  observe(labels: RequestLabels, seconds: number | undefined): void {
    const { verb, group, version, resource, subresource, code } = labels;
    const common = `group="${group}",resource="${resource}",subresource="${subresource}",verb="${verb}",version="${version}"`;
    const key = `code="${code}",${common}`;
    if (!this.#counts.has(key) && this.#counts.size >= maxSeries) return;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    if (seconds === undefined) return;
    const entry = this.#durations.get(common) ?? { buckets: bucketsSeconds.map(() => 0), sum: 0, count: 0 };
    this.#durations.set(common, entry);
    entry.sum += seconds;
    entry.count++;
    for (let index = bucketsSeconds.length - 1; index >= 0 && seconds <= (bucketsSeconds[index] ?? 0); index--)
      entry.buckets[index] = (entry.buckets[index] ?? 0) + 1;
  }

  /** Everything as text. @param gauges present values by metric name (labels included); those that end in `_total` are counters */
  render(gauges: Readonly<Record<string, number>>): string {
    const lines = [
      "# HELP apiserver_request_total Counter of apiserver requests broken out for each verb, group, version, resource and HTTP response code.",
      "# TYPE apiserver_request_total counter",
      ...[...this.#counts].map(([labels, count]) => `apiserver_request_total{${labels}} ${count}`),
      "# HELP apiserver_request_duration_seconds Response latency distribution in seconds for each verb, group, version and resource.",
      "# TYPE apiserver_request_duration_seconds histogram",
    ];
    for (const [labels, { buckets, sum, count }] of this.#durations) {
      for (const [index, limit] of bucketsSeconds.entries())
        lines.push(`apiserver_request_duration_seconds_bucket{${labels},le="${limit}"} ${buckets[index]}`);
      lines.push(
        `apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`,
        `apiserver_request_duration_seconds_sum{${labels}} ${sum}`,
        `apiserver_request_duration_seconds_count{${labels}} ${count}`,
      );
    }
    let previous = "";
    for (const [name, value] of Object.entries(gauges)) {
      const family = name.split("{", 1)[0] ?? name;
      if (family !== previous) lines.push(`# TYPE ${family} ${family.endsWith("_total") ? "counter" : "gauge"}`);
      previous = family;
      lines.push(`${name} ${value}`);
    }
    return `${lines.join("\n")}\n`;
  }
}
