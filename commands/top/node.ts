import { node } from "../../core/kinds/node.ts";
import { nodeMetrics } from "../../core/kinds/node_metrics.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { byUsage, checkSortBy, usageCells, usageFlags, usageOf, usageTable, withoutMetrics } from "./usage.ts";

/** Shows what nodes use of what they have. */
export const topNode: Verb = defineVerb({
  name: "node",
  aliases: ["nodes", "no"],
  group: "See",
  summary: "Show how much CPU and memory nodes use.",
  words: "[name...]",
  flags: {
    ...usageFlags,
    "show-capacity": { type: "boolean", description: "Of what nodes have, not of what pods may use." },
  },
  async run({ flags, words: [name, ...more], env }) {
    checkSortBy(flags["sort-by"]);
    if (more.length > 0) throw new UsageError("node [NAME | -l label]\nSee 'wherry top node -h' for help and examples");
    if (name && flags.selector) throw new UsageError("only one of NAME or --selector can be provided");
    const client = await env.client();
    const { signal } = env;
    try {
      const selection = { labelSelector: flags.selector, signal };
      const metrics = name
        ? [await client.get(nodeMetrics, { name }, { signal })]
        : (await client.list(nodeMetrics, selection)).items;
      if (metrics.length === 0) throw new UsageError("metrics not available yet");
      const nodes = name ? [await client.get(node, { name }, { signal })] : (await client.list(node, selection)).items;
      const available = new Map(
        nodes.map(({ metadata, status }) => [
          metadata.name ?? "",
          usageOf(flags["show-capacity"] ? status?.capacity : status?.allocatable),
        ]),
      );
      const rows = byUsage(metrics, flags["sort-by"], ({ metadata, usage }) => ({
        name: metadata.name ?? "",
        usage: usageOf(usage),
      })).map(({ metadata, usage }) => [
        metadata.name ?? "",
        ...usageCells(usageOf(usage), available.get(metadata.name ?? "")),
      ]);
      const measured = new Set(metrics.map(({ metadata }) => metadata.name));
      const unknown = [...available.keys()].filter((one) => !measured.has(one));
      await env.terminal.write(
        usageTable([
          ...(flags["no-headers"] ? [] : [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]),
          ...rows,
          ...unknown.map((one) => [one, ...Array<string>(4).fill("<unknown>")]),
        ]),
      );
      return 0;
    } catch (error) {
      throw withoutMetrics(error);
    }
  },
});
