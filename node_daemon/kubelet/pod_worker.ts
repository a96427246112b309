import type { Pod } from "../../core/kinds/pod.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { Turns } from "../../core/util/turns.ts";
import type { Sandbox } from "../runtime/runtime.ts";
import { BackOffEvents } from "./back_off_events.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { deletionGraceSeconds, type PodPlan, planPod } from "./plan_pod.ts";
import { planPreparation } from "./plan_preparation.ts";
import { PodActions } from "./pod_actions.ts";
import { pruneContainers, removePod } from "./pod_leftovers.ts";
import { PodObserver } from "./pod_observer.ts";
import { podStatus } from "./pod_status.ts";
import { hasEnded, latestSandbox, type PodView, resizeFailure } from "./pod_view.ts";
import { probedContainers } from "./probed_containers.ts";

/** More steps in one go than any pod has containers to start and end. */
const maxSteps = 500;
/** Past this a start takes its time. */
const betweenMs = 100;
/** Many pods that start at once, also of other nodes of this process, leave room for whatever else it does. */
const podTurns = new Turns({ perTurn: 8 });
/** Everything is looked at again this often, events or not. */
const resyncMs = 60_000;

/**
 * Keeps one pod (by its uid) as it should be: looks, plans, reports, does one step, and looks again. Never two steps at
 * once. What runs is read from the runtime each time; nothing about containers is remembered that the runtime could say.
 */
export class PodWorker implements AsyncDisposable {
  readonly #context: KubeletContext;
  readonly #actions: PodActions;
  readonly #log: Logger;
  readonly #tasks: Tasks;
  readonly #retries: Backoff;
  readonly #onGone: () => void;
  readonly #observer: PodObserver;
  readonly #backOffs: BackOffEvents;
  /** Containers, by id, that were ended for their new limits. */
  readonly #restarting = new Set<string>();
  #pod: Pod;
  #removed = false;
  #dirty = false;
  #running = false;
  #stale = true;
  #gone = false;
  #step: { readonly controller: AbortController; readonly plan: PodPlan; readonly view: PodView } | undefined;
  #cancelTimer = () => {};

  /** @param options.onGone called once nothing is left of the pod */
  constructor(context: KubeletContext, { pod, onGone }: { readonly pod: Pod; readonly onGone: () => void }) {
    this.#context = context;
    this.#pod = pod;
    this.#onGone = onGone;
    this.#log = context.log.with({ namespace: pod.metadata.namespace, pod: pod.metadata.name });
    this.#actions = new PodActions(context);
    this.#observer = new PodObserver(context);
    this.#backOffs = new BackOffEvents(context.events);
    this.#retries = new Backoff({ baseMs: 500, maxMs: 30_000, clock: context.clock });
    this.#tasks = new Tasks({
      onError: (error) => this.#log.error("Pod worker failed", { error: errorMessage(error) }),
    });
  }

  /** The pod as it was last told. */
  get pod(): Pod {
    return this.#pod;
  }

  /** The object changed. */
  update(pod: Pod): void {
    if (shown(pod) !== shown(this.#pod)) {
      this.#stale = true;
      this.#actions.retryConfig();
    }
    this.#pod = pod;
    this.#interrupt();
    // What this worker wrote itself tells it nothing.
    if (!this.#context.statuses.wrote(pod)) this.wake();
  }

  /** The object is gone: what is left of the pod has to go too. */
  remove(pod: Pod): void {
    this.#pod = pod;
    this.#removed = true;
    this.#interrupt();
    this.wake();
  }

  /** A ConfigMap or Secret that the pod refers to changed, or what is set aside for it. */
  dataChanged(): void {
    this.#stale = true;
    this.#actions.retryConfig();
    this.wake();
  }

  /** Looks at the pod, now or as soon as the present step is done. */
  wake(): void {
    this.#dirty = true;
    if (this.#running || this.#gone || this.#tasks.signal.aborted) return;
    this.#running = true;
    this.#tasks.run((signal) => this.#run(signal));
  }

  /** The probes have something new to say. While the pod ends, that is told at once: it may serve until it has. */
  probed(): void {
    const { plan, view } = this.#step ?? {};
    if (plan?.step === "stop" && view) this.#tasks.run((signal) => this.#report(view, plan, signal));
    else this.wake();
  }

  /** Cuts the present step short when the pod has to end sooner than the step knows. */
  #interrupt(): void {
    if (!this.#step) return;
    const graceSeconds = deletionGraceSeconds(this.#pod, this.#removed);
    if (graceSeconds === undefined) return;
    const { plan } = this.#step;
    if (plan.step !== "stop" || graceSeconds < plan.gracePeriodSeconds) {
      this.#step.controller.abort(new DOMException("The pod is being deleted", "AbortError"));
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      while (this.#dirty && !this.#gone && !signal.aborted) {
        this.#dirty = false;
        this.#cancelTimer();
        this.#sleep(await this.#syncOrRetry(signal));
      }
    } finally {
      this.#running = false;
    }
  }

  #sleep(ms: number | undefined): void {
    if (this.#gone || this.#tasks.signal.aborted) return;
    this.#cancelTimer = this.#context.clock.schedule(Math.min(ms ?? resyncMs, resyncMs), () => this.wake());
  }

  /** Milliseconds until it has to be looked at again; undefined: when something changes. */
  async #syncOrRetry(signal: AbortSignal): Promise<number | undefined> {
    const uid = this.#pod.metadata.uid ?? "";
    try {
      const wakeAfterMs = await this.#sync(signal);
      this.#retries.reset(uid);
      return wakeAfterMs;
    } catch (error) {
      if (signal.aborted) return undefined;
      const retryMs = this.#retries.next(uid);
      this.#log.warn("Cannot sync pod", { error: errorMessage(error), retryMs });
      return retryMs;
    }
  }

  /** Looks, reports and acts until there is nothing to do now. */
  async #sync(signal: AbortSignal): Promise<number | undefined> {
    const { allocations, clock } = this.#context;
    const uid = this.#pod.metadata.uid ?? "";
    let previous: PodPlan["step"] | undefined;
    /** What a step was told just now of the pod's sandboxes: that need not be asked for again. */
    let told: readonly Sandbox[] | undefined;
    for (let steps = 0; steps < maxSteps; steps++) {
      // A pod that has begun goes on before others begin; what its step brought about is known by then.
      await (steps === 0 ? podTurns.next() : new Promise((resolve) => setImmediate(resolve)));
      this.#dirty = false;
      const view = await this.#observe(signal, told);
      const wasTold = told !== undefined;
      told = undefined;
      const plan = planPod(view);
      this.#watchProbes(view, plan);
      // With a sandbox there is more to tell, and with what starts in it again: told apart only where that takes its time.
      const isBetween = previous === "createSandbox" && plan.step === "start";
      previous = plan.step;
      if (!isBetween) await this.#report(view, plan, signal);
      switch (plan.step) {
        case "wait":
          // Only what was looked at may rest.
          if (wasTold) continue;
          // What it gave up may be what others wait for; and its status has to say that it is done.
          if (!view.failures.has(resizeFailure) && allocations.completed(uid)) continue;
          this.#backOffs.tell(view);
          await this.#refresh(view);
          for (const id of await pruneContainers(view, this.#context, signal)) this.#forget(id);
          return this.#shorten(plan.wakeAfterMs);
        case "finished":
          allocations.ended(uid);
          return undefined;
        case "remove":
          // Meanwhile it may have been removed from the API as well.
          await removePod({ ...view, pod: this.#pod, removed: this.#removed }, this.#context, signal);
          this.#gone = true;
          this.#onGone();
          return undefined;
        default: {
          const report = () => this.#tasks.run(() => this.#report(view, plan, signal));
          const cancel = isBetween ? clock.schedule(betweenMs, report) : () => {};
          await this.#interruptible({ plan, view }, signal, async (cut) => {
            told = await this.#execute(plan, view, cut);
          }).finally(cancel);
        }
      }
    }
    // A step that changes nothing (a runtime that says one thing and does another) must not be repeated at full speed.
    throw new Error(`Cannot bring the pod to rest: still not there after ${maxSteps} steps`);
  }

  /** An image error turns into back-off while nothing else happens: looks again for that. */
  #shorten(wakeAfterMs: number | undefined): number | undefined {
    const now = this.#context.clock.now();
    const fresh = [...this.#actions.failures.values()].some(({ at }) => now - at < 1000);
    return fresh ? Math.min(wakeAfterMs ?? 1000, 1000) : wakeAfterMs;
  }

  #observe(signal: AbortSignal, sandboxes?: readonly Sandbox[]): Promise<PodView> {
    const known = () => ({
      pod: this.#pod,
      removed: this.#removed,
      failures: this.#actions.failures,
      restarting: this.#restarting,
    });
    return this.#observer
      .observe(this.#pod.metadata.uid ?? "", known, { signal, sandboxes })
      .catch((error: unknown) => {
        const message = `error determining status: ${errorMessage(error)}`;
        if (!signal.aborted) this.#context.events.warning(this.#pod, "FailedSync", message);
        throw error;
      });
  }

  #forget(containerId: string): void {
    this.#observer.forget(containerId);
    this.#restarting.delete(containerId);
  }

  /** Containers that run are probed, until the pod has ended. */
  #watchProbes(view: PodView, plan: PodPlan): void {
    const ended = plan.step === "remove" || plan.step === "finished";
    const terminating = plan.step === "stop";
    this.#context.probes.sync(this.#pod, ended ? [] : probedContainers(view), { terminating });
  }

  async #report(view: PodView, plan: PodPlan, signal: AbortSignal): Promise<void> {
    const { runtime, statuses, nodeIPs, probes } = this.#context;
    const uid = this.#pod.metadata.uid ?? "";
    await this.#observer.readMessages(view.containers, signal);
    const stopping = plan.step === "stop" && plan.cause !== "sandbox";
    const status = podStatus({
      ...view,
      probes: probes.states(uid),
      previous: view.pod.status,
      messages: this.#observer.messages,
      ending: plan.step === "remove" || plan.step === "finished" ? "ended" : stopping ? "stopping" : "no",
      failure: plan.step === "stop" || plan.step === "finished" ? plan.failure : undefined,
      nodeIPs,
      runtimeName: runtime.name,
    });
    if (!this.#removed) statuses.set(this.#pod, status);
  }

  /** Runs a step that ends early when the pod turns out to have to end sooner. */
  async #interruptible(
    step: { readonly plan: PodPlan; readonly view: PodView },
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const controller = new AbortController();
    const forward = () => controller.abort(signal.reason);
    signal.addEventListener("abort", forward, { once: true });
    this.#step = { ...step, controller };
    try {
      await work(controller.signal);
    } catch (error) {
      if (signal.aborted || !controller.signal.aborted) throw error;
    } finally {
      this.#step = undefined;
      signal.removeEventListener("abort", forward);
    }
  }

  /** @returns the pod's sandboxes, where the step was told of them as it ended */
  async #execute(plan: PodPlan, view: PodView, signal: AbortSignal): Promise<readonly Sandbox[] | undefined> {
    const { pod, sandboxes, containers, failures } = view;
    const { killer, events } = this.#context;
    const sandbox = latestSandbox(sandboxes);
    switch (plan.step) {
      case "createSandbox": {
        const options = { attempt: plan.attempt, prepare: planPreparation(view) };
        const made = await this.#actions.createSandbox(pod, options, signal);
        return made && [...sandboxes.filter(({ id }) => id !== made.id), made];
      }
      case "start":
        if (sandbox) await this.#actions.start(pod, sandbox, plan.start, signal);
        return;
      case "resize":
        await this.#actions.resize(pod, plan, signal);
        return;
      case "kill":
        for (const { container, restart } of plan.kills) if (restart) this.#restarting.add(container.id);
        await Promise.all(
          plan.kills.map(({ container, message, gracePeriodSeconds }) =>
            killer.kill({ pod, container, sandbox, message, gracePeriodSeconds, signal }),
          ),
        );
        return;
      case "stop": {
        if (plan.cause === "sandbox") {
          events.normal(pod, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
        }
        if (view.eviction && plan.failure) events.warning(pod, plan.failure.reason, plan.failure.message);
        else if (plan.failure) events.normal(pod, plan.failure.reason, plan.failure.message);
        const alive = containers.filter((container) => !hasEnded(container, failures));
        const { gracePeriodSeconds } = plan;
        const stopWaiting = view.eviction ? killer.tellWhenLate(pod, gracePeriodSeconds) : () => {};
        await killer
          .killPod({ pod, containers: alive, sandboxes, gracePeriodSeconds, signal })
          .catch((error: unknown) => {
            if (!signal.aborted) events.warning(pod, "FailedKillPod", `error killing pod: ${errorMessage(error)}`);
            throw error;
          })
          .finally(stopWaiting);
        return;
      }
    }
  }

  /** Brings volumes up to date when something they show has changed. */
  async #refresh({ pod, sandboxes }: PodView): Promise<void> {
    const sandbox = latestSandbox(sandboxes);
    if (!this.#stale || !sandbox) return;
    this.#stale = false;
    await this.#actions.refreshVolumes(pod, sandbox);
  }

  /** Ends the pod's containers within a grace period, or within the shorter one of its deletion, for a daemon that drains its node. Resolves when nothing runs. */
  async drain({
    signal,
    resumable,
    gracePeriodSeconds = this.#pod.spec.terminationGracePeriodSeconds ?? 30,
  }: {
    readonly signal: AbortSignal;
    readonly resumable: boolean;
    /** Default: the pod's own. */
    readonly gracePeriodSeconds?: number | undefined;
  }): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
    const view = await this.#observe(signal);
    const { killer } = this.#context;
    this.#context.probes.sync(this.#pod, []);
    const deletionSeconds = deletionGraceSeconds(this.#pod, this.#removed) ?? gracePeriodSeconds;
    await killer.killPod({ ...view, gracePeriodSeconds: Math.min(gracePeriodSeconds, deletionSeconds), signal });
    if (resumable) return;
    const failure = { reason: "Terminated", message: "Pod was terminated in response to imminent node shutdown." };
    const over = view.pod.status?.phase === "Succeeded" || view.pod.status?.phase === "Failed";
    const eviction = over ? undefined : { ...failure, gracePeriodSeconds, disruption: true };
    const ended = { ...(await this.#observe(signal)), eviction };
    await this.#report(ended, { step: "finished", failure: over ? undefined : failure }, signal);
  }

  /** Resolves when the pod's last status stands in the API. */
  reported(): Promise<void> {
    return this.#context.statuses.flush(this.#pod.metadata.uid ?? "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer();
    await this.#tasks[Symbol.asyncDispose]();
  }
}

/** What volumes show of a pod's metadata. */
function shown({ metadata }: Pod): string {
  return JSON.stringify([metadata.labels, metadata.annotations]);
}
