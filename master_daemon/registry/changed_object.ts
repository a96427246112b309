import type { Kind, ValidationContext } from "../../core/api/kind.ts";
import type { KubeObject, ObjectMeta } from "../../core/api/meta.ts";
import { type FieldError, StatusError } from "../../core/api/status.ts";
import { validateMetadata, validateMetadataUpdate } from "../../core/api/validate_meta.ts";
import { compact } from "../../core/util/compact.ts";
import { changedMetadata, withGeneration, withSpecFinalizers, withStatus } from "./object_changes.ts";
import type { RegistryUpdateOptions } from "./registry.ts";

/** How an object is changed. */
export interface ChangeOptions extends Pick<RegistryUpdateOptions, "subresource" | "user"> {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly context: ValidationContext;
}

/**
 * What a client sent as it is to be stored over `previous`: what the subresource may change is taken from `changed`, all
 * else stays.
 *
 * @throws StatusError Invalid
 * @see k8s.io/apiserver/pkg/registry/rest/update.go, BeforeUpdate
 */
export async function changedObject(
  kind: Kind,
  changed: KubeObject,
  previous: KubeObject,
  { subresource, user, now, context }: ChangeOptions,
): Promise<KubeObject> {
  const { strategy } = kind;
  const typed = {
    ...changed,
    apiVersion: previous.apiVersion,
    kind: previous.kind,
    metadata: changedMetadata(changed.metadata, previous.metadata),
  };
  if (subresource === "finalize") {
    const next = withSpecFinalizers(managed(previous, typed.metadata), typed);
    refuseInvalid(kind, next, strategy.validate(next, context));
    return next;
  }
  if (subresource === "status" || subresource === "approval") {
    const base = kind.statusKeepsMetadata
      ? managed(previous, typed.metadata)
      : { ...previous, metadata: typed.metadata };
    const next = strategy.prepareForStatusUpdate(withStatus(base, typed), previous, { user, now, subresource });
    refuseInvalid(kind, next, [
      ...(kind.statusKeepsMetadata ? [] : validateMetadata(kind, next)),
      ...validateMetadataUpdate(next, previous),
      ...strategy.validateStatusUpdate(next, previous, { ...context, subresource }),
    ]);
    return next;
  }
  if (subresource === "binding") {
    refuseInvalid(kind, typed, validateMetadata(kind, typed));
    return typed;
  }
  const part = subresource && kind.parts?.[subresource];
  if (part) {
    const next = withGeneration(kind, part.prepareForUpdate(strategy.applyDefaults(typed), previous), previous);
    refuseInvalid(kind, next, [
      ...validateMetadataUpdate(next, previous),
      ...part.validateUpdate(next, previous, context),
    ]);
    return next;
  }
  const defaulted = strategy.applyDefaults(typed);
  // Clients cannot write the status here, but what the kind itself notes there is kept.
  const kept = kind.subresources.status ? withStatus(defaulted, previous) : defaulted;
  const next = withGeneration(kind, strategy.prepareForUpdate(kept, previous), previous);
  refuseInvalid(kind, next, [
    ...validateMetadata(kind, next),
    ...validateMetadataUpdate(next, previous),
    ...strategy.validate(next, context, previous),
    ...strategy.validateUpdate(next, previous, context),
    ...(await strategy.validateLate(next, previous)),
  ]);
  return next;
}

/** @throws StatusError Invalid when there are errors */
export function refuseInvalid(kind: Kind, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw StatusError.invalid(kind, object.metadata.name ?? "", errors);
}

/** `object` with what `metadata` says of its managers, and nothing else of it. */
function managed(object: KubeObject, { managedFields }: ObjectMeta): KubeObject {
  const { metadata } = object;
  return { ...object, metadata: compact({ ...metadata, managedFields: managedFields ?? metadata.managedFields }) };
}
