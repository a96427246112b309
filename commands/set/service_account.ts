import { recordFlag } from "../change_cause.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { changeObjects, setFlags, withPodSpec } from "./pod_specs.ts";

/** Sets the service account of pods. */
export const setServiceAccount: Verb = defineVerb({
  name: "serviceaccount",
  aliases: ["sa"],
  group: "Change",
  summary: "Set the service account of pods.",
  words: "[type] [names-and-account...]",
  flags: { ...setFlags, ...recordFlag },
  examples: [["The pods of a deployment", "wherry set serviceaccount deploy/web builder"]],
  async run({ flags, words, env }) {
    if (flags.local && flags["dry-run"] === "server")
      throw new UsageError("cannot specify --local and --dry-run=server - did you mean --dry-run=client?");
    const account = words.at(-1);
    if (account === undefined) throw new UsageError("serviceaccount is required");
    await changeObjects(
      flags,
      {
        words: words.slice(0, -1),
        operation: "serviceaccount updated",
        failure: "failed to patch ServiceAccountName ",
        tellsUnchanged: true,
        change: (object) => withPodSpec(object, (spec) => ({ ...spec, serviceAccountName: account })),
      },
      env,
    );
    return 0;
  },
});
