import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { canonicalQuantity } from "../api/quantity.ts";
import { nameColumn } from "./cells.ts";
import type { ResourceList } from "./pod.ts";

/** What a node uses. Answered by its daemon; never stored. */
export interface NodeMetrics extends KubeObject {
  /** End of the time over which the use of CPU was measured, RFC 3339. */
  readonly timestamp: string;
  /** Its length, as Go writes durations. */
  readonly window: string;
  readonly usage: ResourceList;
}

/** The kind NodeMetrics. @see https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/ */
export const nodeMetrics: Kind<NodeMetrics> = defineKind<NodeMetrics>({
  group: "metrics.k8s.io",
  version: "v1beta1",
  kind: "NodeMetrics",
  plural: "nodes",
  singular: "",
  namespaced: false,
  schema: "io.k8s.metrics.pkg.apis.metrics.v1beta1.NodeMetrics",
  verbs: ["get", "list"],
  columns: [
    nameColumn,
    { name: "cpu", type: "string", format: "quantity", cell: ({ usage }) => amount(usage, "cpu") },
    { name: "memory", type: "string", format: "quantity", cell: ({ usage }) => amount(usage, "memory") },
    { name: "Window", type: "string", format: "duration", cell: ({ window }) => window ?? "" },
  ],
});

function amount(usage: ResourceList | undefined, resource: string): string {
  return canonicalQuantity(usage?.[resource] ?? "0");
}
