import { keyOf, keyText, type ObjectKey } from "../../../core/api/meta.ts";
import type { Pod } from "../../../core/kinds/pod.ts";

/** What came of a source's news. */
export interface StaticChange {
  /** Pods that are to end. */
  readonly gone: readonly Pod[];
  /** Names of which something is to be looked at. */
  readonly names: readonly ObjectKey[];
}

/** The pods of all sources but the API. Of those of one name in several sources the first source's counts. */
export class StaticPods {
  readonly #bySource = new Map<number, readonly Pod[]>();
  #byName = new Map<string, Pod>();
  #uids = new Set<string>();

  /** Takes all pods that a source has now. */
  set(source: number, pods: readonly Pod[]): StaticChange {
    const before = this.#byName;
    this.#bySource.set(source, pods);
    this.#byName = new Map();
    for (const index of [...this.#bySource.keys()].sort((a, b) => a - b)) {
      for (const pod of this.#bySource.get(index) ?? []) {
        const name = keyText(keyOf(pod));
        if (!this.#byName.has(name)) this.#byName.set(name, pod);
      }
    }
    this.#uids = new Set([...this.#byName.values()].map(({ metadata }) => metadata.uid ?? ""));
    const gone = [...before.values()].filter(({ metadata }) => !this.#uids.has(metadata.uid ?? ""));
    const added = this.list().filter((pod) => before.get(keyText(keyOf(pod)))?.metadata.uid !== pod.metadata.uid);
    return { gone, names: [...gone, ...added].map(keyOf) };
  }

  /** The pod of that name. */
  named(key: ObjectKey): Pod | undefined {
    return this.#byName.get(keyText(key));
  }

  has(podUid: string): boolean {
    return this.#uids.has(podUid);
  }

  list(): readonly Pod[] {
    return [...this.#byName.values()];
  }
}
