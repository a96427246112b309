import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";

/** Configuration as data. @see https://kubernetes.io/docs/concepts/configuration/configmap/ */
export interface ConfigMap extends KubeObject {
  readonly data?: StringMap;
  /** Base64. */
  readonly binaryData?: StringMap;
  readonly immutable?: boolean;
}

export const configMap: Kind<ConfigMap> = defineKind<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  shortNames: ["cm"],
  schema: "io.k8s.api.core.v1.ConfigMap",

  columns: [],
});
