import type { JsonObject } from "../../core/api/meta.ts";
import type { FlagOf } from "../../core/flags/flag.ts";
import { UsageError } from "../verb.ts";
import { listFlag } from "./generator.ts";

/** The flags that name the subjects of a binding. */
export const subjectFlags: {
  readonly user: FlagOf<"list">;
  readonly group: FlagOf<"list">;
  readonly serviceaccount: FlagOf<"list">;
} = {
  user: listFlag("User to bind; may be repeated.", "name"),
  group: listFlag("Group to bind; may be repeated.", "name"),
  serviceaccount: listFlag("Service account to bind, NAMESPACE:NAME; may be repeated.", "account"),
};

/** The group of roles and bindings. */
export const rbacGroup = "rbac.authorization.k8s.io";

/** The subjects that flags name. @throws UsageError for a service account in another form */
export function subjectsOf({
  user,
  group,
  serviceaccount,
}: { readonly [Name in keyof typeof subjectFlags]: readonly string[] }): readonly JsonObject[] {
  return [
    ...user.map((name) => ({ apiGroup: rbacGroup, kind: "User", name })),
    ...group.map((name) => ({ apiGroup: rbacGroup, kind: "Group", name })),
    ...serviceaccount.map((account) => {
      const [namespace, name, ...more] = account.split(":");
      if (!namespace || !name || more.length > 0) throw new UsageError("serviceaccount must be <namespace>:<name>");
      return { kind: "ServiceAccount", name, namespace };
    }),
  ];
}

/** `subjects` where there are some. */
export function withSubjects(subjects: readonly JsonObject[]): JsonObject {
  return subjects.length > 0 ? { subjects } : {};
}
