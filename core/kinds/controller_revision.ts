import { defineKind, type Kind } from "../api/kind.ts";
import { controllerOf, type JsonObject, type KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkImmutable, checkNonNegative } from "./validators.ts";

/** What the template of a workload was: kept for rolling back. */
export interface ControllerRevision extends KubeObject {
  readonly data?: JsonObject;
  readonly revision: number;
}

/** The kind ControllerRevision. */
export const controllerRevision: Kind<ControllerRevision> = defineKind<ControllerRevision>({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  namespaced: true,
  schema: "io.k8s.api.apps.v1.ControllerRevision",
  strategy: {
    applyDefaults: (object) => ({ ...object, revision: object.revision ?? 0 }),
    validate: ({ data, revision }) => {
      const errors: FieldError[] = data === undefined ? [fieldError.required("data", "data is mandatory")] : [];
      return [...errors, ...checkNonNegative("revision", revision)];
    },
    validateUpdate: (next, previous) => checkImmutable("data", next.data, previous.data),
  },
  columns: [
    nameColumn,
    { name: "Controller", type: "string", description: "Whose revision it is.", cell: controllerText },
    { name: "Revision", type: "integer", description: "Its number.", cell: ({ revision }) => revision },
    ageColumn,
  ],
});

/** `statefulset.apps/web`. */
function controllerText(object: ControllerRevision): string {
  const owner = controllerOf(object);
  if (!owner) return "<none>";
  const slash = owner.apiVersion.indexOf("/");
  const group = slash < 0 ? "" : `.${owner.apiVersion.slice(0, slash)}`;
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}
