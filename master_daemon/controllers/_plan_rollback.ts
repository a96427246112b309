import type { EventText } from "../../core/client/event_recorder.ts";
import type { Deployment, ReplicaSet } from "../../core/kinds/mod.ts";
import { podTemplateHashLabel, sameTemplate } from "../../core/kinds/same_template.ts";
import { ownAnnotations, revisionOf, rollbackAnnotation } from "./_rollout.ts";

/** What to make of a Deployment that is to go back, and what to say of it. */
export interface RollbackPlan {
  readonly deployment: Deployment;
  readonly event: EventText;
}

/**
 * Goes back to the revision that an annotation names, as clients of extensions/v1beta1 asked for it; 0 is the one before
 * this. Asked once: the annotation is gone afterwards, whatever came of it. Pure.
 *
 * @returns undefined when nothing is asked, or while the Deployment is paused or going
 * @see k8s.io/kubernetes/pkg/controller/deployment/rollback.go
 */
export function planRollback(deployment: Deployment, replicaSets: readonly ReplicaSet[]): RollbackPlan | undefined {
  const { name, deletionTimestamp, annotations = {} } = deployment.metadata;
  const asked = annotations[rollbackAnnotation] ?? "";
  if (!/^[+-]?\d{1,18}$/.test(asked) || deletionTimestamp !== undefined || deployment.spec.paused) return undefined;
  const revision = BigInt(asked.replace("+", "")) || lastRevision(deployment, replicaSets);
  const target = revision === 0n ? undefined : replicaSets.find((set) => revisionOf(set) === revision);
  if (!target) {
    const message = revision === 0n ? "Unable to find last revision." : "Unable to find the revision to rollback to.";
    return warned(deployment, "DeploymentRollbackRevisionNotFound", message);
  }
  if (sameTemplate(target.spec.template, deployment.spec.template)) {
    const message = `The rollback revision contains the same template as current deployment ${JSON.stringify(name)}`;
    return warned(deployment, "DeploymentRollbackTemplateUnchanged", message);
  }
  const message = `Rolled back deployment ${JSON.stringify(name)} to revision ${revision}`;
  return {
    deployment: wentBack(deployment, target),
    event: { type: "Normal", reason: "DeploymentRollback", message },
  };
}

/** The revision before the present one; 0 where there is none. */
function lastRevision({ spec }: Deployment, replicaSets: readonly ReplicaSet[]): bigint {
  const revisions = replicaSets.map(revisionOf).sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  const isWritten = replicaSets.some((set) => sameTemplate(set.spec.template, spec.template));
  return revisions[isWritten ? 1 : 0] ?? 0n;
}

function warned(deployment: Deployment, reason: string, message: string): RollbackPlan {
  return { deployment: answered(deployment), event: { type: "Warning", reason, message } };
}

function answered(deployment: Deployment): Deployment {
  const { [rollbackAnnotation]: _, ...annotations } = deployment.metadata.annotations ?? {};
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}

/** With the template and what is noted of it, such as its cause. */
function wentBack(deployment: Deployment, { metadata, spec }: ReplicaSet): Deployment {
  const { template } = spec;
  const { [podTemplateHashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  const isOwn = ([name]: readonly [string, string]) => ownAnnotations.has(name);
  const annotations = [
    ...Object.entries(deployment.metadata.annotations ?? {}).filter(isOwn),
    ...Object.entries(metadata.annotations ?? {}).filter((one) => !isOwn(one)),
  ];
  return answered({
    ...deployment,
    metadata: { ...deployment.metadata, annotations: Object.fromEntries(annotations) },
    spec: { ...deployment.spec, template: { ...template, metadata: { ...template.metadata, labels } } },
  });
}
