import { defineKind, type Kind } from "../api/kind.ts";
import { qualifiedNameErrors } from "../api/label_validation.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkKept, checkParameters } from "./storage_class.ts";
import { checkAll } from "./validators.ts";

/** Attributes that a volume may be given, and taken, while it is in use. */
export interface VolumeAttributesClass extends KubeObject {
  readonly driverName: string;
  readonly parameters?: StringMap;
}

/** The kind VolumeAttributesClass. */
export const volumeAttributesClass: Kind<VolumeAttributesClass> = defineKind<VolumeAttributesClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  namespaced: false,
  shortNames: ["vac"],
  schema: "io.k8s.api.storage.v1.VolumeAttributesClass",
  strategy: {
    validate: ({ driverName = "", parameters = {} }) => [
      ...(driverName
        ? checkAll("driverName", driverName, qualifiedNameErrors(driverName.toLowerCase()))
        : [fieldError.required("driverName")]),
      ...(Object.keys(parameters).length === 0
        ? [fieldError.required("parameters", "must contain at least one key/value pair")]
        : checkParameters(parameters, "parameters")),
    ],
    validateUpdate: (next, previous) => [
      ...checkKept("driverName", next.driverName, previous.driverName),
      ...checkKept("parameters", next.parameters, previous.parameters),
    ],
  },
  columns: [
    nameColumn,
    {
      name: "DriverName",
      type: "string",
      description: "The driver that knows the attributes.",
      cell: ({ driverName }) => driverName ?? "",
    },
    ageColumn,
  ],
});
