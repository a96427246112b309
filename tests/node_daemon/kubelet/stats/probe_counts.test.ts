import { expect, it } from "vitest";
import { findCondition } from "../../../../core/api/meta.ts";
import { pod as podKind } from "../../../../core/kinds/pod.ts";
import { renderMetrics } from "../../../../core/util/prometheus.ts";
import { ProbeCounts } from "../../../../node_daemon/kubelet/stats/probe_counts.ts";
import { parsePrometheus, samplesOf } from "../../../prometheus_text.ts";
import { openTestNode } from "../cluster.ts";
import { makePod } from "../fixtures.ts";

const labels = { probe_type: "Liveness", container: "app", pod: "web", namespace: "default" };

it("ProbeCounts counts attempts by result and how long they took, until their pod is gone", () => {
  const counts = new ProbeCounts();
  const add = (result: "successful" | "failed" | "unknown", seconds: number) =>
    counts.add(makePod(), "app", { type: "liveness", result, seconds });
  add("successful", 0.003);
  add("successful", 0.3);
  add("failed", 60);
  const text = renderMetrics(counts.families());
  for (const [result, value] of [
    ["successful", 2],
    ["failed", 1],
  ] as const)
    expect(text).toContain(
      `prober_probe_total{probe_type="Liveness",container="app",pod="web",namespace="default",pod_uid="uid-1",result="${result}"} ${value}\n`,
    );
  const own = 'probe_type="Liveness",container="app",pod="web",namespace="default"';
  for (const line of [
    `_bucket{${own},le="0.005"} 1`,
    `_bucket{${own},le="0.5"} 2`,
    `_bucket{${own},le="+Inf"} 3`,
    `_count{${own}} 3`,
  ])
    expect(text).toContain(`prober_probe_duration_seconds${line}\n`);
  counts.forget("uid-1");
  expect(renderMetrics(counts.families())).toBe("");
});

it("a kubelet counts its probes", async () => {
  await using node = await openTestNode(undefined, { kubelet: false });
  const kubelet = await node.startKubelet();
  const livenessProbe = { exec: { command: ["check"] }, periodSeconds: 5 };
  await node.run({ containers: [{ name: "app", image: "img:1", command: ["run"], livenessProbe }] });
  await node.until(({ status }) => findCondition(status?.conditions, "Ready")?.status === "True");
  await node.advance(11_000);
  const text = () => renderMetrics(kubelet.probeMetrics());
  const [total] = samplesOf(parsePrometheus(text()), "prober_probe_total");
  expect(total?.labels).toMatchObject({ ...labels, result: "successful" });
  expect(total?.value).toBeGreaterThanOrEqual(2);
  await node.client.delete(podKind, { namespace: "default", name: "web" });
  await node.gone();
  await node.soon(async () => text() === "");
});
