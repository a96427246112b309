import type { Kind } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { fieldError, StatusError } from "../../core/api/status.ts";
import type { RegistryDeleteOptions } from "./registry.ts";
import { parseResourceVersion } from "./resource_version.ts";
import type { StoredObject } from "./stored_object.ts";

/** Refuses a change of another object than the present one, or of an older state of it. @throws StatusError Conflict, Invalid */
export function checkVersion(kind: Kind, changed: KubeObject, current: StoredObject): void {
  const { uid, resourceVersion } = changed.metadata;
  const present = current.object.metadata;
  if (uid && uid !== present.uid) {
    const cause = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${present.uid}`;
    throw StatusError.conflict(kind, current.key.name, cause);
  }
  const version = parseResourceVersion(resourceVersion);
  if (version === 0 && kind.conditionalUpdate) {
    const error = fieldError.invalid("metadata.resourceVersion", 0, "must be specified for an update");
    throw StatusError.invalid(kind, current.key.name, [error]);
  }
  if (version !== 0 && version !== current.revision) throw StatusError.conflict(kind, current.key.name);
}

/** Refuses to delete another object, or another state of it, than a client means. @throws StatusError Conflict */
export function checkPreconditions(
  kind: Kind,
  current: StoredObject,
  preconditions: RegistryDeleteOptions["preconditions"],
): void {
  const { uid } = current.object.metadata;
  const version = String(current.revision);
  // Kubernetes names the kind here, where it names the resource elsewhere.
  const named = { group: kind.group, plural: kind.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const cause = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw StatusError.conflict(named, current.key.name, cause);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== version) {
    const cause = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${version}). The object might have been modified`;
    throw StatusError.conflict(named, current.key.name, cause);
  }
}
