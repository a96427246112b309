import type { Verb } from "../verb.ts";
import { generatorVerb, textFlag } from "./generator.ts";

/** Makes a priority class. */
export const createPriorityClass: Verb = generatorVerb({
  name: "priorityclass",
  aliases: ["pc"],
  summary: "Create a priority class.",
  flags: {
    value: { type: "number", default: 0, placeholder: "n", description: "The priority; higher goes first." },
    "global-default": { type: "boolean", description: "Whether pods without a class have this one." },
    description: textFlag("When to use it.", "text"),
    "preemption-policy": {
      type: "string",
      default: "PreemptLowerPriority",
      placeholder: "policy",
      description: "PreemptLowerPriority or Never.",
    },
  },
  examples: [
    [
      "Before all that has no class",
      "wherry create priorityclass urgent --value=1000 --description='what pays the bills'",
    ],
  ],
  namespaced: false,
  failure: "failed to create priorityclass: ",
  make: ({ name, flags }) => ({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name },
    value: flags.value,
    ...(flags["global-default"] ? { globalDefault: true } : {}),
    ...(flags.description ? { description: flags.description } : {}),
    preemptionPolicy: flags["preemption-policy"],
  }),
});
