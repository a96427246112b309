import { defineKind, dnsLabelError, type Kind } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { check, checkAll, type FieldErrors } from "./validators.ts";
import { withStatusOf } from "./with_status.ts";

/** A room for names. @see https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ */
export interface Namespace extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: "Active" | "Terminating"; readonly conditions?: readonly Condition[] };
}

/** Lets selectors find namespaces by name. */
const nameLabel = "kubernetes.io/metadata.name";
/** Keeps a namespace until all that it holds is gone. */
const finalizer = "kubernetes";

/** The kind Namespace. */
export const namespace: Kind<Namespace> = defineKind<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
  shortNames: ["ns"],
  schema: "io.k8s.api.core.v1.Namespace",
  generation: "none",
  subresources: { status: true },
  // Never deleted all at once.
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  validateName: dnsLabelError,
  strategy: {
    applyDefaults: (object) => {
      const { name, labels } = object.metadata;
      return name ? { ...object, metadata: { ...object.metadata, labels: { ...labels, [nameLabel]: name } } } : object;
    },
    prepareForCreate: (object) => {
      const finalizers = object.spec?.finalizers ?? [];
      return {
        ...object,
        spec: {
          ...object.spec,
          finalizers: finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer],
        },
        status: { phase: "Active" },
      };
    },
    prepareForUpdate: (next, previous) => {
      const kept = withStatusOf(previous, next);
      return previous.spec ? { ...kept, spec: previous.spec } : kept;
    },
    prepareForStatusUpdate: (next) => ({ ...next, status: { ...next.status, phase: next.status?.phase || "Active" } }),
    validate: ({ spec }) => (spec?.finalizers ?? []).flatMap((name) => checkFinalizer(name, "spec.finalizers")),
    validateStatusUpdate: ({ metadata, status }) => {
      const [expected, when] = metadata.deletionTimestamp ? ["Terminating", "is not"] : ["Active", "is"];
      const detail = `may only be '${expected}' if \`deletionTimestamp\` ${when} empty`;
      return check("status.Phase", status?.phase ?? "", status?.phase === expected ? undefined : detail);
    },
    fields: ({ metadata, status }) => ({ name: metadata.name ?? "", "status.phase": status?.phase ?? "" }),
  },
  columns: [
    nameColumn,
    {
      name: "Status",
      type: "string",
      description: "What the namespace is doing.",
      cell: ({ status }) => status?.phase ?? "",
    },
    ageColumn,
  ],
});

/** @see k8s.io/kubernetes/pkg/apis/core/validation, validateFinalizerName */
function checkFinalizer(name: string, field: string): FieldErrors {
  const isNamed = name.includes("/") || ["kubernetes", "orphan", "foregroundDeletion"].includes(name);
  const detail = "name is neither a standard finalizer name nor is it fully qualified";
  return [...checkAll(field, name, qualifiedNameErrors(name)), ...check(field, name, isNamed ? undefined : detail)];
}
