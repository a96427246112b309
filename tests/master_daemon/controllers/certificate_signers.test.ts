import * as x509 from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import type { Client } from "../../../core/client/client.ts";
import { waitFor } from "../../../core/client/wait_for.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequest,
} from "../../../core/kinds/certificate_signing_request.ts";
import type { CertificateRequest } from "../../../core/platform/certificate_request.ts";
import { refusalOf, signers } from "../../../master_daemon/controllers/_certificate_rules.ts";
import { openMaster } from "../../security/_master.ts";

const ofNode: CertificateRequest = {
  commonName: "system:node:n1",
  organizations: ["system:nodes"],
  dnsNames: ["n1"],
  ipAddresses: ["10.0.0.1"],
  emailAddresses: [],
  uris: [],
} as unknown as CertificateRequest;
const serving = ["digital signature", "key encipherment", "server auth"];
const client = ["digital signature", "client auth"];
const servingMismatch = "usages did not match [digital signature key encipherment server auth]";
const clientMismatch = "usages did not match [client auth digital signature key encipherment]";
const nameless = { dnsNames: [], ipAddresses: [] };

describe("refusalOf()", () => {
  it.each<[string, readonly string[], Partial<CertificateRequest>, string | undefined]>([
    [signers.kubeletServing, serving, {}, undefined],
    [signers.kubeletServing, ["digital signature", "server auth"], {}, undefined],
    [signers.kubeletServing, serving, { dnsNames: [], ipAddresses: [] }, "DNS or IP subjectAltName is required"],
    [signers.kubeletServing, [...serving, ...serving], {}, undefined],
    [signers.kubeletServing, client, {}, servingMismatch],
    [signers.kubeletServing, [...serving, "client auth"], { commonName: "n1" }, servingMismatch],
    [signers.kubeletServing, serving, { commonName: "n1" }, "subject common name does not begin with system:node:"],
    [
      signers.kubeletServing,
      serving,
      { organizations: ["system:masters"] },
      "subject organization is not system:nodes",
    ],
    [
      signers.kubeletServing,
      serving,
      { organizations: ["system:nodes", "system:masters"] },
      "subject organization is not system:nodes",
    ],
    [signers.kubeletServing, serving, { uris: ["a://b"] }, "URI subjectAltNames are not allowed"],
    [signers.kubeletServing, serving, { emailAddresses: ["a@b"] }, "Email subjectAltNames are not allowed"],
    [signers.kubeletClient, client, {}, "DNS subjectAltNames are not allowed"],
    [signers.kubeletClient, client, { dnsNames: [] }, "IP subjectAltNames are not allowed"],
    [signers.kubeletClient, client, nameless, undefined],
    [signers.kubeletClient, [...client, "key encipherment"], nameless, undefined],
    [signers.kubeletClient, ["client auth"], nameless, clientMismatch],
    [signers.kubeletClient, serving, nameless, clientMismatch],
    [
      signers.kubeletClient,
      serving,
      { ...nameless, commonName: "n1" },
      "subject common name does not begin with system:node:",
    ],
    [
      signers.kubeletClient,
      client,
      { dnsNames: [], emailAddresses: ["a@b"], uris: ["a://b"] },
      "Email subjectAltNames are not allowed",
    ],
    [signers.kubeletClient, client, { ...nameless, uris: ["a://b"] }, "URI subjectAltNames are not allowed"],
    [signers.apiServerClient, ["client auth"], {}, undefined],
    [signers.apiServerClient, [...client, "key encipherment"], {}, undefined],
    [signers.apiServerClient, ["server auth", "any"], {}, "invalid usage for client certificate: server auth"],
    [signers.apiServerClient, ["digital signature"], {}, "missing required usage for client certificate: client auth"],
    // What is approved by hand for it is nobody else's business.
    [signers.legacyUnknown, ["any"], { commonName: "", organizations: [] }, undefined],
  ])("%s with %j of %j: %s", (signer, usages, changes, refusal) => {
    expect(refusalOf(signer, usages, { ...ofNode, ...changes })).toBe(refusal);
  });
});

async function requestFor(name: string, subjectAltNames: boolean): Promise<string> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const names = new x509.SubjectAlternativeNameExtension([
    { type: "dns", value: "n1" },
    { type: "ip", value: "10.0.0.1" },
  ]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: subjectAltNames ? [names] : [],
  });
  return btoa(made.toString("pem"));
}

/** Asks for a certificate as one client, approves it as another, and waits for what the signer says. */
async function signed(
  asking: Client,
  approving: Client,
  spec: CertificateSigningRequest["spec"],
): Promise<CertificateSigningRequest> {
  const made = await asking.create(certificateSigningRequest, {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { generateName: "csr-" },
    spec,
  });
  const condition = { type: "Approved", status: "True", reason: "Test", message: "" };
  await approving.update(
    certificateSigningRequest,
    { ...made, status: { conditions: [condition] } },
    { subresource: "approval" },
  );
  const key = { name: made.metadata.name ?? "" };
  const isAnswered = ({ status }: CertificateSigningRequest) =>
    status?.certificate !== undefined || status?.conditions?.some(({ type }) => type === "Failed") === true;
  return await waitFor(approving, certificateSigningRequest, key, { predicate: isAnswered });
}

describe("the signer kubernetes.io/kubelet-serving", () => {
  it("signs what a node asks for itself, for serving, and says why it does not sign the rest", async () => {
    const { master } = await openMaster();
    const node = master.nodeClient("n1");
    const spec = {
      signerName: signers.kubeletServing,
      usages: serving,
      request: await requestFor("CN=system:node:n1,O=system:nodes", true),
    };
    const { status } = await signed(node, master.client, spec);
    const certificate = new x509.X509Certificate(atob(status?.certificate ?? ""));
    expect(certificate.subject).toBe("CN=system:node:n1, O=system:nodes");
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.serverAuth,
    ]);
    const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON();
    expect(names).toEqual([
      { type: "dns", value: "n1" },
      { type: "ip", value: "10.0.0.1" },
    ]);
    const authority = new x509.X509Certificate(await master.ca());
    expect(await certificate.verify({ publicKey: authority.publicKey })).toBe(true);

    const nameless = { ...spec, request: await requestFor("CN=system:node:n1,O=system:nodes", false) };
    const { status: refused } = await signed(node, master.client, nameless);
    expect(refused?.certificate).toBeUndefined();
    expect(refused?.conditions).toMatchObject([
      { type: "Approved" },
      { type: "Failed", reason: "SignerValidationFailure", message: "DNS or IP subjectAltName is required" },
    ]);
  });
});
