import { completionScripts } from "./completion/scripts.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Prints what teaches a shell to complete command lines. */
export const completion: Verb = defineVerb({
  name: "completion",
  group: "Settings",
  summary: "Print what teaches a shell to complete command lines.",
  words: "[shell...]",
  flags: {},
  examples: [
    ["bash, in this shell", "source <(wherry completion bash)"],
    ["fish, from now on", "wherry completion fish > ~/.config/fish/completions/wherry.fish"],
  ],
  async run({ words, env }) {
    const [shell, ...more] = words;
    if (shell === undefined)
      throw new UsageError("Shell not specified.\nSee 'wherry completion -h' for help and examples");
    if (more.length > 0)
      throw new UsageError(
        "Too many arguments. Expected only the shell type.\nSee 'wherry completion -h' for help and examples",
      );
    const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
    if (script === undefined)
      throw new UsageError(`Unsupported shell type "${shell}".\nSee 'wherry completion -h' for help and examples`);
    await env.terminal.write(script);
    return 0;
  },
});
