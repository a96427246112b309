import type { KubeObject, ObjectMeta } from "../../core/api/meta.ts";
import { ignoreReason } from "../../core/api/status.ts";
import { apply } from "../../core/client/apply.ts";
import { discover, findResourceOf } from "../../core/client/discovery.ts";
import { event, type Node, namespace, node, type Pod, pod } from "../../core/kinds/mod.ts";
import { formatDuration } from "../../core/util/duration.ts";
import { countsOf, reportOf, type SimulationReport, type StepReport } from "./report.ts";
import { isScenario, readScenarios } from "./scenario.ts";
import { millisecondsOf, type SimulatedCluster, startSimulation } from "./simulated_cluster.ts";

/** Options of {@linkcode simulate}. */
export interface SimulateOptions {
  /** Nodes that there are where the manifests have none. Default 1. */
  readonly nodes?: number | undefined;
  /** Default 1. */
  readonly seed?: number | undefined;
  /** For how long to look: milliseconds, or as `10m`; at least until the last step of a scenario. Default `10m`. */
  readonly time?: number | string | undefined;
}

/** Where these are not told of anything, they come first: others need them. */
const firstKinds = ["Namespace", "CustomResourceDefinition"];

/**
 * Plays what a cluster would do with manifests: which pod would go where, what stays pending, and why. Nodes among the
 * manifests are the nodes of the cluster, with their labels, taints and capacity; a Scenario among them says what goes wrong,
 * and when (see {@linkcode readScenarios}). Of objects that were read from a cluster
 * (`kubectl get … -o yaml`) what that cluster made of them does not count, and what others make again is left out.
 *
 * @throws StatusError for a manifest that the API refuses; RangeError for a scenario that is none
 */
export async function simulate(
  manifests: readonly KubeObject[],
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const steps = readScenarios(manifests.filter(isScenario));
  const nodes = manifests.filter(isNode);
  const { seed, time = "10m" } = options;
  const cluster = await startSimulation({ clock: "fake", seed, nodes: nodes.length > 0 ? 0 : options.nodes });
  try {
    for (const one of nodes) cluster.addNode(specOf(one));
    // For their first heartbeats, and until they take pods.
    await cluster.advance(2000);
    const others = manifests.filter((one) => !isNode(one) && !isScenario(one) && !isMadeByOthers(one));
    const isFirst = ({ kind }: KubeObject) => firstKinds.includes(kind);
    for (const one of [...others.filter(isFirst), ...others.filter((object) => !isFirst(object))])
      await applyOne(cluster, asWritten(one));
    const appliedAt = cluster.clock.monotonic();
    const advanceTo = (ms: number) => cluster.advance(Math.max(0, appliedAt + ms - cluster.clock.monotonic()));
    const course: StepReport[] = [];
    let last = { at: formatDuration(0), step: "apply" };
    for (const { atMs, run, text } of steps) {
      await advanceTo(atMs);
      course.push({ ...last, ...(await countsOf(cluster)) });
      await run(cluster);
      last = { at: formatDuration(atMs), step: text };
    }
    await advanceTo(millisecondsOf(time));
    if (steps.length > 0) course.push({ ...last, ...(await countsOf(cluster)) });
    return await reportOf(cluster, course);
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
}

function isNode(object: KubeObject): object is Node {
  return object.kind === node.kind && object.apiVersion === "v1";
}

function isMadeByOthers({ kind, metadata }: KubeObject): boolean {
  return kind === event.kind || (metadata.ownerReferences ?? []).some(({ controller }) => controller === true);
}

function specOf({ metadata, spec, status }: Node): Parameters<SimulatedCluster["addNode"]>[0] {
  // What the cluster says by itself of nodes that are not well, it will say again.
  const taints = (spec?.taints ?? []).filter(({ key }) => !key.startsWith("node.kubernetes.io/"));
  const { unschedulable } = spec ?? {};
  const capacity = status?.allocatable ?? status?.capacity;
  return {
    name: metadata.name,
    labels: metadata.labels,
    ...(capacity
      ? { capacity: Object.fromEntries(Object.entries(capacity).map(([key, amount]) => [key, String(amount)])) }
      : {}),
    spec: { ...(taints.length > 0 ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
  };
}

/** An object without what a cluster made of it. */
function asWritten(object: KubeObject): KubeObject {
  const { name, generateName, namespace: own, labels, annotations, finalizers } = object.metadata;
  const kept: ObjectMeta = { name, generateName, namespace: own, labels, annotations, finalizers } as ObjectMeta;
  const metadata = Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
  const { status: _, ...rest } = object as KubeObject & { readonly status?: unknown };
  // A pod is placed anew.
  if (object.kind !== pod.kind) return { ...rest, metadata };
  const { nodeName: __, ...spec } = (object as Pod).spec ?? {};
  return { ...rest, metadata, spec } as KubeObject;
}

async function applyOne(cluster: SimulatedCluster, object: KubeObject): Promise<void> {
  const { client } = cluster;
  const resource = findResourceOf(await discover(client), object);
  const { namespace: own = "default" } = object.metadata;
  if (resource.namespaced) {
    const metadata = { name: own };
    await client
      .create(namespace, { apiVersion: "v1", kind: namespace.kind, metadata })
      .catch(ignoreReason("AlreadyExists"));
    // Its first pods need the account that a namespace gets.
    await cluster.settle();
  }
  await apply(
    client,
    resource,
    resource.namespaced ? { ...object, metadata: { ...object.metadata, namespace: own } } : object,
  );
  await cluster.settle();
}
