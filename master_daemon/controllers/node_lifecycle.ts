import { findCondition, keyOf, type ObjectKey, setCondition } from "../../core/api/meta.ts";
import { type Lease, lease, type Node, type NodeCondition, node, type Pod, pod } from "../../core/kinds/mod.ts";
import { isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { timestamp } from "../../core/util/clock.ts";
import { unlessGone } from "./_errors.ts";
import {
  type ExecuteMode,
  executeTaint,
  isDriven,
  planTaints,
  staleLabels,
  toleratedMs,
  unknownConditions,
  zoneState,
} from "./_node_health.ts";
import { byNode, podsByNode } from "./_pods_by_node.ts";
import { Silence } from "./_silence.ts";
import { cancelEviction, evictPod } from "./_taint_eviction.ts";
import { ZoneStates } from "./_zone_states.ts";
import { type Controller, type ControllerContext, type ReconcileResult, watching } from "./controller.ts";

/** Options of {@linkcode nodeLifecycleController}, named as kube-controller-manager's flags. */
export interface NodeLifecycleOptions {
  /** Milliseconds between two looks at nodes that are not well. Default 5000. */
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
  readonly uid: string;
  /** Whether the node's pods were taken out of service since it was ready last. */
  podsMarked: boolean;
  wasReady: boolean;
  /** Since when pods stand under taints that will drive them out, by uid, in milliseconds of {@linkcode Silence.awake}. */
  readonly underTaint: Map<string, number>;
}

/** The key by which time is counted. No node has it. */
const tick: ObjectKey = { name: "" };

/**
 * Notices nodes that are lost: says so in their conditions, taints them, takes their pods out of service, and deletes the
 * pods that do not tolerate it any longer.
 *
 * A node that is well is looked at when it may have been silent for too long, not at each of its signs of life; see
 * {@linkcode Silence} for what counts.
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
      watching<Node>({ kind: node, keys: (object, lister) => lifecycle.noteNode(object, lister) }),
      watching<Lease>({ kind: lease, keys: (object, lister) => lifecycle.noteLease(object, lister) }),
      watching({ kind: pod, indexes: podsByNode, keys: drivenNode }),
    ],
    reconcile: (key, context) => lifecycle.reconcile(key.name, context),
  };
}

/** The node of a pod that is to be driven out of it, perhaps after a while. */
function drivenNode({ spec: { nodeName: name } }: Pod, lister: ControllerContext["lister"]): readonly ObjectKey[] {
  const taints = name === undefined ? [] : (lister(node).get({ name })?.spec?.taints ?? []);
  return name !== undefined && taints.some(({ effect }) => effect === "NoExecute") ? [{ name }] : [];
}

type Settings = { readonly [K in keyof NodeLifecycleOptions]-?: NonNullable<NodeLifecycleOptions[K]> };

class NodeLifecycle {
  readonly #settings: Settings;
  readonly #silence: Silence;
  readonly #zones = new ZoneStates();
  readonly #watched = new Map<string, Watched>();
  /** Nodes that will be looked at again though nothing changes. While there are any, time is counted. */
  readonly #timed = new Set<string>();
  #isTicking = false;
  /** When the next node of a zone may be driven out, in monotonic milliseconds. */
  readonly #nextEviction = new Map<string, number>();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#silence = new Silence({ maxGapMs: 2 * settings.nodeMonitorPeriodMs });
  }

  /** Takes in a change of a node; gives the keys to look at besides its own. */
  noteNode(object: Node, lister: ControllerContext["lister"]): readonly ObjectKey[] {
    const { name } = keyOf(object);
    const current = lister(node).get({ name });
    this.#zones.note(object, current);
    if (current) this.#listen(name, current, lister);
    return this.#isTicking ? [] : [tick];
  }

  /** Takes in a sign of life; gives the keys to look at. */
  noteLease({ metadata }: Lease, lister: ControllerContext["lister"]): readonly ObjectKey[] {
    const { namespace, name = "" } = metadata;
    const current = namespace === leaseNamespace ? lister(node).get({ name }) : undefined;
    if (!current) return [];
    this.#listen(name, current, lister);
    return [...(this.#isTicking ? [] : [tick]), ...(this.#timed.has(name) ? [] : [{ name }])];
  }

  #listen(name: string, one: Node, lister: ControllerContext["lister"]): void {
    this.#silence.listen(name, one, lister(lease).get({ namespace: leaseNamespace, name }));
  }

  async reconcile(name: string, context: ControllerContext): Promise<ReconcileResult> {
    const { clock, lister } = context;
    this.#silence.start(clock);
    const { nodeMonitorPeriodMs: periodMs } = this.#settings;
    if (name === tick.name) {
      this.#silence.awake();
      this.#isTicking = this.#timed.size > 0;
      return this.#isTicking ? { requeueAfterMs: periodMs } : undefined;
    }
    const one = lister(node).get({ name });
    if (!one) {
      this.#forget(name, context);
      return undefined;
    }
    const nextMs = await this.#look(one, context);
    if (nextMs === Number.POSITIVE_INFINITY) {
      this.#timed.delete(name);
      return undefined;
    }
    this.#timed.add(name);
    // Until others count the time, it does so itself.
    return { requeueAfterMs: this.#isTicking ? nextMs : Math.min(nextMs, periodMs) };
  }

  #forget(name: string, { event }: ControllerContext): void {
    const watched = this.#watched.get(name);
    this.#timed.delete(name);
    this.#silence.forget(name);
    this.#watched.delete(name);
    if (!watched) return;
    const gone: Node = { apiVersion: "v1", kind: "Node", metadata: { name, uid: watched.uid } };
    const message = `Node ${name} event: Removing Node ${name} from Controller`;
    event(gone, { type: "Normal", reason: "RemovingNode", message });
  }

  /** Does what a node's state calls for; milliseconds until it may call for something else by itself. */
  async #look(one: Node, context: ControllerContext): Promise<number> {
    const { client, clock, lister, signal } = context;
    const { nodeMonitorPeriodMs: periodMs, isHeard } = this.#settings;
    const { name = "" } = one.metadata;
    const watched = this.#watch(one, context);
    this.#listen(name, one, lister);
    if (isHeard(name)) this.#silence.hear(name);
    const leftMs = this.#graceMs(one) - this.#silence.of(name);
    const conditions = leftMs < 0 ? unknownConditions(one, clock.now()) : (one.status?.conditions ?? []);
    let latest = one;
    if (!semanticEqual(conditions, one.status?.conditions ?? [])) {
      latest = await client.updateStatus(node, { ...one, status: { ...one.status, conditions } }, { signal });
    }
    latest = await this.#mark(latest, conditions, context);
    await this.#takeOutOfService(latest, conditions, watched, context);
    const untilEvictionMs = await this.#evict(latest, watched, context);
    if (executeTaint(conditions) !== undefined || leftMs < 0) return Math.min(periodMs, untilEvictionMs);
    // Silence has to be longer than the grace, not as long.
    return Math.min(isHeard(name) ? Number.POSITIVE_INFINITY : leftMs + 1, untilEvictionMs);
  }

  #watch(one: Node, { event }: ControllerContext): Watched {
    const { name = "", uid = "" } = one.metadata;
    const present = this.#watched.get(name);
    if (present?.uid === uid) return present;
    const wasReady = findCondition(one.status?.conditions, "Ready")?.status === "True";
    const watched: Watched = { uid, podsMarked: false, wasReady, underTaint: new Map() };
    this.#watched.set(name, watched);
    const message = `Node ${name} event: Registered Node ${name} in Controller`;
    event(one, { type: "Normal", reason: "RegisteredNode", message });
    return watched;
  }

  #graceMs({ status }: Node): number {
    const { nodeMonitorGracePeriodMs, nodeStartupGracePeriodMs } = this.#settings;
    return findCondition(status?.conditions, "Ready") ? nodeMonitorGracePeriodMs : nodeStartupGracePeriodMs;
  }

  /** Gives a node the taints that its state calls for, and the labels that older programs look for. */
  async #mark(one: Node, conditions: readonly NodeCondition[], context: ControllerContext): Promise<Node> {
    const { client, clock, signal } = context;
    const execute = executeTaint(conditions) ? this.#executeMode(one, context) : "add";
    const taints = planTaints(one, { conditions, execute, nowMs: clock.now() });
    const labels = staleLabels(one);
    if (!labels && semanticEqual(taints, one.spec?.taints ?? [])) return one;
    const { resourceVersion = "" } = one.metadata;
    const list = taints.map((taint) => ({ ...taint }));
    const metadata = { resourceVersion, ...(labels ? { labels } : {}) };
    const body = { metadata, spec: { taints: list.length > 0 ? list : null } };
    return client.patch(node, keyOf(one), { type: "merge", body }, { signal });
  }

  /** Whether a node that is not ready may be driven out now. Takes the zone's turn when it may. */
  #executeMode(one: Node, { clock }: ControllerContext): ExecuteMode {
    const { zone, counts, isNoneReady } = this.#zones.around(one);
    if (isNoneReady) return "remove";
    if (isDriven(one)) return "add";
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
  async #evict(one: Node, { underTaint }: Watched, context: ControllerContext): Promise<number> {
    const awakeMs = this.#silence.awake();
    const taints = (one.spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
    if (taints.length === 0 && underTaint.size === 0) return Number.POSITIVE_INFINITY;
    let untilNext = Number.POSITIVE_INFINITY;
    const since = new Map(underTaint);
    underTaint.clear();
    for (const each of context.lister(pod).byIndex(byNode, one.metadata.name ?? "")) {
      if (isPodTerminal(each) || each.metadata.deletionTimestamp) continue;
      const { uid = "" } = each.metadata;
      const before = since.get(uid);
      const stayMs = toleratedMs(each, taints);
      if (stayMs === Number.POSITIVE_INFINITY) {
        if (before !== undefined) cancelEviction(each, context);
        continue;
      }
      const sinceMs = before ?? awakeMs;
      underTaint.set(uid, sinceMs);
      const leftMs = sinceMs + stayMs - awakeMs;
      if (leftMs > 0) untilNext = Math.min(untilNext, leftMs);
      else await evictPod(each, context);
    }
    return untilNext;
  }
}
