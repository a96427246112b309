import type { Pod } from "../../../core/kinds/pod.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import { withDeadline } from "../deadline.ts";
import { limitChanges } from "./container_limits.ts";
import { memoryRefusal, type PodResize, type Resize, resizeSteps, takesMemory } from "./plan_resize.ts";

/** What an engine may take for all of it. */
const timeoutMs = 120_000;

/**
 * Gives running containers of a pod their new limits, and what keeps them together.
 *
 * @throws Error where memory that is in use would be taken, or the runtime does not do it
 */
export async function resizeContainers(
  { metadata: { uid: podUid = "" } }: Pod,
  { resizes, whole }: { readonly resizes: readonly Resize[]; readonly whole?: PodResize | undefined },
  {
    runtime,
    clock,
    signal,
  }: { readonly runtime: ContainerRuntime; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  await withDeadline({ clock, timeoutMs, signal }, async (cut) => {
    const running = async () =>
      (await runtime.listContainers({ podUid, signal: cut })).filter(({ state }) => state === "running");
    const isTaken = resizes.some(({ container, limits }) => takesMemory(container.limits, limits));
    if (isTaken || (whole && takesMemory(whole.present, whole.limits))) {
      const [containers, stats] = [await running(), await runtime.stats({ signal: cut })];
      const refusal = memoryRefusal(resizes, { containers, stats, whole });
      if (refusal !== undefined) throw new Error(refusal);
    }
    for (const { id, limits, isPod } of resizeSteps(resizes, whole)) {
      if (isPod) await runtime.updatePodLimits?.(id, limits, { signal: cut });
      else await runtime.updateResources(id, limits, { signal: cut });
    }
    const after = await running();
    for (const { container, limits } of resizes) {
      const present = after.find(({ id }) => id === container.id);
      // What a runtime only pretends to do must not be asked of it for ever.
      if (present?.limits && limitChanges(present.limits, limits).length > 0)
        throw new Error(`the runtime did not give container "${container.name}" its new limits`);
    }
  });
}
