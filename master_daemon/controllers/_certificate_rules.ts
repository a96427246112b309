import type { CertificateRequest } from "../../core/platform/certificate_request.ts";

/** Signers that every cluster has. */
export const signers = {
  apiServerClient: "kubernetes.io/kube-apiserver-client",
  kubeletClient: "kubernetes.io/kube-apiserver-client-kubelet",
  kubeletServing: "kubernetes.io/kubelet-serving",
  legacyUnknown: "kubernetes.io/legacy-unknown",
} as const;

const clientUsages = ["digital signature", "client auth"];
const servingUsages = ["digital signature", "server auth"];
const optionalUsage = "key encipherment";

/**
 * Why a built-in signer will not sign a request; undefined: it will.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 */
export function refusalOf(
  signerName: string,
  usages: readonly string[],
  request: CertificateRequest,
): string | undefined {
  if (signerName === signers.kubeletClient) return nodeRefusal(usages, request, clientUsages) ?? namesRefusal(request);
  if (signerName === signers.kubeletServing) {
    if (request.dnsNames.length + request.ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
    return nodeRefusal(usages, request, servingUsages) ?? otherNamesRefusal(request);
  }
  if (signerName === signers.apiServerClient) {
    const allowed = [...clientUsages, optionalUsage];
    const isRight = usages.includes("client auth") && usages.every((usage) => allowed.includes(usage));
    return isRight ? undefined : `invalid usages for client certificate: [${usages.join(" ")}]`;
  }
  return undefined;
}

/** What is wrong with a request in the name of a node. */
function nodeRefusal(
  usages: readonly string[],
  { commonName, organizations }: CertificateRequest,
  needed: readonly string[],
): string | undefined {
  if (organizations.length !== 1 || organizations[0] !== "system:nodes")
    return "subject organization is not system:nodes";
  if (!commonName.startsWith("system:node:")) return "subject common name does not begin with system:node:";
  const others = usages.filter((usage) => usage !== optionalUsage);
  const isExact = others.length === needed.length && needed.every((usage) => others.includes(usage));
  return isExact ? undefined : `usages did not match [${needed.join(" ")}]`;
}

function namesRefusal(request: CertificateRequest): string | undefined {
  if (request.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (request.ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  return otherNamesRefusal(request);
}

function otherNamesRefusal({ emailAddresses, uris }: CertificateRequest): string | undefined {
  if (emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  return uris.length > 0 ? "URI subjectAltNames are not allowed" : undefined;
}
