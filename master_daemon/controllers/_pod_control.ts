import { controllerReference, type KubeObject, keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameObject } from "../../core/client/preconditions.ts";
import { type Pod, type PodTemplateSpec, pod } from "../../core/kinds/mod.ts";
import { compact } from "../../core/util/compact.ts";
import { errorMessage } from "../../core/util/log.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import type { ControllerContext } from "./controller.ts";

/** An object that makes pods from a template. */
export interface TemplateOwner extends KubeObject {
  readonly spec: { readonly template: PodTemplateSpec };
}

/** A pod as the owner's template describes it, controlled by the owner. */
export function podFromTemplate(owner: TemplateOwner): Pod {
  const { metadata, spec } = owner.spec.template;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: compact<Pod["metadata"]>({
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      labels: metadata?.labels,
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [controllerReference(owner)],
    }),
    spec,
  };
}

/**
 * Creates a pod, with an Event about its owner.
 *
 * @throws StatusError as the API refused it; silently where the namespace is about to go
 */
export async function createPod(
  owner: KubeObject,
  wanted: Pod,
  { client, signal, event }: ControllerContext,
): Promise<Pod> {
  try {
    const made = await client.create(pod, wanted, { signal });
    event(owner, { type: "Normal", reason: "SuccessfulCreate", message: `Created pod: ${made.metadata.name}` });
    return made;
  } catch (error) {
    if (!isNamespaceTerminating(error) && !signal.aborted)
      event(owner, { type: "Warning", reason: "FailedCreate", message: `Error creating: ${errorMessage(error)}` });
    throw error;
  }
}

/** Deletes a pod, with an Event about its owner. One that is gone already is no failure. */
export async function deletePod(
  owner: KubeObject,
  doomed: Pod,
  { client, signal, event }: ControllerContext,
): Promise<void> {
  try {
    await client.delete(pod, keyOf(doomed), { signal, preconditions: sameObject(doomed) });
    event(owner, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${doomed.metadata.name}` });
  } catch (error) {
    if (isReason(error, "NotFound")) return;
    if (!signal.aborted)
      event(owner, { type: "Warning", reason: "FailedDelete", message: `Error deleting: ${errorMessage(error)}` });
    throw error;
  }
}
