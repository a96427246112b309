import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequest,
} from "../../core/kinds/certificate_signing_request.ts";
import { readCertificateRequest } from "../../core/platform/certificate_request.ts";
import { isDecided } from "./_certificate_conditions.ts";
import { refusalOf, signers } from "./_certificate_rules.ts";
import type { Controller } from "./controller.ts";

const minWaitMs = 1000;
const maxWaitMs = 1_000_000;

interface AccessReview extends KubeObject {
  readonly spec: object;
  readonly status?: { readonly allowed?: boolean };
}

const accessReview: ResourceType<AccessReview> = {
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  namespaced: false,
};

/**
 * Approves what new nodes ask for, and nodes that renew, when whoever asks is allowed to.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval
 */
export const certificateApprovingController: Controller = {
  name: "certificatesigningrequest-approving-controller",
  account: "certificate-controller",
  reconciles: certificateSigningRequest,
  async reconcile(key, { client, clock, lister, signal }) {
    const csr = lister(certificateSigningRequest).get(key);
    if (!csr || csr.spec.signerName !== signers.kubeletClient || isDecided(csr) || csr.status?.certificate)
      return undefined;
    const candidates = candidatesFor(csr);
    for (const [subresource, what] of candidates) {
      if (!(await isAllowed(client, csr, subresource, signal))) continue;
      const condition = {
        type: "Approved",
        status: "True",
        reason: "AutoApproved",
        message: `Auto approving ${what} after SubjectAccessReview.`,
      };
      const conditions = [...(csr.status?.conditions ?? []), condition];
      await client.update(
        certificateSigningRequest,
        { ...csr, status: { ...csr.status, conditions } },
        { signal, subresource: "approval" },
      );
      return undefined;
    }
    // Who may not do so now may be allowed to later: asked again whenever the request is twice as old.
    const ageMs = clock.now() - Date.parse(csr.metadata.creationTimestamp ?? "");
    return candidates.length > 0 ? { requeueAfterMs: Math.min(maxWaitMs, Math.max(minWaitMs, ageMs)) } : undefined;
  },
};

/** The rights by which a request may be approved, the narrower first; none for what is no node's request. */
function candidatesFor({ spec }: CertificateSigningRequest): readonly (readonly [subresource: string, what: string])[] {
  try {
    const request = readCertificateRequest(atob(spec.request));
    if (refusalOf(spec.signerName, spec.usages ?? [], request) !== undefined) return [];
    const isSelf = spec.username === request.commonName;
    return [
      ...(isSelf ? [["selfnodeclient", "self kubelet client certificate"] as const] : []),
      ["nodeclient", "kubelet client certificate"],
    ];
  } catch {
    // What cannot be read is for people to decide.
    return [];
  }
}

async function isAllowed(
  client: Client,
  { spec }: CertificateSigningRequest,
  subresource: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { username, uid, groups, extra } = spec;
  const review = await client.create(
    accessReview,
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: {
        user: username,
        ...(uid ? { uid } : {}),
        groups,
        ...(extra ? { extra } : {}),
        resourceAttributes: {
          group: "certificates.k8s.io",
          resource: "certificatesigningrequests",
          verb: "create",
          subresource,
        },
      },
    },
    { signal },
  );
  return review.status?.allowed === true;
}
