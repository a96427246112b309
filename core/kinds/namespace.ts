import { defineKind, type Kind } from "../api/kind.ts";
import type { Condition, KubeObject } from "../api/meta.ts";

/** A room for names. @see https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ */
export interface Namespace extends KubeObject {
  readonly spec?: { readonly finalizers?: readonly string[] };
  readonly status?: { readonly phase?: "Active" | "Terminating"; readonly conditions?: readonly Condition[] };
}

export const namespace: Kind<Namespace> = defineKind<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
  shortNames: ["ns"],
  schema: "io.k8s.api.core.v1.Namespace",
  subresources: { status: true },
  columns: [],
});
