import type { Kind } from "../../../core/api/kind.ts";
import type { APIService } from "../../../core/kinds/api_service.ts";

/** Says that an APIService is kept by the server: built in, or made of a CustomResourceDefinition. */
const managedLabel = "kube-aggregator.kubernetes.io/automanaged";

/** Priorities of Kubernetes' own groups, and of their versions that are not 15. @see k8s.io/kubernetes/pkg/controlplane/apiserver */
const groupPriorities: ReadonlyMap<string, number> = new Map([
  ["", 18000],
  ["apps", 17800],
  ["events.k8s.io", 17750],
  ["authentication.k8s.io", 17700],
  ["authorization.k8s.io", 17600],
  ["autoscaling", 17500],
  ["batch", 17400],
  ["certificates.k8s.io", 17300],
  ["networking.k8s.io", 17200],
  ["policy", 17100],
  ["rbac.authorization.k8s.io", 17000],
  ["storage.k8s.io", 16800],
  ["apiextensions.k8s.io", 16700],
  ["admissionregistration.k8s.io", 16700],
  ["scheduling.k8s.io", 16600],
  ["coordination.k8s.io", 16500],
  ["node.k8s.io", 16300],
  ["discovery.k8s.io", 16200],
  ["flowcontrol.apiserver.k8s.io", 16100],
  ["resource.k8s.io", 16050],
  // What a cluster's metrics-server has.
  ["metrics.k8s.io", 100],
]);
const versionPriorities: ReadonlyMap<string, number> = new Map([
  ["v1", 1],
  ["autoscaling/v2", 30],
  ["flowcontrol.apiserver.k8s.io/v1", 21],
]);

/** Where a version of a group stands in discovery: higher comes first. */
export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** The priority of what is served here. */
export function localPriority({ group, version, custom }: Served): Priority {
  return {
    group: groupPriorities.get(group) ?? 1000,
    version: custom ? 100 : (versionPriorities.get(group ? `${group}/${version}` : version) ?? 15),
  };
}

/** A kind that is served here, or what is created but never stored. */
export type Served = Pick<Kind, "group" | "version"> & {
  readonly custom?: Kind["custom"];
  readonly hidden?: boolean | undefined;
};

/**
 * What whoever installs metrics-server brings an APIService for. There is none before: helm refuses to take over what it
 * did not make.
 */
const leftToOthers: ReadonlySet<string> = new Set(["metrics.k8s.io"]);

/** The APIServices of what is served here. */
export function localServices(kinds: readonly Served[]): readonly APIService[] {
  const byName = new Map<string, APIService>();
  for (const { group, version, custom, hidden } of kinds) {
    const name = `${version}.${group}`;
    if (hidden || byName.has(name) || group === "apiregistration.k8s.io" || leftToOthers.has(group)) continue;
    const priority = localPriority({ group, version, custom });
    byName.set(name, {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name, labels: { [managedLabel]: custom ? "true" : "onstart" } },
      spec: {
        ...(group ? { group } : {}),
        version,
        groupPriorityMinimum: priority.group,
        versionPriority: priority.version,
      },
    });
  }
  return [...byName.values()];
}

/** What is to be made and removed so that the local APIServices are those of what is served. Pure. */
export function planLocalServices(
  kinds: readonly Served[],
  present: readonly APIService[],
): { readonly create: readonly APIService[]; readonly remove: readonly APIService[] } {
  const wanted = localServices(kinds);
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const has = new Set(present.map(({ metadata }) => metadata.name));
  return {
    create: wanted.filter(({ metadata }) => !has.has(metadata.name)),
    remove: present.filter(
      ({ metadata, spec }) =>
        metadata.labels?.[managedLabel] !== undefined && !spec.service && !names.has(metadata.name),
    ),
  };
}
