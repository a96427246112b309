import type { CertificateSigningRequest } from "../../kinds/mod.ts";
import type { Explainer, Reason } from "./explanation.ts";

/** Why a CertificateSigningRequest has no certificate. */
export const explainCertificateRequest: Explainer<CertificateSigningRequest> = async ({ metadata, spec, status }) => {
  const { conditions = [], certificate } = status ?? {};
  if (certificate) return { state: "Issued", isWell: true, reasons: [] };
  for (const state of ["Denied", "Failed"] as const) {
    const condition = conditions.find(({ type }) => type === state);
    if (condition?.status !== "True") continue;
    const { message, reason, lastTransitionTime: since } = condition;
    return { state, isWell: false, reasons: [{ stage: "condition", says: message || reason || state, since }] };
  }
  const approved = conditions.some(({ type, status: is }) => type === "Approved" && is === "True");
  const reason: Reason = approved
    ? { stage: "condition", says: `it is approved, but whoever signs as ${spec.signerName} has not signed it yet` }
    : {
        stage: "condition",
        says: "nobody has approved or denied it yet",
        remedy: `wherry certificate approve ${metadata.name}`,
      };
  return { state: approved ? "Approved" : "Pending", isWell: false, reasons: [reason] };
};
