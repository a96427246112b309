import { controllerReference, type StringMap } from "../../core/api/meta.ts";
import type { Deployment, ReplicaSet } from "../../core/kinds/mod.ts";
import { podTemplateHashLabel } from "../../core/kinds/same_template.ts";
import {
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  ownAnnotations,
  revisionAnnotation,
  revisionHistoryAnnotation,
  revisionOf,
  rolloutLimits,
  wantedReplicas,
} from "./_rollout.ts";
import { podTemplateHash, withEntry } from "./_template_hash.ts";

/** Most letters of a list of earlier revisions: the oldest are left out. */
const maxHistoryLength = 2000;

/** The ReplicaSet of a Deployment's present template, without pods as yet. */
export function newReplicaSet(deployment: Deployment, revision: bigint): ReplicaSet {
  const { spec, metadata, status } = deployment;
  const hash = podTemplateHash(spec.template, status?.collisionCount);
  const labels = withEntry(spec.template.metadata?.labels, podTemplateHashLabel, hash);
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
      labels,
      annotations: withSize(deployment, withRevision(deployment, undefined, revision)),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: withMinReady(
      {
        replicas: 0,
        selector: { ...spec.selector, matchLabels: withEntry(spec.selector.matchLabels, podTemplateHashLabel, hash) },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
      spec.minReadySeconds,
    ),
  };
}

/**
 * The annotations of a ReplicaSet at a revision: those of its Deployment, and its own.
 *
 * @param set undefined: it is about to be made
 */
export function withRevision(deployment: Deployment, set: ReplicaSet | undefined, revision: bigint): StringMap {
  const annotations = new Map(Object.entries(set?.metadata.annotations ?? {}));
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!ownAnnotations.has(name)) annotations.set(name, value);
  }
  if (set && revisionOf(set) >= revision) return Object.fromEntries(annotations);
  const before = annotations.get(revisionAnnotation);
  annotations.set(revisionAnnotation, String(revision));
  // One that is rolled back to keeps the numbers that it had.
  if (before !== undefined) {
    const history = annotations.get(revisionHistoryAnnotation);
    annotations.set(revisionHistoryAnnotation, joined(history ? [...history.split(","), before] : [before]));
  }
  return Object.fromEntries(annotations);
}

function joined(revisions: string[]): string {
  while (revisions.length > 1 && revisions.join(",").length > maxHistoryLength) revisions.shift();
  return revisions.join(",");
}

/** The annotations of a ReplicaSet with the size of its Deployment, by which a later change of that is noticed. */
export function withSize(deployment: Deployment, annotations: StringMap | undefined): StringMap {
  const wanted = wantedReplicas(deployment);
  const { maxSurge } = rolloutLimits(deployment);
  const sized = withEntry(annotations, desiredReplicasAnnotation, String(wanted));
  return withEntry(sized, maxReplicasAnnotation, String(wanted + maxSurge));
}

/** A ReplicaSet's spec with the time for which pods have to be ready until they count as available. */
export function withMinReady(spec: ReplicaSet["spec"], minReadySeconds: number | undefined): ReplicaSet["spec"] {
  const { minReadySeconds: _, ...rest } = spec;
  return minReadySeconds ? { ...rest, minReadySeconds } : rest;
}
