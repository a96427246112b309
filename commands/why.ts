import { asJson } from "../core/api/json_object.ts";
import { jsonText } from "../core/api/json_text.ts";
import { ageText } from "../core/api/table.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import { UnknownResourceError } from "../core/client/discovery.ts";
import type { Explanation, Reason, WhyContext } from "../core/client/why/explanation.ts";
import { keyIn } from "./namespaced.ts";
import { alignColumns } from "./output/columns.ts";
import { resourceOfKind, selectResources } from "./resource_args.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Explains why objects are as they are. */
export const why: Verb = defineVerb({
  name: "why",
  group: "See",
  summary: "Explain why objects are as they are.",
  description:
    "Follows the chain from an object's own state to what stands above it: deletion, scheduling, volumes, images, probes, restarts, quotas, roll-outs, owners. Without names: those objects of the type that are not well. Works against any Kubernetes.",
  words: "<type> [names...]",
  flags: {
    "all-namespaces": { type: "boolean", short: "A", description: "Objects of all namespaces." },
    selector: { type: "string", short: "l", placeholder: "labels", description: "Objects with these labels." },
    output: { type: "string", short: "o", placeholder: "format", description: "Output format: json or yaml." },
  },
  examples: [
    ["A pod that does not start", "wherry why pod/web-5d9c7b9f4-x2x7k"],
    ["All deployments that are not well", "wherry why deployments -A"],
  ],
  async run({ flags, words, env }) {
    const { why: explain, whyObject } = await import("../core/client/why/why.ts");
    const print = printer(flags.output);
    const client = await env.client();
    const { signal } = env;
    const context: WhyContext = {
      client,
      signal,
      resourceOf: (object) =>
        resourceOfKind(client, object).catch((error: unknown) => {
          if (error instanceof UnknownResourceError) return undefined;
          throw error;
        }),
    };
    const found: Explanation[] = [];
    for (const { resource, names } of await selectResources(client, words)) {
      if (names) {
        for (const name of names) found.push(await explain(resource, await keyIn(resource, name, env), context));
        continue;
      }
      const namespace = resource.namespaced && !flags["all-namespaces"] ? await env.namespace() : undefined;
      const { items } = await client.list(resource, { namespace, labelSelector: flags.selector, signal });
      // Members of a list do not say what they are.
      const group = resource.group ? `${resource.group}/` : "";
      for (const item of items) {
        const object = { ...item, apiVersion: `${group}${resource.version}`, kind: resource.kind };
        const one = await whyObject(resource, object, context);
        if (!one.isWell || flags.selector) found.push(one);
      }
      if (found.length === 0) env.terminal.warn(`All ${items.length} ${resource.plural} are well.`);
    }
    if (found.length > 0) await env.terminal.write(print(found, env.clock.now()));
    return 0;
  },
});

function printer(format: string | undefined): (found: readonly Explanation[], now: number) => string {
  if (format === undefined) return (found, now) => found.map((one) => explanationText(one, now)).join("\n");
  if (format !== "json" && format !== "yaml")
    throw new UsageError(
      `unable to match a printer suitable for the output format "${format}", allowed formats are: json,yaml`,
    );
  return (found) => {
    const [first, ...more] = found;
    const value = asJson(first && more.length === 0 ? first : { items: found });
    return format === "json" ? `${jsonText(value, 4)}\n` : formatYaml(value);
  };
}

/** An explanation for people: what, then each reason with what stands behind it. */
function explanationText({ object, namespace, state, isWell, reasons }: Explanation, now: number): string {
  const where = namespace ? ` in namespace ${namespace}` : "";
  const rows = reasons.flatMap((reason) => reasonRows(reason, now));
  const lines = rows.length > 0 ? rows : [["  ", isWell ? "nothing is wanting" : "nobody says why"]];
  return `${[alignColumns([[`${object}${where}: ${state}`]])[0], ...alignColumns(lines)].join("\n")}\n`;
}

function reasonRows({ stage, says, since, details = [], remedy }: Reason, now: number): readonly (readonly string[])[] {
  const age = since ? ` (${ageText(since, now)})` : "";
  return [
    [`  ${stage}`, `${says}${age}`],
    ...details.flatMap((detail) => detail.split("\n")).map((line) => ["", `  ${line}`]),
    ...(remedy ? [["", `=> ${remedy}`]] : []),
  ];
}
