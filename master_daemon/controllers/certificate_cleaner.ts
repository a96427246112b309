import { sameObject } from "../../core/client/preconditions.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequest,
} from "../../core/kinds/certificate_signing_request.ts";
import { describeCertificate } from "../../core/platform/certificates.ts";
import { unlessGone } from "./_errors.ts";
import type { Controller } from "./controller.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * Deletes requests for certificates that nobody needs any longer: answered, denied or failed an hour ago, undecided for a
 * day, or whose certificate has ended. One that was approved waits for its signer as long as that takes.
 */
export const certificateCleanerController: Controller = {
  name: "certificatesigningrequest-cleaner-controller",
  account: "certificate-controller",
  reconciles: certificateSigningRequest,
  async reconcile(key, { client, clock, lister, signal }) {
    const csr = lister(certificateSigningRequest).get(key);
    if (!csr) return undefined;
    const leftMs = uselessAtMs(csr) - clock.now();
    if (leftMs === Number.POSITIVE_INFINITY) return undefined;
    if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, hourMs) };
    await unlessGone(client.delete(certificateSigningRequest, key, { signal, preconditions: sameObject(csr) }));
    return undefined;
  },
};

/** When a request is of no more use, in milliseconds since the epoch; Infinity where that cannot be told yet. */
export function uselessAtMs({ metadata, status = {} }: CertificateSigningRequest): number {
  const { conditions = [], certificate } = status;
  const ended = certificate ? ["Approved", "Denied", "Failed"] : ["Denied", "Failed"];
  const decided = conditions.filter(({ type }) => ended.includes(type));
  const times = decided.map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? "")).filter(Number.isFinite);
  const ends = times.map((time) => time + hourMs);
  if (conditions.length === 0) ends.push(Date.parse(metadata.creationTimestamp ?? "") + dayMs);
  const notAfter = certificate ? certificateEnd(atob(certificate)) : undefined;
  if (notAfter !== undefined) ends.push(notAfter);
  return Math.min(...ends.filter(Number.isFinite));
}

function certificateEnd(pem: string): number | undefined {
  try {
    return describeCertificate(pem).notAfter;
  } catch {
    return undefined;
  }
}
