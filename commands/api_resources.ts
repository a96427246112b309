import { apiVersionOf } from "../core/api/kind.ts";
import { alignColumns } from "./output/columns.ts";
import { resourcesOf } from "./resource_args.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Lists what the server serves. */
export const apiResources: Verb = defineVerb({
  name: "api-resources",
  group: "See",
  summary: "List the kinds of objects that the server knows.",
  flags: {
    output: { type: "string", short: "o", placeholder: "format", description: "wide or name." },
    "api-group": { type: "string", placeholder: "group", description: "Only those of this group." },
    namespaced: {
      type: "string",
      placeholder: "true|false",
      description: "Only those that live in namespaces, or that do not.",
    },
    "no-headers": { type: "boolean", description: "Leave out the headers." },
  },
  async run({ flags, env }) {
    const found = (await resourcesOf(await env.client()))
      .filter(({ group }) => flags["api-group"] === undefined || group === flags["api-group"])
      .filter(({ namespaced }) => flags.namespaced === undefined || String(namespaced) === flags.namespaced);
    if (flags.output === "name") {
      for (const { plural, group } of found) await env.terminal.write(`${plural}${group ? `.${group}` : ""}\n`);
      return 0;
    }
    const wide = flags.output === "wide";
    const rows = found.map((resource) => [
      resource.plural,
      resource.shortNames.join(","),
      apiVersionOf(resource),
      String(resource.namespaced),
      resource.kind,
      ...(wide ? [resource.verbs.join(","), resource.categories.join(",")] : []),
    ]);
    const header = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", ...(wide ? ["VERBS", "CATEGORIES"] : [])];
    await env.terminal.write(`${alignColumns(flags["no-headers"] ? rows : [header, ...rows]).join("\n")}\n`);
    return 0;
  },
});
