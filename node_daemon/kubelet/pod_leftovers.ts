import { keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { errorMessage } from "../../core/util/log.ts";
import { withDeadline } from "./deadline.ts";
import type { KubeletContext } from "./kubelet_context.ts";
import type { NodeNews } from "./node_events.ts";
import { prunable } from "./plan_pod.ts";
import { latestSandbox, type PodView } from "./pod_view.ts";

const removeTimeoutMs = 120_000;

/** Removes dead containers and sandboxes that nobody needs any more, while their pod goes on. Returns the containers' ids. */
export async function pruneContainers(
  view: PodView,
  context: KubeletContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return await prune(view, context, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    context.onNodeNews(containerGcFailed(error));
    throw error;
  });
}

/** What a node says when dead containers cannot be removed. */
export function containerGcFailed(error: unknown): NodeNews {
  return { type: "Warning", reason: "ContainerGCFailed", message: errorMessage(error) };
}

async function prune(
  { containers, sandboxes }: PodView,
  { runtime }: KubeletContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const dead = prunable(containers).map(({ id }) => id);
  for (const id of dead) await runtime.removeContainer(id, { signal });
  for (const { id } of sandboxes.filter((sandbox) => sandbox !== latestSandbox(sandboxes))) {
    const used = containers.some(({ sandboxId }) => sandboxId === id);
    if (!used) await runtime.removePodSandbox(id, { signal });
  }
  return dead;
}

/** Nothing of a pod runs any more: reports the end, removes what the pod had, and lets the object go, unless it is gone already. */
export async function removePod(
  { pod, removed, sandboxes }: Pick<PodView, "pod" | "removed" | "sandboxes">,
  context: KubeletContext,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, statuses, addresses, allocations, folders, objects, evictions, probes, clock } = context;
  const { uid = "" } = pod.metadata;
  if (!removed) await statuses.flush(uid);
  await withDeadline({ clock, timeoutMs: removeTimeoutMs, signal }, async (cut) => {
    for (const { id } of sandboxes) await runtime.removePodSandbox(id, { signal: cut });
  });
  addresses.release(uid);
  objects.release(uid);
  evictions.release(uid);
  probes.counts.forget(uid);
  // What is being written into the folder would make it anew.
  await allocations.recorded(uid);
  await folders.remove(uid);
  if (!removed) await deleteObject(pod, context, signal);
  // Before its status is forgotten, which says that it takes nothing any more.
  allocations.release(uid);
  statuses.forget(uid);
}

async function deleteObject(pod: Pod, { client }: KubeletContext, signal: AbortSignal): Promise<void> {
  try {
    await client.delete(podKind, keyOf(pod), { gracePeriodSeconds: 0, preconditions: sameObject(pod), signal });
  } catch (error) {
    if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
  }
}
