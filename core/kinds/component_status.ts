import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { nameColumn } from "./cells.ts";

/** Whether a part of the cluster is healthy. */
export interface ComponentCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly message?: string;
  readonly error?: string;
}

/** A part of the master and how it is. Answered from its health checks; never stored. */
export interface ComponentStatus extends KubeObject {
  readonly conditions?: readonly ComponentCondition[];
}

/** The kind ComponentStatus. */
export const componentStatus: Kind<ComponentStatus> = defineKind<ComponentStatus>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  namespaced: false,
  shortNames: ["cs"],
  schema: "io.k8s.api.core.v1.ComponentStatus",
  verbs: ["get", "list"],
  deprecated: "v1 ComponentStatus is deprecated in v1.19+",
  columns: [
    nameColumn,
    { name: "Status", type: "string", description: "Healthy, Unhealthy or Unknown.", cell: statusText },
    {
      name: "Message",
      type: "string",
      description: "What it says.",
      cell: (object) => healthOf(object)?.message ?? "",
    },
    { name: "Error", type: "string", description: "What is wrong.", cell: (object) => healthOf(object)?.error ?? "" },
  ],
});

function healthOf({ conditions }: ComponentStatus): ComponentCondition | undefined {
  return conditions?.find(({ type }) => type === "Healthy");
}

function statusText(object: ComponentStatus): string {
  const health = healthOf(object);
  if (!health) return "Unknown";
  return health.status === "True" ? "Healthy" : "Unhealthy";
}
