import { StatusError } from "../../../core/api/status.ts";
import type { Pod } from "../../../core/kinds/pod.ts";

/** The pods of the node. */
export interface ServedPods {
  get(namespace: string, name: string): Pod | undefined;
  list(): readonly Pod[];
}

/** @throws StatusError NotFound */
export function podOf(pods: ServedPods, namespace: string, name: string): Pod {
  const pod = pods.get(namespace, name);
  if (!pod) throw StatusError.notFound({ group: "", plural: "pods" }, name);
  return pod;
}
