import type { ColumnContext, Kind } from "../../../core/api/kind.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import type { Container, Deployment, Pod, PodSpec, Service, ServiceSpec } from "../../../core/kinds/mod.ts";

/** 2026-01-31T12:00:00Z: what the cells take for now. */
export const now: number = Date.UTC(2026, 0, 31, 12);

const metadata = { name: "web", namespace: "default", creationTimestamp: "2026-01-31T11:00:00Z" };

/** A container that is fine. */
export const nginx: Container = { name: "nginx", image: "nginx:1.27" };

/** A pod of one container, changed where asked. */
export function podOf(spec: Partial<PodSpec> = {}, status?: Pod["status"]): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { containers: [nginx], ...spec },
    ...(status ? { status } : {}),
  };
}

/** A pod whose only container is `container`. */
export function podWith(container: Partial<Container>, spec: Partial<PodSpec> = {}): Pod {
  return podOf({ ...spec, containers: [{ ...nginx, ...container }] });
}

/** A deployment of one container, changed where asked. */
export function deploymentOf(spec: Partial<Deployment["spec"]> = {}): Deployment {
  const labels = { app: "web" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [nginx] } },
      ...spec,
    },
  };
}

/** A service of one port, changed where asked. */
export function serviceOf(spec: Partial<ServiceSpec> = {}): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
  };
}

/** All that is wrong with an object once its defaults are filled, as `field: message`. */
export function errorsOf<T extends KubeObject>(
  kind: Kind<T>,
  object: T,
  localRanges: readonly string[] = [],
): string[] {
  return kind.strategy
    .validate(kind.strategy.applyDefaults(object), { localRanges })
    .map(({ field, message }) => `${field}: ${message}`);
}

/** All that may not change, as `field: message`. */
export function updateErrorsOf<T extends KubeObject>(kind: Kind<T>, next: T, previous: T): string[] {
  const { applyDefaults, validateUpdate } = kind.strategy;
  return validateUpdate(applyDefaults(next), applyDefaults(previous), { localRanges: [] }).map(
    ({ field, message }) => `${field}: ${message}`,
  );
}

/** The cells of an object by the names of their columns. */
export function cellsOf<T extends KubeObject>(kind: Kind<T>, object: T): Record<string, unknown> {
  const context: ColumnContext = { now };
  return Object.fromEntries(kind.columns.map((column) => [column.name, column.cell(object, context)]));
}
