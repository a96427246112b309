import { asJson, jsonEqual } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { split } from "../create/generator.ts";
import { subjectFlags, subjectsOf } from "../create/subjects.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { changeObjects, setFlags } from "./pod_specs.ts";

interface Binding extends KubeObject {
  readonly subjects?: readonly JsonObject[];
}

/** Adds subjects to bindings. */
export const setSubject: Verb = defineVerb({
  name: "subject",
  group: "Change",
  summary: "Add users, groups and service accounts to role bindings.",
  words: "[type] [names...]",
  flags: { ...setFlags, ...subjectFlags },
  examples: [["Let one more user in", "wherry set subject rolebinding/looks --user=bob"]],
  async run({ flags, words, env }) {
    const sorted = (values: readonly string[]) => [...new Set(split(values))].sort();
    const named = {
      user: sorted(flags.user),
      group: sorted(flags.group),
      serviceaccount: sorted(flags.serviceaccount),
    };
    const namespace = await env.namespace();
    let subjects: readonly JsonObject[] = [];
    await changeObjects(
      flags,
      {
        words,
        operation: "subjects updated",
        failure: "failed to patch subjects to rolebinding: ",
        validate() {
          if (flags.local && flags["dry-run"] === "server")
            throw new UsageError("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
          if (flags.all && flags.selector) throw new UsageError("cannot set --all and --selector at the same time");
          if (named.user.length + named.group.length + named.serviceaccount.length === 0)
            throw new UsageError("you must specify at least one value of user, group or serviceaccount");
          const accounts = named.serviceaccount.map((account) =>
            account.startsWith(":") ? namespace + account : account,
          );
          subjects = subjectsOf({ ...named, serviceaccount: accounts });
        },
        change(object) {
          if (object.kind !== "RoleBinding" && object.kind !== "ClusterRoleBinding")
            throw new UsageError("setting subjects is only supported for RoleBinding/ClusterRoleBinding");
          if (object.kind === "ClusterRoleBinding" && named.serviceaccount.some((account) => account.startsWith(":")))
            throw new UsageError("serviceaccount must be <namespace>:<name>, namespace must be specified");
          const { subjects: present = [] } = object as Binding;
          const added = subjects.filter((one) => !present.some((other) => jsonEqual(asJson(one), asJson(other))));
          return added.length === 0 ? object : ({ ...object, subjects: [...present, ...added] } as KubeObject);
        },
      },
      env,
    );
    return 0;
  },
});
