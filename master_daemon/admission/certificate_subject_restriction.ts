import { StatusError } from "../../core/api/status.ts";
import type { CertificateSigningRequest } from "../../core/kinds/certificate_signing_request.ts";
import { readCertificateRequest } from "../../core/platform/certificate_request.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const signer = "kubernetes.io/kube-apiserver-client";

/**
 * Lets nobody ask for a certificate of the group that may do everything.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction
 */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  operations: ["CREATE"],
  async validate({ kind, key, subresource, object }) {
    if (kind.plural !== "certificatesigningrequests" || subresource !== undefined) return;
    const { spec } = object as CertificateSigningRequest;
    if (spec.signerName !== signer) return;
    const refuse = (cause: string) => {
      throw StatusError.forbidden(kind, key.name, cause);
    };
    try {
      const { organizations } = readCertificateRequest(atob(spec.request));
      if (!organizations.includes("system:masters")) return;
    } catch (error) {
      refuse(`failed to parse CSR: ${error instanceof Error ? error.message : String(error)}`);
    }
    refuse(`use of ${signer} signer with system:masters group is not allowed`);
  },
};
