import type { Verb } from "../verb.ts";
import { generatorVerb } from "./generator.ts";

/** Makes a service account. */
export const createServiceAccount: Verb = generatorVerb({
  name: "serviceaccount",
  aliases: ["sa"],
  summary: "Create a service account.",
  flags: {},
  examples: [["An account for pods that build", "wherry create serviceaccount builder"]],
  namespaced: true,
  failure: "failed to create serviceaccount: ",
  make: ({ name }) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } }),
});
