import { sameJson } from "../../core/api/json_object.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import type { EventRecorder } from "../../core/client/event_recorder.ts";
import type { Informer, InformerFactory } from "../../core/client/informer.ts";
import { type Lease, lease as leaseKind } from "../../core/kinds/lease.ts";
import { type Node, node as nodeKind } from "../../core/kinds/node.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { type Clock, microTimestamp, timestamp } from "../../core/util/clock.ts";
import { deferred } from "../../core/util/deferred.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { ContainerRuntime } from "../runtime/runtime.ts";
import { withDeadline } from "./deadline.ts";
import { cordonNews, type NodeNews, nodeReference, statusNews } from "./node_events.ts";
import {
  type NodeHealth,
  type NodeIdentity,
  newNode,
  nodeImages,
  nodeStatus,
  reconciledNode,
  sameNodeStatus,
} from "./node_object.ts";

/** Options of {@linkcode startNodeStatus}. */
export interface NodeStatusOptions {
  readonly identity: NodeIdentity;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly runtime: ContainerRuntime;
  /** What the node is short of, as conditions of the Node. */
  readonly pressure: (signal: AbortSignal) => Promise<readonly string[]>;
  readonly shuttingDown: () => boolean;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  /** The Node changed, also by others: its pod range, for one. */
  onNode(node: Node): void;
}

const leaseNamespace = "kube-node-lease";
const leaseDurationSeconds = 40;
const leaseRenewMs = 10_000;
/** How often the machine is looked at; written is only what changed. */
const statusCheckMs = 10_000;
/** Written this often even when nothing changed. */
const statusReportMs = 300_000;
const pingTimeoutMs = 10_000;
/** Images come and go by pulls; the list is told this late at most. */
const imagesMs = 60_000;

/** Keeps a Node's status up to date. */
export interface NodeStatusReporter extends AsyncDisposable {
  /** Something changed: the Node is to say so now, not at the next look. */
  reportSoon(): void;
  /** Resolves when the Node says how things are now. */
  reportNow(options: { readonly signal: AbortSignal }): Promise<void>;
}

/**
 * Registers the node and keeps its status and its Lease up to date until disposed. Resolves once the node is registered.
 *
 * @throws StatusError when the API refuses the node for good
 */
export async function startNodeStatus(options: NodeStatusOptions): Promise<NodeStatusReporter> {
  const reporter = new NodeReporter(options);
  try {
    await reporter.register(options.signal ?? new AbortController().signal);
  } catch (error) {
    await reporter[Symbol.asyncDispose]();
    throw error;
  }
  reporter.start();
  return reporter;
}

class NodeReporter implements NodeStatusReporter {
  readonly #options: NodeStatusOptions;
  readonly #tasks: Tasks;
  readonly #backoff: Backoff;
  readonly #stops: (() => void)[] = [];
  #node: Node | undefined;
  #informer: Informer<Node> | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** The object that was found to say what was seen. */
  #settled: { readonly node: Node; readonly health: NodeHealth } | undefined;
  #images: NodeHealth["images"] = [];
  #imagesAt = Number.NEGATIVE_INFINITY;
  #changed = false;
  #wake = () => {};

  constructor(options: NodeStatusOptions) {
    const { log, clock } = options;
    this.#options = options;
    this.#tasks = new Tasks({ onError: (error) => log.error("Node reporter failed", { error: errorMessage(error) }) });
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 7_000, clock });
  }

  /** Makes the Node stand in the API; tries until it does. */
  async register(signal: AbortSignal): Promise<void> {
    const { log, clock, identity } = this.#options;
    for (;;) {
      try {
        await this.#register(signal);
        this.#backoff.reset("register");
        log.info("Registered node", { node: identity.name });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isReason(error, "Unauthorized") || isReason(error, "Forbidden") || isReason(error, "Invalid")) throw error;
        // Somebody else changed the Node in between: it is there, and read anew.
        if (isReason(error, "Conflict")) continue;
        log.warn("Cannot register node", { node: identity.name, error: errorMessage(error) });
        await clock.sleep(this.#backoff.next("register"), { signal });
      }
    }
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { client, identity, clock, onNode } = this.#options;
    const health = await this.#health(signal);
    try {
      this.#node = await client.create(nodeKind, newNode(identity, health), { signal });
      this.#reportedAt = clock.monotonic();
      this.#tell(statusNews(identity.name, undefined, this.#node.status ?? {}));
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
      const current = await client.get(nodeKind, { name: identity.name }, { signal });
      const wanted = reconciledNode(current, identity);
      const node = wanted === current ? current : await client.update(nodeKind, wanted, { signal });
      await this.#writeStatusOver(node, health, signal);
    }
    if (this.#node) onNode(this.#node);
  }

  /** Begins to follow the Node, its health and its lease. */
  start(): void {
    const { informers, identity, onNode, clock } = this.#options;
    const informer = informers.informer(nodeKind, { fieldSelector: `metadata.name=${identity.name}` });
    this.#informer = informer;
    this.#stops.push(
      informer.onChange((change) => {
        if (change.type !== "deleted") onNode(change.object);
        if (change.type === "updated") this.#tell(cordonNews(change.previous, change.object));
      }),
    );
    this.#tasks.run(async (signal) => {
      for (;;) {
        await this.#untilNextLook(signal);
        await this.#attempt("Cannot report node status", () => this.#reportStatus(signal), signal);
      }
    });
    this.#tasks.run(async (signal) => {
      for (;;) {
        await this.#attempt("Cannot renew node lease", () => this.#renewLease(signal), signal);
        await clock.sleep(leaseRenewMs, { signal });
      }
    });
  }

  reportSoon(): void {
    this.#changed = true;
    this.#wake();
  }

  async reportNow({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#attempt("Cannot report node status", () => this.#reportStatus(signal), signal);
  }

  /** Resolves at the time of the next look, or as soon as something changed. */
  async #untilNextLook(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed) {
      const woken = deferred();
      const wake = () => woken.resolve();
      this.#wake = wake;
      const cancel = this.#options.clock.schedule(statusCheckMs, wake);
      signal.addEventListener("abort", wake, { once: true });
      await woken.promise;
      signal.removeEventListener("abort", wake);
      cancel();
    }
    this.#changed = false;
    signal.throwIfAborted();
  }

  /** Tries until it works: a lease that is renewed a period late is a node that is lost. */
  async #attempt(message: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    for (;;) {
      try {
        await work();
        this.#backoff.reset(message);
        return;
      } catch (error) {
        signal.throwIfAborted();
        log.warn(message, { error: errorMessage(error) });
        await clock.sleep(this.#backoff.next(message), { signal });
      }
    }
  }

  async #reportStatus(signal: AbortSignal): Promise<void> {
    const { identity } = this.#options;
    const health = await this.#health(signal);
    // Deleted while its daemon lives, or lost with the master's store: the node is there, so it says so again.
    const gone = this.#informer && this.#informer.resourceVersion > 0n && !this.#informer.get({ name: identity.name });
    const known = this.#informer?.get({ name: identity.name }) ?? this.#node;
    if (gone || !known) return await this.#register(signal);
    try {
      await this.#writeStatusOver(known, health, signal);
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      await this.#register(signal);
    }
  }

  /** Writes the status, over a newer version of the Node where there is one. */
  async #writeStatusOver(node: Node, health: NodeHealth, signal: AbortSignal): Promise<void> {
    const { client, identity } = this.#options;
    try {
      await this.#writeStatus(node, health, signal);
    } catch (error) {
      if (!isReason(error, "Conflict")) throw error;
      await this.#writeStatus(await client.get(nodeKind, { name: identity.name }, { signal }), health, signal);
    }
  }

  /** Writes the status when it changed, or was not written for long. */
  async #writeStatus(node: Node, health: NodeHealth, signal: AbortSignal): Promise<void> {
    const { identity, client, clock } = this.#options;
    this.#node = node;
    const due = clock.monotonic() - this.#reportedAt >= statusReportMs;
    // Most looks find nothing new, at the node and at its object.
    const settled = this.#settled?.node === node ? this.#settled.health : undefined;
    if (!due && settled && sameJson({ ...settled, now: health.now }, health)) return;
    const status = nodeStatus(node.status, identity, health);
    if (!due && sameNodeStatus(node.status, status)) {
      this.#settled = { node, health };
      return;
    }
    this.#node = await client.updateStatus(nodeKind, { ...node, status }, { signal });
    this.#reportedAt = clock.monotonic();
    this.#tell(statusNews(identity.name, node.status, status));
  }

  #tell(news: readonly NodeNews[]): void {
    const { recorder, identity } = this.#options;
    const object = nodeReference(identity.name);
    for (const one of news) recorder.record(object, one);
  }

  async #health(signal: AbortSignal): Promise<NodeHealth> {
    const { runtime, clock, pressure } = this.#options;
    let runtimeProblem: string | undefined;
    try {
      await withDeadline({ clock, timeoutMs: pingTimeoutMs, signal }, (cut) => runtime.ping({ signal: cut }));
    } catch (error) {
      signal.throwIfAborted();
      runtimeProblem = errorMessage(error);
    }
    if (runtimeProblem === undefined) await this.#lookAtImages(signal);
    const short = await pressure(signal);
    return {
      runtimeProblem,
      shuttingDown: this.#options.shuttingDown(),
      memoryPressure: short.includes("MemoryPressure"),
      diskPressure: short.includes("DiskPressure"),
      pidPressure: short.includes("PIDPressure"),
      images: this.#images,
      now: timestamp(clock),
    };
  }

  /** What is not known stays as it was: it is only by the way that the status tells of images. */
  async #lookAtImages(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log } = this.#options;
    if (clock.monotonic() - this.#imagesAt < imagesMs) return;
    try {
      const options = { clock, timeoutMs: pingTimeoutMs, signal };
      this.#images = nodeImages(await withDeadline(options, (cut) => runtime.images.list({ signal: cut })));
      this.#imagesAt = clock.monotonic();
    } catch (error) {
      signal.throwIfAborted();
      log.debug("Cannot list images", { error: errorMessage(error) });
    }
  }

  async #renewLease(signal: AbortSignal): Promise<void> {
    const { client, clock, identity } = this.#options;
    const { name } = identity;
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime: microTimestamp(clock) };
    const key = { namespace: leaseNamespace, name };
    try {
      await client.patch(leaseKind, key, { type: "merge", body: { spec } }, { signal });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      await client.create<Lease>(leaseKind, this.#newLease(spec), { signal });
    }
  }

  #newLease(spec: NonNullable<Lease["spec"]>): Lease {
    const { name = "", uid } = this.#node?.metadata ?? {};
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        namespace: leaseNamespace,
        name,
        ...(uid ? { ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid }] } : {}),
      },
      spec,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#tasks[Symbol.asyncDispose]();
  }
}
