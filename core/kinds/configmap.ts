import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { base64Bytes, checkDataKeys, checkDataSize, checkImmutableData, textBytes } from "./data_validation.ts";

/** Configuration as data. @see https://kubernetes.io/docs/concepts/configuration/configmap/ */
export interface ConfigMap extends KubeObject {
  readonly data?: StringMap;
  /** Base64. */
  readonly binaryData?: StringMap;
  readonly immutable?: boolean;
}

/** The kind ConfigMap. */
export const configMap: Kind<ConfigMap> = defineKind<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  shortNames: ["cm"],
  schema: "io.k8s.api.core.v1.ConfigMap",
  strategy: {
    validate: (object) => [
      ...checkDataKeys("data", Object.keys(object.data ?? {})),
      ...checkDataKeys("binaryData", Object.keys(object.binaryData ?? {})),
      ...Object.keys(object.data ?? {})
        .filter((key) => Object.hasOwn(object.binaryData ?? {}, key))
        .map((key) => fieldError.invalid(`data[${key}]`, key, "duplicate of key present in binaryData")),
      // Kubernetes gives this error no field of its own.
      ...checkDataSize("[]", textBytes(object.data) + base64Bytes(object.binaryData)),
    ],
    validateUpdate: (next, previous) => checkImmutableData(next, previous, ["data", "binaryData"]),
  },
  columns: [
    nameColumn,
    {
      name: "Data",
      type: "string",
      description: "How many entries there are.",
      cell: ({ data = {}, binaryData = {} }) => String(Object.keys(data).length + Object.keys(binaryData).length),
    },
    ageColumn,
  ],
});
