import type { Column } from "../api/kind.ts";
import { ageText } from "../api/table.ts";
import { ageColumn, nameColumn, orNone } from "./cells.ts";
import type { Pod } from "./pod.ts";
import { podCondition, podStatusText, podSummary } from "./pod_helpers.ts";

/** What `get pods` shows. */
export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  {
    name: "Ready",
    type: "string",
    description: "Containers that are ready, of all.",
    cell: (pod) => {
      const { readyContainers, totalContainers } = podSummary(pod);
      return `${readyContainers}/${totalContainers}`;
    },
  },
  { name: "Status", type: "string", description: "What the pod is doing.", cell: podStatusText },
  {
    name: "Restarts",
    type: "string",
    description: "How often containers were restarted, and when last.",
    cell: (pod, { now }) => {
      const { restarts, lastRestart } = podSummary(pod);
      return restarts > 0 && lastRestart !== undefined
        ? `${restarts} (${ageText(lastRestart, now)} ago)`
        : String(restarts);
    },
  },
  ageColumn,
  {
    name: "IP",
    type: "string",
    priority: 1,
    description: "Address of the pod.",
    cell: ({ status }) => orNone(status?.podIPs?.[0]?.ip ?? status?.podIP),
  },
  {
    name: "Node",
    type: "string",
    priority: 1,
    description: "Node that runs the pod.",
    cell: (pod) => orNone(pod.spec.nodeName),
  },
  {
    name: "Nominated Node",
    type: "string",
    priority: 1,
    description: "Node that room is being made on for the pod.",
    cell: (pod) => orNone(pod.status?.nominatedNodeName),
  },
  {
    name: "Readiness Gates",
    type: "string",
    priority: 1,
    description: "Readiness gates that are true, of all.",
    cell: (pod) => {
      const gates = pod.spec.readinessGates ?? [];
      if (gates.length === 0) return "<none>";
      const open = gates.filter((gate) => podCondition(pod, gate.conditionType)?.status === "True");
      return `${open.length}/${gates.length}`;
    },
  },
];
