import { buildKustomization } from "./kustomization.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Shows what a kustomization makes. */
export const kustomize: Verb = defineVerb({
  name: "kustomize",
  group: "Change",
  summary: "Show what a kustomization makes.",
  description:
    "The program kustomize builds it, or else kubectl, which has it inside: one of them must be on the PATH.",
  words: "[folder...]",
  flags: {
    output: { type: "string", short: "o", placeholder: "path", description: "Write to this file or folder." },
    "enable-helm": { type: "boolean", description: "Let it inflate Helm charts." },
    "load-restrictor": { type: "string", placeholder: "which", description: "Where files may be read from." },
  },
  async run({ flags, words, env }) {
    if (words.length > 1) throw new UsageError("specify one path to kustomization.yaml");
    const text = await buildKustomization(
      [
        ...words,
        ...(flags.output ? [`--output=${flags.output}`] : []),
        ...(flags["enable-helm"] ? ["--enable-helm"] : []),
        ...(flags["load-restrictor"] ? [`--load-restrictor=${flags["load-restrictor"]}`] : []),
      ],
      env,
    );
    await env.terminal.write(text);
    return 0;
  },
});
