import { crashBackoff } from "./crash_backoff.ts";
import type { PodEvents } from "./pod_events.ts";
import { containersNamed, hasEnded, type PodView } from "./pod_view.ts";

/** More than the containers of a pod that wait at one time. */
const maxTold = 100;
/** How long an image error is told as itself. */
const errorShownMs = 1000;

/** Tells once for each container of a pod that it is waiting, and for what. */
export class BackOffEvents {
  readonly #events: PodEvents;
  /** Failures and back-offs that were told already. */
  readonly #told = new Set<string>();

  constructor(events: PodEvents) {
    this.#events = events;
  }

  /** Tells of what waits in this view. */
  tell(view: PodView): void {
    const { pod, now } = view;
    const { name, namespace, uid } = pod.metadata;
    for (const [kind, specs] of [
      ["init", pod.spec.initContainers ?? []],
      ["main", pod.spec.containers],
      ["ephemeral", pod.spec.ephemeralContainers ?? []],
    ] as const) {
      for (const spec of specs) {
        const failure = view.failures.get(spec.name);
        if (failure?.reason === "ErrImagePull" && now - failure.at >= errorShownMs) {
          if (!this.#once(`${spec.name} ${failure.at}`)) continue;
          const { image = spec.image } = failure;
          this.#events.normal(pod, "BackOff", `Back-off pulling image "${image}"`, { name: spec.name, kind });
          this.#events.warning(pod, "Failed", "Error: ImagePullBackOff", { name: spec.name, kind });
          continue;
        }
        const latest = containersNamed(view.containers, spec.name)[0];
        if (!latest || !hasEnded(latest, view.failures) || crashBackoff(latest, view).remainingMs === 0) continue;
        if (!this.#once(latest.id)) continue;
        const message = `Back-off restarting failed container ${spec.name} in pod ${name}_${namespace}(${uid})`;
        this.#events.warning(pod, "BackOff", message, { name: spec.name, kind });
      }
    }
  }

  #once(key: string): boolean {
    if (this.#told.has(key)) return false;
    if (this.#told.size > maxTold) this.#told.clear();
    this.#told.add(key);
    return true;
  }
}
