import { keyOf, type StringMap } from "../../core/api/meta.ts";
import { node as nodeKind } from "../../core/kinds/node.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { timestamp } from "../../core/util/clock.ts";
import { errorMessage } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import { type AdmissionPlan, planAdmission } from "./plan_admission.ts";

/** Options of {@linkcode PodAdmission}. */
export interface PodAdmissionOptions {
  readonly context: KubeletContext;
  readonly nodeName: string;
  readonly operatingSystem: string;
  /** What the node has to give. */
  readonly allocatable: StringMap;
  /** The other pods that the node took and that have not ended. */
  readonly others: (pod: Pod) => readonly Pod[];
  /** The pod as it is now; undefined when it is gone. */
  readonly known: (pod: Pod) => Pod | undefined;
  readonly pressure: () => readonly string[];
  readonly shuttingDown: () => boolean;
  /** Kernel parameters that pods may set though others may feel it. */
  readonly unsafeSysctls: readonly string[];
}

/** Takes pods that are new to a node, or has them fail at once. One that was taken is never refused later. */
export class PodAdmission implements AsyncDisposable {
  readonly #options: PodAdmissionOptions;
  readonly #tasks: Tasks;
  readonly #asking = new Set<string>();

  constructor(options: PodAdmissionOptions) {
    this.#options = options;
    const { log } = options.context;
    this.#tasks = new Tasks({ onError: (error) => log.error("Cannot admit a pod", { error: errorMessage(error) }) });
  }

  /** Calls `take` once it is decided, which is at once but where the Node may have changed without this daemon knowing it yet. */
  admit(pod: Pod, take: (pod: Pod) => void): void {
    const uid = pod.metadata.uid ?? "";
    if (this.#asking.has(uid)) return;
    if (wasTaken(pod)) {
      take(pod);
      return;
    }
    const plan = this.#plan(pod, this.#options.context.node());
    if (!plan.refusal || plan.rests === "on the pods") {
      this.#decide(pod, plan, take);
      return;
    }
    this.#asking.add(uid);
    this.#tasks.run((signal) => this.#askAgain(pod, take, signal));
  }

  async #askAgain(pod: Pod, take: (pod: Pod) => void, signal: AbortSignal): Promise<void> {
    const { context, nodeName, known } = this.#options;
    // Whoever sets a label and binds a pod for its sake is not to race against a watch.
    const node = await context.client.get(nodeKind, { name: nodeName }, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      context.log.warn("Cannot read the node anew", { error: errorMessage(error) });
      return context.node();
    });
    this.#asking.delete(pod.metadata.uid ?? "");
    const current = known(pod);
    if (!current) return;
    if (wasTaken(current)) take(current);
    else this.#decide(current, this.#plan(current, node), take);
  }

  #plan(pod: Pod, node: ReturnType<KubeletContext["node"]>): AdmissionPlan {
    const { allocatable, operatingSystem, others, pressure, shuttingDown, unsafeSysctls, context } = this.#options;
    const { appArmor, strictGroups } = context.runtime;
    return planAdmission(pod, {
      node,
      // What others let it have, e.g. devices, stands on the Node alone.
      allocatable: { ...node?.status?.allocatable, ...allocatable },
      operatingSystem,
      others: others(pod),
      pressure: pressure(),
      shuttingDown: shuttingDown(),
      confinements: { appArmor, strictGroups, unsafeSysctls },
    });
  }

  #decide(pod: Pod, { refusal, preempted }: AdmissionPlan, take: (pod: Pod) => void): void {
    const { events, statuses, evictions, clock, log } = this.#options.context;
    if (refusal) {
      const { reason, message } = refusal;
      log.info("Refused a pod", { pod: pod.metadata.name, namespace: pod.metadata.namespace, reason });
      events.warning(pod, reason, message);
      const status = { phase: "Failed", reason, message: `Pod was rejected: ${message}` } as const;
      statuses.set(pod, { ...status, startTime: timestamp(clock) });
    }
    for (const other of preempted) {
      const message = "Preempted in order to admit critical pod";
      log.info("Ending a pod for a critical one", { ...keyOf(other), for: pod.metadata.name });
      const gracePeriodSeconds = other.spec.terminationGracePeriodSeconds ?? 30;
      evictions.evict(other.metadata.uid ?? "", {
        reason: "Preempting",
        message,
        gracePeriodSeconds,
        disruption: true,
      });
    }
    take(pod);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks[Symbol.asyncDispose]();
  }
}

/** Whether a node took the pod before, or it is at its end anyway. */
function wasTaken({ metadata, status }: Pod): boolean {
  const over = status?.phase === "Failed" || status?.phase === "Succeeded";
  return over || status?.startTime !== undefined || metadata.deletionTimestamp !== undefined;
}
