import { apiVersionOf } from "../../core/api/kind.ts";
import {
  findCondition,
  type JsonObject,
  keyOf,
  keyText,
  type ObjectKey,
  parseKey,
  type StringMap,
} from "../../core/api/meta.ts";
import { ignoreReason, isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import type { InformerFactory, Lister } from "../../core/client/informer.ts";
import { WorkQueue } from "../../core/client/workqueue.ts";
import { type Lease, lease } from "../../core/kinds/lease.ts";
import { type Node, node } from "../../core/kinds/node.ts";
import { type Pod, pod } from "../../core/kinds/pod.ts";
import type { Random } from "../../core/platform/random.ts";
import { type Clock, microTimestamp, timestamp } from "../../core/util/clock.ts";
import { type Deferred, deferred } from "../../core/util/deferred.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import {
  exitCodeAnnotation,
  planSimulatedPod,
  runSecondsAnnotation,
  type SimulatedLife,
} from "./plan_simulated_pod.ts";
import { simulatedUsage } from "./simulated_usage.ts";

/** Options of {@linkcode SimulatedNode}. */
export interface SimulatedNodeOptions {
  readonly name: string;
  /** With the rights of the node. */
  readonly client: Client;
  /** The same, and no fault touches it. */
  readonly safeClient: Client;
  /** Whether its heartbeats arrive for certain: then they need not be sent. */
  readonly isHeartbeatSafe: () => boolean;
  /** Shared by all nodes of a simulation. */
  readonly informers: InformerFactory;
  readonly capacity: StringMap;
  readonly labels: StringMap;
  /** What of its taints and whether it is cordoned it is registered with. */
  readonly spec?: Node["spec"] | undefined;
  /** Address of a pod that is new. */
  readonly nextPodIP: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const leaseNamespace = "kube-node-lease";
const leaseDurationSeconds = 40;
const renewMs = 10_000;
/** Milliseconds that a pod's start, its end when asked to, and a run that may end take at most. */
const most = { startMs: 3000, stopMs: 2000, runMs: 60_000 } as const;
/** A node daemon looks at its containers from time to time: what happens to many pods is seen in groups. */
const stepMs = 100;
const byNode = "nodeName";

function inSteps(ms: number): number {
  return Math.ceil(ms / stepMs) * stepMs;
}

function nodeOf({ spec }: Pod): readonly string[] {
  return spec.nodeName ? [spec.nodeName] : [];
}

/**
 * Plays a node daemon: registers its Node, renews its Lease, and has pods start, run and end after times that the
 * simulation's randomness gives them. What it does is written to the API as a kubelet's work is; there are no containers.
 *
 * Of thousands of nodes the heartbeats would be nearly all that happens in a week. While they arrive for certain they are
 * not sent: whoever watches for silence asks {@linkcode SimulatedNode.isHeard}. The last one before that changes is written.
 */
export class SimulatedNode implements AsyncDisposable {
  readonly name: string;
  readonly #options: SimulatedNodeOptions;
  readonly #pods: Lister<Pod>;
  readonly #nodes: Lister<Node>;
  readonly #lives = new Map<string, SimulatedLife>();
  #running: DisposalStack | undefined;
  #queue: WorkQueue | undefined;
  /** Resolved when it has to send heartbeats again. */
  #awake: Deferred<void> | undefined;

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.#pods = options.informers.informer(pod, { indexes: { [byNode]: nodeOf } });
    this.#nodes = options.informers.informer(node);
  }

  /** Whether its daemon runs. */
  get isAlive(): boolean {
    return this.#running !== undefined;
  }

  /** Whether its heartbeats are known to arrive, and are not sent therefore. */
  get isHeard(): boolean {
    return this.isAlive && this.#options.isHeartbeatSafe();
  }

  /** Starts its daemon, which goes on with the pods that are there. */
  start(): void {
    if (this.#running) return;
    const { clock, log } = this.#options;
    const parts = new DisposalStack();
    const queue = new WorkQueue({ clock, maxDelayMs: 10_000 });
    const onError = (error: unknown) => log.error("Node failed", { node: this.name, error: errorMessage(error) });
    const tasks = parts.use(new Tasks({ onError }));
    parts.defer(() => queue.shutdown());
    tasks.run((signal) => this.#live(signal));
    tasks.run((signal) => this.#work(queue, signal));
    for (const one of this.#pods.byIndex(byNode, this.name)) queue.add(keyText(keyOf(one)));
    this.#running = parts;
    this.#queue = queue;
  }

  /** Ends its daemon as a crash would: its pods go on, and nobody hears of them. */
  async kill(): Promise<void> {
    const { isHeard } = this;
    const running = this.#running;
    this.#running = undefined;
    this.#queue = undefined;
    const ended = running?.[Symbol.asyncDispose]();
    this.#awake?.resolve();
    await ended;
    if (isHeard) await this.#renew(this.#options.safeClient);
  }

  /** Its heartbeats have to be sent from now on, or its Node may be different from what it says of itself. */
  wake(): void {
    this.#awake?.resolve();
  }

  /** What its pods use. */
  usage(): JsonObject {
    return simulatedUsage(this.#pods.byIndex(byNode, this.name), this.#options.clock.now());
  }

  /** A pod of this node came, changed or went. */
  onPod(key: ObjectKey): void {
    this.#queue?.add(keyText(key));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { client, clock, random, log, safeClient } = this.#options;
    for (;;) {
      this.#awake = deferred();
      try {
        await this.#register(signal);
        await this.#renew(client, signal);
        if (this.isHeard) {
          await this.#awake.promise;
          signal.throwIfAborted();
          if (!this.isHeard) await this.#renew(safeClient, signal);
        }
      } catch (error) {
        signal.throwIfAborted();
        log.debug("Heartbeat failed", { node: this.name, error: errorMessage(error) });
      }
      await clock.sleep(renewMs * (1 + 0.04 * random()), { signal });
    }
  }

  /** Says that the node is there and ready, where the API does not know it. */
  async #register(signal: AbortSignal): Promise<void> {
    const { client, capacity, labels, spec = {} } = this.#options;
    let present = this.#nodes.get({ name: this.name });
    if (!present) {
      const metadata = { name: this.name, labels: { "kubernetes.io/hostname": this.name, ...labels } };
      const wanted: Node = { apiVersion: apiVersionOf(node), kind: node.kind, metadata, spec };
      present = await client.create(node, wanted, { signal }).catch((error: unknown) => {
        if (!isReason(error, "AlreadyExists")) throw error;
        return client.get(node, { name: this.name }, { signal });
      });
    }
    const { status } = present;
    if (findCondition(status?.conditions, "Ready")?.status === "True") return;
    const now = timestamp(this.#options.clock);
    const ready = {
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "the node is simulated",
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    } as const;
    const body = { status: { capacity, allocatable: capacity, conditions: [ready] } };
    await client.patch(node, { name: this.name }, { type: "strategic", body }, { subresource: "status", signal });
  }

  async #renew(client: Client, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const spec = { holderIdentity: this.name, leaseDurationSeconds, renewTime: microTimestamp(clock) };
    const metadata = { namespace: leaseNamespace, name: this.name };
    try {
      await client.patch(lease, metadata, { type: "merge", body: { spec } }, { signal });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      await client.create<Lease>(
        lease,
        { apiVersion: apiVersionOf(lease), kind: lease.kind, metadata, spec },
        { signal },
      );
    }
  }

  async #work(queue: WorkQueue, signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await queue.get({ signal });
      if (key === undefined) return;
      try {
        const waitMs = await this.#look(parseKey(key), signal);
        queue.forget(key);
        if (waitMs !== undefined) queue.addAfter(key, waitMs);
      } catch (error) {
        signal.throwIfAborted();
        this.#options.log.debug("Pod not looked after", { pod: key, error: errorMessage(error) });
        queue.addRateLimited(key);
      } finally {
        queue.done(key);
      }
    }
  }

  async #look(key: ObjectKey, signal: AbortSignal): Promise<number | undefined> {
    const { client, clock } = this.#options;
    const found = this.#pods.get(key);
    if (found?.spec.nodeName !== this.name) {
      this.#lives.delete(keyText(key));
      return undefined;
    }
    const plan = planSimulatedPod(found, this.#lifeOf(found), clock.now());
    if (plan.status) await client.updateStatus(pod, { ...found, status: plan.status }, { signal });
    if (plan.remove) {
      const { uid = "" } = found.metadata;
      await client
        .delete(pod, key, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
        .catch(ignoreReason("NotFound", "Conflict"));
    }
    return plan.requeueAfterMs;
  }

  #lifeOf(found: Pod): SimulatedLife {
    const { clock, random, nextPodIP } = this.#options;
    const { uid = "", annotations, deletionTimestamp, deletionGracePeriodSeconds = 30 } = found.metadata;
    const key = keyText(keyOf(found));
    let life = this.#lives.get(key);
    if (life?.uid !== uid) {
      const runsAtMs = clock.now() + inSteps(random() * most.startMs);
      const seconds = Number(annotations?.[runSecondsAnnotation] ?? Number.NaN);
      const runMs = Number.isFinite(seconds) ? seconds * 1000 : inSteps(random() * most.runMs);
      const ends = (found.spec.restartPolicy ?? "Always") !== "Always";
      life = {
        uid,
        runsAtMs,
        endsAtMs: ends ? runsAtMs + runMs : undefined,
        exitCode: Number(annotations?.[exitCodeAnnotation] ?? 0) || 0,
        podIP: nextPodIP(),
      };
    }
    if (deletionTimestamp !== undefined && life.stopsAtMs === undefined) {
      const stopMs = Math.min(inSteps(random() * most.stopMs), deletionGracePeriodSeconds * 1000);
      life = { ...life, stopsAtMs: clock.now() + stopMs };
    }
    this.#lives.set(key, life);
    return life;
  }
}
