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
    "helm-command": { type: "string", placeholder: "path", description: "The program that inflates them." },
    "helm-api-versions": { type: "list", placeholder: "versions", description: "API versions that Helm is told of." },
    "helm-kube-version": { type: "string", placeholder: "version", description: "Version that Helm is told of." },
    "helm-debug": { type: "boolean", description: "Let Helm say more." },
    "enable-alpha-plugins": { type: "boolean", description: "Let it run plug-ins." },
    "as-current-user": { type: "boolean", description: "Let plug-ins in containers run as this user." },
    env: { type: "list", short: "e", placeholder: "pair", description: "Variable of plug-ins in containers." },
    mount: { type: "list", placeholder: "mount", description: "Mount of plug-ins in containers." },
    network: { type: "boolean", description: "Let plug-ins in containers reach the network." },
    "network-name": { type: "string", placeholder: "name", description: "Network of such containers; default bridge." },
    "load-restrictor": { type: "string", placeholder: "which", description: "Where files may be read from." },
  },
  examples: [["Into one file", "wherry kustomize overlays/production > production.yaml"]],
  async run({ flags, given, words, env }) {
    if (words.length > 1) throw new UsageError("specify one path to kustomization.yaml");
    const own = Object.entries(flags).flatMap(([name, value]) => {
      if (!given.has(name)) return [];
      return (Array.isArray(value) ? value : [value]).map((one) => `--${name}=${String(one)}`);
    });
    const text = await buildKustomization([...words, ...own], env);
    await env.terminal.write(text);
    return 0;
  },
});
