import { describe, expect, it } from "vitest";
import type { ClusterRole, Role, RoleBinding } from "../../../core/kinds/mod.ts";
import { clusterRole, clusterRoleBinding, role, roleBinding } from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf, updateErrorsOf } from "./fixtures.ts";

const apiVersion = "rbac.authorization.k8s.io/v1";
const metadata = { name: "a", namespace: "default", creationTimestamp: "2026-01-31T11:59:00Z" };

describe("roles", () => {
  const of = (...rules: NonNullable<Role["rules"]>): Role => ({ apiVersion, kind: "Role", metadata, rules });
  const cluster = (more: Partial<ClusterRole>): ClusterRole => ({
    apiVersion,
    kind: "ClusterRole",
    metadata: { name: "a" },
    ...more,
  });

  it.each<[string, Role, string[]]>([
    ["nothing at all", of(), []],
    ["pods", of({ verbs: ["get"], apiGroups: [""], resources: ["pods"] }), []],
    [
      "no verbs, groups and resources",
      of({ verbs: [] }),
      [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        "rules[0].resources: Required value: resource rules must supply at least one resource",
      ],
    ],
    [
      "paths in a namespace",
      of({ verbs: ["get"], nonResourceURLs: ["/healthz"], apiGroups: [""] }),
      [
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
        'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: rules cannot apply to both regular resources and non-resource URLs',
      ],
    ],
  ])("a role of %s is checked", (_, object, errors) => {
    expect(errorsOf(role, object)).toEqual(errors);
  });

  it("cluster roles may be about paths, and gather others by selectors that are there", () => {
    expect(errorsOf(clusterRole, cluster({ rules: [{ verbs: ["get"], nonResourceURLs: ["*"] }] }))).toEqual([]);
    expect(errorsOf(clusterRole, cluster({ aggregationRule: {} }))).toEqual([
      "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
    ]);
  });

  it("names may be anything that stands in a path; columns are kubectl's", () => {
    expect(role.validateName("system:node:A")).toBeUndefined();
    expect(cellsOf(role, of())).toEqual({ Name: "a", "Created At": "2026-01-31T11:59:00Z" });
  });
});

describe("role bindings", () => {
  const of = (more: Partial<RoleBinding> = {}): RoleBinding => ({
    apiVersion,
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: "", kind: "Role", name: "r" },
    subjects: [
      { kind: "User", name: "ann" },
      { kind: "Group", name: "devs" },
      { kind: "ServiceAccount", name: "sa", namespace: "b" },
    ],
    ...more,
  });
  const withSubject = (subject: Partial<NonNullable<RoleBinding["subjects"]>[number]>) =>
    of({ subjects: [{ kind: "User", name: "x", ...subject }] });

  it("applyDefaults() fills in the groups", () => {
    const { roleRef, subjects } = roleBinding.strategy.applyDefaults(of());
    expect(roleRef.apiGroup).toBe("rbac.authorization.k8s.io");
    expect(subjects?.map(({ apiGroup }) => apiGroup)).toEqual([
      "rbac.authorization.k8s.io",
      "rbac.authorization.k8s.io",
      undefined,
    ]);
  });

  it.each<[string, RoleBinding, string[]]>([
    ["all sorts of subjects", of(), []],
    ["a nameless user", withSubject({ name: "" }), ["subjects[0].name: Required value"]],
    [
      "a strange kind",
      withSubject({ kind: "Robot" }),
      ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
    ],
    [
      "a service account in a group",
      withSubject({ kind: "ServiceAccount", apiGroup: "x" }),
      ['subjects[0].apiGroup: Unsupported value: "x": supported values: ""'],
    ],
    [
      "a strange role",
      of({ roleRef: { apiGroup: "x", kind: "Y", name: "" } }),
      [
        'roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"',
        'roleRef.kind: Unsupported value: "Y": supported values: "Role", "ClusterRole"',
        "roleRef.name: Required value",
      ],
    ],
  ])("a binding of %s is checked", (_, object, errors) => {
    expect(errorsOf(roleBinding, object)).toEqual(errors);
  });

  it("cluster role bindings know cluster roles only, and service accounts by their namespace", () => {
    const object = { ...of({ subjects: [{ kind: "ServiceAccount", name: "sa" }] }), kind: "ClusterRoleBinding" };
    expect(errorsOf(clusterRoleBinding, object)).toEqual([
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      "subjects[0].namespace: Required value",
    ]);
  });

  it("a binding is for one role for ever; columns are kubectl's", () => {
    const next = of({ roleRef: { apiGroup: "", kind: "Role", name: "other" } });
    expect(updateErrorsOf(roleBinding, next, of())).toEqual([
      'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"other"}: cannot change roleRef',
    ]);
    expect(cellsOf(roleBinding, of())).toEqual({
      Name: "a",
      Role: "Role/r",
      Age: "60s",
      Users: "ann",
      Groups: "devs",
      ServiceAccounts: "b/sa",
    });
  });
});
