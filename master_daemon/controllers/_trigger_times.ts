import { findCondition, type KubeObject, keyText, type ObjectKey } from "../../core/api/meta.ts";
import type { Pod, Service } from "../../core/kinds/mod.ts";
import { withEntry } from "./_template_hash.ts";

const annotation = "endpoints.kubernetes.io/last-change-trigger-time";

/** Since when a service, and each pod that it selects by name, are as they are. */
interface States {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

/**
 * Remembers what services' endpoints rest on, to tell what the news of a look at them is as old as: proxies measure by it how
 * long it takes until traffic follows.
 *
 * @see https://github.com/kubernetes/community/blob/master/sig-scalability/slos/network_programming_latency.md
 */
export class TriggerTimes {
  readonly #states = new Map<string, States>();

  /** When the oldest change since the last look at the service happened; undefined: there was none. */
  changedAt(key: ObjectKey, owner: Service, pods: readonly Pod[]): string | undefined {
    const before = this.#states.get(keyText(key));
    const { creationTimestamp: service = "" } = owner.metadata;
    const now = new Map<string, string>();
    let oldest: string | undefined;
    const note = (time: string, known = "") => {
      if (time > known && (oldest === undefined || time < oldest)) oldest = time;
    };
    for (const { metadata, status } of pods) {
      const { name = "" } = metadata;
      const time = findCondition(status?.conditions, "Ready")?.lastTransitionTime;
      if (time === undefined) continue;
      now.set(name, time);
      note(time, before?.pods.get(name));
    }
    note(service, before?.service);
    this.#states.set(keyText(key), { service, pods: now });
    // What was before this program came is no news.
    return before ? oldest : service;
  }

  /** Forgets a service that is gone. */
  forget(key: ObjectKey): void {
    this.#states.delete(keyText(key));
  }
}

/** An object that says what its last change is as old as. */
export function withTriggerTime<T extends KubeObject>(object: T, changedAt: string | undefined): T {
  const { annotations, ...metadata } = object.metadata;
  const others = Object.fromEntries(Object.entries(annotations ?? {}).filter(([name]) => name !== annotation));
  const next = changedAt ? withEntry(others, annotation, changedAt) : others;
  return { ...object, metadata: Object.keys(next).length > 0 ? { ...metadata, annotations: next } : metadata };
}
