import type { Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";
import { rbacGroup, subjectFlags, subjectsOf, withSubjects } from "./subjects.ts";

/** Makes a cluster role binding. */
export const createClusterRoleBinding: Verb = generatorVerb({
  name: "clusterrolebinding",
  summary: "Bind users, groups and service accounts to a cluster role everywhere.",
  flags: { ...subjectFlags, clusterrole: textFlag("Cluster role to bind to.", "name") },
  examples: [
    [
      "Let a group look everywhere",
      "wherry create clusterrolebinding support-looks --clusterrole=view --group=support",
    ],
  ],
  required: ["clusterrole"],
  namespaced: false,
  failure: "failed to create clusterrolebinding: ",
  make: ({ name, flags }) => ({
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: flags.clusterrole ?? "" },
    ...withSubjects(subjectsOf(flags)),
  }),
});
