import type { ConfigurationReader } from "../../core/api/configuration_reader.ts";
import { qualifiedNameErrors } from "../../core/api/labels.ts";
import { type FieldError, fieldError } from "../../core/api/status.ts";
import { checkAffinity } from "../../core/kinds/affinity_validation.ts";
import { cpuAndMemory, type ScoringStrategy } from "./_resource_scores.ts";
import type { SchedulerPlugin } from "./framework.ts";
import { defaultPreemption } from "./plugins/default_preemption.ts";
import { interPodAffinity } from "./plugins/inter_pod_affinity.ts";
import { type AddedAffinity, nodeAffinity } from "./plugins/node_affinity.ts";
import { nodeResourcesBalancedAllocation } from "./plugins/node_resources_balanced_allocation.ts";
import { nodeResourcesFit } from "./plugins/node_resources_fit.ts";
import { type DefaultConstraint, podTopologySpread } from "./plugins/pod_topology_spread.ts";
import { volumeBinding } from "./plugins/volume_binding.ts";

/** What is said of servers outside, and concerns plug-ins. */
interface OutsideOptions {
  /** Resources that are theirs alone. */
  readonly ignoredResources: readonly string[];
}

/** Plug-ins that take arguments, by name. */
export const configurablePlugins: Readonly<
  Record<string, (args: ConfigurationReader, outside: OutsideOptions) => SchedulerPlugin>
> = {
  DefaultPreemption: readDefaultPreemption,
  InterPodAffinity: readInterPodAffinity,
  NodeAffinity: readNodeAffinity,
  NodeResourcesBalancedAllocation: readBalancedAllocation,
  NodeResourcesFit: readNodeResourcesFit,
  PodTopologySpread: readPodTopologySpread,
  VolumeBinding: readVolumeBinding,
};

function readDefaultPreemption(args: ConfigurationReader): SchedulerPlugin {
  const minCandidateNodesPercentage = args.integer("minCandidateNodesPercentage") ?? 10;
  const minCandidateNodesAbsolute = args.integer("minCandidateNodesAbsolute") ?? 100;
  const [percentageAt, absoluteAt] = [args.at("minCandidateNodesPercentage"), args.at("minCandidateNodesAbsolute")];
  if (minCandidateNodesPercentage < 0 || minCandidateNodesPercentage > 100)
    args.note(fieldError.invalid(percentageAt, minCandidateNodesPercentage, "not in valid range [0, 100]"));
  if (minCandidateNodesAbsolute < 0)
    args.note(fieldError.invalid(absoluteAt, minCandidateNodesAbsolute, "not in valid range [0, inf)"));
  if (minCandidateNodesPercentage === 0 && minCandidateNodesAbsolute === 0)
    args.note(
      fieldError.invalid(percentageAt, 0, "cannot be zero at the same time as minCandidateNodesAbsolute"),
      fieldError.invalid(absoluteAt, 0, "cannot be zero at the same time as minCandidateNodesPercentage"),
    );
  return defaultPreemption({ minCandidateNodesPercentage, minCandidateNodesAbsolute });
}

function readInterPodAffinity(args: ConfigurationReader): SchedulerPlugin {
  const hardPodAffinityWeight = args.integer("hardPodAffinityWeight") ?? 1;
  if (hardPodAffinityWeight < 0 || hardPodAffinityWeight > 100)
    args.note(
      fieldError.invalid(args.at("hardPodAffinityWeight"), hardPodAffinityWeight, "not in valid range [0, 100]"),
    );
  const ignorePreferredTermsOfExistingPods = args.boolean("ignorePreferredTermsOfExistingPods");
  return interPodAffinity({ hardPodAffinityWeight, ignorePreferredTermsOfExistingPods });
}

function readNodeAffinity(args: ConfigurationReader): SchedulerPlugin {
  const addedAffinity = args.json("addedAffinity") as AddedAffinity | undefined;
  if (!addedAffinity) return nodeAffinity();
  const at = args.at("addedAffinity");
  const errors = checkAffinity({ nodeAffinity: addedAffinity }, at);
  args.note(...errors.map((error) => ({ ...error, field: error.field.replace(`${at}.nodeAffinity`, at) })));
  return nodeAffinity({ addedAffinity });
}

function readBalancedAllocation(args: ConfigurationReader): SchedulerPlugin {
  const seen = new Set<string>();
  const resources = args.objects("resources").map((resource) => {
    const name = resource.text("name");
    const weight = resource.integer("weight") ?? 1;
    if (seen.has(name)) resource.note(fieldError.duplicate(resource.at("name"), name));
    seen.add(name);
    if (weight !== 1) resource.note(fieldError.invalid(resource.at("weight"), weight, "must be 1"));
    return { name, weight };
  });
  return nodeResourcesBalancedAllocation(resources.length > 0 ? { resources } : {});
}

function readNodeResourcesFit(args: ConfigurationReader, outside: OutsideOptions): SchedulerPlugin {
  const ignoredResources = args.texts("ignoredResources");
  const ignoredResourceGroups = args.texts("ignoredResourceGroups");
  for (const [index, name] of ignoredResources.entries())
    args.note(...nameErrors(`${args.at("ignoredResources")}[${index}]`, name));
  for (const [index, group] of ignoredResourceGroups.entries()) {
    const at = `${args.at("ignoredResourceGroups")}[${index}]`;
    if (group.includes("/")) args.note(fieldError.invalid(at, group, "resource group name can't contain '/'"));
    args.note(...nameErrors(at, group));
  }
  const strategy = args.object("scoringStrategy");
  return nodeResourcesFit({
    ignoredResources: [...ignoredResources, ...outside.ignoredResources],
    ignoredResourceGroups,
    ...(strategy ? { scoringStrategy: readStrategy(strategy) } : {}),
  });
}

const strategyTypes = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] as const;

function readStrategy(reader: ConfigurationReader): ScoringStrategy {
  const wanted = reader.text("type") || "LeastAllocated";
  const type = strategyTypes.find((one) => one === wanted);
  if (!type) reader.note(fieldError.notSupported(reader.at("type"), wanted, strategyTypes));
  const resources = reader.objects("resources").map((resource) => {
    const name = resource.text("name");
    // Kubernetes' default for one that is not said.
    const weight = resource.integer("weight") || 1;
    if (weight <= 0 || weight > 100)
      resource.note(
        fieldError.invalid(resource.at("weight"), weight, `resource weight of ${name} not in valid range (0, 100]`),
      );
    return { name, weight };
  });
  const ratio = reader.object("requestedToCapacityRatio");
  const at = reader.at("requestedToCapacityRatio");
  if (type === "RequestedToCapacityRatio" && !ratio)
    reader.note(fieldError.required(at, "must be specified when type is RequestedToCapacityRatio"));
  if (type !== "RequestedToCapacityRatio" && ratio)
    reader.note(fieldError.forbidden(at, "must be nil when type is not RequestedToCapacityRatio"));
  return {
    type: type ?? "LeastAllocated",
    resources: resources.length > 0 ? resources : cpuAndMemory,
    ...(ratio ? { shape: readShape(ratio) } : {}),
  };
}

function readShape(ratio: ConfigurationReader): NonNullable<ScoringStrategy["shape"]> {
  const points = ratio.objects("shape").map((reader) => ({
    reader,
    utilization: reader.integer("utilization") ?? 0,
    score: reader.integer("score") ?? 0,
  }));
  if (points.length === 0) ratio.note(fieldError.required(ratio.at("shape"), "at least one point must be specified"));
  const unsorted = points.find(({ utilization }, at) => at > 0 && (points[at - 1]?.utilization ?? 0) >= utilization);
  if (unsorted) {
    const { reader, utilization } = unsorted;
    const detail = "values must be sorted in increasing order";
    reader.note(fieldError.invalid(reader.at("utilization"), utilization, detail));
  }
  for (const { reader, utilization, score } of points) {
    if (utilization < 0 || utilization > 100)
      reader.note(fieldError.invalid(reader.at("utilization"), utilization, "not in valid range [0, 100]"));
    if (score < 0 || score > 10)
      reader.note(fieldError.invalid(reader.at("score"), score, "not in valid range [0, 10]"));
  }
  return points.map(({ utilization, score }) => ({ utilization, score }));
}

const actions = ["DoNotSchedule", "ScheduleAnyway"];

function readPodTopologySpread(args: ConfigurationReader): SchedulerPlugin {
  const defaultConstraints = args.objects("defaultConstraints").map(readConstraint);
  for (const [index, { topologyKey, whenUnsatisfiable }] of defaultConstraints.entries())
    if (
      defaultConstraints
        .slice(0, index)
        .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)
    )
      args.note(
        fieldError.duplicate(`${args.at("defaultConstraints")}[${index}]`, `{${topologyKey}, ${whenUnsatisfiable}}`),
      );
  const type = args.text("defaultingType") || "System";
  const at = args.at("defaultingType");
  if (type !== "System" && type !== "List") args.note(fieldError.notSupported(at, type, ["System", "List"]));
  if (type === "System" && defaultConstraints.length > 0)
    args.note(fieldError.invalid(at, type, "when .defaultConstraints are not empty"));
  return podTopologySpread(type === "List" ? { defaultConstraints } : {});
}

function readConstraint(reader: ConfigurationReader): DefaultConstraint {
  const maxSkew = reader.integer("maxSkew") ?? 0;
  const topologyKey = reader.text("topologyKey");
  const whenUnsatisfiable = reader.text("whenUnsatisfiable");
  if (maxSkew <= 0) reader.note(fieldError.invalid(reader.at("maxSkew"), maxSkew, "not in valid range (0, inf)"));
  if (topologyKey === "") reader.note(fieldError.required(reader.at("topologyKey"), "can not be empty"));
  else reader.note(...nameErrors(reader.at("topologyKey"), topologyKey));
  const at = reader.at("whenUnsatisfiable");
  if (whenUnsatisfiable === "") reader.note(fieldError.required(at, "can not be empty"));
  else if (!actions.includes(whenUnsatisfiable)) reader.note(fieldError.notSupported(at, whenUnsatisfiable, actions));
  if (reader.json("labelSelector") !== undefined)
    reader.note(
      fieldError.forbidden(
        reader.at("labelSelector"),
        "constraint must not define a selector, as they deduced for each pod",
      ),
    );
  return { maxSkew, topologyKey, whenUnsatisfiable };
}

function readVolumeBinding(args: ConfigurationReader): SchedulerPlugin {
  const bindTimeoutSeconds = args.integer("bindTimeoutSeconds") ?? 600;
  if (bindTimeoutSeconds < 0) {
    const detail = "invalid BindTimeoutSeconds, should not be a negative value";
    args.note(fieldError.invalid(args.at("bindTimeoutSeconds"), bindTimeoutSeconds, detail));
  }
  const shape = args.json("shape");
  if (shape !== undefined) {
    const detail = "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring";
    args.note(fieldError.invalid(args.at("shape"), shape, detail));
  }
  return volumeBinding({ bindTimeoutMs: bindTimeoutSeconds * 1000 });
}

function nameErrors(field: string, name: string): readonly FieldError[] {
  return qualifiedNameErrors(name).map((detail) => fieldError.invalid(field, name, detail));
}
