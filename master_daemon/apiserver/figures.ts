import type { Auditor } from "./audit/mod.ts";
import type { FlowControl, LevelFigures } from "./flow_control/mod.ts";

/** How the priority levels are doing, by metric name. */
export function flowFigures(flowControl: FlowControl | undefined): Record<string, number> {
  const families: readonly (readonly [string, keyof Omit<LevelFigures, "name">])[] = [
    ["nominal_limit_seats", "nominalSeats"],
    ["current_executing_requests", "running"],
    ["current_inqueue_requests", "waiting"],
    ["dispatched_requests_total", "dispatched"],
    ["rejected_requests_total", "rejected"],
  ];
  const levels = flowControl?.figures() ?? [];
  return Object.fromEntries(
    families.flatMap(([family, member]) =>
      levels.map((level) => [`apiserver_flowcontrol_${family}{priority_level="${level.name}"}`, level[member]]),
    ),
  );
}

/** How the audit log is doing, by metric name. */
export function auditFigures(audit: Auditor | undefined): Record<string, number> {
  if (!audit) return {};
  const { events, dropped } = audit.counts;
  return { apiserver_audit_event_total: events, 'apiserver_audit_error_total{plugin="log"}': dropped };
}
