import type { Pod } from "../../core/kinds/mod.ts";
import { podUid } from "./_pod_uid.ts";

const nobody: readonly Pod[] = [];

/** Which pods are to come to which node, once those are gone who had to make room. */
export class Nominations {
  /** Names of nodes by the uids of pods. */
  readonly #nodeNames = new Map<string, string>();
  readonly #pods = new Map<string, Map<string, Pod>>();

  /** Undefined or empty: to none any more. */
  set(pod: Pod, nodeName: string | undefined): void {
    const uid = podUid(pod);
    const previous = this.#nodeNames.get(uid);
    if (previous !== undefined) {
      const pods = this.#pods.get(previous);
      pods?.delete(uid);
      if (pods?.size === 0) this.#pods.delete(previous);
      this.#nodeNames.delete(uid);
    }
    if (!nodeName) return;
    this.#nodeNames.set(uid, nodeName);
    const pods = this.#pods.get(nodeName) ?? new Map<string, Pod>();
    this.#pods.set(nodeName, pods.set(uid, pod));
  }

  get empty(): boolean {
    return this.#nodeNames.size === 0;
  }

  nodeOf(pod: Pod): string | undefined {
    return this.#nodeNames.get(podUid(pod));
  }

  podsFor(nodeName: string): readonly Pod[] {
    const pods = this.#pods.get(nodeName);
    return pods ? [...pods.values()] : nobody;
  }
}
