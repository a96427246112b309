import type { Pod } from "../../../core/kinds/pod.ts";
import type { MetricFamily, MetricSample } from "../../../core/util/prometheus.ts";
import type { ProbeType } from "../probe_loop.ts";

/** How an attempt of a probe went; `unknown`: it could not be made. */
export type ProbeResult = "successful" | "failed" | "unknown";

/** Upper ends of the classes of durations, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const results: readonly ProbeResult[] = ["successful", "failed", "unknown"];

interface Counts {
  readonly podUid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly byResult: Record<ProbeResult, number>;
  /** As many as there are bounds. */
  readonly atMost: number[];
  count: number;
  seconds: number;
}

/** What came of the probes of a node's containers, for `/metrics/probes`. */
export class ProbeCounts {
  readonly #counts = new Map<string, Counts>();

  /** Counts an attempt. */
  add(
    pod: Pod,
    container: string,
    { type, result, seconds }: { readonly type: ProbeType; readonly result: ProbeResult; readonly seconds: number },
  ): void {
    const { uid: podUid = "", name = "", namespace = "" } = pod.metadata;
    const key = `${podUid}/${container}/${type}`;
    const probe = `${type[0]?.toUpperCase()}${type.slice(1)}`;
    const found = this.#counts.get(key) ?? {
      podUid,
      labels: { probe_type: probe, container, pod: name, namespace },
      byResult: { successful: 0, failed: 0, unknown: 0 },
      atMost: bounds.map(() => 0),
      count: 0,
      seconds: 0,
    };
    this.#counts.set(key, found);
    found.byResult[result]++;
    found.count++;
    found.seconds += seconds;
    for (const [index, bound] of bounds.entries())
      if (seconds <= bound) found.atMost[index] = (found.atMost[index] ?? 0) + 1;
  }

  /** The pod is gone. */
  forget(podUid: string): void {
    for (const [key, counts] of this.#counts) if (counts.podUid === podUid) this.#counts.delete(key);
  }

  /** The counts as figures. @see https://kubernetes.io/docs/reference/instrumentation/metrics/ */
  families(): readonly MetricFamily[] {
    const all = [...this.#counts.values()];
    const totals = all.flatMap(({ labels, byResult, podUid }) =>
      results
        .filter((result) => byResult[result] > 0)
        .map((result) => ({ labels: { ...labels, pod_uid: podUid, result }, value: byResult[result] })),
    );
    return [
      { name: "prober_probe_total", type: "counter", help: "Attempts of probes by result.", samples: totals },
      {
        name: "prober_probe_duration_seconds",
        type: "histogram",
        help: "How long attempts of probes took.",
        samples: all.flatMap(histogram),
      },
    ];
  }
}

function histogram({ labels, atMost, count, seconds }: Counts): readonly MetricSample[] {
  const bucket = (le: string, value: number) => ({ suffix: "_bucket", labels: { ...labels, le }, value });
  return [
    ...bounds.map((bound, index) => bucket(String(bound), atMost[index] ?? 0)),
    bucket("+Inf", count),
    { suffix: "_sum", labels, value: seconds },
    { suffix: "_count", labels, value: count },
  ];
}
