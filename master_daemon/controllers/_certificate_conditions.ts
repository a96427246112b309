import type { CertificateSigningRequest } from "../../core/kinds/certificate_signing_request.ts";

/** Whether a request has a condition that is true. */
export function hasCondition({ status }: CertificateSigningRequest, type: string): boolean {
  return status?.conditions?.some((one) => one.type === type && (one.status === "True" || !one.status)) ?? false;
}

/** Whether somebody has said yes or no. */
export function isDecided(csr: CertificateSigningRequest): boolean {
  return hasCondition(csr, "Approved") || hasCondition(csr, "Denied");
}
