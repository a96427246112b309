/**
 * Priority and fairness: who is served, who waits, who is told to come again, when more is asked for than can be done.
 *
 * - Flow schemas say which level a request belongs to; each level has its part of the seats. What a level lends, others
 *   use while it is free; the rest of its seats stays its own.
 * - Who finds no seat waits in a queue of its flow, or is refused with 429 and Retry-After.
 * - A request takes one seat until it is answered; watches and logs only until their stream begins.
 *
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
import { type Condition, findCondition, setCondition } from "../../../core/api/meta.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { type FlowSchema, flowSchema as schemaKind } from "../../../core/kinds/flow_schema.ts";
import {
  priorityLevelConfiguration as levelKind,
  type PriorityLevelConfiguration,
} from "../../../core/kinds/priority_level_configuration.ts";
import { type Clock, timestamp } from "../../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { Tasks } from "../../../core/util/tasks.ts";
import type { Attributes } from "../../authorization/authorizer.ts";
import type { Registries } from "../../registry/registry.ts";
import { mandatoryLevels, mandatorySchemas } from "./bootstrap.ts";
import { flowOf, matchesSchema } from "./classify.ts";
import { PriorityLevel, type Waiting } from "./priority_level.ts";

/** Options of {@linkcode openFlowControl}. */
export interface FlowControlOptions {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
  /** Requests that are served at the same time, exempt ones aside. */
  readonly totalSeats: number;
}

/** The schema and the level of a request. */
export interface FlowDecision {
  readonly schema: FlowSchema;
  readonly level: PriorityLevel;
  readonly flow: string;
}

/** How a level is doing. */
export interface LevelFigures {
  readonly name: string;
  readonly nominalSeats: number;
  readonly running: number;
  readonly waiting: number;
  readonly dispatched: number;
  readonly rejected: number;
}

const maxWaitMs = 15_000;

/** Opens flow control over the schemas and levels that are stored, and follows them. */
export async function openFlowControl(options: FlowControlOptions): Promise<FlowControl> {
  const control = new FlowControl(options);
  await control.start();
  return control;
}

/** Lets requests in. */
export class FlowControl implements AsyncDisposable {
  readonly #options: FlowControlOptions;
  readonly #levels = new Map<string, PriorityLevel>();
  readonly #tasks: Tasks;
  #schemas: readonly FlowSchema[] = [];
  #running = 0;

  constructor(options: FlowControlOptions) {
    this.#options = options;
    const { log } = options;
    this.#tasks = new Tasks({
      onError: (error) => log.error("Cannot follow flow schemas", { error: errorMessage(error) }),
    });
  }

  /** Reads the configuration and begins to follow it. */
  async start(): Promise<void> {
    await this.#configure();
    for (const kind of [schemaKind, levelKind]) this.#tasks.run((signal) => this.#follow(kind, signal));
  }

  async #follow(kind: typeof schemaKind | typeof levelKind, signal: AbortSignal): Promise<void> {
    const { registries, clock } = this.#options;
    const registry = registries.for<FlowSchema | PriorityLevelConfiguration>(kind);
    while (!signal.aborted) {
      for await (const _events of registry.watch({ signal })) {
        await this.#configure();
        await this.#noteDangling(signal);
      }
      if (!signal.aborted) await clock.sleep(1000, { signal });
    }
  }

  async #configure(): Promise<void> {
    const { registries, totalSeats } = this.#options;
    const [schemas, levels] = await Promise.all([registries.for(schemaKind).list(), registries.for(levelKind).list()]);
    // The two that must be there are, even where somebody has deleted them.
    const configurations = new Map(mandatoryLevels.map((level) => [level.metadata.name ?? "", level]));
    for (const { object } of levels.items) configurations.set(object.metadata.name ?? "", object);
    const byName = new Map(mandatorySchemas.map((schema) => [schema.metadata.name ?? "", schema]));
    for (const { object } of schemas.items) byName.set(object.metadata.name ?? "", object);
    for (const [name, level] of this.#levels) {
      if (configurations.has(name)) continue;
      this.#levels.delete(name);
      level.startAll();
    }
    for (const [name, configuration] of configurations) {
      const level = this.#levels.get(name) ?? new PriorityLevel(name);
      this.#levels.set(name, level);
      level.configure(configuration);
    }
    const totalShares = [...this.#levels.values()].reduce((sum, { shares }) => sum + shares, 0);
    for (const [name, configuration] of configurations)
      this.#levels.get(name)?.share(configuration, { totalSeats, totalShares });
    this.#schemas = [...byName.values()]
      .filter(({ spec }) => this.#levels.has(spec.priorityLevelConfiguration.name ?? ""))
      .toSorted(byPrecedence);
    for (const level of this.#levels.values()) this.#startWaiting(level);
  }

  /** Says of every stored schema whether its level is there. */
  async #noteDangling(signal: AbortSignal): Promise<void> {
    const { registries, clock } = this.#options;
    const schemas = registries.for(schemaKind);
    for (const { key, object } of (await schemas.list()).items) {
      signal.throwIfAborted();
      const name = object.spec.priorityLevelConfiguration.name ?? "";
      const wanted = danglingCondition(name, this.#levels.has(name));
      const present = findCondition(object.status?.conditions, wanted.type);
      if (present?.status === wanted.status && present.message === wanted.message) continue;
      const lastTransitionTime = timestamp(clock);
      const change = (schema: FlowSchema): FlowSchema => ({
        ...schema,
        status: { conditions: setCondition(schema.status?.conditions, { ...wanted, lastTransitionTime }) },
      });
      await schemas.update(key, change, { user: apiServer, subresource: "status" }).catch(ignoreNotFound);
    }
  }

  /** Which schema, level and flow a request belongs to. */
  classify(user: UserInfo, attributes: Attributes): FlowDecision {
    const schema =
      this.#schemas.find((candidate) => matchesSchema(candidate, user, attributes)) ??
      this.#schemas[this.#schemas.length - 1];
    const level = this.#levels.get(schema?.spec.priorityLevelConfiguration.name ?? "");
    if (!schema || !level) throw StatusError.internal("no flow schema matches");
    return { schema, level, flow: flowOf(schema, user, attributes) };
  }

  /**
   * Runs `work` when there is a seat for it.
   *
   * @param signal the client's: who goes away no longer waits
   * @throws StatusError TooManyRequests when there is none, and no room to wait, or for too long
   */
  async run<T>({ schema, level, flow }: FlowDecision, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    level.dispatched++;
    if (level.isExempt) return work();
    if ((level.queue?.size ?? 0) > 0 || !this.#hasSeat(level))
      await this.#wait(level, `${schema.metadata.name}/${flow}`, signal);
    else this.#take(level);
    try {
      return await work();
    } finally {
      level.running--;
      this.#running--;
      this.#startWaiting(level);
    }
  }

  #take(level: PriorityLevel): void {
    level.running++;
    this.#running++;
  }

  /** Whether a level may have one more seat: of its own, or one that nobody is guaranteed. */
  #hasSeat(level: PriorityLevel): boolean {
    if (level.running < level.guaranteedSeats) return true;
    if (level.running >= level.maxSeats) return false;
    let reserved = 0;
    for (const other of this.#levels.values()) if (other !== level) reserved += other.reservedSeats;
    return this.#running + reserved < Math.max(this.#options.totalSeats, 1);
  }

  /** Waits for a seat, which is taken then. */
  #wait(level: PriorityLevel, flow: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = () => {
        level.rejected++;
        level.dispatched--;
        reject(StatusError.tooManyRequests("too many requests, please try again later"));
      };
      const leave = () => {
        level.queue?.remove(waiting);
        cancel();
        refuse();
      };
      const waiting: Waiting = {
        start: () => {
          cancel();
          signal.removeEventListener("abort", leave);
          this.#take(level);
          resolve();
        },
      };
      const isWaiting = !signal.aborted && (level.queue?.add(flow, waiting) ?? false);
      const cancel = isWaiting
        ? this.#options.clock.schedule(maxWaitMs, () => {
            signal.removeEventListener("abort", leave);
            leave();
          })
        : () => {};
      if (isWaiting) signal.addEventListener("abort", leave, { once: true });
      else refuse();
    });
  }

  /** Seats have become free: those who wait in this level come first, then those to whom they may be lent. */
  #startWaiting(first: PriorityLevel): void {
    for (const level of [first, ...this.#levels.values()])
      while ((level.queue?.size ?? 0) > 0 && this.#hasSeat(level)) level.queue?.next()?.start();
  }

  /** How every level is doing. */
  figures(): readonly LevelFigures[] {
    return [...this.#levels.values()].map(({ name, nominalSeats, running, queue, dispatched, rejected }) => {
      return { name, nominalSeats, running, waiting: queue?.size ?? 0, dispatched, rejected };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

const apiServer: UserInfo = { username: "system:apiserver", groups: ["system:masters"] };

function danglingCondition(level: string, isThere: boolean): Condition {
  const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
  return isThere
    ? { type: "Dangling", status: "False", reason: "Found", message: `${what} and it exists` }
    : { type: "Dangling", status: "True", reason: "NotFound", message: `${what} but there is no such object` };
}

function ignoreNotFound(error: unknown): void {
  if (!isReason(error, "NotFound")) throw error;
}

function byPrecedence(a: FlowSchema, b: FlowSchema): number {
  const [left = 1000, right = 1000] = [a.spec.matchingPrecedence, b.spec.matchingPrecedence];
  if (left !== right) return left - right;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
