import { isReason } from "../../api/status.ts";
import { type PersistentVolumeClaim, type Pod, persistentVolume, persistentVolumeClaim } from "../../kinds/mod.ts";
import { claimKeys } from "../../kinds/pod_claims.ts";
import { podCondition } from "../../kinds/pod_helpers.ts";
import { claimReasons } from "./claim.ts";
import type { Reason, WhyContext } from "./explanation.ts";
import { find } from "./look.ts";

/** The claims that keep a pod from its node, each with its own first cause. */
export async function podClaimReasons(pod: Pod, context: WhyContext): Promise<readonly Reason[]> {
  if (pod.status?.phase !== "Pending") return [];
  const { client, signal } = context;
  const reasons: Reason[] = [];
  for (const key of claimKeys(pod)) {
    try {
      const claim = await client.get(persistentVolumeClaim, key, { signal });
      const reason =
        claim.status?.phase === "Bound" ? await awayReason(pod, claim, context) : await unbound(claim, context);
      if (reason) reasons.push(reason);
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      reasons.push({
        stage: "volumes",
        says: `its claim ${key.name} does not exist`,
        remedy: `make the PersistentVolumeClaim ${key.name}`,
      });
    }
  }
  return reasons;
}

async function unbound(claim: PersistentVolumeClaim, context: WhyContext): Promise<Reason> {
  const { name } = claim.metadata;
  const [cause] = await claimReasons(claim, context);
  return {
    stage: "volumes",
    says: `its claim ${name} is ${claim.status?.phase ?? "Pending"}${cause ? `: ${cause.says}` : ""}`,
    details: cause?.details,
    remedy: cause?.remedy ?? `wherry why pvc/${name}`,
  };
}

/** That the volume it has is not to be reached from any node that would do. */
async function awayReason(
  pod: Pod,
  { spec: { volumeName: name = "" }, metadata }: PersistentVolumeClaim,
  context: WhyContext,
): Promise<Reason | undefined> {
  if (!/PersistentVolume's node affinity/.test(podCondition(pod, "PodScheduled")?.message ?? "")) return undefined;
  const volume = await find(persistentVolume, { name }, context);
  if (!volume || volume === "unknown") return undefined;
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const where = terms.map(({ matchExpressions = [] }) =>
    matchExpressions.map(({ key, operator, values = [] }) => `${key} ${operator} (${values.join(", ")})`).join(", "),
  );
  return {
    stage: "volumes",
    says: `the volume ${name} of its claim ${metadata.name} is only on nodes with ${where.join(" or ")}`,
  };
}
