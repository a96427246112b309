import type { Container, ContainerRuntime } from "../../runtime/runtime.ts";

/** The pods of which something runs, whatever is wanted: `/runningpods/`. @see k8s.io/kubernetes/pkg/kubelet/server */
export async function runningPods(runtime: ContainerRuntime, signal: AbortSignal): Promise<object> {
  const [sandboxes, containers] = await Promise.all([
    runtime.listSandboxes({ signal }),
    runtime.listContainers({ signal }),
  ]);
  const running = new Map<string, Container[]>();
  for (const container of containers) {
    if (container.state !== "running") continue;
    running.set(container.podUid, [...(running.get(container.podUid) ?? []), container]);
  }
  // A pod whose sandbox was made anew has two.
  const pods = new Map(sandboxes.filter(({ uid, ready }) => ready || running.has(uid)).map((one) => [one.uid, one]));
  const items = [...pods.values()].map(({ uid, name, namespace }) => ({
    metadata: { name, namespace, uid },
    spec: { containers: (running.get(uid) ?? []).map(({ name, image }) => ({ name, image, resources: {} })) },
    status: {},
  }));
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}
