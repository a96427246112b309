import type { LabelSelector, Selector } from "../../core/api/labels.ts";
import { selectorFromObject } from "../../core/api/labels.ts";
import { controllerOf, type StringMap } from "../../core/api/meta.ts";
import type { Informer, InformerFactory } from "../../core/client/informer.ts";
import {
  type Namespace,
  namespace,
  type Pod,
  type PodDisruptionBudget,
  podDisruptionBudget,
  type ReplicaSet,
  type ReplicationController,
  replicaSet,
  replicationController,
  type Service,
  type StatefulSet,
  service,
  statefulSet,
} from "../../core/kinds/mod.ts";

/** What plug-ins know of the cluster besides nodes, pods and storage. */
export interface ClusterView {
  /** The labels of a namespace; undefined when there is none of that name. */
  namespaceLabels(name: string): StringMap | undefined;
  /** The budgets of a namespace. */
  disruptionBudgets(namespace: string): readonly PodDisruptionBudget[];
  /** What the services and the workload of a pod select it by; undefined when nothing does. */
  workloadSelector(pod: Pod): Selector | undefined;
}

/** A cluster of nodes and pods alone. */
export const emptyCluster: ClusterView = {
  namespaceLabels: () => undefined,
  disruptionBudgets: () => [],
  workloadSelector: () => undefined,
};

/** The cluster as informers show it. */
export class InformedCluster implements ClusterView {
  readonly #namespaces: Informer<Namespace>;
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #services: Informer<Service>;
  readonly #replicaSets: Informer<ReplicaSet>;
  readonly #replicationControllers: Informer<ReplicationController>;
  readonly #statefulSets: Informer<StatefulSet>;

  constructor({ informers }: { readonly informers: InformerFactory }) {
    this.#namespaces = informers.informer(namespace);
    this.#budgets = informers.informer(podDisruptionBudget);
    this.#services = informers.informer(service);
    this.#replicaSets = informers.informer(replicaSet);
    this.#replicationControllers = informers.informer(replicationController);
    this.#statefulSets = informers.informer(statefulSet);
  }

  /** Calls `listener` for every namespace that is new or has other labels. Returns its removal. */
  onNamespaces(listener: () => void): () => void {
    return this.#namespaces.onChange((change) => {
      if (change.type === "updated" && sameLabels(change.object, change.previous)) return;
      listener();
    });
  }

  async synced(options: { readonly signal: AbortSignal }): Promise<void> {
    const workloads = [this.#services, this.#replicaSets, this.#replicationControllers, this.#statefulSets];
    await Promise.all([this.#namespaces, this.#budgets, ...workloads].map((informer) => informer.synced(options)));
  }

  namespaceLabels(name: string): StringMap | undefined {
    const found = this.#namespaces.get({ name });
    return found && (found.metadata.labels ?? {});
  }

  disruptionBudgets(namespaceName: string): readonly PodDisruptionBudget[] {
    return this.#budgets.list(namespaceName);
  }

  workloadSelector(pod: Pod): Selector | undefined {
    const { namespace: namespaceName = "", labels = {} } = pod.metadata;
    const matchLabels: Record<string, string>[] = [];
    for (const { spec } of this.#services.list(namespaceName)) {
      const { selector = {} } = spec ?? {};
      const wanted = Object.entries(selector);
      if (wanted.length > 0 && wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value))
        matchLabels.push(selector);
    }
    const ofOwner = this.#ownerSelector(pod);
    if (!ofOwner) return undefined;
    const selector = selectorFromObject({
      matchLabels: Object.fromEntries(
        [...matchLabels, ofOwner.matchLabels ?? {}].flatMap((map) => Object.entries(map)),
      ),
      matchExpressions: ofOwner.matchExpressions ?? [],
    });
    return selector.empty ? undefined : selector;
  }

  /** Undefined for an owner of another kind: what it wants is not known. */
  #ownerSelector(pod: Pod): LabelSelector | undefined {
    const owner = controllerOf(pod);
    if (!owner) return {};
    const key = { namespace: pod.metadata.namespace ?? "", name: owner.name };
    switch (owner.kind) {
      case "ReplicaSet":
        return this.#replicaSets.get(key)?.spec.selector ?? {};
      case "StatefulSet":
        return this.#statefulSets.get(key)?.spec.selector ?? {};
      case "ReplicationController":
        return { matchLabels: this.#replicationControllers.get(key)?.spec?.selector ?? {} };
      default:
        return undefined;
    }
  }
}

function sameLabels(a: Namespace, b: Namespace): boolean {
  const text = ({ metadata: { labels = {} } }: Namespace) => JSON.stringify(Object.entries(labels).sort());
  return text(a) === text(b);
}
