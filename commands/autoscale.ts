import { asObject } from "../core/api/json_object.ts";
import { apiVersionOf } from "../core/api/kind.ts";
import type { JsonObject } from "../core/api/meta.ts";
import { canonicalQuantity, quantityError } from "../core/api/quantity.ts";
import { horizontalPodAutoscaler } from "../core/kinds/horizontal_pod_autoscaler.ts";
import { recordFlag } from "./change_cause.ts";
import { manifestFlags } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { withSavedStruct } from "./saved_struct.ts";
import { findTargets } from "./targets.ts";
import { defineVerb, requireFlags, UsageError, type Verb } from "./verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, saveConfigFlag, structPrinterOptions } from "./write_flags.ts";

/** Has a workload's replicas follow its load. */
export const autoscale: Verb = defineVerb({
  name: "autoscale",
  group: "Change",
  summary: "Have the replicas of a workload follow its load.",
  words: "[type] [names...]",
  flags: {
    ...manifestFlags,
    ...printFlags,
    ...dryRunFlag,
    ...saveConfigFlag,
    ...fieldManagerFlag("kubectl-autoscale"),
    ...recordFlag,
    min: {
      type: "number",
      default: -1,
      placeholder: "n",
      description: "Fewest replicas; below 0: as the server likes.",
    },
    max: { type: "number", default: -1, placeholder: "n", description: "Most replicas." },
    "cpu-percent": { type: "number", default: -1, placeholder: "n", description: "The older form of --cpu=N%." },
    cpu: { type: "string", placeholder: "amount", description: "CPU to aim at: 70% of what is asked for, or 500m." },
    memory: { type: "string", placeholder: "amount", description: "Memory to aim at: 60%, or 200Mi." },
    name: {
      type: "string",
      placeholder: "name",
      description: "Name of the autoscaler; default: that of the workload.",
    },
  },
  examples: [["Two to ten", "wherry autoscale deploy/web --min=2 --max=10 --cpu=70%"]],
  async run({ flags, given, words, env }) {
    requireFlags(given, "max");
    if (given.has("cpu-percent"))
      env.terminal.warn(
        "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
      );
    const dryRun = dryRunOf(flags, env);
    const { min, max, "cpu-percent": percent } = flags;
    if (max < 1) throw new UsageError(`--max=MAXPODS is required and must be at least 1, max: ${max}`);
    if (max < min)
      throw new UsageError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`);
    if (percent > 0 && flags.cpu) throw new UsageError("--cpu-percent and --cpu are mutually exclusive");
    const metrics = [
      ...(percent > 0 ? [metric("cpu", { averageUtilization: percent, type: "Utilization" })] : []),
      ...(flags.cpu ? [metric("cpu", target(flags.cpu, "cpu"))] : []),
      ...(flags.memory ? [metric("memory", target(flags.memory, "memory"))] : []),
    ];
    const print = await objectPrinter(flags, structPrinterOptions(dryRun, env));
    const targets = await findTargets({ words, manifests: flags }, env);
    const count = await targets.visitLoaded(async ({ resource, key }) => {
      if (!resource.subresources.some(({ name }) => name === "scale"))
        throw new UsageError(
          `cannot autoscale a ${resource.kind}: could not find scale subresource for ${resource.group}/${resource.version}, Resource=${resource.plural} in discovery information`,
        );
      const autoscaler = asObject({
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: flags.name || key.name, ...(env.namespaceGiven ? { namespace: await env.namespace() } : {}) },
        spec: {
          maxReplicas: max,
          ...(metrics.length > 0 ? { metrics } : {}),
          ...(min > 0 ? { minReplicas: min } : {}),
          scaleTargetRef: { apiVersion: apiVersionOf(resource), kind: resource.kind, name: key.name },
        },
        ...(dryRun === "client" ? { status: { currentMetrics: null, desiredReplicas: 0 } } : {}),
      });
      if (dryRun === "client") return await print(autoscaler, "created");
      const wanted = await withSavedStruct(autoscaler, flags["save-config"]);
      const client = await env.client();
      const created = await client.create(
        horizontalPodAutoscaler,
        { ...wanted, metadata: { ...wanted.metadata, namespace: await env.namespace() } } as never,
        { dryRun: dryRun === "server", fieldManager: flags["field-manager"], signal: env.signal },
      );
      await print(created, "autoscaled");
    });
    if (count === 0) throw new UsageError("no objects passed to autoscale");
    return 0;
  },
});

function metric(name: string, aim: JsonObject): JsonObject {
  return { resource: { name, target: aim }, type: "Resource" };
}

const defaultUnits = { cpu: "m", memory: "Mi" } as const;

function target(text: string, resource: keyof typeof defaultUnits): JsonObject {
  const trimmed = text.trim();
  if (trimmed.endsWith("%")) {
    const number = trimmed.slice(0, -1);
    if (!/^\d{1,9}$/.test(number)) throw new UsageError(`invalid percentage value: ${number}`);
    return { averageUtilization: Number(number), type: "Utilization" };
  }
  const amount = /^\d{1,12}(\.\d{1,6})?$/.test(trimmed) ? `${Number(trimmed)}${defaultUnits[resource]}` : trimmed;
  if (quantityError(amount) !== undefined) throw new UsageError(`invalid resource ${resource} value: ${trimmed}`);
  return { averageValue: canonicalQuantity(amount), type: "AverageValue" };
}
