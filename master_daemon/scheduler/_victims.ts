import type { Pod } from "../../core/kinds/mod.ts";
import { podUid } from "./_pod_uid.ts";

/** Which pods have to go so that which others get a node. */
export class Victims {
  /** By the uid of the pod that waits: which it still waits for. */
  readonly #waiting = new Map<string, { readonly preemptor: Pod; readonly left: Set<string> }>();

  /** Notes for which pods one waits to go. */
  add(victims: readonly Pod[], preemptor: Pod): void {
    this.#waiting.set(podUid(preemptor), { preemptor, left: new Set(victims.map(podUid)) });
  }

  /** Notes that a pod is gone. Returns those that waited for nobody else any more. */
  gone(victim: Pod): readonly Pod[] {
    const free: Pod[] = [];
    for (const [uid, { preemptor, left }] of this.#waiting) {
      if (!left.delete(podUid(victim)) || left.size > 0) continue;
      this.#waiting.delete(uid);
      free.push(preemptor);
    }
    return free;
  }

  /** Forgets a pod that waits no longer. */
  forget(preemptor: Pod): void {
    this.#waiting.delete(podUid(preemptor));
  }
}
