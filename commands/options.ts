import { globalFlags } from "./global_flags.ts";
import { defineVerb, type Flag, type Verb } from "./verb.ts";

/** Lists the flags that every verb has, as kubectl lists its own. */
export const options: Verb = defineVerb({
  name: "options",
  group: "Settings",
  summary: "Show the flags that every command has.",
  words: "[words...]",
  flags: {},
  examples: [["All of them", "wherry options"]],
  async run({ env }) {
    const entries = Object.entries(globalFlags).filter(([, { hidden }]) => !hidden);
    const lines = entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, flag]) => optionText(name, flag));
    await env.terminal.write(`The following options can be passed to any command:\n\n${lines.join("\n")}\n`);
    return 0;
  },
});

function optionText(name: string, { type, short, description, default: preset }: Flag): string {
  const none = { string: "''", list: "[]", boolean: "false", number: "0", duration: "0s" }[type];
  const value = preset === undefined ? none : type === "string" ? `'${preset}'` : String(preset);
  const names = `${short ? `-${short}, ` : ""}--${name}`;
  return `    ${names}=${value}:\n\t${description}\n`;
}
