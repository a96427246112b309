import type { Container } from "../runtime/runtime.ts";
import { containersNamed } from "./pod_view.ts";

/**
 * Dead containers that a node short of disk can do without: all of a pod that has ended, and of the others those that are not the
 * newest of their name, by which it is known how the last run ended. Pure.
 *
 * @param ended uids of pods that have ended
 * @see k8s.io/kubernetes/pkg/kubelet/kuberuntime/kuberuntime_gc.go
 */
export function unneededContainers(containers: readonly Container[], ended: ReadonlySet<string>): readonly Container[] {
  const byPod = new Map<string, Container[]>();
  for (const container of containers) {
    const own = byPod.get(container.podUid);
    if (own) own.push(container);
    else byPod.set(container.podUid, [container]);
  }
  return [...byPod].flatMap(([podUid, own]) =>
    own.filter((container) => {
      if (container.state !== "exited") return false;
      return ended.has(podUid) || containersNamed(own, container.name)[0] !== container;
    }),
  );
}
