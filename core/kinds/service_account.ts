import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import type { ObjectReference } from "./endpoints.ts";

/** An identity for processes in pods. */
export interface ServiceAccount extends KubeObject {
  readonly secrets?: readonly ObjectReference[];
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly automountServiceAccountToken?: boolean;
}

/** The kind ServiceAccount. */
export const serviceAccount: Kind<ServiceAccount> = defineKind<ServiceAccount>({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
  shortNames: ["sa"],
  schema: "io.k8s.api.core.v1.ServiceAccount",
  columns: [
    nameColumn,
    {
      name: "Secrets",
      type: "string",
      description: "How many secrets pods of this account may use.",
      cell: ({ secrets = [] }) => String(secrets.length),
    },
    ageColumn,
  ],
});
