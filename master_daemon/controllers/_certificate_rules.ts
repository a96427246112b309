import type { CertificateRequest } from "../../core/platform/certificate_request.ts";

/** Signers that every cluster has. */
export const signers = {
  apiServerClient: "kubernetes.io/kube-apiserver-client",
  kubeletClient: "kubernetes.io/kube-apiserver-client-kubelet",
  kubeletServing: "kubernetes.io/kubelet-serving",
  legacyUnknown: "kubernetes.io/legacy-unknown",
} as const;

/** What a node's certificate is for; {@linkcode optionalUsage} only where its key is an RSA key. */
const nodeUsages = {
  client: ["client auth", "digital signature", "key encipherment"],
  serving: ["digital signature", "key encipherment", "server auth"],
} as const;
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
  if (signerName === signers.kubeletClient) return kubeletClientRefusal(usages, request);
  if (signerName === signers.kubeletServing) return kubeletServingRefusal(usages, request);
  return signerName === signers.apiServerClient ? clientRefusal(usages) : undefined;
}

function kubeletClientRefusal(usages: readonly string[], request: CertificateRequest): string | undefined {
  if (!isOfNodes(request)) return notOfNodes;
  if (request.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (request.emailAddresses.length > 0) return emailNotAllowed;
  if (request.ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (request.uris.length > 0) return uriNotAllowed;
  return nameRefusal(request) ?? usagesRefusal(usages, nodeUsages.client);
}

function kubeletServingRefusal(usages: readonly string[], request: CertificateRequest): string | undefined {
  if (!isOfNodes(request)) return notOfNodes;
  if (request.dnsNames.length + request.ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (request.emailAddresses.length > 0) return emailNotAllowed;
  if (request.uris.length > 0) return uriNotAllowed;
  return usagesRefusal(usages, nodeUsages.serving) ?? nameRefusal(request);
}

const notOfNodes = "subject organization is not system:nodes";
const emailNotAllowed = "Email subjectAltNames are not allowed";
const uriNotAllowed = "URI subjectAltNames are not allowed";

function isOfNodes({ organizations }: CertificateRequest): boolean {
  return organizations.length === 1 && organizations[0] === "system:nodes";
}

function nameRefusal({ commonName }: CertificateRequest): string | undefined {
  return commonName.startsWith("system:node:") ? undefined : "subject common name does not begin with system:node:";
}

function usagesRefusal(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const isMissing = wanted.some((usage) => usage !== optionalUsage && !usages.includes(usage));
  const isExact = !isMissing && usages.every((usage) => wanted.includes(usage));
  return isExact ? undefined : `usages did not match [${wanted.join(" ")}]`;
}

function clientRefusal(usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !nodeUsages.client.some((one) => one === usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}
