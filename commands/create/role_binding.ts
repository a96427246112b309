import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";
import { rbacGroup, subjectFlags, subjectsOf, withSubjects } from "./subjects.ts";

/** Makes a role binding. */
export const createRoleBinding: Verb = generatorVerb({
  name: "rolebinding",
  summary: "Bind users, groups and service accounts to a role in a namespace.",
  flags: {
    ...subjectFlags,
    clusterrole: textFlag("Cluster role to bind to.", "name"),
    role: textFlag("Role to bind to.", "name"),
  },
  examples: [["Let a user look", "wherry create rolebinding looks --clusterrole=view --user=ann"]],
  namespaced: true,
  failure: "failed to create rolebinding: ",
  make({ name, flags }) {
    if (Boolean(flags.clusterrole) === Boolean(flags.role))
      throw new UsageError("exactly one of clusterrole or role must be specified");
    return {
      apiVersion: `${rbacGroup}/v1`,
      kind: "RoleBinding",
      metadata: { name },
      roleRef: {
        apiGroup: rbacGroup,
        kind: flags.role ? "Role" : "ClusterRole",
        name: flags.role || flags.clusterrole || "",
      },
      ...withSubjects(subjectsOf(flags)),
    };
  },
});
