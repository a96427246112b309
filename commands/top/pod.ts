import { type Pod, pod } from "../../core/kinds/pod.ts";
import { type PodMetrics, podMetrics } from "../../core/kinds/pod_metrics.ts";
import { formatDuration } from "../../core/util/duration.ts";
import { warnNothingFound } from "../not_found.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import {
  addUsage,
  byUsage,
  checkSortBy,
  noUsage,
  type Usage,
  usageCells,
  usageFlags,
  usageOf,
  usageTable,
  withoutMetrics,
} from "./usage.ts";

/** How old pods are when figures of them are there, at the latest. */
const figuresWithinMs = 120_000;

/** Shows what pods use. */
export const topPod: Verb = defineVerb({
  name: "pod",
  aliases: ["pods", "po"],
  group: "See",
  summary: "Show how much CPU and memory pods use.",
  words: "[name...]",
  flags: {
    ...usageFlags,
    "field-selector": { type: "string", placeholder: "fields", description: "Only those with these fields." },
    "all-namespaces": { type: "boolean", short: "A", description: "Pods of all namespaces." },
    containers: { type: "boolean", description: "Each container by itself." },
    sum: { type: "boolean", description: "The sum below." },
  },
  examples: [
    ["Each container of the pods with a label", "wherry top pod -l app=web --containers"],
    ["All namespaces, the largest first", "wherry top pod -A --sort-by=memory"],
  ],
  async run({ flags, words: [name, ...more], env }) {
    checkSortBy(flags["sort-by"]);
    if (more.length > 0) throw new UsageError("pod [NAME | -l label]\nSee 'wherry top pod -h' for help and examples");
    if (name && (flags.selector || flags["field-selector"]))
      throw new UsageError("only one of NAME or selector can be provided");
    const client = await env.client();
    const { signal } = env;
    const namespace = flags["all-namespaces"] ? undefined : await env.namespace();
    const selection = { labelSelector: flags.selector, fieldSelector: flags["field-selector"], namespace, signal };
    let metrics: readonly PodMetrics[];
    try {
      metrics = name
        ? [await client.get(podMetrics, { namespace: await env.namespace(), name }, { signal })]
        : (await client.list(podMetrics, selection)).items;
    } catch (error) {
      throw withoutMetrics(error);
    }
    if (metrics.length === 0) {
      const pods = await client.list(pod, selection);
      if (pods.items.length > 0) throw withoutFigures(pods.items, env.clock.now());
      await warnNothingFound(namespace, env);
      return 0;
    }
    const showSwap = flags["show-swap"];
    const withNamespace = flags["all-namespaces"];
    const headers = [
      ...(withNamespace ? ["NAMESPACE"] : []),
      ...(flags.containers ? ["POD"] : []),
      ...["NAME", "CPU(cores)", "MEMORY(bytes)", ...(showSwap ? ["SWAP(bytes)"] : [])],
    ];
    const sorted = byUsage(metrics, flags["sort-by"], (one) => ({
      name: withNamespace ? `${one.metadata.namespace}/${one.metadata.name}` : (one.metadata.name ?? ""),
      usage: totalOf(one),
    }));
    const rows = sorted.flatMap((one): string[][] => {
      const { name: podName = "", namespace: where = "" } = one.metadata;
      const before = withNamespace ? [where] : [];
      if (!flags.containers) return [[...before, podName, ...usageCells(totalOf(one), { showSwap })]];
      return byUsage(one.containers, flags["sort-by"], (each) => ({ name: each.name, usage: usageOf(each.usage) })).map(
        (each) => [...before, podName, each.name, ...usageCells(usageOf(each.usage), { showSwap })],
      );
    });
    const width = flags["no-headers"] ? (showSwap ? 4 : 3) : headers.length;
    const blanks = (count: number) => Array<string>(Math.max(0, count)).fill("");
    const sum = metrics.map(totalOf).reduce(addUsage, noUsage);
    await env.terminal.write(
      usageTable([
        ...(flags["no-headers"] ? [] : [headers]),
        ...rows,
        ...(flags.sum
          ? [
              [...blanks(width - 2), "________", "________"],
              [...blanks(width - 3), "", ...usageCells(sum, { showSwap })],
            ]
          : []),
      ]),
    );
    return 0;
  },
});

/** Why pods have no figures: there are none yet, or there should be by now. */
function withoutFigures(pods: readonly Pod[], now: number): UsageError {
  for (const { metadata } of pods) {
    const { namespace, name, creationTimestamp = "" } = metadata;
    const ageMs = now - Date.parse(creationTimestamp);
    if (ageMs > figuresWithinMs)
      return new UsageError(`Metrics not available for pod ${namespace}/${name}, age: ${formatDuration(ageMs)}`);
  }
  return new UsageError("metrics not available yet");
}

function totalOf({ containers }: PodMetrics): Usage {
  return containers.map(({ usage }) => usageOf(usage)).reduce(addUsage, noUsage);
}
