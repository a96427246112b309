import { storedKinds } from "../../core/kinds/mod.ts";
import { buildMetrics, processMetrics } from "../../core/platform/process_usage.ts";
import type { MetricFamily, MetricSample } from "../../core/util/prometheus.ts";
import { gitVersion, kubernetesVersion } from "../../core/version.ts";
import type { Registries } from "../registry/registry.ts";
import type { Auditor } from "./audit/mod.ts";
import type { InFlightLimit } from "./filters/in_flight.ts";
import type { FlowControl, LevelFigures } from "./flow_control/mod.ts";

/** Options of {@linkcode serverFigures}. */
export interface ServerFiguresOptions {
  readonly registries: Registries;
  readonly inFlight: InFlightLimit;
  readonly flowControl: FlowControl | undefined;
  readonly audit: Auditor | undefined;
}

/** How the server is doing now: what it works on, what it keeps, and what it uses. */
export async function serverFigures(options: ServerFiguresOptions): Promise<readonly MetricFamily[]> {
  const { registries, inFlight, flowControl, audit } = options;
  const { read, write } = inFlight.running;
  return [
    gauge("apiserver_current_inflight_requests", "Requests that are worked on.", [
      { labels: { request_kind: "readOnly" }, value: read },
      { labels: { request_kind: "mutating" }, value: write },
    ]),
    ...flowFigures(flowControl),
    ...auditFigures(audit),
    ...(await objectCounts(registries)),
    gauge("wherry_store_revision", "The last revision of the store that readers see.", [
      { value: registries.revision },
    ]),
    buildMetrics({ major: kubernetesVersion.major, minor: kubernetesVersion.minor, gitVersion }),
    ...(await processMetrics()),
  ];
}

/** How the priority levels are doing. */
function flowFigures(flowControl: FlowControl | undefined): readonly MetricFamily[] {
  const families: readonly (readonly [string, MetricFamily["type"], string, keyof Omit<LevelFigures, "name">])[] = [
    ["nominal_limit_seats", "gauge", "Seats that the level has of its own.", "nominalSeats"],
    ["current_executing_requests", "gauge", "Requests that have a seat.", "running"],
    ["current_inqueue_requests", "gauge", "Requests that wait for a seat.", "waiting"],
    ["dispatched_requests_total", "counter", "Requests that were given a seat.", "dispatched"],
    ["rejected_requests_total", "counter", "Requests that found no room.", "rejected"],
  ];
  const levels = flowControl?.figures() ?? [];
  return families.map(([name, type, help, member]) => ({
    name: `apiserver_flowcontrol_${name}`,
    type,
    help,
    samples: levels.map((level) => ({ labels: { priority_level: level.name }, value: level[member] })),
  }));
}

/** How the audit log is doing. */
function auditFigures(audit: Auditor | undefined): readonly MetricFamily[] {
  if (!audit) return [];
  const { events, dropped } = audit.counts;
  return [
    { name: "apiserver_audit_event_total", type: "counter", help: "Audit events.", samples: [{ value: events }] },
    {
      name: "apiserver_audit_error_total",
      type: "counter",
      help: "Audit events that were lost.",
      samples: [{ labels: { plugin: "log" }, value: dropped }],
    },
  ];
}

/** Objects by resource, under the name of today and the one of before Kubernetes 1.34. */
async function objectCounts(registries: Registries): Promise<readonly MetricFamily[]> {
  const counts: { readonly group: string; readonly resource: string; readonly value: number }[] = [];
  for (const kind of registries.kinds) {
    // Of a resource with several versions one is stored; what is computed is not.
    if (kind.storedAs || (!kind.custom && !storedKinds.includes(kind))) continue;
    // Counted, not copied: all but one remain.
    const page = await registries
      .for(kind)
      .list({ limit: 1, resourceVersion: "0" })
      // Of a custom resource that cannot be converted now nothing is told; of the others all the same.
      .catch(() => undefined);
    if (!page) continue;
    const value = page.items.length + (page.remainingItemCount ?? 0);
    counts.push({ group: kind.group, resource: kind.plural, value });
  }
  return [
    gauge(
      "apiserver_resource_objects",
      "Objects that are stored.",
      counts.map(({ value, ...labels }) => ({ labels, value })),
    ),
    gauge(
      "apiserver_storage_objects",
      "Objects that are stored.",
      counts.map(({ group, resource, value }) => ({
        labels: { resource: group ? `${resource}.${group}` : resource },
        value,
      })),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly MetricSample[]): MetricFamily {
  return { name, type: "gauge", help, samples };
}
