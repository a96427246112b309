import { describe, expect, it } from "vitest";
import { RequestMetrics } from "../../../master_daemon/apiserver/metrics.ts";
import { parsePrometheus, samplesOf } from "../../prometheus_text.ts";
import { configMap, openApi } from "./_api.ts";

describe("/metrics", () => {
  it("counts requests and how long they took, in Kubernetes' names and Prometheus' format", async () => {
    const api = await openApi();
    const path = "/api/v1/namespaces/default/configmaps";
    await api.create(path, configMap("a"));
    await api.create(`${path}?dryRun=All`, configMap("b"));
    await api.call("GET", `${path}/a`);
    await api.call("GET", `${path}/missing`);
    await api.call("GET", `${path}`);
    const { text, headers } = await api.call("GET", "/metrics");
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const families = parsePrometheus(text);
    const counts = samplesOf(families, "apiserver_request_total", { resource: "configmaps" });
    const shown = counts.map(({ labels: { code, verb, scope, dry_run }, value }) => [
      verb,
      scope,
      code,
      dry_run,
      value,
    ]);
    expect(shown.sort()).toEqual([
      ["CREATE", "namespace", "201", "", 1],
      ["CREATE", "namespace", "201", "All", 1],
      ["GET", "resource", "200", "", 1],
      ["GET", "resource", "404", "", 1],
      ["LIST", "namespace", "200", "", 1],
    ]);
    expect(counts[0]?.labels).toMatchObject({ component: "apiserver", group: "", subresource: "", version: "v1" });
    const [duration] = samplesOf(families, "apiserver_request_duration_seconds_count", { verb: "GET" });
    expect(duration?.value).toBe(2);
  });

  it("counts the objects of every resource that is stored", async () => {
    const api = await openApi();
    for (const name of ["a", "b", "c"]) await api.create("/api/v1/namespaces/default/configmaps", configMap(name));
    const families = parsePrometheus((await api.call("GET", "/metrics")).text);
    expect(samplesOf(families, "apiserver_resource_objects", { group: "", resource: "configmaps" })[0]?.value).toBe(3);
    expect(samplesOf(families, "apiserver_storage_objects", { resource: "configmaps" })[0]?.value).toBe(3);
    expect(samplesOf(families, "apiserver_storage_objects", { resource: "deployments.apps" })[0]?.value).toBe(0);
    expect(samplesOf(families, "apiserver_storage_objects", { resource: "componentstatuses" })).toEqual([]);
    expect(samplesOf(families, "apiserver_storage_objects", { resource: "pods.metrics.k8s.io" })).toEqual([]);
  });

  it("tells of the process and its version", async () => {
    const api = await openApi();
    const families = parsePrometheus((await api.call("GET", "/metrics")).text);
    expect(samplesOf(families, "process_cpu_seconds_total")[0]?.value).toBeGreaterThan(0);
    expect(samplesOf(families, "process_start_time_seconds")[0]?.value).toBeGreaterThan(1_600_000_000);
    expect(samplesOf(families, "kubernetes_build_info", { major: "1", minor: "36" })).toHaveLength(1);
    expect(
      samplesOf(families, "apiserver_current_inflight_requests").map(({ labels }) => labels["request_kind"]),
    ).toEqual(["readOnly", "mutating"]);
  });
});

describe("RequestMetrics", () => {
  it("stops at a number of series, whatever is asked for", () => {
    const metrics = new RequestMetrics();
    const labels = { verb: "GET", group: "", version: "v1", resource: "pods", subresource: "", scope: "", dryRun: "" };
    for (let code = 0; code < 6000; code++) metrics.observe({ ...labels, code }, 0.3);
    const [counts, durations] = metrics.families();
    expect(counts?.samples).toHaveLength(5000);
    expect(durations?.samples.find(({ labels }) => labels?.["le"] === "0.4")?.value).toBe(5000);
    expect(durations?.samples.find(({ labels }) => labels?.["le"] === "0.2")?.value).toBe(0);
  });
});
