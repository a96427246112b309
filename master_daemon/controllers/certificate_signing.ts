import {
  type CertificateSigningRequest,
  certificateSigningRequest,
} from "../../core/kinds/certificate_signing_request.ts";
import { type CertificateRequest, readCertificateRequest } from "../../core/platform/certificate_request.ts";
import { hasCondition } from "./_certificate_conditions.ts";
import { refusalOf, signers } from "./_certificate_rules.ts";
import type { Controller } from "./controller.ts";

/** Options of {@linkcode certificateSigningController}. */
export interface CertificateSigningOptions {
  /** Writes a certificate for what was asked. PEM. */
  signCertificate(
    request: CertificateRequest,
    options: { readonly usages: readonly string[]; readonly validSeconds: number },
  ): Promise<string>;
  /** Seconds that a certificate is valid at most: `--cluster-signing-duration`. Default a year. */
  readonly clusterSigningSeconds?: number | undefined;
}

const yearSeconds = 365 * 24 * 3600;
const minSeconds = 600;
const builtIn: readonly string[] = Object.values(signers);

/**
 * Signs requests for certificates that were approved, for the signers that every cluster has.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 */
export function certificateSigningController(options: CertificateSigningOptions): Controller {
  return {
    name: "certificatesigningrequest-signing-controller",
    account: "certificate-controller",
    reconciles: certificateSigningRequest,
    async reconcile(key, { client, lister, signal }) {
      const csr = lister(certificateSigningRequest).get(key);
      if (!csr || !builtIn.includes(csr.spec.signerName) || csr.status?.certificate) return undefined;
      if (!hasCondition(csr, "Approved") || hasCondition(csr, "Failed")) return undefined;
      const status = await answerTo(csr, options);
      await client.updateStatus(
        certificateSigningRequest,
        { ...csr, status: { ...csr.status, ...status } },
        { signal },
      );
      return undefined;
    },
  };
}

async function answerTo(
  csr: CertificateSigningRequest,
  { signCertificate, clusterSigningSeconds = yearSeconds }: CertificateSigningOptions,
): Promise<NonNullable<CertificateSigningRequest["status"]>> {
  const { request, signerName, usages = [], expirationSeconds = clusterSigningSeconds } = csr.spec;
  let asked: CertificateRequest;
  try {
    asked = readCertificateRequest(atob(request));
  } catch (error) {
    return failed(csr, error instanceof Error ? error.message : String(error));
  }
  const refusal = refusalOf(signerName, usages, asked);
  if (refusal !== undefined) return failed(csr, refusal);
  const validSeconds = Math.min(clusterSigningSeconds, Math.max(minSeconds, expirationSeconds));
  return { certificate: btoa(await signCertificate(asked, { usages, validSeconds })) };
}

function failed(
  { status }: CertificateSigningRequest,
  message: string,
): NonNullable<CertificateSigningRequest["status"]> {
  const condition = { type: "Failed", status: "True", reason: "SignerValidationFailure", message };
  return { conditions: [...(status?.conditions ?? []), condition] };
}
