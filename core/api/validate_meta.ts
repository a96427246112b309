import { dnsLabelError, type Kind } from "./kind.ts";
import { qualifiedNameErrors, validateAnnotations, validateLabels } from "./label_validation.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "./meta.ts";
import { type FieldError, fieldError } from "./status.ts";

const standardFinalizers: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

/**
 * What is wrong with the metadata of an object of any kind.
 *
 * @see k8s.io/apimachinery/pkg/api/validation, ValidateObjectMeta
 */
export function validateMetadata(
  kind: Pick<Kind, "namespaced" | "validateName" | "custom">,
  { metadata }: Pick<KubeObject, "metadata">,
): FieldError[] {
  return [
    ...checkName(kind, metadata),
    ...checkNamespace(kind, metadata),
    ...validateLabels(metadata.labels, "metadata.labels"),
    ...validateAnnotations(metadata.annotations, "metadata.annotations"),
    ...checkOwners(metadata.ownerReferences ?? []),
    ...checkFinalizers(metadata.finalizers ?? [], kind.custom !== undefined),
  ];
}

/** What may not change in the metadata of an object of any kind. */
export function validateMetadataUpdate(next: KubeObject, previous: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  for (const member of ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] as const) {
    if (next.metadata[member] !== previous.metadata[member])
      errors.push(fieldError.invalid(`metadata.${member}`, next.metadata[member] ?? null, "field is immutable"));
  }
  if (previous.metadata.deletionTimestamp !== undefined) {
    const old = new Set(previous.metadata.finalizers);
    const added = (next.metadata.finalizers ?? []).filter((finalizer) => !old.has(finalizer));
    if (added.length > 0) {
      const names = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
      errors.push(fieldError.forbidden("metadata.finalizers", detail));
    }
  }
  return errors;
}

function checkName(kind: Pick<Kind, "validateName">, { name, generateName }: ObjectMeta): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (generateName) {
    // What is generated ends in letters: a trailing dash is fine.
    const reason = kind.validateName(generateName.replace(/-$/, "a"));
    if (reason !== undefined) errors.push(fieldError.invalid("metadata.generateName", generateName, reason));
  }
  if (!name) return [...errors, fieldError.required("metadata.name", "name or generateName is required")];
  const reason = kind.validateName(name) ?? pathSegmentError(name);
  return reason === undefined ? errors : [...errors, fieldError.invalid("metadata.name", name, reason)];
}

/** Why `name` cannot stand in a URL path, whatever its kind allows. */
export function pathSegmentError(name: string): string | undefined {
  if (name === "." || name === "..") return `may not be '${name}'`;
  const bad = ["/", "%"].find((character) => name.includes(character));
  return bad === undefined ? undefined : `may not contain '${bad}'`;
}

function checkNamespace(kind: Pick<Kind, "namespaced">, { namespace }: ObjectMeta): readonly FieldError[] {
  if (!kind.namespaced)
    return namespace ? [fieldError.forbidden("metadata.namespace", "not allowed on this type")] : [];
  if (!namespace) return [fieldError.required("metadata.namespace")];
  const reason = dnsLabelError(namespace);
  return reason === undefined ? [] : [fieldError.invalid("metadata.namespace", namespace, reason)];
}

function checkOwners(owners: readonly OwnerReference[]): readonly FieldError[] {
  // Kubernetes does not say which of the references it means.
  const at = "metadata.ownerReferences";
  const errors: FieldError[] = owners.flatMap((owner) => {
    const found: FieldError[] = [];
    if (!isGroupVersion(owner.apiVersion ?? ""))
      found.push(fieldError.invalid(`${at}.apiVersion`, owner.apiVersion, "version must not be empty"));
    for (const member of ["kind", "name", "uid"] as const) {
      if (!owner[member]) found.push(fieldError.invalid(`${at}.${member}`, "", "must not be empty"));
    }
    if (owner.apiVersion === "v1" && owner.kind === "Event")
      found.push(fieldError.invalid(at, owner, "/v1, Kind=Event is disallowed from being an owner"));
    return found;
  });
  const controllers = owners.filter((owner) => owner.controller === true);
  const [first, second] = controllers;
  if (first && second) {
    const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`;
    errors.push(fieldError.invalid(at, owners, detail));
  }
  return errors;
}

/** Whether `text` names a version, of a group or of the core. */
function isGroupVersion(text: string): boolean {
  const parts = text.split("/");
  return parts.length <= 2 && parts.at(-1) !== "";
}

/** @param anyName whether names need no prefix: those of custom resources are their owners' business */
function checkFinalizers(finalizers: readonly string[], anyName: boolean): readonly FieldError[] {
  const errors: FieldError[] = finalizers.flatMap((finalizer) =>
    qualifiedNameErrors(finalizer).map((reason) => fieldError.invalid("metadata.finalizers", finalizer, reason)),
  );
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    const detail = "finalizer orphan and foregroundDeletion cannot be both set";
    errors.push(fieldError.invalid("metadata.finalizers", finalizers, detail));
  }
  if (anyName) return errors;
  for (const [index, finalizer] of finalizers.entries()) {
    if (finalizer.includes("/") || standardFinalizers.has(finalizer)) continue;
    const detail = "name is neither a standard finalizer name nor is it fully qualified";
    errors.push(fieldError.invalid(`metadata.finalizers[${index}]`, finalizer, detail));
  }
  return errors;
}
