import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject, StringMap } from "../api/meta.ts";

/** Small confidential data. @see https://kubernetes.io/docs/concepts/configuration/secret/ */
export interface Secret extends KubeObject {
  /** Base64. */
  readonly data?: StringMap;
  /** Plain text; write-only: merged into `data`. */
  readonly stringData?: StringMap;
  readonly type?: string;
  readonly immutable?: boolean;
}

export const secret: Kind<Secret> = defineKind<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,

  schema: "io.k8s.api.core.v1.Secret",

  columns: [],
});
