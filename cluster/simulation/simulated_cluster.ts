import type { KubeObject, StringMap } from "../../core/api/meta.ts";
import { findCondition, keyOf } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import { createClient } from "../../core/client/create_client.ts";
import { inProcessTransport } from "../../core/client/in_process_transport.ts";
import { createInformers } from "../../core/client/informers.ts";
import type { ApiResponse, UserInfo } from "../../core/client/transport.ts";
import { storedKinds } from "../../core/kinds/mod.ts";
import { type Node, node } from "../../core/kinds/node.ts";
import { pod } from "../../core/kinds/pod.ts";
import { type Random, seededRandom } from "../../core/platform/random.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { parseDuration } from "../../core/util/duration.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";
import { type Logger, silentLogger } from "../../core/util/log.ts";
import { nodeUser } from "../../master_daemon/authorization/node_identity.ts";
import { accountUser } from "../../master_daemon/authorization/policy.ts";
import { type ControllersOptions, controllers, runControllers } from "../../master_daemon/controllers/mod.ts";
import { type Master, startMaster } from "../../master_daemon/master.ts";
import { runScheduler } from "../../master_daemon/scheduler/mod.ts";
import { openMemoryStore } from "../../master_daemon/store/memory.ts";
import { applyManifests } from "../apply_manifests.ts";
import { Interruptions, type RestartOptions, type SimulatedComponent } from "./interruptions.ts";
import { type ApiFaults, Network } from "./network.ts";
import { SimulatedNode } from "./simulated_node.ts";

/** Options of a simulated cluster: see {@linkcode startSimulation}. */
export interface SimulationOptions {
  readonly clock: "fake";
  /** Nodes of a simulation run no containers. */
  readonly runtime?: "fake" | undefined;
  /** Everything that is random follows from it. Default 1. */
  readonly seed?: number | undefined;
  /** How many nodes. Default 1. */
  readonly nodes?: number | undefined;
  /** What each node has to give. Default 4 processors, 8Gi of memory, 110 pods. */
  readonly nodeCapacity?: StringMap | undefined;
  /** What the controllers take, e.g. `nodeMonitorGracePeriodMs`. */
  readonly controllers?: ControllersOptions | undefined;
  /** Default: says nothing. */
  readonly log?: Logger | undefined;
}

/** A node as it is added. */
export interface SimulatedNodeSpec {
  /** Default `node-` and a number. */
  readonly name?: string | undefined;
  /** Default: as the simulation's options say. */
  readonly capacity?: StringMap | undefined;
  readonly labels?: StringMap | undefined;
  /** Its taints, and whether it is cordoned. */
  readonly spec?: Node["spec"] | undefined;
}

/**
 * A cluster without a machine: API, controllers and scheduler as they are, nodes that are played, a clock that stands
 * still until it is told to move. The same seed and the same calls give the same objects, down to their versions and uids.
 */
export interface SimulatedCluster extends AsyncDisposable {
  /** Its API as an administrator, whom no fault touches. */
  readonly client: Client;
  readonly clock: FakeClock;
  /** For choices of whoever drives the simulation. */
  readonly random: Random;
  /** Names of the nodes whose daemons run. */
  readonly nodes: readonly string[];
  /** Applies objects, or manifests as YAML or JSON text. Namespaced objects without a namespace go to `default`. */
  apply(manifests: string | KubeObject | readonly KubeObject[]): Promise<readonly KubeObject[]>;
  /** Resolves when nothing is left to do until a timer is due. @throws Error when there is no end of it */
  settle(): Promise<void>;
  /** Moves the clock on, and lets all happen that comes due, one thing after the other. @param time milliseconds, or `90s`, `7d`, `1h30m` */
  advance(time: number | string): Promise<void>;
  /** One more node. @returns its name @throws RangeError for a name that is taken */
  addNode(options?: SimulatedNodeSpec): string;
  /** Ends a node's daemon without a word. @throws RangeError for a name that is none */
  killNode(name: string): Promise<void>;
  /** Starts the daemon of a node again that was killed. @throws RangeError for a name that is none */
  reviveNode(name: string): void;
  /** Ends a component in the middle of whatever it does, and starts it anew; `{ afterWrites: 3 }`: after its third write from now. */
  restart(component: SimulatedComponent, options?: RestartOptions): Promise<void>;
  /** How requests of controllers, scheduler and nodes fare from now on. */
  setFaults(faults: ApiFaults): void;
  /** Ends every watch of theirs. */
  dropWatches(): void;
}

const defaultCapacity: StringMap = { cpu: "4", memory: "8Gi", pods: "110", "ephemeral-storage": "100Gi" };
const podRange = "10.0.0.0/8";
const authenticated = ["system:authenticated"];
const administrators = ["system:masters", ...authenticated];
/** So many turns without anything happening, and nothing will until a timer is due. */
const idleTurns = 6;
const maxTurns = 2_000_000;
const dayMs = 86_400_000;
/** Nobody hangs up on anybody else, unless it is told to. */
const watchSeconds = 86_400;

/** Starts a {@linkcode SimulatedCluster} and lets it settle. */
export async function startSimulation(options: SimulationOptions): Promise<SimulatedCluster> {
  const simulation = new Simulation(options);
  try {
    await simulation.start(options.nodes ?? 1);
  } catch (error) {
    await simulation[Symbol.asyncDispose]();
    throw error;
  }
  return simulation;
}

class Simulation implements SimulatedCluster {
  readonly clock = new FakeClock();
  readonly random: Random;
  readonly client: Client;
  readonly #options: SimulationOptions;
  readonly #log: Logger;
  readonly #network: Network;
  readonly #uuid: () => string;
  readonly #parts = new DisposalStack();
  readonly #store: ReturnType<typeof openMemoryStore>;
  readonly #nodes = new Map<string, SimulatedNode>();
  readonly #components = new Map<SimulatedComponent, AsyncDisposable>();
  readonly #interruptions = new Interruptions((component) => this.#restart(component));
  /** Requests of the administrator, for whose answers the end of the API waits. */
  readonly #unanswered = new Set<Promise<ApiResponse>>();
  #restarts: Promise<void> = Promise.resolve();
  #restartsLeft = 0;
  #nodeInformers: ReturnType<typeof createInformers> | undefined;
  #master: Master | undefined;
  #podCount = 0;

  constructor(options: SimulationOptions) {
    const { seed = 1, log = silentLogger } = options;
    this.#options = options;
    this.#log = log;
    // Of one randomness each: what one does must not change what another gets.
    const [own, network, uuids] = [1, 2, 3].map((part) => seededRandom(seed * 4 + part)) as [Random, Random, Random];
    this.random = own;
    this.#network = new Network({ clock: this.clock, random: network });
    this.#uuid = () => uuidOf(uuids);
    this.#store = this.#parts.use(openMemoryStore({ clock: this.clock }));
    this.client = this.#parts.use(
      this.#clientFor({ username: "system:admin", groups: administrators }, { isSafe: true }),
    );
  }

  async start(nodes: number): Promise<void> {
    await this.#startApi();
    const { clock, random } = this;
    const user = { username: "system:kube-controller-manager", groups: authenticated };
    const client = this.#parts.use(this.#clientFor(user, { takesObjects: true }));
    this.#nodeInformers = this.#parts.use(createInformers({ client, clock, random, log: this.#log, watchSeconds }));
    for (let index = 0; index < nodes; index++) this.addNode();
    this.#parts.defer(
      this.#nodeInformers.informer(pod).onChange(({ object }) => {
        this.#nodes.get(object.spec.nodeName ?? "")?.onPod(keyOf(object));
      }),
    );
    this.#parts.defer(
      this.#nodeInformers.informer(node).onChange(({ type, object }) => {
        const ready = findCondition(object.status?.conditions, "Ready");
        if (type === "deleted" || (ready && ready.status !== "True"))
          this.#nodes.get(object.metadata.name ?? "")?.wake();
      }),
    );
    this.#startControllers();
    this.#startScheduler();
    await this.settle();
    await this.advance(1000);
  }

  get nodes(): readonly string[] {
    return [...this.#nodes.values()].filter(({ isAlive }) => isAlive).map(({ name }) => name);
  }

  apply(manifests: string | KubeObject | readonly KubeObject[]): Promise<readonly KubeObject[]> {
    return applyManifests(this.client, manifests);
  }

  async settle(): Promise<void> {
    const network = this.#network;
    const state = () => `${network.activity} ${network.underWay} ${this.clock.pending}`;
    let last = state();
    let idle = 0;
    for (let turn = 0; idle < idleTurns; turn++) {
      if (turn > maxTurns) throw new Error(`Still busy after ${maxTurns} turns`);
      await new Promise((resolve) => setImmediate(resolve));
      const now = state();
      idle = now === last && network.underWay === 0 && this.#restartsLeft === 0 ? idle + 1 : 0;
      last = now;
    }
  }

  async advance(time: number | string): Promise<void> {
    const until = this.clock.monotonic() + millisecondsOf(time);
    await this.settle();
    for (;;) {
      const { nextMs } = this.clock;
      const leftMs = until - this.clock.monotonic();
      if (nextMs === undefined || nextMs > leftMs) break;
      await this.clock.advance(nextMs);
      await this.settle();
    }
    await this.clock.advance(until - this.clock.monotonic());
  }

  addNode({
    capacity = this.#options.nodeCapacity ?? defaultCapacity,
    labels = {},
    name = `node-${this.#nodes.size}`,
    spec,
  }: SimulatedNodeSpec = {}): string {
    if (!this.#nodeInformers) throw new Error("The simulation has not begun");
    if (this.#nodes.has(name)) throw new RangeError(`Cannot add node "${name}": there is one of that name`);
    const { clock, random } = this;
    const added = new SimulatedNode({
      name,
      client: this.#parts.use(this.#clientFor(nodeUser(name))),
      safeClient: this.client,
      isHeartbeatSafe: () => this.#network.isWell,
      informers: this.#nodeInformers,
      capacity,
      labels,
      spec,
      nextPodIP: () => {
        this.#podCount++;
        return `10.${128 + ((this.#podCount >> 16) & 127)}.${(this.#podCount >> 8) & 255}.${this.#podCount & 255}`;
      },
      clock,
      random,
      log: this.#log,
    });
    this.#nodes.set(name, this.#parts.use(added));
    added.start();
    return name;
  }

  async killNode(name: string): Promise<void> {
    await this.#node(name).kill();
  }

  reviveNode(name: string): void {
    this.#node(name).start();
  }

  #node(name: string): SimulatedNode {
    const found = this.#nodes.get(name);
    if (!found) throw new RangeError(`Cannot find node "${name}": there are ${[...this.#nodes.keys()].join(", ")}`);
    return found;
  }

  async restart(component: SimulatedComponent, { afterWrites = 0 }: RestartOptions = {}): Promise<void> {
    if (afterWrites > 0) this.#interruptions.plan(component, afterWrites);
    else await this.#restart(component);
  }

  /** One after the other: nothing must be started twice. */
  #restart(component: SimulatedComponent): Promise<void> {
    this.#restartsLeft++;
    this.#restarts = this.#restarts.then(async () => {
      const running = this.#components.get(component);
      this.#components.delete(component);
      if (component === "api") {
        this.#master = undefined;
        await Promise.allSettled(this.#unanswered);
      }
      await running?.[Symbol.asyncDispose]();
      if (component === "api") await this.#startApi();
      else if (component === "controllers") this.#startControllers();
      else this.#startScheduler();
      this.#restartsLeft--;
      this.#log.info("Component restarted", { component });
    });
    return this.#restarts;
  }

  setFaults(faults: ApiFaults): void {
    this.#network.faults = faults;
    if (!this.#network.isWell) for (const one of this.#nodes.values()) one.wake();
  }

  dropWatches(): void {
    this.#network.dropWatches();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.setFaults({});
    this.#interruptions.clear();
    await this.#restarts;
    for (const component of ["scheduler", "controllers"] as const)
      await this.#components.get(component)?.[Symbol.asyncDispose]();
    for (const one of this.#nodes.values()) await one.kill();
    await this.#nodeInformers?.[Symbol.asyncDispose]();
    await this.#components.get("api")?.[Symbol.asyncDispose]();
    await this.#parts[Symbol.asyncDispose]();
  }

  async #startApi(): Promise<void> {
    this.#master = undefined;
    const master = await startMaster({
      store: this.#store,
      apiServerOnly: true,
      priorityAndFairness: false,
      serviceClusterIpRange: "10.96.0.0/12",
      controllers: { clusterCidr: podRange },
      nodes: {
        request: (node, path) => this.#ask(node, path),
        upgrade: () => Promise.reject(new Error("simulated nodes answer nothing")),
      },
      clock: this.clock,
      random: this.random,
      uuid: this.#uuid,
      log: this.#log,
    });
    this.#master = master;
    this.#components.set("api", master);
  }

  /** What the API server asks of a node: what its pods use, and nothing else. */
  async #ask({ metadata: { name = "" } }: Node, path: string): Promise<ApiResponse> {
    const asked = this.#nodes.get(name);
    if (!asked?.isAlive) throw new Error("connect ECONNREFUSED");
    if (!path.startsWith("/stats/summary")) throw new Error("simulated nodes answer nothing");
    const body = new TextEncoder().encode(JSON.stringify(asked.usage()));
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }

  #startControllers(): void {
    const { clock, random } = this;
    const log = this.#log;
    const parts = new DisposalStack();
    const clientFor = (account: string) =>
      parts.use(this.#clientFor(accountUser("kube-system", account), { writer: "controllers" }));
    const user = { username: "system:kube-controller-manager", groups: authenticated };
    const reader = parts.use(this.#clientFor(user, { takesObjects: true }));
    const informers = parts.use(createInformers({ client: reader, clock, random, log, watchSeconds }));
    const all = controllers({
      kinds: storedKinds,
      ...this.#options.controllers,
      isHeard: (name) => this.#nodes.get(name)?.isHeard ?? false,
      rootCa: async () => "there is no network, and no authority",
    });
    const apiserver = { username: "system:apiserver", groups: administrators };
    const client = parts.use(this.#clientFor(apiserver, { writer: "controllers" }));
    parts.use(runControllers(all, { client, clientFor, informers, clock, random, log }));
    this.#components.set("controllers", parts);
  }

  #startScheduler(): void {
    const { clock, random } = this;
    const log = this.#log;
    const parts = new DisposalStack();
    const user = { username: "system:kube-scheduler", groups: authenticated };
    const client = parts.use(this.#clientFor(user, { writer: "scheduler" }));
    const reader = parts.use(this.#clientFor(user, { takesObjects: true }));
    const informers = parts.use(createInformers({ client: reader, clock, random, log, watchSeconds }));
    parts.use(runScheduler({ client, informers, clock, random, log }));
    this.#components.set("scheduler", parts);
  }

  async #unhurried(answer: Promise<ApiResponse>): Promise<ApiResponse> {
    this.#unanswered.add(answer);
    try {
      return await answer;
    } finally {
      this.#unanswered.delete(answer);
    }
  }

  /** A client over the network with its faults, which outlives the API server. @param writer whose writes they are; absent: a node's */
  #clientFor(user: UserInfo, { takesObjects = false, isSafe = false, writer }: ClientOptions = {}): Client {
    const transport = inProcessTransport(
      async (request, context) => {
        // An administrator comes back once there is an API again: to them it is not as if time had passed.
        if (!this.#master && isSafe) await this.#restarts;
        if (!this.#master) throw new Error("connect ECONNREFUSED");
        const answer = this.#master.handler.handle(request, context);
        if (isSafe) return this.#unhurried(answer);
        const response = await answer;
        if (request.method !== "GET" && response.status < 300) this.#interruptions.onWrite(writer);
        return response;
      },
      { user, userAgent: user.username, takesObjects },
    );
    return createClient(this.#network.over(transport, { isSafe }), { clock: this.clock });
  }
}

interface ClientOptions {
  readonly takesObjects?: boolean;
  readonly isSafe?: boolean;
  readonly writer?: SimulatedComponent;
}

/** Milliseconds of a time as `advance()` takes it: milliseconds, or `90s`, `7d`, `1h30m`. @throws SyntaxError */
export function millisecondsOf(time: number | string): number {
  if (typeof time === "number") return time;
  const days = /^(\d{1,5})d(.*)$/.exec(time);
  if (!days) return parseDuration(time);
  return Number(days[1]) * dayMs + (days[2] ? parseDuration(days[2]) : 0);
}

/** A UUID of version 4. */
function uuidOf(random: Random): string {
  const digits = Array.from({ length: 32 }, (_, index) => {
    if (index === 12) return "4";
    const digit = Math.floor(random() * 16);
    return (index === 16 ? 8 + (digit % 4) : digit).toString(16);
  }).join("");
  return [0, 8, 12, 16, 20].map((at, part) => digits.slice(at, [8, 12, 16, 20, 32][part])).join("-");
}
