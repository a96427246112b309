import { scaledValue } from "../../core/api/intstr.ts";
import type { DaemonSet, DaemonSetStatus, Node, Pod } from "../../core/kinds/mod.ts";
import { isPodAvailable, isPodReady, isPodTerminal } from "../../core/kinds/pod_helpers.ts";
import { compact } from "../../core/util/compact.ts";
import { untilAvailable } from "./_availability.ts";
import { daemonPod, type NodeFit, nodeFit, podHash, targetNode } from "./_daemon_pods.ts";

/** What is known about a daemon set. */
export interface ObservedDaemonSet {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** All pods that it controls, ended and ending ones too. */
  readonly pods: readonly Pod[];
  /** What the pods of the wanted template are labelled with. */
  readonly hash: string;
  /** Milliseconds that a failed pod of a node has still to wait for its end. */
  readonly backoffMs: (nodeName: string) => number;
  readonly nowMs: number;
}

/** What to do for a daemon set now. */
export interface DaemonSetPlan {
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
  /** Pods that ended though daemons never should: removed, so that others come in their place. */
  readonly ended: readonly { readonly pod: Pod; readonly node: string }[];
  readonly status: DaemonSetStatus;
  readonly requeueAfterMs: number | undefined;
}

/** Most pods that are made, and that are removed, at once. */
const burst = 250;

/** A node with what runs on it. */
interface Place {
  readonly name: string;
  /** Undefined: there is no such node any more. */
  readonly fit: NodeFit | undefined;
  /** Oldest first; those that have a node before those that wait for one. */
  readonly pods: readonly Pod[];
}

/** What to do so that every node that fits runs one pod of the template. Pure: same arguments, same plan. */
export function planDaemonSet(observed: ObservedDaemonSet): DaemonSetPlan {
  const { set, pods, nowMs } = observed;
  const places = placesOf(observed);
  const kept = keep(observed, places);
  const isQuiet = kept.create.length + kept.remove.length + kept.ended.length === 0;
  const { type = "RollingUpdate" } = set.spec.updateStrategy ?? {};
  // First every node has its pod, then pods are exchanged.
  const rolled = isQuiet && type === "RollingUpdate" ? roll(observed, places) : { create: [], remove: [] };
  const create = [...kept.create, ...rolled.create].slice(0, burst);
  const { minReadySeconds } = set.spec;
  const waits = [kept.requeueAfterMs, untilAvailable(pods, { minReadySeconds, nowMs })].filter(
    (wait) => wait !== undefined,
  );
  return {
    create: create.map((name) => daemonPod(set, name, observed.hash)),
    remove: [...kept.remove, ...rolled.remove].slice(0, burst),
    ended: kept.ended.slice(0, burst),
    status: statusOf(observed, places),
    requeueAfterMs: waits.length > 0 ? Math.min(...waits) : undefined,
  };
}

function placesOf({ set, nodes, pods }: ObservedDaemonSet): readonly Place[] {
  const byNode = new Map<string, Pod[]>(nodes.map(({ metadata }) => [metadata.name ?? "", []]));
  for (const pod of pods) {
    const name = targetNode(pod);
    if (name === undefined || (pod.metadata.deletionTimestamp && isPodTerminal(pod))) continue;
    const list = byNode.get(name);
    if (list) list.push(pod);
    else byNode.set(name, [pod]);
  }
  const fits = new Map(nodes.map((node) => [node.metadata.name ?? "", nodeFit(set, node)]));
  return [...byNode].map(([name, list]) => ({ name, fit: fits.get(name), pods: list.sort(byAge) }));
}

function byAge(a: Pod, b: Pod): number {
  const placed = Number(!a.spec.nodeName) - Number(!b.spec.nodeName);
  if (placed !== 0) return placed;
  const key = ({ metadata }: Pod) => `${metadata.creationTimestamp} ${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

/** Names of nodes that get a pod, and pods that go. */
interface Changes {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

type Kept = Changes & Pick<DaemonSetPlan, "ended" | "requeueAfterMs">;

function keep(observed: ObservedDaemonSet, places: readonly Place[]): Kept {
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: { pod: Pod; node: string }[] = [];
  let nextMs = Number.POSITIVE_INFINITY;
  for (const { name, fit, pods } of places) {
    // Pods of a node that is gone are collected elsewhere, but for those that never had it.
    if (!fit) remove.push(...pods.filter(({ spec, metadata }) => !spec.nodeName && !metadata.deletionTimestamp));
    else if (fit.run && pods.length === 0) create.push(name);
    else if (!fit.stay) remove.push(...pods.filter(({ metadata }) => !metadata.deletionTimestamp));
    else {
      const there = pods.filter(({ metadata }) => !metadata.deletionTimestamp);
      let isWaiting = false;
      for (const pod of there.filter(isPodTerminal)) {
        const waitMs = pod.status?.phase === "Failed" ? observed.backoffMs(name) : 0;
        if (waitMs > 0) {
          isWaiting = true;
          nextMs = Math.min(nextMs, waitMs);
        } else ended.push({ pod, node: name });
      }
      const running = there.filter((pod) => !isPodTerminal(pod));
      // Who may have two at a time need not wait for the end of one that goes.
      if (fit.run && running.length === 0 && !isWaiting && allowsSurge(observed.set)) create.push(name);
      remove.push(...surplus(observed, running));
    }
  }
  return { create, remove, ended, requeueAfterMs: Number.isFinite(nextMs) ? nextMs : undefined };
}

/** Pods of one node that are too many. With surge, an old pod stays beside a new one until that is available. */
function surplus(observed: ObservedDaemonSet, running: readonly Pod[]): readonly Pod[] {
  const { hash } = observed;
  if (!allowsSurge(observed.set)) return running.slice(1);
  const fresh = running.find((pod) => podHash(pod) === hash);
  const old = running.find((pod) => podHash(pod) !== hash);
  const extra = running.filter((pod) => pod !== fresh && pod !== old);
  const isOver = fresh && old && (!isPodReady(old) || isAvailable(observed, fresh));
  return isOver ? [...extra, old] : extra;
}

function allowsSurge({ spec }: DaemonSet): boolean {
  const { type = "RollingUpdate", rollingUpdate } = spec.updateStrategy ?? {};
  const { maxSurge = 0 } = rollingUpdate ?? {};
  return type === "RollingUpdate" && maxSurge !== 0 && maxSurge !== "0%";
}

function isAvailable({ set, nowMs }: ObservedDaemonSet, pod: Pod): boolean {
  return isPodAvailable(pod, { minReadySeconds: set.spec.minReadySeconds, now: nowMs });
}

/** The pod of the wanted template and the one of an earlier template on a node; undefined where there are several. */
function pair(
  { hash }: ObservedDaemonSet,
  { pods }: Place,
): { fresh: Pod | undefined; old: Pod | undefined } | undefined {
  const there = pods.filter(({ metadata }) => !metadata.deletionTimestamp);
  const [fresh, ...others] = there.filter((pod) => podHash(pod) === hash);
  const [old, ...more] = there.filter((pod) => podHash(pod) !== hash);
  return others.length + more.length > 0 ? undefined : { fresh, old };
}

function roll(observed: ObservedDaemonSet, places: readonly Place[]): Changes {
  const { rollingUpdate } = observed.set.spec.updateStrategy ?? {};
  const desired = places.filter(({ fit }) => fit?.run).length;
  const maxSurge = scaledValue(rollingUpdate?.maxSurge ?? 0, desired, { roundUp: true });
  const unavailable = scaledValue(rollingUpdate?.maxUnavailable ?? 1, desired, { roundUp: true });
  const taken = places.filter(({ pods }) => pods.length > 0);
  if (maxSurge > 0) return surge(observed, taken, { maxSurge, desired });
  return { create: [], remove: exchange(observed, taken, unavailable === 0 ? 1 : unavailable) };
}

/** Old pods that go now: those that are not available, and as many others as may be missing. */
function exchange(observed: ObservedDaemonSet, places: readonly Place[], maxUnavailable: number): readonly Pod[] {
  const replaced: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const place of places) {
    const { fresh, old } = pair(observed, place) ?? {};
    if (old && !fresh) {
      if (isAvailable(observed, old)) candidates.push(old);
      else {
        replaced.push(old);
        unavailable++;
      }
    } else if (!fresh || old || !isAvailable(observed, fresh)) unavailable++;
  }
  return [...replaced, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))];
}

/** New pods beside old ones, and old pods that have done their time. */
function surge(
  observed: ObservedDaemonSet,
  places: readonly Place[],
  { maxSurge, desired }: { readonly maxSurge: number; readonly desired: number },
): Changes {
  const allowed: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  const misplaced: Pod[] = [];
  let surging = 0;
  let available = 0;
  for (const place of places) {
    const both = pair(observed, place);
    if (!both) {
      surging++;
      continue;
    }
    const { fresh, old } = both;
    const counted = old ?? fresh;
    if (counted && isAvailable(observed, counted)) available++;
    if (!old) continue;
    if (fresh) {
      if (isAvailable(observed, fresh)) remove.push(old);
      else surging++;
    } else if (isAvailable(observed, old)) {
      if (place.fit?.run) candidates.push(place.name);
      else misplaced.push(old);
    } else if (place.fit?.run) allowed.push(place.name);
    else remove.push(old);
  }
  return {
    create: [...allowed, ...candidates.slice(0, Math.max(0, maxSurge - surging))],
    remove: [...remove, ...misplaced.slice(0, Math.max(0, available - desired))],
  };
}

function statusOf(observed: ObservedDaemonSet, places: readonly Place[]): DaemonSetStatus {
  const { set, hash } = observed;
  const wanted = places.filter(({ fit }) => fit?.run);
  const first = wanted.flatMap(({ pods }) => pods[0] ?? []);
  const ready = first.filter(isPodReady);
  const available = ready.filter((pod) => isAvailable(observed, pod)).length;
  return compact<DaemonSetStatus>({
    currentNumberScheduled: first.length,
    numberMisscheduled: places.filter(({ fit, pods }) => fit && !fit.run && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: ready.length,
    observedGeneration: set.metadata.generation,
    updatedNumberScheduled: updatedOn(wanted, hash) || undefined,
    numberAvailable: available || undefined,
    numberUnavailable: wanted.length - available || undefined,
    collisionCount: set.status?.collisionCount,
    conditions: set.status?.conditions,
  });
}

function updatedOn(places: readonly Place[], hash: string): number {
  return places.filter(({ pods }) => pods[0] && podHash(pods[0]) === hash).length;
}
