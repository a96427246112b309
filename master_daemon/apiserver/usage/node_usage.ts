import { findCondition } from "../../../core/api/meta.ts";
import { type ApiResponse, readBody } from "../../../core/client/transport.ts";
import type { Node } from "../../../core/kinds/node.ts";
import { cpuWindowHeader } from "../../../core/kinds/node_server.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { linkSignals } from "../../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import type { NodeConnector } from "../node_connector.ts";

/** Use of CPU and memory. */
export interface Usage {
  /** Billionths of a processor. */
  readonly nanoCores: number;
  readonly memoryBytes: number;
}

/** What a node told of its use. */
export interface NodeUsage extends Usage {
  /** RFC 3339. */
  readonly time: string;
  /** Over which the use of CPU was measured. */
  readonly windowMs: number;
  /** Containers that run, by the uid of their pod. */
  readonly pods: ReadonlyMap<string, PodUsage>;
}

/** What a node told of a pod. */
export interface PodUsage {
  readonly time: string;
  readonly containers: readonly (Usage & { readonly name: string })[];
}

/** Options of {@linkcode NodeUsageReader}. */
export interface NodeUsageOptions {
  readonly nodes: NodeConnector;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends every question. */
  readonly closing: AbortSignal;
}

const path = "/stats/summary?only_cpu_and_memory=true";
const defaultWindowSeconds = 10;
const freshMs = 2_000;
/** A node that did not answer is left alone for so long. */
const failedMs = 10_000;
const timeoutMs = 8_000;
const parallel = 16;
const maxBytes = 2 * 1024 * 1024;

interface Answer {
  readonly uid: string | undefined;
  readonly usage: Promise<NodeUsage | undefined>;
  /** Until when it is given out again; while it is awaited, for good. */
  until: number;
}

/** Asks node daemons what is used there, when somebody wants to know. Who wants to at the same time shares the question. */
export class NodeUsageReader {
  readonly #options: NodeUsageOptions;
  readonly #answers = new Map<string, Answer>();

  constructor(options: NodeUsageOptions) {
    this.#options = options;
  }

  /** What is used on nodes, by their names. Those that do not answer are left out. */
  async read(nodes: readonly Node[]): Promise<ReadonlyMap<string, NodeUsage>> {
    this.#forget();
    const found = new Map<string, NodeUsage>();
    const left = [...nodes];
    const workers = Array.from({ length: Math.min(parallel, left.length) }, async () => {
      for (let node = left.pop(); node; node = left.pop()) {
        const usage = await this.#of(node);
        if (usage) found.set(node.metadata.name ?? "", usage);
      }
    });
    await Promise.all(workers);
    return found;
  }

  #of(node: Node): Promise<NodeUsage | undefined> {
    const { name = "", uid } = node.metadata;
    const known = this.#answers.get(name);
    if (known && known.uid === uid && this.#options.clock.monotonic() < known.until) return known.usage;
    // Its daemon has not been heard of: it is not waited for.
    if (findCondition(node.status?.conditions ?? [], "Ready")?.status === "Unknown") return Promise.resolve(undefined);
    const answer: Answer = { uid, usage: this.#ask(node), until: Number.POSITIVE_INFINITY };
    this.#answers.set(name, answer);
    const keep = (usage: NodeUsage | undefined) => {
      answer.until = this.#options.clock.monotonic() + (usage ? freshMs : failedMs);
    };
    void answer.usage.then(keep);
    return answer.usage;
  }

  /** Never rejects. */
  async #ask(node: Node): Promise<NodeUsage | undefined> {
    const { nodes, clock, log, closing } = this.#options;
    const late = new AbortController();
    const { signal, release } = linkSignals(closing, late.signal);
    const cancel = clock.schedule(timeoutMs, () => late.abort(new Error("the node did not answer in time")));
    try {
      const reading = nodes.request(node, path, { signal }).then(readUsage);
      return await Promise.race([reading, rejected(signal)]);
    } catch (error) {
      if (!closing.aborted)
        log.debug("Cannot read what a node uses", { node: node.metadata.name, error: errorMessage(error) });
      return undefined;
    } finally {
      cancel();
      release();
    }
  }

  #forget(): void {
    const now = this.#options.clock.monotonic();
    for (const [name, { until }] of this.#answers) if (until <= now) this.#answers.delete(name);
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** @throws Error for an answer that is no summary */
async function readUsage({ status, headers, body }: ApiResponse): Promise<NodeUsage> {
  if (status !== 200) throw new Error(`it answered ${status}`);
  const seconds = Number(headers[cpuWindowHeader] ?? defaultWindowSeconds);
  const windowMs = (seconds > 0 && seconds < 3600 ? seconds : defaultWindowSeconds) * 1000;
  return parseSummary(JSON.parse(new TextDecoder().decode(await readBody(body, maxBytes))), windowMs);
}

/**
 * What a node's summary tells of CPU and memory. What is not whole is left out: a node may send anything.
 *
 * @throws Error when it tells nothing of the node itself
 */
export function parseSummary(summary: unknown, windowMs: number): NodeUsage {
  const node = usageOf(member(summary, "node"));
  if (!node) throw new Error("it told nothing of itself");
  const pods = new Map<string, PodUsage>();
  for (const pod of listOf(member(summary, "pods"))) {
    const uid = member(member(pod, "podRef"), "uid");
    const containers = listOf(member(pod, "containers")).flatMap((container) => {
      const name = member(container, "name");
      const usage = usageOf(container);
      return typeof name === "string" && usage ? [{ ...usage, name }] : [];
    });
    const [first] = containers;
    if (typeof uid !== "string" || !first) continue;
    pods.set(uid, {
      time: first.time,
      containers: containers.map(({ name, nanoCores, memoryBytes }) => ({ name, nanoCores, memoryBytes })),
    });
  }
  return { ...node, windowMs, pods };
}

function usageOf(value: unknown): (Usage & { readonly time: string }) | undefined {
  const nanoCores = member(member(value, "cpu"), "usageNanoCores");
  const memoryBytes = member(member(value, "memory"), "workingSetBytes");
  const time = member(member(value, "cpu"), "time");
  if (!isAmount(nanoCores) || !isAmount(memoryBytes) || typeof time !== "string") return undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(time) ? { nanoCores, memoryBytes, time } : undefined;
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
