import { findCondition } from "../api/meta.ts";
import type { Deployment } from "./deployment.ts";

/** How far a roll-out is. */
export interface RolloutProgress {
  readonly done: boolean;
  /** kubectl's sentence about it. */
  readonly message: string;
}

/**
 * How far a deployment's roll-out is. Pure.
 *
 * @param revision the revision that must be rolled out; 0: whichever it is
 * @throws Error when it cannot finish: the deadline has passed, or another revision took over
 * @see k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go for the wording
 */
export function rolloutProgress({ metadata, spec, status = {} }: Deployment, revision = 0): RolloutProgress {
  const { name } = metadata;
  if (revision > 0) {
    const actual = Number(metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
    if (actual !== revision)
      throw new Error(`desired revision (${revision}) is different from the running revision (${actual})`);
  }
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return { done: false, message: "Waiting for deployment spec update to be observed..." };
  }
  if (findCondition(status.conditions, "Progressing")?.reason === "ProgressDeadlineExceeded") {
    throw new Error(`deployment "${name}" exceeded its progress deadline`);
  }
  const { replicas = 1 } = spec;
  const { updatedReplicas = 0, availableReplicas = 0, replicas: actual = 0 } = status;
  const waiting = (rest: string) => ({
    done: false,
    message: `Waiting for deployment "${name}" rollout to finish: ${rest}...`,
  });
  if (updatedReplicas < replicas)
    return waiting(`${updatedReplicas} out of ${replicas} new replicas have been updated`);
  if (actual > updatedReplicas) return waiting(`${actual - updatedReplicas} old replicas are pending termination`);
  if (availableReplicas < updatedReplicas)
    return waiting(`${availableReplicas} of ${updatedReplicas} updated replicas are available`);
  return { done: true, message: `deployment "${name}" successfully rolled out` };
}
