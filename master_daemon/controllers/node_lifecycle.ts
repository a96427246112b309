import { findCondition, keyOf, setCondition } from "../../core/api/meta.ts";
import { lease, type Node, type NodeCondition, node, type Pod, pod } from "../../core/kinds/mod.ts";
import { isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { timestamp } from "../../core/util/clock.ts";
import { unlessGone } from "./_errors.ts";
import {
  type ExecuteMode,
  executeTaint,
  isDriven,
  planTaints,
  toleratedMs,
  unknownConditions,
  zoneState,
} from "./_node_health.ts";
import { byNode, podsByNode } from "./_pods_by_node.ts";
import { type Controller, type ControllerContext, watching } from "./controller.ts";

/** Options of {@linkcode nodeLifecycleController}, named as kube-controller-manager's flags. */
export interface NodeLifecycleOptions {
  /** Milliseconds between two looks at a node. Default 5000. */
  readonly nodeMonitorPeriodMs?: number | undefined;
  /** Milliseconds of silence after which a node counts as lost. Default 50000. */
  readonly nodeMonitorGracePeriodMs?: number | undefined;
  /** The same for a node that never said anything. Default 60000. */
  readonly nodeStartupGracePeriodMs?: number | undefined;
  /** Nodes a second whose pods begin to be driven out, in a zone that is healthy otherwise. Default 0.1. */
  readonly nodeEvictionRate?: number | undefined;
  /** The same in a large zone of which most nodes are lost. Default 0.01. */
  readonly secondaryNodeEvictionRate?: number | undefined;
  /** Nodes above which a zone counts as large. Smaller ones stop driving pods out when most nodes are lost. Default 50. */
  readonly largeClusterSizeThreshold?: number | undefined;
  /**
   * Whether a node is known to live by other means than its Lease, as a simulation knows it. It must change the node's
   * Lease when that ends: until then, or until the Node changes, nobody looks. Default: none is.
   */
  readonly isHeard?: ((name: string) => boolean) | undefined;
}

const leaseNamespace = "kube-node-lease";

/** What is remembered of a node between two looks. */
interface Watched {
  /** Changes whenever the node's daemon gave a sign of life. */
  sign: string;
  /** Milliseconds for which we looked and saw no sign. */
  silentMs: number;
  /** When we looked last, in monotonic milliseconds. */
  lookedAt: number;
  /** Whether the node's pods were taken out of service since it was ready last. */
  podsMarked: boolean;
  wasReady: boolean;
  /** Milliseconds for which pods stand under taints that will drive them out, by uid. */
  readonly underTaint: Map<string, number>;
}

/**
 * Notices nodes that are lost: says so in their conditions, taints them, takes their pods out of service, and deletes the
 * pods that do not tolerate it any longer.
 *
 * Silence is only counted while we look: a master that slept, was stopped or starved wakes up with the silence that it had
 * seen before, and evicts nobody for the time in which nobody could reach it.
 */
export function nodeLifecycleController(options: NodeLifecycleOptions = {}): Controller {
  const lifecycle = new NodeLifecycle({
    nodeMonitorPeriodMs: options.nodeMonitorPeriodMs ?? 5000,
    nodeMonitorGracePeriodMs: options.nodeMonitorGracePeriodMs ?? 50_000,
    nodeStartupGracePeriodMs: options.nodeStartupGracePeriodMs ?? 60_000,
    nodeEvictionRate: options.nodeEvictionRate ?? 0.1,
    secondaryNodeEvictionRate: options.secondaryNodeEvictionRate ?? 0.01,
    largeClusterSizeThreshold: options.largeClusterSizeThreshold ?? 50,
    isHeard: options.isHeard ?? (() => false),
  });
  return {
    name: "node-controller",
    account: "node-controller",
    reconciles: node,
    watches: [
      {
        kind: lease,
        keys: ({ metadata: { namespace, name = "" } }) => (namespace === leaseNamespace ? [{ name }] : []),
      },
      watching({ kind: pod, indexes: podsByNode, keys: () => [] }),
    ],
    reconcile: (key, context) => lifecycle.reconcile(key.name, context),
  };
}

type Settings = { readonly [K in keyof NodeLifecycleOptions]-?: NonNullable<NodeLifecycleOptions[K]> };

class NodeLifecycle {
  readonly #settings: Settings;
  readonly #watched = new Map<string, Watched>();
  /** When the next node of a zone may be driven out, in monotonic milliseconds. */
  readonly #nextEviction = new Map<string, number>();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async reconcile(name: string, context: ControllerContext): Promise<{ requeueAfterMs: number } | undefined> {
    const { client, clock, lister, signal } = context;
    const one = lister(node).get({ name });
    if (!one) {
      this.#watched.delete(name);
      return undefined;
    }
    const { nodeMonitorPeriodMs: periodMs } = this.#settings;
    const { watched, elapsedMs } = this.#look(one, context);
    const conditions = this.#isLost(one, watched)
      ? unknownConditions(one, clock.now())
      : (one.status?.conditions ?? []);
    let latest = one;
    if (!semanticEqual(conditions, one.status?.conditions ?? [])) {
      latest = await client.updateStatus(node, { ...one, status: { ...one.status, conditions } }, { signal });
    }
    latest = await this.#taint(latest, conditions, context);
    await this.#takeOutOfService(latest, conditions, watched, context);
    const untilEvictionMs = await this.#evict(latest, watched, elapsedMs, context);
    const isQuiet = executeTaint(conditions) === undefined && untilEvictionMs === Number.POSITIVE_INFINITY;
    if (isQuiet && this.#settings.isHeard(name)) return undefined;
    return { requeueAfterMs: Math.min(periodMs, untilEvictionMs) };
  }

  #look(one: Node, { clock, lister }: ControllerContext): { watched: Watched; elapsedMs: number } {
    const { name = "", uid } = one.metadata;
    const renewed = lister(lease).get({ namespace: leaseNamespace, name })?.spec?.renewTime;
    const ready = findCondition(one.status?.conditions, "Ready");
    const sign = JSON.stringify([uid, renewed, ready?.lastHeartbeatTime]);
    const now = clock.monotonic();
    const watched = this.#watched.get(name) ?? {
      sign,
      silentMs: 0,
      lookedAt: now,
      podsMarked: false,
      wasReady: ready?.status === "True",
      underTaint: new Map<string, number>(),
    };
    this.#watched.set(name, watched);
    // A longer gap is one in which we were not there to see a sign.
    const elapsedMs = Math.min(now - watched.lookedAt, 2 * this.#settings.nodeMonitorPeriodMs);
    const isSilent = sign === watched.sign && !this.#settings.isHeard(name);
    watched.silentMs = isSilent ? watched.silentMs + elapsedMs : 0;
    watched.sign = sign;
    watched.lookedAt = now;
    return { watched, elapsedMs };
  }

  #isLost(one: Node, { silentMs }: Watched): boolean {
    const { nodeMonitorGracePeriodMs, nodeStartupGracePeriodMs } = this.#settings;
    const spoke = findCondition(one.status?.conditions, "Ready") !== undefined;
    return silentMs > (spoke ? nodeMonitorGracePeriodMs : nodeStartupGracePeriodMs);
  }

  async #taint(one: Node, conditions: readonly NodeCondition[], context: ControllerContext): Promise<Node> {
    const { client, clock, signal } = context;
    const execute = executeTaint(conditions) ? this.#executeMode(one, context) : "add";
    const taints = planTaints(one, { conditions, execute, nowMs: clock.now() });
    if (semanticEqual(taints, one.spec?.taints ?? [])) return one;
    const { resourceVersion = "" } = one.metadata;
    const list = taints.map((taint) => ({ ...taint }));
    const body = { metadata: { resourceVersion }, spec: { taints: list.length > 0 ? list : null } };
    return client.patch(node, keyOf(one), { type: "merge", body }, { signal });
  }

  /** Whether a node that is not ready may be driven out now. Takes the zone's turn when it may. */
  #executeMode(one: Node, { clock, lister }: ControllerContext): ExecuteMode {
    const zones = new Map<string, { ready: number; notReady: number }>();
    for (const each of lister(node).list()) {
      const counts = zones.get(zoneOf(each)) ?? { ready: 0, notReady: 0 };
      zones.set(zoneOf(each), counts);
      const isReady = each.metadata.name !== one.metadata.name && findReady(each)?.status === "True";
      counts[isReady ? "ready" : "notReady"]++;
    }
    const states = [...zones.values()].map(zoneState);
    if (states.every((state) => state === "full")) return "remove";
    if (isDriven(one)) return "add";
    const zone = zoneOf(one);
    const counts = zones.get(zone) ?? { ready: 0, notReady: 0 };
    const { nodeEvictionRate, secondaryNodeEvictionRate, largeClusterSizeThreshold } = this.#settings;
    const isLarge = counts.ready + counts.notReady > largeClusterSizeThreshold;
    const partialRate = isLarge ? secondaryNodeEvictionRate : 0;
    const rate = zoneState(counts) === "partial" ? partialRate : nodeEvictionRate;
    const now = clock.monotonic();
    if (rate <= 0 || now < (this.#nextEviction.get(zone) ?? 0)) return "hold";
    this.#nextEviction.set(zone, now + 1000 / rate);
    return "add";
  }

  /** Says once for each time that the node stops being ready: its pods get no more traffic. */
  async #takeOutOfService(
    one: Node,
    conditions: readonly NodeCondition[],
    watched: Watched,
    context: ControllerContext,
  ): Promise<void> {
    const { client, clock, event, lister, signal } = context;
    const ready = findCondition(conditions, "Ready");
    if (!ready || ready.status === "True") {
      watched.wasReady = ready !== undefined;
      watched.podsMarked = false;
      return;
    }
    const { name = "" } = one.metadata;
    if (watched.wasReady) {
      const message = `Node ${name} status is now: NodeNotReady`;
      event(one, { type: "Normal", reason: "NodeNotReady", message });
      watched.wasReady = false;
    }
    if (watched.podsMarked) return;
    for (const each of lister(pod).byIndex(byNode, name)) {
      if (!isPodReady(each)) continue;
      event(each, { type: "Warning", reason: "NodeNotReady", message: "Node is not ready" });
      const present = findCondition(each.status?.conditions, "Ready");
      const next = setCondition(each.status?.conditions, {
        ...present,
        type: "Ready",
        status: "False",
        lastTransitionTime: timestamp(clock),
      });
      const status = { ...each.status, conditions: next };
      await unlessGone(client.updateStatus(pod, { ...each, status }, { signal }));
    }
    watched.podsMarked = true;
  }

  /** Deletes the pods that do not tolerate the node's taints any longer; milliseconds until the next one's time is up. */
  async #evict(one: Node, watched: Watched, elapsedMs: number, context: ControllerContext): Promise<number> {
    const { underTaint } = watched;
    const taints = (one.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
    if (taints.length === 0 && underTaint.size === 0) return Number.POSITIVE_INFINITY;
    let untilNext = Number.POSITIVE_INFINITY;
    const times = new Map(underTaint);
    underTaint.clear();
    for (const each of context.lister(pod).byIndex(byNode, one.metadata.name ?? "")) {
      if (isPodTerminal(each) || each.metadata.deletionTimestamp) continue;
      const { uid = "" } = each.metadata;
      const before = times.get(uid);
      const stayMs = toleratedMs(each, taints);
      if (stayMs === Number.POSITIVE_INFINITY) {
        if (before !== undefined) cancelEviction(each, context);
        continue;
      }
      const standsMs = before === undefined ? 0 : before + elapsedMs;
      underTaint.set(uid, standsMs);
      const leftMs = stayMs - standsMs;
      if (leftMs > 0) untilNext = Math.min(untilNext, leftMs);
      else await evictPod(each, context);
    }
    return untilNext;
  }
}

function cancelEviction(spared: Pod, { event }: ControllerContext): void {
  const message = `Cancelling deletion of Pod ${spared.metadata.namespace}/${spared.metadata.name}`;
  event(spared, { type: "Normal", reason: "TaintManagerEviction", message });
}

async function evictPod(doomed: Pod, { client, clock, event, signal }: ControllerContext): Promise<void> {
  const { namespace, name, uid = "" } = doomed.metadata;
  const message = `Marking for deletion Pod ${namespace}/${name}`;
  event(doomed, { type: "Normal", reason: "TaintManagerEviction", message });
  const conditions = setCondition(doomed.status?.conditions, {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: timestamp(clock),
  });
  const marked = { ...doomed, status: { ...doomed.status, conditions } };
  if (!(await unlessGone(client.updateStatus(pod, marked, { signal })))) return;
  await unlessGone(client.delete(pod, keyOf(doomed), { signal, preconditions: { uid } }));
}

function findReady({ status }: Node): NodeCondition | undefined {
  return findCondition(status?.conditions, "Ready");
}

function zoneOf({ metadata: { labels = {} } }: Node): string {
  return `${labels["topology.kubernetes.io/region"] ?? ""}:${labels["topology.kubernetes.io/zone"] ?? ""}`;
}
