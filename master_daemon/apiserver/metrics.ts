import type { ResourceType } from "../../core/api/kind.ts";
import type { MetricFamily, MetricSample } from "../../core/util/prometheus.ts";
import type { Call } from "./call.ts";
import type { Route } from "./routes.ts";

/** What a finished request is counted under. */
export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly dryRun: string;
  readonly code: number;
}

/**
 * The labels of an answered request.
 *
 * @param call undefined: the request could not be read
 * @param found what is served at its path; undefined: nothing that is known, and names of others' choosing make no labels
 * @param code of the answer
 */
export function requestLabels(
  call: Call | undefined,
  found:
    | { readonly kind: Pick<ResourceType, "group" | "version" | "plural">; readonly subresource: string }
    | undefined,
  code: number,
): RequestLabels {
  const { group = "", version = "", plural: resource = "" } = found?.kind ?? {};
  return {
    verb: (call?.verb ?? "unknown").toUpperCase(),
    group,
    version,
    resource,
    subresource: found?.subresource ?? "",
    scope: call ? scopeOf(call.route.target) : "",
    dryRun: call?.isWrite && call.route.query.get("dryRun") === "All" ? "All" : "",
    code,
  };
}

/** Whether a request was about an object, a namespace or all of the cluster, in the words of Kubernetes' metrics. */
function scopeOf(target: Route["target"]): string {
  if (target.type !== "resource") return "";
  if (target.name !== undefined) return "resource";
  return target.namespace === undefined ? "cluster" : "namespace";
}

const bucketsSeconds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** Labels come from served resources, verbs and codes only; this bounds them even so. */
const maxSeries = 5000;

interface Duration {
  readonly labels: Readonly<Record<string, string>>;
  /** Requests that took no longer than the bucket of the same place. */
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** Counts requests, under the names that Kubernetes' API server uses. */
export class RequestMetrics {
  readonly #counts = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>();
  readonly #durations = new Map<string, Duration>();

  /** Notes a finished request. @param seconds how long it took, undefined for watches and streams */
  observe(labels: RequestLabels, seconds: number | undefined): void {
    const { verb, group, version, resource, subresource, scope, dryRun, code } = labels;
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${dryRun}`;
    const codeKey = `${code} ${key}`;
    let count = this.#counts.get(codeKey);
    if (!count) {
      if (this.#counts.size >= maxSeries) return;
      count = { labels: { code: String(code), ...labelsOf(labels) }, value: 0 };
      this.#counts.set(codeKey, count);
    }
    count.value++;
    if (seconds === undefined) return;
    let duration = this.#durations.get(key);
    if (!duration) {
      duration = { labels: labelsOf(labels), buckets: bucketsSeconds.map(() => 0), sum: 0, count: 0 };
      this.#durations.set(key, duration);
    }
    duration.sum += seconds;
    duration.count++;
    for (let index = bucketsSeconds.length - 1; index >= 0 && seconds <= (bucketsSeconds[index] ?? 0); index--)
      duration.buckets[index] = (duration.buckets[index] ?? 0) + 1;
  }

  /** What was counted so far. */
  families(): readonly MetricFamily[] {
    return [
      {
        name: "apiserver_request_total",
        type: "counter",
        help: "Requests by verb, resource and code.",
        samples: [...this.#counts.values()],
      },
      {
        name: "apiserver_request_duration_seconds",
        type: "histogram",
        help: "How long requests took, by verb and resource; watches and streams are not among them.",
        samples: [...this.#durations.values()].flatMap(histogramOf),
      },
    ];
  }
}

function labelsOf({ code: _, dryRun, ...labels }: RequestLabels): Readonly<Record<string, string>> {
  return { component: "apiserver", dry_run: dryRun, ...labels };
}

function histogramOf({ labels, buckets, sum, count }: Duration): readonly MetricSample[] {
  const bucket = (limit: string, value: number) => ({ suffix: "_bucket", labels: { ...labels, le: limit }, value });
  return [
    ...bucketsSeconds.map((limit, index) => bucket(String(limit), buckets[index] ?? 0)),
    bucket("+Inf", count),
    { suffix: "_sum", labels, value: sum },
    { suffix: "_count", labels, value: count },
  ];
}
