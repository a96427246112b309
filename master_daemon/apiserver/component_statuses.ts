import { StatusError } from "../../core/api/status.ts";
import { type ComponentStatus, componentStatus } from "../../core/kinds/component_status.ts";
import type { Registry, Stored } from "../registry/registry.ts";
import type { HealthCheck } from "./health.ts";

/** Parts of a master by the names that Kubernetes' tools look for. They share a process here, and its health. */
const names = ["controller-manager", "etcd-0", "scheduler"];

const encoder = new TextEncoder();

/** ComponentStatuses as the health checks have it when they are asked for: nothing of them is stored. */
export function componentStatuses(checks: readonly HealthCheck[]): Registry<ComponentStatus> {
  const statusOf = (name: string): Stored<ComponentStatus> => {
    const failures = checks.flatMap((check) => {
      const failure = check.check();
      return failure === undefined ? [] : [`${check.name}: ${failure}`];
    });
    const isHealthy = failures.length === 0;
    const object: ComponentStatus = {
      apiVersion: "v1",
      kind: "ComponentStatus",
      metadata: { name },
      conditions: [
        { type: "Healthy", status: isHealthy ? "True" : "False", message: isHealthy ? "ok" : failures.join("; ") },
      ],
    };
    return { key: { name }, revision: 0, object, bytes: encoder.encode(JSON.stringify(object)) };
  };
  const refuse = () => {
    throw StatusError.methodNotAllowed();
  };
  return {
    kind: componentStatus,
    async get({ name }) {
      if (!names.includes(name)) throw StatusError.notFound(componentStatus, name);
      return statusOf(name);
    },
    async list({ matches } = {}) {
      const all = names.map(statusOf);
      return { revision: 0, items: matches ? all.filter(matches) : all };
    },
    create: async () => refuse(),
    update: async () => refuse(),
    delete: async () => refuse(),
    watch: refuse,
  };
}
