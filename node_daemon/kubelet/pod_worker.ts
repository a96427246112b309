import { keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { Backoff } from "../../core/util/backoff.ts";
import { compact } from "../../core/util/compact.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Container } from "../runtime/runtime.ts";
import { crashBackoff } from "./crash_backoff.ts";
import { withDeadline } from "./deadline.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { type PodPlan, planPod, prunable } from "./plan_pod.ts";
import { PodActions } from "./pod_actions.ts";
import { podStatus } from "./pod_status.ts";
import { containersNamed, hasEnded, latestSandbox, type PodView, resizeFailure } from "./pod_view.ts";
import type { ProbedContainer } from "./probes.ts";
import { terminationMessage } from "./termination_message.ts";

/** What a listing of one pod may take. */
const listTimeoutMs = 120_000;
/** More steps in one go than any pod has containers to start and end. */
const maxSteps = 500;
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
  readonly #messages = new Map<string, string>();
  /** When a container, by its id, was first seen to have ended, on a clock that does not jump. */
  readonly #endedAt = new Map<string, number>();
  /** Failures and back-offs that were told already. */
  readonly #told = new Set<string>();
  /** Containers, by id, that were ended for their new limits. */
  readonly #restarting = new Set<string>();
  #pod: Pod;
  #removed = false;
  #dirty = false;
  #running = false;
  #stale = true;
  #gone = false;
  #step: { readonly controller: AbortController; readonly graceSeconds: number } | undefined;
  #cancelTimer = () => {};

  /** @param options.onGone called once nothing is left of the pod */
  constructor(context: KubeletContext, { pod, onGone }: { readonly pod: Pod; readonly onGone: () => void }) {
    this.#context = context;
    this.#pod = pod;
    this.#onGone = onGone;
    this.#log = context.log.with({ namespace: pod.metadata.namespace, pod: pod.metadata.name });
    this.#actions = new PodActions(context);
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

  /** Cuts the present step short when the pod has to end sooner than the step knows. */
  #interrupt(): void {
    if (!this.#step) return;
    const { deletionTimestamp, deletionGracePeriodSeconds } = this.#pod.metadata;
    if (!this.#removed && deletionTimestamp === undefined) return;
    const graceSeconds = deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30;
    if (graceSeconds < this.#step.graceSeconds) {
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
    const { allocations } = this.#context;
    const uid = this.#pod.metadata.uid ?? "";
    for (let steps = 0; steps < maxSteps; steps++) {
      this.#dirty = false;
      const view = await this.#observe(signal);
      const plan = planPod(view);
      this.#watchProbes(view, plan);
      await this.#report(view, plan, signal);
      switch (plan.step) {
        case "wait":
          // What it gave up may be what others wait for; and its status has to say that it is done.
          if (!view.failures.has(resizeFailure) && allocations.completed(uid)) continue;
          this.#tellBackOff(view);
          await this.#refresh(view);
          await this.#prune(view, signal);
          return this.#shorten(plan.wakeAfterMs);
        case "finished":
          allocations.ended(uid);
          return undefined;
        case "remove":
          await this.#cleanUp(view, signal);
          return undefined;
        default:
          await this.#interruptible(plan, signal, (cut) => this.#execute(plan, view, cut));
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

  async #observe(signal: AbortSignal): Promise<PodView> {
    const { runtime, clock, probes, addresses } = this.#context;
    const uid = this.#pod.metadata.uid ?? "";
    const [sandboxes, containers] = await withDeadline({ clock, timeoutMs: listTimeoutMs, signal }, (cut) =>
      Promise.all([runtime.listSandboxes({ signal: cut }), runtime.listContainers({ podUid: uid, signal: cut })]),
    );
    const own = sandboxes.filter((sandbox) => sandbox.uid === uid);
    for (const { ip } of own) if (ip && runtime.assignsPodIP) addresses.adopt(uid, ip);
    return {
      pod: this.#withStatus(),
      removed: this.#removed,
      sandboxes: own,
      containers: containers.filter(({ podUid }) => podUid === uid),
      probes: probes.states(uid),
      failures: this.#actions.failures,
      eviction: this.#context.evictions.get(uid),
      resize: this.#context.allocations.state(uid),
      restarting: this.#restarting,
      endedForMs: this.#endedForMs(containers),
      now: clock.now(),
    };
  }

  #endedForMs(containers: readonly Container[]): ReadonlyMap<string, number> {
    const now = this.#context.clock.monotonic();
    const ids = new Set(containers.filter(({ state }) => state !== "running").map(({ id }) => id));
    for (const id of this.#endedAt.keys()) if (!ids.has(id)) this.#endedAt.delete(id);
    for (const id of ids) if (!this.#endedAt.has(id)) this.#endedAt.set(id, now);
    return new Map([...this.#endedAt].map(([id, at]) => [id, now - at]));
  }

  /** The pod with what is set aside for it and the status that was made last: it is true before it stands in the API. */
  #withStatus(): Pod {
    const { status } = this.#pod;
    const { statuses, allocations } = this.#context;
    const pod = allocations.allocated(this.#pod);
    const made = statuses.get(pod.metadata.uid ?? "");
    if (!made) return pod;
    // Others may end a pod for good (eviction, a lost node): that is never taken back.
    const over = status?.phase === "Failed" || status?.phase === "Succeeded";
    const verdict =
      over && status ? compact({ phase: status.phase, reason: status.reason, message: status.message }) : {};
    const conditions = [...(made.conditions ?? []), ...(status?.conditions ?? [])].filter(
      ({ type }, index, all) => all.findIndex((other) => other.type === type) === index,
    );
    return { ...pod, status: { ...status, ...made, ...verdict, conditions } };
  }

  /** Containers that run are probed, unless the pod ends. */
  #watchProbes(view: PodView, plan: PodPlan): void {
    const { pod, containers, sandboxes } = view;
    const ending = plan.step === "stop" || plan.step === "remove" || plan.step === "finished";
    const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const running: ProbedContainer[] = [];
    for (const spec of ending ? [] : [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const container = containersNamed(containers, spec.name)[0];
      const sandbox = sandboxes.find(({ id }) => id === container?.sandboxId);
      if (container?.state !== "running" || !sandbox) continue;
      running.push({ container, spec, sandbox, reported: statuses.find(({ name }) => name === spec.name) });
    }
    this.#context.probes.sync(this.#pod, running);
  }

  async #report(view: PodView, plan: PodPlan, signal: AbortSignal): Promise<void> {
    const { runtime, statuses, nodeIPs, probes } = this.#context;
    const uid = this.#pod.metadata.uid ?? "";
    await this.#readMessages(view.containers, signal);
    const stopping = plan.step === "stop" && plan.cause !== "sandbox";
    const status = podStatus({
      ...view,
      probes: probes.states(uid),
      previous: view.pod.status,
      messages: this.#messages,
      ending: plan.step === "remove" || plan.step === "finished" ? "ended" : stopping ? "stopping" : "no",
      failure: plan.step === "stop" || plan.step === "finished" ? plan.failure : undefined,
      nodeIPs,
      runtimeName: runtime.name,
    });
    if (!this.#removed) statuses.set(this.#pod, status);
  }

  async #readMessages(containers: readonly Container[], signal: AbortSignal): Promise<void> {
    for (const container of containers) {
      if (container.state !== "exited" || this.#messages.has(container.id)) continue;
      this.#messages.set(container.id, await terminationMessage(container, { ...this.#context, signal }));
    }
  }

  /** Runs a step that ends early when the pod turns out to have to end sooner. */
  async #interruptible(
    plan: PodPlan,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const controller = new AbortController();
    const forward = () => controller.abort(signal.reason);
    signal.addEventListener("abort", forward, { once: true });
    const graceSeconds = plan.step === "stop" ? plan.gracePeriodSeconds : Number.POSITIVE_INFINITY;
    this.#step = { controller, graceSeconds };
    try {
      await work(controller.signal);
    } catch (error) {
      if (signal.aborted || !controller.signal.aborted) throw error;
    } finally {
      this.#step = undefined;
      signal.removeEventListener("abort", forward);
    }
  }

  async #execute(plan: PodPlan, view: PodView, signal: AbortSignal): Promise<void> {
    const { pod, sandboxes, containers, failures } = view;
    const { killer, events } = this.#context;
    const sandbox = latestSandbox(sandboxes);
    switch (plan.step) {
      case "createSandbox":
        return this.#actions.createSandbox(pod, plan.attempt, signal);
      case "start":
        if (sandbox) await this.#actions.start(pod, sandbox, plan.start, signal);
        return;
      case "resize":
        return this.#actions.resize(pod, plan.resizes, signal);
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
        await killer.killPod({
          pod,
          containers: alive,
          sandboxes,
          gracePeriodSeconds: plan.gracePeriodSeconds,
          signal,
        });
        return;
      }
    }
  }

  /** Tells once per container that it is waiting, and for what. */
  #tellBackOff(view: PodView): void {
    const { pod, now } = view;
    const { events } = this.#context;
    const { name, namespace, uid } = pod.metadata;
    for (const [kind, specs] of [
      ["init", pod.spec.initContainers ?? []],
      ["main", pod.spec.containers],
      ["ephemeral", pod.spec.ephemeralContainers ?? []],
    ] as const) {
      for (const spec of specs) {
        const failure = view.failures.get(spec.name);
        if (failure?.reason === "ErrImagePull" && now - failure.at >= 1000) {
          if (!this.#tellOnce(`${spec.name} ${failure.at}`)) continue;
          events.normal(pod, "BackOff", `Back-off pulling image "${spec.image}"`, { name: spec.name, kind });
          events.warning(pod, "Failed", "Error: ImagePullBackOff", { name: spec.name, kind });
          continue;
        }
        const latest = containersNamed(view.containers, spec.name)[0];
        if (!latest || !hasEnded(latest, view.failures) || crashBackoff(latest, view).remainingMs === 0) continue;
        if (!this.#tellOnce(latest.id)) continue;
        const message = `Back-off restarting failed container ${spec.name} in pod ${name}_${namespace}(${uid})`;
        events.warning(pod, "BackOff", message, { name: spec.name, kind });
      }
    }
  }

  #tellOnce(key: string): boolean {
    if (this.#told.has(key)) return false;
    if (this.#told.size > 100) this.#told.clear();
    this.#told.add(key);
    return true;
  }

  /** Brings volumes up to date when something they show has changed. */
  async #refresh({ pod, sandboxes }: PodView): Promise<void> {
    const sandbox = latestSandbox(sandboxes);
    if (!this.#stale || !sandbox) return;
    this.#stale = false;
    await this.#actions.refreshVolumes(pod, sandbox);
  }

  async #prune(view: PodView, signal: AbortSignal): Promise<void> {
    const { runtime } = this.#context;
    for (const { id } of prunable(view.containers)) {
      await runtime.removeContainer(id, { signal });
      this.#messages.delete(id);
      this.#restarting.delete(id);
    }
    for (const { id } of view.sandboxes.filter((sandbox) => sandbox !== latestSandbox(view.sandboxes))) {
      const used = view.containers.some(({ sandboxId }) => sandboxId === id);
      if (!used) await runtime.removePodSandbox(id, { signal });
    }
  }

  /** Nothing runs any more: reports the end, removes what the pod had, and lets the object go. */
  async #cleanUp({ sandboxes }: PodView, signal: AbortSignal): Promise<void> {
    const { runtime, statuses, addresses, folders, objects, clock } = this.#context;
    const uid = this.#pod.metadata.uid ?? "";
    if (!this.#removed) await statuses.flush(uid);
    await withDeadline({ clock, timeoutMs: listTimeoutMs, signal }, async (cut) => {
      for (const { id } of sandboxes) await runtime.removePodSandbox(id, { signal: cut });
    });
    addresses.release(uid);
    this.#context.allocations.release(uid);
    objects.release(uid);
    this.#context.evictions.release(uid);
    await folders.remove(uid);
    if (!this.#removed) await this.#deleteObject(uid, signal);
    statuses.forget(uid);
    this.#gone = true;
    this.#onGone();
  }

  async #deleteObject(uid: string, signal: AbortSignal): Promise<void> {
    try {
      const options = { gracePeriodSeconds: 0, preconditions: { uid }, signal };
      await this.#context.client.delete(podKind, keyOf(this.#pod), options);
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }

  /** Ends the pod's containers within a grace period, for a daemon that drains its node. Resolves when nothing runs. */
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
    await killer.killPod({ ...view, gracePeriodSeconds, signal });
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
