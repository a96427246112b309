import type { Kind } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { timestamp } from "../../core/util/clock.ts";
import { compact } from "../../core/util/compact.ts";
import { deletionFinalizers, hasFinalizers, isNamespaceKind } from "./object_changes.ts";
import type { RegistryDeleteOptions } from "./registry.ts";

/** What a delete comes to: the object goes, is marked, or is being deleted already as asked. */
export type DeletePlan =
  | { readonly action: "remove" }
  | { readonly action: "mark"; readonly next: KubeObject }
  | { readonly action: "none" };

/**
 * What to do with an object that is to be deleted. Pure.
 *
 * @param options.now milliseconds since the epoch
 * @see k8s.io/apiserver/pkg/registry/rest/delete.go, BeforeDelete
 */
export function planDelete(
  kind: Kind,
  object: KubeObject,
  options: Pick<RegistryDeleteOptions, "gracePeriodSeconds" | "propagationPolicy"> & { readonly now: number },
): DeletePlan {
  const isFirst = object.metadata.deletionTimestamp === undefined;
  const own = (isFirst ? kind.deletionFinalizers : undefined) ?? [];
  const present = deletionFinalizers(object.metadata.finalizers, options.propagationPolicy);
  const finalizers = [...present, ...own.filter((name) => !present.includes(name))];
  const kept = withMetadata(object, { finalizers: finalizers.length > 0 ? finalizers : undefined });
  const grace = gracePlan(kind, object, options);
  if (grace.seconds === 0 && !hasFinalizers(kind, kept)) return { action: "remove" };
  const finalizersChanged = JSON.stringify(finalizers) !== JSON.stringify(object.metadata.finalizers ?? []);
  if (!grace.mark && !finalizersChanged) return { action: "none" };
  const next = withMetadata(kept, grace.mark ?? {});
  return { action: "mark", next: isNamespaceKind(kind) ? terminating(next) : next };
}

type DeletionMark = Pick<KubeObject["metadata"], "deletionTimestamp" | "deletionGracePeriodSeconds" | "generation">;

interface GracePlan {
  /** What is left to wait for; 0: nothing. */
  readonly seconds: number;
  /** What changes in the metadata; undefined: nothing. */
  readonly mark: DeletionMark | undefined;
}

function gracePlan(
  kind: Kind,
  object: KubeObject,
  { gracePeriodSeconds, now }: { readonly gracePeriodSeconds?: number | undefined; readonly now: number },
): GracePlan {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, generation } = object.metadata;
  const wanted = kind.strategy.gracePeriodSeconds(object, gracePeriodSeconds);
  const at = (ms: number) => timestamp({ now: () => ms });
  if (deletionTimestamp === undefined) {
    const seconds = wanted ?? 0;
    return {
      seconds,
      mark: {
        deletionTimestamp: at(now + seconds * 1_000),
        ...(isNamespaceKind(kind) ? {} : { deletionGracePeriodSeconds: seconds }),
        ...(generation ? { generation: generation + 1 } : {}),
      },
    };
  }
  // Later deletes may only shorten the wait.
  if (gracePeriodSeconds === undefined || wanted === undefined || wanted >= deletionGracePeriodSeconds) {
    return { seconds: deletionGracePeriodSeconds, mark: undefined };
  }
  const markedAt = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1_000;
  return {
    seconds: wanted,
    mark: { deletionTimestamp: at(markedAt + wanted * 1_000), deletionGracePeriodSeconds: wanted },
  };
}

function withMetadata(
  object: KubeObject,
  changes: { readonly [K in keyof KubeObject["metadata"]]?: KubeObject["metadata"][K] | undefined },
): KubeObject {
  return { ...object, metadata: compact({ ...object.metadata, ...changes }) };
}

function terminating(namespace: KubeObject): KubeObject {
  const { status } = namespace as KubeObject & { readonly status?: object };
  return { ...namespace, status: { ...status, phase: "Terminating" } } as KubeObject;
}
