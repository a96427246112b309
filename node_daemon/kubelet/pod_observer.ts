import type { Pod } from "../../core/kinds/pod.ts";
import { hasPodLevelResources } from "../../core/kinds/pod_resources.ts";
import { compact } from "../../core/util/compact.ts";
import type { Container } from "../runtime/runtime.ts";
import { withDeadline } from "./deadline.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { latestSandbox, type PodView } from "./pod_view.ts";
import { terminationMessage } from "./termination_message.ts";

/** What a listing of one pod may take. */
const listTimeoutMs = 120_000;

/** Looks at one pod: what of it is there, and what its containers that ended had to say. */
export class PodObserver {
  readonly #context: KubeletContext;
  /** Last words of containers that ended, by container id. */
  readonly messages: Map<string, string> = new Map();
  /** When a container, by its id, was first seen to have ended, on a clock that does not jump. */
  readonly #endedAt = new Map<string, number>();
  /** When it was last looked, on the same. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(context: KubeletContext) {
    this.#context = context;
  }

  /**
   * What there is of a pod now.
   *
   * @param known what its worker knows itself; asked last, so that it is as new as the rest
   * @param options.sandboxes those of the pod, where they were told just now. Default: they are asked for
   */
  async observe(
    uid: string,
    known: () => Pick<PodView, "pod" | "removed" | "failures" | "restarting">,
    {
      signal,
      sandboxes: told,
    }: { readonly signal: AbortSignal; readonly sandboxes?: PodView["sandboxes"] | undefined },
  ): Promise<PodView> {
    const { runtime, clock, probes, addresses, evictions, allocations } = this.#context;
    const lookedAt = clock.monotonic();
    const [sandboxes, containers] = await withDeadline({ clock, timeoutMs: listTimeoutMs, signal }, (cut) =>
      Promise.all([
        told ?? runtime.listSandboxes({ podUid: uid, signal: cut }),
        runtime.listContainers({ podUid: uid, signal: cut }),
      ]),
    );
    for (const { ip } of sandboxes) if (ip && runtime.assignsPodIP) addresses.adopt(uid, ip);
    const sandbox = latestSandbox(sandboxes);
    const isLimited = sandbox?.ready && hasPodLevelResources(known().pod.spec);
    const limitsTogether = isLimited ? await runtime.podLimits?.(sandbox.id, { signal }) : undefined;
    const { pod, ...rest } = known();
    return {
      ...rest,
      pod: this.#withStatus(pod),
      limitsTogether,
      sandboxes,
      containers,
      probes: probes.states(uid),
      eviction: evictions.get(uid),
      resize: allocations.state(uid),
      endedForMs: this.#endedForMs(containers, lookedAt),
      now: clock.now(),
    };
  }

  /** For how long containers have ended: when one is first seen so by what it says, from then on by a clock that does not jump. */
  #endedForMs(containers: readonly Container[], lookedAt: number): ReadonlyMap<string, number> {
    const { clock } = this.#context;
    const now = clock.monotonic();
    const ended = containers.filter(({ state }) => state !== "running");
    const ids = new Set(ended.map(({ id }) => id));
    for (const id of this.#endedAt.keys()) if (!ids.has(id)) this.#endedAt.delete(id);
    for (const { id, createdAt, finishedAt = createdAt } of ended) {
      if (this.#endedAt.has(id)) continue;
      const toldMs = Math.max(0, clock.now() - finishedAt);
      // Longer ago than the last look, by which it had not ended: its runtime goes by another clock, or this one was set.
      const isWrong = toldMs > now - this.#lookedAt;
      this.#endedAt.set(id, isWrong ? now : now - toldMs);
    }
    this.#lookedAt = lookedAt;
    return new Map([...this.#endedAt].map(([id, at]) => [id, now - at]));
  }

  /** The pod with what is set aside for it and the status that was made last: it is true before it stands in the API. */
  #withStatus(present: Pod): Pod {
    const { status } = present;
    const { statuses, allocations } = this.#context;
    const pod = allocations.allocated(present);
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

  /** Reads what containers wrote as they ended, once. */
  async readMessages(containers: readonly Container[], signal: AbortSignal): Promise<void> {
    for (const container of containers) {
      if (container.state !== "exited" || this.messages.has(container.id)) continue;
      this.messages.set(container.id, await terminationMessage(container, { ...this.#context, signal }));
    }
  }

  /** The container was removed. */
  forget(containerId: string): void {
    this.messages.delete(containerId);
  }
}
