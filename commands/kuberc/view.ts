import { asJson } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import { readTextFile } from "../../core/platform/files.ts";
import { errorMessage } from "../../core/util/log.ts";
import { readAnswer } from "../answer.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { type Preference, readPreference } from "../preferences/kuberc.ts";
import { warnOfUnknown } from "../preferences/with_preferences.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { changeKuberc, kubercFile, preferenceObject } from "./_file.ts";

/** What kubectl recommends. */
const recommended: Preference = {
  defaults: [
    { command: "apply", options: [{ name: "server-side", default: "true" }] },
    { command: "delete", options: [{ name: "interactive", default: "true" }] },
  ],
};

/** Prints the preferences; offers to write some where there are none. */
export const view: Verb = defineVerb({
  name: "view",
  group: "Settings",
  summary: "Show your preferences.",
  words: "[words...]",
  flags: { ...printFlags },
  examples: [["The preferences as JSON", "wherry kuberc view -o json"]],
  async run({ flags, env }) {
    const { terminal, kuberc } = env;
    const { path, explicit } = kubercFile(kuberc);
    const text = await readTextFile(path).catch((error: unknown) => {
      throw new UsageError(`error reading kuberc file: ${errorMessage(error)}`);
    });
    if (text === undefined) {
      if (explicit) throw new UsageError(`kuberc file not found at ${path}`);
      await terminal.write(
        `kuberc file not found at ${path}\nWould you like to generate a default kuberc file with recommended options? (y/N): `,
      );
      if ((await readAnswer(terminal)).toLowerCase() === "y") await changeKuberc(path, () => recommended, env);
      return 0;
    }
    const read = readPreference(text, path);
    if (read) warnOfUnknown(read.unknown, path, terminal);
    const { preference = {} } = read ?? {};
    const object = preferenceObject({
      ...preference,
      defaults: preference.defaults ?? [],
      aliases: preference.aliases ?? [],
    });
    // The order of its members is kubectl's own, not that of objects of the API, which it is printed as otherwise.
    if (flags.output === "json") {
      await terminal.write(`${jsonText(asJson(object), 4)}\n`);
      return 0;
    }
    const print = await objectPrinter({ ...flags, output: flags.output ?? "yaml" }, { terminal });
    await print(flags.output === "name" ? { ...object, metadata: { name: "<unknown>" } } : object);
    return 0;
  },
});
