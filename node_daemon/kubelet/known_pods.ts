import { keyOf } from "../../core/api/meta.ts";
import type { Lister } from "../../core/client/informer.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { isMirror, mirrorAnnotation } from "../../core/kinds/pod_helpers.ts";
import { configHash } from "./sources/static_pod.ts";
import type { StaticPods } from "./sources/static_pods.ts";
import type { StatusManager } from "./status_manager.ts";

/** Options of {@linkcode KnownPods}. */
export interface KnownPodsOptions {
  /** The node's pods in the API. */
  readonly informer: Lister<Pod>;
  /** Those that the node has from elsewhere. */
  readonly own: StaticPods;
  readonly statuses: StatusManager;
}

/** The pods of a node, wherever they come from, as its kubelet knows them: their status may be ahead of the API. */
export class KnownPods {
  readonly #options: KnownPodsOptions;

  constructor(options: KnownPodsOptions) {
    this.#options = options;
  }

  /** The pod of this name. */
  get(namespace: string, name: string): Pod | undefined {
    const { own, informer } = this.#options;
    const pod = own.named({ namespace, name }) ?? informer.get({ namespace, name });
    return pod && this.#withStatus(pod);
  }

  /** All pods that are to run here. */
  list(): readonly Pod[] {
    return this.wanted().map((pod) => this.#withStatus(pod));
  }

  /** The same with the status that their source has for them. */
  wanted(): readonly Pod[] {
    const { own, informer } = this.#options;
    return [...own.list(), ...informer.list().filter((pod) => !isMirror(pod))];
  }

  /** The same pod as it is now, of the API or the node's own. */
  current(pod: Pod): Pod | undefined {
    const { own, informer } = this.#options;
    const found = own.named(keyOf(pod)) ?? informer.get(keyOf(pod));
    return found?.metadata.uid === pod.metadata.uid ? found : undefined;
  }

  /** The API's version of the same pod, or what shows it there. */
  shown(pod: Pod, podUid: string): Pod | undefined {
    const known = this.#options.informer.get(keyOf(pod));
    const own = this.#options.own.named(keyOf(pod));
    if (own?.metadata.uid !== podUid) return known?.metadata.uid === podUid ? known : undefined;
    return known?.metadata.annotations?.[mirrorAnnotation] === own.metadata.annotations?.[configHash]
      ? known
      : undefined;
  }

  #withStatus(pod: Pod): Pod {
    const status = this.#options.statuses.get(pod.metadata.uid ?? "");
    return status ? { ...pod, status } : pod;
  }
}
