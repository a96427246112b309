import { apiVersionOf } from "../core/api/kind.ts";
import { resourcesOf } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Lists the versions of the API that the server serves. */
export const apiVersions: Verb = defineVerb({
  name: "api-versions",
  group: "See",
  summary: "List the versions of the API that the server serves.",
  words: "[args...]",
  flags: {},
  examples: [["All of them", "wherry api-versions"]],
  async run({ words, env }) {
    if (words.length > 0)
      throw new UsageError(
        `unexpected arguments: [${words.join(" ")}]\nSee 'wherry api-versions -h' for help and examples`,
      );
    const versions = new Set((await resourcesOf(await env.client(), { fresh: true })).map(apiVersionOf));
    await env.terminal.write(
      [...versions]
        .sort()
        .map((version) => `${version}\n`)
        .join(""),
    );
    return 0;
  },
});
