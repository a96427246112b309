import { parseQuantity } from "../../core/api/quantity.ts";
import { type NodeStatus, node } from "../../core/kinds/node.ts";
import { nodeMetrics } from "../../core/kinds/node_metrics.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import {
  byUsage,
  checkSortBy,
  type Usage,
  usageCells,
  usageFlags,
  usageOf,
  usageTable,
  withoutMetrics,
} from "./usage.ts";

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
  examples: [["Who is busiest first", "wherry top node --sort-by=cpu"]],
  async run({ flags, words: [name, ...more], env }) {
    checkSortBy(flags["sort-by"]);
    if (more.length > 0) throw new UsageError("node [NAME | -l label]\nSee 'wherry top node -h' for help and examples");
    if (name && flags.selector) throw new UsageError("only one of NAME or --selector can be provided");
    const client = await env.client();
    const { signal } = env;
    const showSwap = flags["show-swap"];
    const swapHeaders = showSwap ? ["SWAP(bytes)", "SWAP(%)"] : [];
    const headers = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)", ...swapHeaders];
    try {
      const selection = { labelSelector: flags.selector, signal };
      const metrics = name
        ? [await client.get(nodeMetrics, { name }, { signal })]
        : (await client.list(nodeMetrics, selection)).items;
      if (metrics.length === 0) throw new UsageError("metrics not available yet");
      const nodes = name ? [await client.get(node, { name }, { signal })] : (await client.list(node, selection)).items;
      const available = new Map(
        nodes.map(({ metadata, status }) => [metadata.name ?? "", availableOn(status, flags["show-capacity"])]),
      );
      const rows = byUsage(metrics, flags["sort-by"], ({ metadata, usage }) => ({
        name: metadata.name ?? "",
        usage: usageOf(usage),
      })).map(({ metadata, usage }) => [
        metadata.name ?? "",
        ...usageCells(usageOf(usage), { available: available.get(metadata.name ?? ""), showSwap }),
      ]);
      const measured = new Set(metrics.map(({ metadata }) => metadata.name));
      const unknown = [...available.keys()].filter((one) => !measured.has(one));
      await env.terminal.write(
        usageTable([
          ...(flags["no-headers"] ? [] : [headers]),
          ...rows,
          ...unknown.map((one) => [one, ...Array<string>(headers.length - 1).fill("<unknown>")]),
        ]),
      );
      return 0;
    } catch (error) {
      throw withoutMetrics(error);
    }
  },
});

/** What a node has; of swap only where it says so. */
function availableOn(status: NodeStatus | undefined, whole: boolean): Partial<Usage> {
  const { cpu, memory } = usageOf(whole ? status?.capacity : status?.allocatable);
  const swapBytes = status?.nodeInfo?.swap?.capacity;
  return { cpu, memory, ...(swapBytes === undefined ? {} : { swap: parseQuantity(String(swapBytes)) }) };
}
