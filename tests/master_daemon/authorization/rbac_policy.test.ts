import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserInfo } from "../../../core/client/transport.ts";
import { bootstrapPolicy } from "../../../master_daemon/authorization/bootstrap/policy.ts";
import { accountUsername, type Binding, type RoleRules } from "../../../master_daemon/authorization/policy.ts";
import { rbacAuthorizer } from "../../../master_daemon/authorization/rbac.ts";
import { RbacPolicy } from "../../../master_daemon/authorization/rbac_policy.ts";

const word = (...values: readonly string[]) => fc.constantFrom(...values);
const scope = fc.option(word("n1", "n2"), { nil: undefined });
const role: fc.Arbitrary<RoleRules> = fc.record({
  namespace: scope,
  name: word("r1", "r2"),
  rules: fc.array(
    fc.record({ verbs: fc.constant(["get"]), apiGroups: fc.constant([""]), resources: fc.array(word("a", "b")) }),
    { maxLength: 2 },
  ),
});
const binding: fc.Arbitrary<Binding> = fc.record({
  namespace: scope,
  name: word("b1", "b2", "b3"),
  roleRef: fc.record({
    apiGroup: fc.constant("rbac.authorization.k8s.io"),
    kind: word("Role", "ClusterRole"),
    name: word("r1", "r2", "r3"),
  }),
  subjects: fc.array(
    fc.oneof(
      fc.record({ kind: word("User"), name: word("u1", "system:serviceaccount:n1:s") }),
      fc.record({ kind: word("Group"), name: word("g1", "u1") }),
      fc.record({ kind: word("ServiceAccount"), name: word("s"), namespace: word("n1", "") }),
    ),
    { maxLength: 2 },
  ),
});
const change = fc.oneof(
  role.map((value) => ({ type: "setRole" as const, value })),
  role.map((value) => ({ type: "deleteRole" as const, value })),
  binding.map((value) => ({ type: "setBinding" as const, value })),
  binding.map((value) => ({ type: "deleteBinding" as const, value })),
);
const users: readonly UserInfo[] = [
  { username: "u1", groups: [] },
  { username: "u2", groups: ["g1"] },
  { username: accountUsername("n1", "s"), groups: ["u1"] },
];

/** Looks at everything, as simply as can be. */
function allowedPlainly(
  roles: readonly RoleRules[],
  bindings: readonly Binding[],
  user: UserInfo,
  namespace: string | undefined,
  resource: string,
): boolean {
  return bindings.some((one) => {
    if (one.namespace !== undefined && one.namespace !== namespace) return false;
    const applies = one.subjects.some((subject) => {
      if (subject.kind === "User") return subject.name === user.username;
      if (subject.kind === "Group") return user.groups.includes(subject.name);
      const home = subject.namespace || one.namespace;
      return home !== undefined && user.username === `system:serviceaccount:${home}:${subject.name}`;
    });
    if (!applies || (one.roleRef.kind === "Role" && one.namespace === undefined)) return false;
    const home = one.roleRef.kind === "Role" ? one.namespace : undefined;
    const found = roles.find((candidate) => candidate.namespace === home && candidate.name === one.roleRef.name);
    return found?.rules.some((rule) => rule.resources?.includes(resource)) ?? false;
  });
}

describe("RbacPolicy", () => {
  it("decides after any changes as one that reads all roles and bindings for every request", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
        const policy = new RbacPolicy();
        const authorizer = rbacAuthorizer(policy);
        let roles: readonly RoleRules[] = [];
        let bindings: readonly Binding[] = [];
        const others = <T extends { namespace: string | undefined; name: string }>(list: readonly T[], value: T) =>
          list.filter(({ namespace, name }) => namespace !== value.namespace || name !== value.name);
        for (const { type, value } of changes) {
          if (type === "setRole") {
            policy.setRole(value);
            roles = [...others(roles, value), value];
          } else if (type === "deleteRole") {
            policy.deleteRole(value.namespace, value.name);
            roles = others(roles, value);
          } else if (type === "setBinding") {
            policy.setBinding(value);
            bindings = [...others(bindings, value), value];
          } else {
            policy.deleteBinding(value.namespace, value.name);
            bindings = others(bindings, value);
          }
          for (const user of users)
            for (const namespace of [undefined, "n1", "n2"])
              for (const resource of ["a", "b"]) {
                const attributes = {
                  type: "resource",
                  verb: "get",
                  group: "",
                  version: "v1",
                  resource,
                  namespace,
                } as const;
                const decision = await authorizer.authorize(user, {
                  ...attributes,
                  subresource: undefined,
                  name: undefined,
                });
                expect(decision.allowed).toBe(allowedPlainly(roles, bindings, user, namespace, resource));
              }
        }
      }),
    );
  });

  it("says what allowed, and which role is missing", async () => {
    const policy = new RbacPolicy();
    policy.setRole({
      namespace: undefined,
      name: "reader",
      rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }],
    });
    policy.setBinding({
      namespace: "n1",
      name: "b",
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "s" }],
    });
    policy.setBinding({
      namespace: undefined,
      name: "c",
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "none" },
      subjects: [{ kind: "User", name: "u" }],
    });
    const authorizer = rbacAuthorizer(policy);
    const attributes = {
      type: "resource",
      verb: "get",
      group: "",
      version: "v1",
      resource: "pods",
      subresource: undefined,
      name: "x",
    } as const;
    const account = { username: "system:serviceaccount:n1:s", groups: [] };
    expect(await authorizer.authorize(account, { ...attributes, namespace: "n1" })).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "b/n1" of ClusterRole "reader" to ServiceAccount "s/n1"',
    });
    expect(await authorizer.authorize({ username: "u", groups: [] }, { ...attributes, namespace: "n1" })).toEqual({
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "none" not found',
    });
  });
});

describe("bootstrapPolicy()", () => {
  it("has every role that a binding names, and the rules of admin, edit and view as the sum of their parts", () => {
    const { clusterRoles, clusterRoleBindings, roles, roleBindings } = bootstrapPolicy();
    const names = clusterRoles.map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(names.length);
    for (const { roleRef } of clusterRoleBindings) expect(names).toContain(roleRef.name);
    for (const { roleRef, metadata } of roleBindings)
      expect(roles.map((one) => `${one.metadata.namespace}/${one.metadata.name}`)).toContain(
        `${metadata.namespace}/${roleRef.name}`,
      );
    const rulesOf = (name: string) => clusterRoles.find(({ metadata }) => metadata.name === name)?.rules ?? [];
    expect(rulesOf("edit")).toEqual([...rulesOf("system:aggregate-to-edit"), ...rulesOf("view")]);
    expect(rulesOf("admin")).toEqual([...rulesOf("edit"), ...rulesOf("system:aggregate-to-admin")]);
    expect(rulesOf("system:node-bootstrapper")).toEqual([
      {
        apiGroups: ["certificates.k8s.io"],
        resources: ["certificatesigningrequests"],
        verbs: ["create", "get", "list", "watch"],
      },
    ]);
  });
});
