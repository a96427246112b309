/** What roles and bindings are made of. @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/ */
import type { Column } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";

/** What may be done with what. `*` stands for all. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  /** Empty: every object. */
  readonly resourceNames?: readonly string[];
  /** Paths that are no resources; of cluster roles only. */
  readonly nonResourceURLs?: readonly string[];
}

/** The role that a binding grants. */
export interface RoleRef {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

/** Somebody who is granted a role. */
export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly apiGroup?: string;
  /** Of service accounts only. */
  readonly namespace?: string;
}

/** Columns of bindings. */
export const bindingColumns: readonly Column<
  KubeObject & { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] }
>[] = [
  nameColumn,
  {
    name: "Role",
    type: "string",
    description: "The role that is granted.",
    cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`,
  },
  ageColumn,
  {
    name: "Users",
    type: "string",
    priority: 1,
    description: "Users that have the role.",
    cell: ({ subjects }) => subjectNames(subjects, "User"),
  },
  {
    name: "Groups",
    type: "string",
    priority: 1,
    description: "Groups whose members have the role.",
    cell: ({ subjects }) => subjectNames(subjects, "Group"),
  },
  {
    name: "ServiceAccounts",
    type: "string",
    priority: 1,
    description: "Service accounts that have the role, as namespace/name.",
    cell: ({ subjects }) => subjectNames(subjects, "ServiceAccount"),
  },
];

function subjectNames(subjects: readonly Subject[] = [], kind: string): string {
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ namespace = "", name }) => (kind === "ServiceAccount" ? `${namespace}/${name}` : name))
    .join(", ");
}
