import type { Pod } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { Container, ContainerRuntime, Sandbox } from "../runtime/runtime.ts";
import { readNotes } from "./container_notes.ts";
import { withDeadline } from "./deadline.ts";
import { runHandler } from "./handler.ts";
import type { PodEvents } from "./pod_events.ts";
import { probeUserAgent } from "./probes.ts";

/** Options of {@linkcode ContainerKiller}. */
export interface ContainerKillerOptions {
  readonly runtime: ContainerRuntime;
  readonly events: PodEvents;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A container to end. */
export interface KillRequest {
  /** Undefined when it is no longer known: nobody is told then. */
  readonly pod: Pod | undefined;
  readonly container: Container;
  readonly sandbox: Sandbox | undefined;
  readonly message?: string | undefined;
  readonly gracePeriodSeconds: number;
  /** Settles when those that end before it have: its preStop hook does not wait for them, its signal does. */
  readonly turn?: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** However long the hook took, a program gets this long to end. @see k8s.io/kubernetes/pkg/kubelet/kuberuntime minimumGracePeriodInSeconds */
const minGraceSeconds = 2;
/** What an engine may take beyond the grace period. */
const engineMarginMs = 120_000;
/** When a pod that its node wants to be rid of is late. @see k8s.io/kubernetes/pkg/kubelet, killPodNow */
const lateFactor = 1.5;
const leastLateSeconds = 10;

/** Ends containers: preStop hook, SIGTERM, SIGKILL, all inside the grace period. */
export class ContainerKiller {
  readonly #options: ContainerKillerOptions;
  /** Containers whose preStop hook has begun: a second attempt must not run it again. */
  readonly #hooked = new Set<string>();

  constructor(options: ContainerKillerOptions) {
    this.#options = options;
  }

  /** Resolves when the container has ended. */
  async kill(request: KillRequest): Promise<void> {
    const { pod, container, message, gracePeriodSeconds, turn, signal } = request;
    const { runtime, events, clock } = this.#options;
    const { kind } = readNotes(container);
    const startedAt = clock.monotonic();
    if (pod && !this.#hooked.has(container.id)) {
      events.normal(pod, "Killing", message ?? `Stopping container ${container.name}`, { name: container.name, kind });
    }
    await this.#preStop(request);
    await turn;
    const leftSeconds = gracePeriodSeconds - (clock.monotonic() - startedAt) / 1000;
    const graceSeconds =
      gracePeriodSeconds <= minGraceSeconds ? gracePeriodSeconds : Math.max(minGraceSeconds, leftSeconds);
    await withDeadline({ clock, timeoutMs: graceSeconds * 1000 + engineMarginMs, signal }, (cut) =>
      runtime.stopContainer(container.id, { gracePeriodSeconds: Math.ceil(graceSeconds), signal: cut }),
    );
    this.#hooked.delete(container.id);
  }

  async #preStop({ pod, container, sandbox, gracePeriodSeconds, signal }: KillRequest): Promise<void> {
    const { runtime, events, clock, log } = this.#options;
    const own = [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])].find(
      ({ name }) => name === container.name,
    );
    const { preStop, kind } = readNotes(container);
    const hook = own ? own.lifecycle?.preStop : preStop;
    if (!hook || !sandbox || gracePeriodSeconds === 0 || this.#hooked.has(container.id)) return;
    this.#hooked.add(container.id);
    const target = { id: container.id, spec: own ?? { name: container.name }, sandbox };
    try {
      const { ok, output } = await withDeadline({ clock, timeoutMs: gracePeriodSeconds * 1000, signal }, (cut) =>
        runHandler(hook, target, { runtime, clock, userAgent: probeUserAgent, signal: cut }),
      );
      // Any answer of an HTTP hook will do: only that it was called matters.
      if (ok || (hook.httpGet && output.startsWith("HTTP probe failed"))) return;
      throw new Error(output);
    } catch (error) {
      signal.throwIfAborted();
      log.warn("PreStop hook failed", { container: container.name, error: errorMessage(error) });
      if (pod) events.warning(pod, "FailedPreStopHook", "PreStopHook failed", { name: container.name, kind });
    }
  }

  /**
   * Ends everything of a pod: first the containers proper, then sidecars in reverse order; then the sandboxes. The preStop
   * hooks of all begin at once.
   *
   * @see https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#differences-from-application-containers
   */
  async killPod({
    pod,
    containers,
    sandboxes,
    gracePeriodSeconds,
    signal,
  }: {
    readonly pod: Pod | undefined;
    readonly containers: readonly Container[];
    readonly sandboxes: readonly Sandbox[];
    readonly gracePeriodSeconds: number;
    readonly signal: AbortSignal;
  }): Promise<void> {
    const { runtime, clock } = this.#options;
    const kill = (container: Container, turn: Promise<unknown>) => {
      const sandbox = sandboxes.find(({ id }) => id === container.sandboxId);
      return this.kill({ pod, container, sandbox, gracePeriodSeconds, turn, signal });
    };
    const running = containers.filter(({ state }) => state === "running");
    const isInit = (container: Container) => readNotes(container).kind === "init";
    const inits = running.filter(isInit).sort((a, b) => this.#order(pod, b) - this.#order(pod, a));
    const kills = running
      .filter((container) => !isInit(container))
      .map((container) => kill(container, Promise.resolve()));
    for (const container of inits) kills.push(kill(container, Promise.allSettled([...kills])));
    const failed = (await Promise.allSettled(kills)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    for (const { id, state } of containers) if (state === "created") await runtime.removeContainer(id, { signal });
    for (const { id, ready } of sandboxes) {
      if (ready) {
        await withDeadline({ clock, timeoutMs: engineMarginMs, signal }, (cut) =>
          runtime.stopPodSandbox(id, { signal: cut }),
        );
      }
    }
  }

  /** Says so when a pod that its node ends is late. @returns what to call once it has ended */
  tellWhenLate(pod: Pod, gracePeriodSeconds: number): () => void {
    const { events, clock } = this.#options;
    const message = "Container runtime did not kill the pod within specified grace period.";
    const lateMs = Math.max(leastLateSeconds, lateFactor * gracePeriodSeconds) * 1000;
    return clock.schedule(lateMs, () => events.warning(pod, "ExceededGracePeriod", message));
  }

  /** Where an init container stands: in the spec, or in time when the spec is gone. */
  #order(pod: Pod | undefined, container: Container): number {
    const index = pod?.spec.initContainers?.findIndex(({ name }) => name === container.name) ?? -1;
    return index >= 0 ? index : container.createdAt;
  }
}
