import { goJson } from "../core/api/go_json.ts";
import { compareText } from "../core/api/go_value.ts";
import { apiVersionOf } from "../core/api/kind.ts";
import type { JsonObject } from "../core/api/meta.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import type { DiscoveredResource } from "../core/client/discovery.ts";
import { alignColumns } from "./output/columns.ts";
import { unknownFormat } from "./output/object_printer.ts";
import { resourcesOf } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Lists what the server serves. */
export const apiResources: Verb = defineVerb({
  name: "api-resources",
  group: "See",
  summary: "List the kinds of objects that the server knows.",
  words: "[args...]",
  flags: {
    output: { type: "string", short: "o", placeholder: "format", description: "wide, name, json or yaml." },
    "api-group": { type: "string", placeholder: "group", description: "Only those of this group." },
    namespaced: {
      type: "string",
      implied: "true",
      placeholder: "true|false",
      description: "Only those that live in namespaces, or that do not.",
    },
    verbs: { type: "list", placeholder: "verbs", description: "Only those that can all of this, e.g. list,watch." },
    categories: { type: "list", placeholder: "names", description: "Only those in all of these categories." },
    "sort-by": { type: "string", placeholder: "name|kind", description: "Sort by name or kind; else by group." },
    cached: { type: "boolean", description: "Use what is known of the server already." },
    "no-headers": { type: "boolean", description: "Leave out the headers." },
    "show-managed-fields": { type: "boolean", hidden: true, description: "Resources have none." },
  },
  examples: [
    ["What lives outside of namespaces", "wherry api-resources --namespaced=false"],
    ["What can be listed, by name only", "wherry api-resources --verbs=list -o name"],
  ],
  async run({ flags, given, words, env }) {
    if (words.length > 0)
      throw new UsageError(
        `unexpected arguments: [${words.join(" ")}]\nSee 'wherry api-resources -h' for help and examples`,
      );
    const { output = "", "sort-by": sortBy = "" } = flags;
    if (!["", "name", "kind"].includes(sortBy)) throw new UsageError("--sort-by accepts only name or kind");
    if (!["", "wide", "name", "json", "kyaml", "yaml"].includes(output))
      throw unknownFormat(output, ["json", "kyaml", "name", "wide", "yaml"]);
    const [verbs, categories] = [flags.verbs, flags.categories].map((list) => list.flatMap((text) => text.split(",")));
    const found = preferred(await resourcesOf(await env.client(), { fresh: !flags.cached }))
      .filter(({ group }) => !given.has("api-group") || group === (flags["api-group"] ?? ""))
      .filter(({ namespaced }) => flags.namespaced === undefined || String(namespaced) === flags.namespaced)
      .filter((resource) => (verbs ?? []).every((verb) => resource.verbs.includes(verb)))
      .filter((resource) => (categories ?? []).every((category) => resource.categories.includes(category)));
    const key = ({ plural, kind, group }: DiscoveredResource) =>
      sortBy === "name" ? plural : sortBy === "kind" ? kind : group;
    const sorted = [...found].sort((a, b) => compareText(key(a), key(b)) || compareText(a.plural, b.plural));
    if (output === "kyaml") {
      const { formatKyaml } = await import("../core/api/kyaml_writer.ts");
      await env.terminal.write(formatKyaml(listOf(sorted), { asGiven: true }));
    } else await env.terminal.write(textOf(sorted, output, !flags["no-headers"]));
    return 0;
  },
});

/** Of each resource the version that its server prefers. */
function preferred(resources: readonly DiscoveredResource[]): readonly DiscoveredResource[] {
  const seen = new Set<string>();
  return resources.filter(({ group, plural, verbs }) => {
    const name = `${plural}.${group}`;
    if (verbs.length === 0 || seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function textOf(resources: readonly DiscoveredResource[], output: string, headers: boolean): string {
  if (output === "name") return resources.map(({ plural, group }) => `${plural}${group ? `.${group}` : ""}\n`).join("");
  if (output === "json" || output === "yaml") {
    const list = listOf(resources);
    return output === "json" ? `${goJson(list, 4)}\n` : formatYaml(list);
  }
  const wide = output === "wide";
  const rows = resources.map((resource) => [
    resource.plural,
    resource.shortNames.join(","),
    apiVersionOf(resource),
    String(resource.namespaced),
    resource.kind,
    ...(wide ? [resource.verbs.join(","), resource.categories.join(",")] : []),
  ]);
  const header = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", ...(wide ? ["VERBS", "CATEGORIES"] : [])];
  return alignColumns(headers ? [header, ...rows] : rows)
    .map((line) => `${line}\n`)
    .join("");
}

function listOf(resources: readonly DiscoveredResource[]): JsonObject {
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion: "", resources: resources.map(asWire) };
}

function asWire({
  plural,
  singular,
  namespaced,
  group,
  version,
  kind,
  verbs,
  shortNames,
  categories,
}: DiscoveredResource) {
  return {
    name: plural,
    singularName: singular,
    namespaced,
    ...(group ? { group } : {}),
    version,
    kind,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}
