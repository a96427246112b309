import type { Verb } from "../verb.ts";
import { generatorVerb } from "./generator.ts";

/** Makes a namespace. */
export const createNamespace: Verb = generatorVerb({
  name: "namespace",
  aliases: ["ns"],
  summary: "Create a namespace.",
  flags: {},
  examples: [["A namespace to work in", "wherry create namespace shop"]],
  namespaced: false,
  make: ({ name }) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name }, spec: {}, status: {} }),
});
