import type { PersistentVolume } from "../../kinds/mod.ts";
import type { Explainer, Reason } from "./explanation.ts";

/** Why a PersistentVolume is of no use to a claim, or which has it. */
export const explainVolume: Explainer<PersistentVolume> = async ({ metadata, spec, status }) => {
  const { claimRef, persistentVolumeReclaimPolicy: policy = "Retain" } = spec;
  const { phase = "Pending", message, lastPhaseTransitionTime: since } = status ?? {};
  const claim = `${claimRef?.namespace}/${claimRef?.name}`;
  const reasons: Reason[] = [];
  if (phase === "Failed") reasons.push({ stage: "volumes", says: message || "it could not be made away with", since });
  if (phase === "Released" || phase === "Failed") {
    const free = `{"spec":{"claimRef":null}}`;
    reasons.push({
      stage: "volumes",
      says: `its claim ${claim} is gone, and what is on it may still be wanted: no other claim gets it (${policy})`,
      since,
      remedy: `delete it, or give it to whoever asks: wherry patch pv ${metadata.name} -p '${free}'`,
    });
  }
  if (phase === "Available" && claimRef) reasons.push({ stage: "volumes", says: `it is kept for the claim ${claim}` });
  const state = phase === "Bound" ? `Bound to ${claim}` : phase;
  return { state, isWell: phase === "Bound" || phase === "Available", reasons };
};
