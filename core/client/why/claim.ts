import { isReason } from "../../api/status.ts";
import { type PersistentVolumeClaim, storageClass } from "../../kinds/mod.ts";
import { eventsOf } from "./events_of.ts";
import { conditionText, type Explainer, lastSeen, type Reason } from "./explanation.ts";

/** Why a claim has no volume, or which. */
export const explainClaim: Explainer<PersistentVolumeClaim> = async (claim, context) => {
  const { client, signal } = context;
  const { spec, status } = claim;
  const phase = status?.phase ?? "Pending";
  const reasons: Reason[] = (status?.conditions ?? []).flatMap((condition) =>
    condition.status === "True"
      ? [
          {
            stage: "volumes" as const,
            says: conditionText(condition),
            since: condition.lastTransitionTime ?? undefined,
          },
        ]
      : [],
  );
  if (phase === "Bound") return { state: `Bound to ${spec.volumeName ?? ""}`, isWell: true, reasons };
  if (phase === "Lost") {
    reasons.push({ stage: "volumes", says: `its volume ${spec.volumeName ?? ""} is gone, and with it its data` });
    return { state: phase, isWell: false, reasons };
  }
  const event = (await eventsOf(claim, context)).find(({ type }) => type === "Warning");
  const className = spec.storageClassName;
  if (spec.volumeName) {
    // Its class is only compared with the volume's: there need not be one.
    reasons.push({
      stage: "volumes",
      says: `it wants the PersistentVolume ${spec.volumeName} and no other`,
      remedy: `wherry why pv/${spec.volumeName}`,
    });
  } else if (!className) {
    const says =
      className === undefined
        ? "no StorageClass was the default one when it was made"
        : "it wants no StorageClass: it waits for a PersistentVolume that fits";
    reasons.push({ stage: "volumes", says });
  } else {
    try {
      const { volumeBindingMode } = await client.get(storageClass, { name: className }, { signal });
      if (volumeBindingMode === "WaitForFirstConsumer" && !event)
        reasons.push({
          stage: "volumes",
          says: `StorageClass ${className} gives it a volume once a pod that mounts it has a node`,
        });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      reasons.push({ stage: "volumes", says: `there is no StorageClass ${className}` });
    }
  }
  if (event?.message) reasons.push({ stage: "event", says: event.message, since: lastSeen(event) });
  return { state: phase, isWell: false, reasons };
};
