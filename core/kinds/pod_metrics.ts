import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { addQuantities, formatQuantity, parseQuantity } from "../api/quantity.ts";
import { nameColumn } from "./cells.ts";
import type { ResourceList } from "./pod.ts";

/** What the containers of a pod use. Answered by the pod's node; never stored. */
export interface PodMetrics extends KubeObject {
  /** End of the time over which the use of CPU was measured, RFC 3339. */
  readonly timestamp: string;
  /** Its length, as Go writes durations. */
  readonly window: string;
  readonly containers: readonly { readonly name: string; readonly usage: ResourceList }[];
}

/** The kind PodMetrics. @see https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/ */
export const podMetrics: Kind<PodMetrics> = defineKind<PodMetrics>({
  group: "metrics.k8s.io",
  version: "v1beta1",
  kind: "PodMetrics",
  plural: "pods",
  singular: "",
  namespaced: true,
  schema: "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics",
  verbs: ["get", "list"],
  columns: [
    nameColumn,
    { name: "cpu", type: "string", format: "quantity", cell: (object) => total(object, "cpu") },
    { name: "memory", type: "string", format: "quantity", cell: (object) => total(object, "memory") },
    { name: "Window", type: "string", format: "duration", cell: ({ window }) => window ?? "" },
  ],
});

function total({ containers }: Partial<PodMetrics>, resource: string): string {
  // Another server answers for this kind, too, where an APIService says so.
  const amounts = (containers ?? []).map(({ usage }) => parseQuantity(usage?.[resource] ?? "0"));
  return formatQuantity(amounts.reduce(addQuantities, parseQuantity("0")));
}
