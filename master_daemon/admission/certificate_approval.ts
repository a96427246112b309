import { StatusError } from "../../core/api/status.ts";
import type { CertificateSigningRequest } from "../../core/kinds/certificate_signing_request.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import { maySign } from "./_signers.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Lets only those decide about requests for certificates who may `approve` for the signer.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificateapproval
 */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateApproval",
    operations: ["UPDATE"],
    async validate({ kind, key, subresource, user, previous }) {
      if (kind.plural !== "certificatesigningrequests" || subresource !== "approval") return;
      const { signerName } = (previous as CertificateSigningRequest).spec;
      if (!(await maySign(authorizer, user, "approve", signerName)))
        throw StatusError.forbidden(
          kind,
          key.name,
          `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`,
        );
    },
  };
}

/**
 * Lets only those issue certificates, or say that they will not, who may `sign` for the signer.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesigning
 */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateSigning",
    operations: ["UPDATE"],
    async validate({ kind, key, subresource, user, object, previous }) {
      if (kind.plural !== "certificatesigningrequests" || subresource !== "status") return;
      const [next, old] = [object as CertificateSigningRequest, previous as CertificateSigningRequest];
      const isSame =
        next.status?.certificate === old.status?.certificate &&
        semanticEqual(next.status?.conditions ?? [], old.status?.conditions ?? []);
      if (isSame || (await maySign(authorizer, user, "sign", old.spec.signerName))) return;
      throw StatusError.forbidden(
        kind,
        key.name,
        `user not permitted to sign requests with signerName ${JSON.stringify(old.spec.signerName)}`,
      );
    },
  };
}
