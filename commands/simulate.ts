import type { SimulationReport } from "../cluster/simulation/report.ts";
import { asJson } from "../core/api/json_object.ts";
import { jsonText } from "../core/api/json_text.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import { manifestFlags, readManifests } from "./manifests.ts";
import { alignColumns } from "./output/columns.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Plays what a cluster would do with manifests. */
export const simulate: Verb = defineVerb({
  name: "simulate",
  group: "See",
  summary: "Play what a cluster would do with manifests: what goes where, what stays pending and why.",
  description:
    "Starts a cluster in this process whose nodes are played and whose time is not real, applies the manifests and lets some time pass. Nodes among the manifests are its nodes, with their labels, taints and capacity; of what was read from a cluster only what people wrote counts. A Scenario among them (apiVersion simulation.wherry.dev/v1) says what goes wrong and when: steps with a time `at` and killNode, reviveNode, restart (api, controllers or scheduler, at once or after some writes), setFaults (latencyMs, lost, lostAnswers) or dropWatches. Nothing else is touched. The exit code is 1 when a pod stays without a node.",
  flags: {
    ...manifestFlags,
    nodes: { type: "number", default: 1, description: "Nodes of 4 processors and 8Gi, where the manifests have none." },
    time: { type: "string", default: "10m", placeholder: "duration", description: "Time that passes: 90s, 1h, 7d." },
    seed: { type: "number", default: 1, description: "What is random follows from it." },
    output: { type: "string", short: "o", placeholder: "format", description: "Output format: json or yaml." },
  },
  examples: [
    ["Would it fit on three nodes?", "wherry simulate -f web.yaml --nodes 3"],
    [
      "What would become of this cluster's workloads after a change",
      "kubectl get nodes,deployments,statefulsets -A -o yaml | wherry simulate -f - -f change.yaml",
    ],
    ["And if a node were lost meanwhile, and requests slow?", "wherry simulate -f web.yaml -f bad_day.yaml --time 1h"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`unexpected argument ${words[0]}`);
    if (flags.filename.length === 0) throw new UsageError("must specify -f");
    const print = printer(flags.output);
    const { nodes, seed, time } = flags;
    for (const [name, value] of [
      ["nodes", nodes],
      ["seed", seed],
    ] as const)
      if (!Number.isSafeInteger(value) || value < 0) throw new UsageError(`--${name} must be a whole number`);
    const manifests = await readManifests(flags, env);
    const { simulate: play } = await import("../cluster/simulation/simulate.ts");
    const report = await play(manifests, { nodes, seed, time });
    await env.terminal.write(print(report));
    return report.pods.some(({ node }) => node === undefined) ? 1 : 0;
  },
});

function printer(output: string | undefined): (report: SimulationReport) => string {
  if (output === undefined) return reportText;
  if (output === "json") return (report) => `${jsonText(report, 2)}\n`;
  if (output === "yaml") return (report) => formatYaml(asJson(report));
  throw new UsageError(`unable to match a printer suitable for the output format "${output}": use json or yaml`);
}

function reportText({ nodes, pods, steps, warnings }: SimulationReport): string {
  const placed = pods.filter(({ node }) => node !== undefined);
  const pending = pods.filter(({ node }) => node === undefined);
  const blocks = [
    alignColumns([
      ["AT", "STEP", "THEN READY NODES", "READY PODS", "PENDING"],
      ...steps.map((one) => [
        one.at,
        one.step,
        `${one.readyNodes}/${one.nodes}`,
        `${one.readyPods}/${one.pods}`,
        String(one.pending),
      ]),
    ]),
    alignColumns([
      ["NODE", "STATUS", "PODS", "CPU", "MEMORY"],
      ...nodes.map(({ name, status, pods: count, cpu, memory }) => [
        name,
        status,
        String(count),
        `${cpu.requested}/${cpu.allocatable}`,
        `${memory.requested}/${memory.allocatable}`,
      ]),
    ]),
    alignColumns([
      ["NAMESPACE", "POD", "STATUS", "NODE"],
      ...placed.map(({ namespace, name, status, node = "" }) => [namespace, name, status, node]),
    ]),
    alignColumns([
      ["NAMESPACE", "PENDING", "WHY"],
      ...pending.map(({ namespace, name, message = "", remedy }) => [
        namespace,
        name,
        // What preemption found is seldom the cause.
        `${message.replace(/ preemption: .*/, "")}${remedy ? ` => ${remedy}` : ""}`,
      ]),
    ]),
    alignColumns([
      ["OBJECT", "WARNING", "MESSAGE"],
      ...warnings.map(({ object, reason, message }) => [object, reason, message]),
    ]),
  ];
  return blocks
    .filter((lines) => lines.length > 1)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}
