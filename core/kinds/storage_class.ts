import { defineKind, type Kind } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { semanticEqual } from "./semantic_equal.ts";
import { checkAll, checkImmutable, checkRequiredOneOf, type FieldErrors } from "./validators.ts";

/** A node's topology: it has one of the values for every key. */
export interface TopologySelectorTerm {
  readonly matchLabelExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[];
}

/** A sort of storage, and who provides it. */
export interface StorageClass extends KubeObject {
  readonly provisioner: string;
  readonly parameters?: StringMap;
  readonly reclaimPolicy?: "Delete" | "Retain";
  readonly mountOptions?: readonly string[];
  readonly allowVolumeExpansion?: boolean;
  readonly volumeBindingMode?: "Immediate" | "WaitForFirstConsumer";
  readonly allowedTopologies?: readonly TopologySelectorTerm[];
}

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;
/** On the class for claims that name none. */
export const defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";
const betaDefaultClassAnnotation = "storageclass.beta.kubernetes.io/is-default-class";

/** Whether the class is for claims that name none. */
export function isDefaultClass({ metadata }: StorageClass): boolean {
  const { annotations } = metadata;
  return annotations?.[defaultClassAnnotation] === "true" || annotations?.[betaDefaultClassAnnotation] === "true";
}

/** The kind StorageClass. */
export const storageClass: Kind<StorageClass> = defineKind<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  namespaced: false,
  shortNames: ["sc"],
  schema: "io.k8s.api.storage.v1.StorageClass",
  strategy: {
    applyDefaults: (object) => ({
      ...object,
      reclaimPolicy: object.reclaimPolicy ?? "Delete",
      volumeBindingMode: object.volumeBindingMode ?? "Immediate",
    }),
    validate: (object) => [
      ...checkProvisioner(object.provisioner),
      ...checkParameters(object.parameters ?? {}, "parameters"),
      ...(object.reclaimPolicy ? checkRequiredOneOf("reclaimPolicy", object.reclaimPolicy, ["Delete", "Retain"]) : []),
      ...checkRequiredOneOf("volumeBindingMode", object.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]),
      ...checkTopologies(object.allowedTopologies ?? [], "allowedTopologies"),
    ],
    validateUpdate: (next, previous) => [
      ...checkKept("parameters", next.parameters, previous.parameters),
      ...checkKept("provisioner", next.provisioner, previous.provisioner),
      ...checkKept("reclaimPolicy", next.reclaimPolicy, previous.reclaimPolicy),
      ...checkImmutable("volumeBindingMode", next.volumeBindingMode, previous.volumeBindingMode),
    ],
  },
  columns: [
    {
      ...nameColumn,
      cell: (object) => `${object.metadata.name ?? ""}${isDefaultClass(object) ? " (default)" : ""}`,
    },
    {
      name: "Provisioner",
      type: "string",
      description: "Who makes volumes of the class.",
      cell: ({ provisioner }) => provisioner ?? "",
    },
    {
      name: "ReclaimPolicy",
      type: "string",
      description: "What becomes of a volume whose claim is gone.",
      cell: ({ reclaimPolicy }) => reclaimPolicy ?? "Delete",
    },
    {
      name: "VolumeBindingMode",
      type: "string",
      description: "When a claim gets its volume.",
      cell: ({ volumeBindingMode }) => volumeBindingMode ?? "<unset>",
    },
    {
      name: "AllowVolumeExpansion",
      type: "string",
      description: "Whether a claim may ask for more later.",
      cell: ({ allowVolumeExpansion }) => String(allowVolumeExpansion ?? false),
    },
    ageColumn,
  ],
});

function checkProvisioner(provisioner = ""): FieldErrors {
  if (!provisioner) return [fieldError.required("provisioner")];
  return checkAll("provisioner", provisioner, qualifiedNameErrors(provisioner.toLowerCase()));
}

/** What is wrong with parameters for a provisioner: how many, how long. */
export function checkParameters(parameters: StringMap, field: string): FieldErrors {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) return [fieldError.tooLong(field, maxParameters)];
  const errors: FieldError[] = entries.some(([key]) => key === "")
    ? [fieldError.invalid(field, "", "field can not be empty.")]
    : [];
  const size = entries.reduce((total, [key, value]) => total + key.length + value.length, 0);
  return size > maxParameterBytes ? [...errors, fieldError.tooLong(field, maxParameterBytes)] : errors;
}

function checkTopologies(terms: readonly TopologySelectorTerm[], field: string): FieldErrors {
  return terms.flatMap((term, index) => {
    const at = `${field}[${index}].matchLabelExpressions`;
    // Kubernetes takes a term of nothing for a repeated one.
    const isEmpty = (term.matchLabelExpressions ?? []).length === 0;
    const isRepeated = isEmpty || terms.slice(0, index).some((earlier) => sameTerm(earlier, term));
    return [...checkTerm(term, at), ...(isRepeated ? [fieldError.duplicate(at, "")] : [])];
  });
}

function sameTerm(a: TopologySelectorTerm, b: TopologySelectorTerm): boolean {
  const normal = ({ matchLabelExpressions = [] }: TopologySelectorTerm) =>
    matchLabelExpressions.map(({ key, values = [] }) => JSON.stringify([key, [...values].sort()])).sort();
  return semanticEqual(normal(a), normal(b));
}

function checkTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, field: string): FieldErrors {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key, values = [] }, index) => {
    const at = `${field}[${index}]`;
    const seen = new Set<string>();
    const errors: FieldError[] = values.length === 0 ? [fieldError.required(`${at}.values`)] : [];
    for (const [place, value] of values.entries()) {
      if (seen.has(value)) errors.push(fieldError.duplicate(`${at}.values[${place}]`, value));
      seen.add(value);
    }
    errors.push(...checkAll(`${at}.key`, key, qualifiedNameErrors(key ?? "")));
    if (keys.has(key)) errors.push(fieldError.duplicate(`${at}.key`, key));
    keys.add(key);
    return errors;
  });
}

/** Refuses another value than there was. */
export function checkKept(field: string, next: unknown, previous: unknown): FieldErrors {
  return semanticEqual(next, previous) ? [] : [fieldError.forbidden(field, `updates to ${field} are forbidden.`)];
}
