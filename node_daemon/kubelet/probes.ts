import type { Container as ContainerSpec, ContainerStatus, Pod, Probe } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Container, ContainerRuntime, Sandbox } from "../runtime/runtime.ts";
import { readNotes } from "./container_notes.ts";
import { type HandlerTarget, runHandler, timeoutText } from "./handler.ts";
import type { ContainerReference } from "./pod_events.ts";
import { type ProbeType, runProbeLoop } from "./probe_loop.ts";
import type { ProbeState } from "./probe_state.ts";
import { ProbeCounts } from "./stats/probe_counts.ts";

/** How the kubelet names itself to what it probes. */
export const probeUserAgent = "kube-probe/1.34";

/** Options of {@linkcode ProbeManager}. */
export interface ProbeManagerOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Something about a pod's containers changed. */
  onChange(podUid: string): void;
  /** An attempt of a probe failed. */
  onUnhealthy(pod: Pod, message: string, container: ContainerReference): void;
  /** An attempt went well, but not as its author thinks. */
  onWarning(pod: Pod, message: string, container: ContainerReference): void;
}

/** A running container of a pod with what it was made from. */
export interface ProbedContainer {
  readonly container: Container;
  readonly spec: ContainerSpec;
  readonly sandbox: Sandbox;
  /** What the API says of it: adopts its readiness when it is the same container. */
  readonly reported: ContainerStatus | undefined;
}

const resultOf = { ok: "successful", failed: "failed", errored: "unknown" } as const;

/** The probes of one container. */
interface ContainerProbes {
  readonly podUid: string;
  /** Undefined: it has none, as most. */
  readonly loops: ProbeLoops | undefined;
  state: ProbeState;
}

interface ProbeLoops {
  /** The readiness probe. */
  readonly telling: Tasks;
  /** The probes that have a container restarted. */
  readonly deciding: Tasks;
}

/** Runs the probes of every container on the node. A hanging one holds up nobody else: each has a loop of its own. */
export class ProbeManager implements AsyncDisposable {
  readonly #options: ProbeManagerOptions;
  readonly #probes = new Map<string, ContainerProbes>();
  /** What came of them. */
  readonly counts: ProbeCounts = new ProbeCounts();

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
  }

  /** What the probes say, by container id. */
  states(podUid: string): ReadonlyMap<string, ProbeState> {
    const states = new Map<string, ProbeState>();
    for (const [id, probes] of this.#probes) if (probes.podUid === podUid) states.set(id, probes.state);
    return states;
  }

  /**
   * Probes exactly these containers of the pod from now on. Results of containers that are gone are forgotten.
   *
   * @param options.terminating the pod ends: nothing decides any more on a restart, but that it serves still is found out
   */
  sync(
    pod: Pod,
    running: readonly ProbedContainer[],
    { terminating = false }: { readonly terminating?: boolean } = {},
  ): void {
    const podUid = pod.metadata.uid ?? "";
    const wanted = new Set(running.map(({ container }) => container.id));
    for (const [id, probes] of this.#probes) {
      if (probes.podUid === podUid && !wanted.has(id)) this.#stop(id, probes);
    }
    for (const probed of running) {
      if (!this.#probes.has(probed.container.id)) this.#start(pod, probed);
      const deciding = this.#probes.get(probed.container.id)?.loops?.deciding;
      if (terminating && deciding) this.#ending.add(deciding[Symbol.asyncDispose]());
    }
  }

  #stop(id: string, probes: ContainerProbes): void {
    this.#probes.delete(id);
    // Aborts at once; that the loops have ended too is waited for at disposal only.
    for (const tasks of Object.values(probes.loops ?? {})) this.#ending.add(tasks[Symbol.asyncDispose]());
  }

  readonly #ending = {
    running: new Set<Promise<void>>(),
    add(work: Promise<void>): void {
      this.running.add(work);
      void work.finally(() => this.running.delete(work));
    },
  };

  #start(pod: Pod, probed: ProbedContainer): void {
    const { container, spec, sandbox, reported } = probed;
    const podUid = pod.metadata.uid ?? "";
    const adopted = reported?.containerID?.endsWith(`://${container.id}`) && reported.state?.running !== undefined;
    const started = spec.startupProbe === undefined || (adopted === true && reported?.started === true);
    const ready = started && (spec.readinessProbe === undefined || (adopted === true && reported?.ready === true));
    const { startupProbe, readinessProbe, livenessProbe } = spec;
    const loops = startupProbe || readinessProbe || livenessProbe ? this.#newLoops(spec.name) : undefined;
    const probes: ContainerProbes = { podUid, loops, state: { started, ready, failed: undefined } };
    this.#probes.set(container.id, probes);
    if (!loops) return;

    const run = (type: ProbeType, probe: Probe, signal: AbortSignal) =>
      this.#run(
        { pod, container, type, probe, probes, adopted: adopted === true, signal },
        {
          id: container.id,
          spec,
          sandbox,
        },
      );
    const runOthers = () => {
      if (readinessProbe) loops.telling.run((signal) => run("readiness", readinessProbe, signal));
      if (livenessProbe) loops.deciding.run((signal) => run("liveness", livenessProbe, signal));
    };
    if (started || !startupProbe) runOthers();
    else {
      loops.deciding.run(async (signal) => {
        await run("startup", startupProbe, signal);
        if (probes.state.started) runOthers();
      });
    }
  }

  #newLoops(name: string): ProbeLoops {
    const { log } = this.#options;
    const onError = (error: unknown) => log.error("Cannot probe", { container: name, error: errorMessage(error) });
    return { telling: new Tasks({ onError }), deciding: new Tasks({ onError }) };
  }

  #run(
    {
      pod,
      container,
      type,
      probe,
      probes,
      adopted,
      signal,
    }: {
      readonly pod: Pod;
      readonly container: Container;
      readonly type: ProbeType;
      readonly probe: Probe;
      readonly probes: ContainerProbes;
      readonly adopted: boolean;
      readonly signal: AbortSignal;
    },
    target: HandlerTarget,
  ): Promise<void> {
    const { runtime, clock, random, onChange, onUnhealthy, onWarning } = this.#options;
    const periodMs = (probe.periodSeconds || 10) * 1000;
    const title = `${type[0]?.toUpperCase()}${type.slice(1)}`;
    const reference = { name: container.name, kind: readNotes(container).kind };
    return runProbeLoop({
      type,
      probe,
      startedAt: container.startedAt ?? container.createdAt,
      initially: probes.state.ready,
      jitterMs: adopted ? random() * periodMs : 0,
      clock,
      signal,
      attempt: async (attemptSignal) => {
        const options = { runtime, clock, userAgent: probeUserAgent, signal: attemptSignal };
        const result = await runHandler(probe, target, options);
        if (result.warning !== undefined) onWarning(pod, `${title} probe warning: ${result.warning}`, reference);
        return result;
      },
      timeoutText: (timeoutMs) => timeoutText(probe, target, { runtime, timeoutMs }),
      onAttempt: (kind, ms) =>
        this.counts.add(pod, container.name, { type, result: resultOf[kind], seconds: ms / 1000 }),
      onVerdict: (success) => {
        probes.state = nextState(probes.state, type, success, target.spec);
        onChange(probes.podUid);
      },
      onFailure: (output, errored) => {
        onUnhealthy(pod, `${title} probe ${errored ? "errored" : "failed"}: ${output}`, reference);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [id, probes] of [...this.#probes]) this.#stop(id, probes);
    await Promise.all(this.#ending.running);
  }
}

function nextState(state: ProbeState, type: ProbeType, success: boolean, spec: ContainerSpec): ProbeState {
  switch (type) {
    case "readiness":
      return { ...state, ready: success };
    case "liveness":
      return success ? state : { ...state, failed: "liveness" };
    case "startup":
      return success
        ? { ...state, started: true, ready: spec.readinessProbe === undefined }
        : { ...state, failed: "startup" };
  }
}
