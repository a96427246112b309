import { type JsonObject, type KubeObject, keyOf } from "../core/api/meta.ts";
import { ageText } from "../core/api/table.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import type { DiscoveredResource } from "../core/client/discovery.ts";
import { type Event, event } from "../core/kinds/event.ts";
import { annotationLines, fieldLines, labelLines, section } from "./describe/fields.ts";
import { type DescribeContext, describers } from "./describe/kinds.ts";
import { keyIn } from "./namespaced.ts";
import { alignColumns } from "./output/columns.ts";
import { selectResources } from "./resource_args.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Shows an object for people, with what happened to it. */
export const describe: Verb = defineVerb({
  name: "describe",
  group: "See",
  summary: "Show the details of objects, and what happened to them.",
  words: "<type> [names...]",
  flags: {
    "all-namespaces": { type: "boolean", short: "A", description: "Objects of all namespaces." },
    selector: { type: "string", short: "l", placeholder: "labels", description: "Objects with these labels." },
    "show-events": { type: "boolean", default: true, description: "Show events too." },
  },
  examples: [["A pod", "wherry describe pod web-5d9c7b9f4-x2x7k"]],
  async run({ flags, words, env }) {
    const client = await env.client();
    const { signal } = env;
    const parts: string[] = [];
    for (const { resource, names } of await selectResources(client, words)) {
      const objects: KubeObject[] = [];
      if (names) {
        for (const name of names)
          objects.push(await client.get(resource, await keyIn(resource, name, env), { signal }));
      } else {
        const namespace = resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
        objects.push(...(await client.list(resource, { namespace, labelSelector: flags.selector, signal })).items);
        if (objects.length === 0)
          env.terminal.warn(
            namespace === undefined ? "No resources found" : `No resources found in ${namespace} namespace.`,
          );
      }
      for (const object of objects) {
        const lines = [...(await describeObject(object, resource, { client, signal }))];
        if (flags["show-events"])
          lines.push(...(await eventLines(object, resource, { client, signal }, env.clock.now())));
        parts.push(`${lines.join("\n")}\n`);
      }
    }
    await env.terminal.write(parts.join("\n\n"));
    return 0;
  },
});

async function describeObject(
  object: KubeObject,
  { plural, group }: DiscoveredResource,
  context: DescribeContext,
): Promise<readonly string[]> {
  const { name, namespace, labels, annotations, creationTimestamp, deletionTimestamp, finalizers } = object.metadata;
  const describer = describers.get(group ? `${plural}.${group}` : plural);
  const { fields, sections } = describer ? await describer(object, context) : { fields: [], sections: rest(object) };
  return [
    ...fieldLines([
      ["Name", name],
      ["Namespace", namespace],
      ["CreationTimestamp", creationTimestamp],
      ["Labels", labelLines(labels)],
      ["Annotations", annotationLines(annotations)],
      ["Termination Requested", deletionTimestamp],
      ["Finalizers", finalizers],
      ...fields,
    ]),
    ...sections,
  ];
}

function rest({ apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...fields }: KubeObject): readonly string[] {
  const text = Object.keys(fields).length > 0 ? formatYaml(fields as JsonObject) : "";
  return text.trimEnd().split("\n").filter(Boolean);
}

async function eventLines(
  object: KubeObject,
  resource: DiscoveredResource,
  { client, signal }: DescribeContext,
  now: number,
): Promise<readonly string[]> {
  const { namespace, name = "" } = keyOf(object);
  const selector = [
    `involvedObject.name=${name}`,
    `involvedObject.kind=${resource.kind}`,
    ...(namespace ? [`involvedObject.namespace=${namespace}`] : []),
  ];
  const { items } = await client.list(event, { namespace, fieldSelector: selector.join(","), signal });
  const seen = (one: Event) =>
    one.lastTimestamp ?? one.series?.lastObservedTime ?? one.eventTime ?? one.metadata.creationTimestamp ?? "";
  const rows = [...items]
    .sort((a, b) => (seen(a) < seen(b) ? -1 : 1))
    .map((one) => [
      one.type ?? "",
      one.reason ?? "",
      ageText(seen(one), now),
      one.source?.component || one.reportingComponent || "",
      one.message ?? "",
    ]);
  return section(
    "Events",
    rows.length > 0 ? alignColumns([["Type", "Reason", "Age", "From", "Message"], ...rows]) : [],
  );
}
