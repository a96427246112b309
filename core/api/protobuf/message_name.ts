/** Kinds that are the same message in every group and version that has them. */
const everywhere: ReadonlyMap<string, string> = new Map([
  ["DeleteOptions", "meta.v1.DeleteOptions"],
  ["Eviction", "policy.v1.Eviction"],
  ["Status", "meta.v1.Status"],
]);

/** Beta versions, of which old clients send the messages of the version that followed. */
const asStable: ReadonlyMap<string, string> = new Map([
  ["batch.v1beta1.CronJob", "batch.v1.CronJob"],
  ["policy.v1beta1.PodDisruptionBudget", "policy.v1.PodDisruptionBudget"],
]);

/** The name of a kind's message, known or not: `apps.v1.Deployment`. */
export function messageName(apiVersion: string, kind: string): string {
  const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/", 2) : ["", apiVersion];
  const own = `${packageOf(group)}.${version}.${kind}`;
  return everywhere.get(kind) ?? asStable.get(own) ?? own;
}

/** `coordination` of `coordination.k8s.io`. */
function packageOf(group: string): string {
  return group === "" ? "core" : group.replace(/\..*/s, "");
}
