import { StatusError } from "../../core/api/status.ts";
import { type ComponentStatus, componentStatus } from "../../core/kinds/component_status.ts";
import type { Registry } from "../registry/registry.ts";
import type { HealthCheck } from "./health.ts";
import { readOnlyRegistry, unstored } from "./read_only_registry.ts";

/** Parts of a master by the names that Kubernetes' tools look for. They share a process here, and its health. */
const names = ["controller-manager", "etcd-0", "scheduler"];

/** ComponentStatuses as the health checks have it when they are asked for: nothing of them is stored. */
export function componentStatuses(checks: readonly HealthCheck[]): Registry<ComponentStatus> {
  const statusOf = (name: string) => {
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
    return unstored(object);
  };
  return readOnlyRegistry(componentStatus, {
    async get({ name }) {
      if (!names.includes(name)) throw StatusError.notFound(componentStatus, name);
      return statusOf(name);
    },
    async list({ matches } = {}) {
      const all = names.map(statusOf);
      return { revision: 0, items: matches ? all.filter(matches) : all };
    },
  });
}
