import { asObject, isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { compact } from "../../core/util/compact.ts";
import { alignColumns } from "../output/columns.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { defineVerb, type Verb } from "../verb.ts";
import { review } from "./_review.ts";

/** Prints who the server takes one for. */
export const whoami: Verb = defineVerb({
  name: "whoami",
  group: "Settings",
  summary: "Show who the server takes one for.",
  words: "[ignored...]",
  flags: printFlags,
  examples: [["As somebody else", "wherry auth whoami --as=jane"]],
  async run({ flags, env }) {
    const answer = await review(
      await env.client(),
      "authentication.k8s.io",
      "selfsubjectreviews",
      undefined,
      env.signal,
    );
    if (flags.output || flags.template) {
      const { kind, apiVersion, metadata, status } = answer;
      const print = await objectPrinter(flags, { terminal: env.terminal, structures: true });
      await print(asObject(compact({ kind, apiVersion, metadata, status })));
      return 0;
    }
    const user = isJsonObject(answer["status"]) ? answer["status"]["userInfo"] : undefined;
    const lines = alignColumns([["ATTRIBUTE", "VALUE"], ...rowsOf(isJsonObject(user) ? user : {})]);
    await env.terminal.write(`${lines.join("\n")}\n`);
    return 0;
  },
});

function rowsOf({ username, uid, groups, extra }: JsonObject): readonly (readonly string[])[] {
  const list = (value: unknown) => `[${Array.isArray(value) ? value.join(" ") : ""}]`;
  return [
    ...(username ? [["Username", String(username)]] : []),
    ...(uid ? [["UID", String(uid)]] : []),
    ...(groups ? [["Groups", list(groups)]] : []),
    ...Object.entries(isJsonObject(extra) ? extra : {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, values]) => [`Extra: ${key}`, list(values)]),
  ];
}
