import { keyOf, setCondition } from "../../core/api/meta.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Pod, pod } from "../../core/kinds/mod.ts";
import { observed } from "../../core/kinds/observed_generation.ts";
import { timestamp } from "../../core/util/clock.ts";
import { unlessGone } from "./_errors.ts";
import type { ControllerContext } from "./controller.ts";

/** Says that a pod may stay, as its node has lost the taint that drove it out. */
export function cancelEviction(spared: Pod, { event }: ControllerContext): void {
  const message = `Cancelling deletion of Pod ${spared.metadata.namespace}/${spared.metadata.name}`;
  event(spared, { type: "Normal", reason: "TaintManagerEviction", message });
}

/** Deletes a pod that does not tolerate its node's taints any longer, and says so in its status first. */
export async function evictPod(doomed: Pod, { client, clock, event, signal }: ControllerContext): Promise<void> {
  const { namespace, name } = doomed.metadata;
  const message = `Marking for deletion Pod ${namespace}/${name}`;
  event(doomed, { type: "Normal", reason: "TaintManagerEviction", message });
  const conditions = setCondition(doomed.status?.conditions, {
    type: "DisruptionTarget",
    status: "True",
    ...observed(doomed.metadata),
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: timestamp(clock),
  });
  const marked = { ...doomed, status: { ...doomed.status, conditions } };
  if (!(await unlessGone(client.updateStatus(pod, marked, { signal })))) return;
  await unlessGone(client.delete(pod, keyOf(doomed), { signal, preconditions: sameObject(doomed) }));
}
