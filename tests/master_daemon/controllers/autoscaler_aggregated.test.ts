import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import { apiService } from "../../../core/kinds/api_service.ts";
import { endpoints } from "../../../core/kinds/endpoints.ts";
import {
  deployment,
  event,
  horizontalPodAutoscaler,
  type MetricSpec,
  node,
  pod,
  service,
} from "../../../core/kinds/mod.ts";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { timestamp } from "../../../core/util/clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { startMaster } from "../../../master_daemon/master.ts";
import { patienceMs } from "../../patience.ts";
import { aDeployment, aNode } from "./fixtures.ts";

const key = { namespace: "default", name: "web" };
const custom = { group: "custom.metrics.k8s.io", version: "v1beta2" };
const external = { group: "external.metrics.k8s.io", version: "v1beta1" };
const account = "system:serviceaccount:kube-system:horizontal-pod-autoscaler";

/** A server of both metrics APIs, as an adapter of Prometheus is one. */
async function openMetricsServer() {
  const authority = await createAuthority({ commonName: "metrics-ca", clock: systemClock });
  const issued = {
    commonName: "metrics",
    dnsNames: ["metrics.default.svc"],
    usage: "server",
    clock: systemClock,
  } as const;
  const { certificate, key: privateKey } = await issueCertificate(authority, issued);
  const amounts = { milliHitsOfPods: 1500, hitsOfService: "8", queue: "9" };
  const asked = new Map<string, string>();
  const server = createServer({ cert: certificate, key: privateKey }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "https://metrics");
    asked.set(`${pathname}?${searchParams}`, String(request.headers["x-remote-user"]));
    response.setHeader("content-type", "application/json");
    const answer = answerTo(pathname);
    if (!answer) response.writeHead(404).end("{}");
    else response.end(JSON.stringify(answer));
  });
  const answerTo = (path: string): object | undefined => {
    const versions = [custom, external].map(({ group, version }) => `/apis/${group}/${version}`);
    if (versions.includes(path)) return { kind: "APIResourceList", groupVersion: path.slice(6), resources: [] };
    const [customRoot, externalRoot] = versions.map((root) => `${root}/namespaces/default`);
    const time = timestamp(systemClock);
    const metric = { name: "hits" };
    const of = (kind: string, name: string, value: string) => {
      return { describedObject: { kind, namespace: "default", name }, metric, timestamp: time, value };
    };
    if (path === `${customRoot}/pods/*/hits`) {
      const value = `${Math.round(amounts.milliHitsOfPods / pods.length)}m`;
      const items = pods.map((name) => of("Pod", name, value));
      return { kind: "MetricValueList", apiVersion: "custom.metrics.k8s.io/v1beta2", items };
    }
    if (path === `${customRoot}/services/web/hits`)
      return { kind: "MetricValueList", items: [of("Service", "web", amounts.hitsOfService)] };
    if (path !== `${externalRoot}/queue`) return undefined;
    const items = [{ metricName: "queue", metricLabels: {}, timestamp: time, value: amounts.queue }];
    return { kind: "ExternalMetricValueList", apiVersion: "external.metrics.k8s.io/v1beta1", items };
  };
  let pods: readonly string[] = [];
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    amounts,
    asked,
    port: (server.address() as AddressInfo).port,
    caBundle: btoa(authority.certificate),
    /** Has metrics of these pods. */
    tellOf(names: readonly string[]) {
      pods = names;
    },
  };
}

/** A master with a node on which everything runs as soon as it is there, and the server behind a Service. */
async function open() {
  const metrics = await openMetricsServer();
  const master = await startMaster({
    clock: systemClock,
    random: seededRandom(3),
    log: silentLogger,
    authorization: { modes: ["Node", "RBAC"] },
    nodes: {
      request: () => Promise.reject(new Error("not asked for")),
      // The pod behind the Service is reached through its node.
      upgrade: async () => connect(metrics.port, "127.0.0.1"),
    },
    controllers: {
      nodeMonitorGracePeriodMs: 1e9,
      nodeStartupGracePeriodMs: 1e9,
      horizontalPodAutoscalerSyncPeriodMs: 100,
    },
  });
  onTestFinished(() => master[Symbol.asyncDispose]());
  const { client } = master;
  await client.create(node, aNode("n"));
  const metadata = { namespace: "default", name: "metrics" };
  await vi.waitFor(
    () =>
      client.create(pod, {
        apiVersion: "v1",
        kind: "Pod",
        metadata,
        spec: { containers: [{ name: "c", image: "c" }] },
      }),
    patienceMs,
  );
  await client.create(service, {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { ports: [{ port: 443, targetPort: 8443 }] },
  });
  const targetRef = { kind: "Pod", ...metadata };
  const subsets = [{ addresses: [{ ip: "10.0.0.1", targetRef }], ports: [{ port: 8443 }] }];
  await client.create(endpoints, { apiVersion: "v1", kind: "Endpoints", metadata, subsets });
  for (const { group, version } of [custom, external]) {
    await client.create(apiService, {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: `${version}.${group}` },
      spec: {
        group,
        version,
        service: metadata,
        caBundle: metrics.caBundle,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    });
    // An autoscaler that asks too soon tells of it until nobody listens to it any more.
    await vi.waitFor(async () => {
      const { status } = await client.get(apiService, { name: `${version}.${group}` });
      expect(findCondition(status?.conditions, "Available")?.status).toBe("True");
    }, patienceMs);
  }
  const runPods = async () => {
    const { items } = await client.list(pod, { namespace: "default" });
    for (const one of items) {
      if (one.status?.phase === "Running" || !one.spec.nodeName) continue;
      const time = timestamp(systemClock);
      const conditions = [{ type: "Ready", status: "True", lastTransitionTime: time } as const];
      await client.updateStatus(pod, {
        ...one,
        status: { ...one.status, phase: "Running", startTime: time, conditions },
      });
    }
    metrics.tellOf(items.map(({ metadata: { name = "" } }) => name).filter((name) => name !== "metrics"));
  };
  return { client, metrics, runPods };
}

const metrics: readonly MetricSpec[] = [
  { type: "Pods", pods: { metric: { name: "hits" }, target: { type: "AverageValue", averageValue: "500m" } } },
  {
    type: "Object",
    object: {
      metric: { name: "hits" },
      describedObject: { apiVersion: "v1", kind: "Service", name: "web" },
      target: { type: "Value", value: "8" },
    },
  },
  {
    type: "External",
    external: {
      metric: { name: "queue", selector: { matchLabels: { of: "web" } } },
      target: { type: "AverageValue", averageValue: "2" },
    },
  },
];

describe("HorizontalPodAutoscaler with metrics of aggregated servers", () => {
  it("follows custom and external metrics, and says which it cannot get", async () => {
    const { client, metrics: server, runPods } = await open();
    await client.create(deployment, aDeployment({ replicas: 1 }, { metadata: key }));
    await client.create(horizontalPodAutoscaler, {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: key,
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
        minReplicas: 1,
        maxReplicas: 8,
        metrics,
      },
    });
    const untilSize = (size: number) =>
      vi.waitFor(async () => {
        await runPods();
        const { status } = await client.get(horizontalPodAutoscaler, key);
        expect((await client.get(deployment, key)).spec.replicas, JSON.stringify(status)).toBe(size);
        return status;
      }, patienceMs);
    // The queue asks for ceil(9 / 2), the hits of pods for 3 only.
    await untilSize(5);
    expect(server.asked.get("/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/services/web/hits?")).toBe(account);
    expect(
      server.asked.get("/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue?labelSelector=of%3Dweb"),
    ).toBe(account);
    server.amounts.milliHitsOfPods = 3500;
    await untilSize(7);
    const { status } = await client.get(horizontalPodAutoscaler, key);
    expect(status?.currentMetrics?.map(({ type }) => type)).toEqual(["Pods", "Object", "External"]);
    expect(status?.currentMetrics?.[2]?.external?.metric).toEqual({
      name: "queue",
      selector: { matchLabels: { of: "web" } },
    });
    expect(findCondition(status?.conditions, "ScalingActive")?.reason).toBe("ValidMetricFound");

    await client.delete(apiService, { name: `${external.version}.${external.group}` });
    const warning = await vi.waitFor(async () => {
      const { items } = await client.list(event, { namespace: "default" });
      const { message } = items.find(({ reason }) => reason === "FailedGetExternalMetric") ?? {};
      return message ?? expect.fail("No event yet");
    }, patienceMs);
    expect(warning).toBe(
      "unable to get external metric default/queue/&LabelSelector{MatchLabels:map[string]string{of: web,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get queue.external.metrics.k8s.io)",
    );
    // The others still say enough: nothing shrinks because a metric is missing.
    await untilSize(7);
  });
});
