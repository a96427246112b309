import { kubeletClientName } from "../../core/kinds/node_server.ts";
import type { CertificateAndKey } from "../../core/platform/certificates.ts";
import {
  createAuthority,
  describeCertificate,
  isIssuedBy,
  issueCertificate,
} from "../../core/platform/certificates.ts";
import { changePrivateFile, joinPath, readTextFile } from "../../core/platform/files.ts";
import type { Clock } from "../../core/util/clock.ts";

/** The cluster's certificates. */
export interface Pki {
  readonly authority: CertificateAndKey;
  /** What the API server shows. */
  readonly server: CertificateAndKey;
  /** What the API server shows to node daemons. */
  readonly kubeletClient: CertificateAndKey;
}

/** Options of {@linkcode openPki}. */
export interface PkiOptions {
  /** Folder to keep them in; absent: in memory only. */
  readonly folder?: string | undefined;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** The machine's clock: peers judge validity by theirs. */
  readonly clock: Pick<Clock, "now">;
}

/** Certificates that end within this time are made anew. */
const renewBeforeMs = 60 * 24 * 60 * 60 * 1000;

/**
 * Reads the cluster's certificates, and makes those that are missing, nearly over, or lack a name. The authority is
 * never replaced while its files are there: clients trust it.
 */
export async function openPki({ folder, dnsNames, ipAddresses, clock }: PkiOptions): Promise<Pki> {
  const keep = (name: string, usable: (pair: CertificateAndKey) => boolean, make: () => Promise<CertificateAndKey>) =>
    folder === undefined ? make() : kept(folder, name, usable, make);
  const authority = await keep(
    "ca",
    () => true,
    () => createAuthority({ commonName: "kubernetes", clock }),
  );
  const usable = (pair: CertificateAndKey, names: readonly string[], addresses: readonly string[]) => {
    const facts = describeCertificate(pair.certificate);
    return (
      facts.notAfter - clock.now() > renewBeforeMs &&
      names.every((name) => facts.dnsNames.includes(name)) &&
      addresses.every((address) => facts.ipAddresses.includes(expandAddress(address))) &&
      isIssuedBy(pair.certificate, authority.certificate)
    );
  };
  const [server, kubeletClient] = await Promise.all([
    keep(
      "apiserver",
      (pair) => usable(pair, dnsNames, ipAddresses),
      () =>
        issueCertificate(authority, { commonName: "kube-apiserver", dnsNames, ipAddresses, usage: "server", clock }),
    ),
    keep(
      "apiserver-kubelet-client",
      (pair) => usable(pair, [], []),
      () =>
        issueCertificate(authority, {
          commonName: kubeletClientName,
          organizations: ["system:masters"],
          usage: "client",
          clock,
        }),
    ),
  ]);
  return { authority, server, kubeletClient };
}

/** What this server shows to the servers that it sends requests on to, and who vouches for it. */
export interface FrontProxy {
  readonly authority: CertificateAndKey;
  readonly client: CertificateAndKey;
}

/** Name in the certificate by which other servers know this one. */
export const frontProxyClientName = "front-proxy-client";

/** Reads the certificates for other servers, and makes those that are missing or nearly over. */
export async function openFrontProxy({ folder, clock }: Pick<PkiOptions, "folder" | "clock">): Promise<FrontProxy> {
  const keep = (name: string, usable: (pair: CertificateAndKey) => boolean, make: () => Promise<CertificateAndKey>) =>
    folder === undefined ? make() : kept(folder, name, usable, make);
  const authority = await keep(
    "front-proxy-ca",
    () => true,
    () => createAuthority({ commonName: "front-proxy-ca", clock }),
  );
  const client = await keep(
    "front-proxy-client",
    ({ certificate }) =>
      describeCertificate(certificate).notAfter - clock.now() > renewBeforeMs &&
      isIssuedBy(certificate, authority.certificate),
    () => issueCertificate(authority, { commonName: frontProxyClientName, usage: "client", clock }),
  );
  return { authority, client };
}

async function kept(
  folder: string,
  name: string,
  usable: (pair: CertificateAndKey) => boolean,
  make: () => Promise<CertificateAndKey>,
): Promise<CertificateAndKey> {
  const certificatePath = joinPath(folder, `${name}.crt`);
  const keyPath = joinPath(folder, `${name}.key`);
  const [certificate, key] = await Promise.all([readTextFile(certificatePath), readTextFile(keyPath)]);
  if (certificate !== undefined && key !== undefined && usable({ certificate, key })) return { certificate, key };
  const made = await make();
  // The key first: a certificate without its key is made anew, a key without its certificate too.
  await changePrivateFile(keyPath, () => made.key);
  await changePrivateFile(certificatePath, () => made.certificate);
  return made;
}

/** An IPv6 address as certificates print it: `0:0:0:0:0:0:0:1`. */
function expandAddress(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string) => text.split(":").filter((group) => group !== "");
  const before = groups(head);
  const after = groups(tail);
  const zeros = Array.from({ length: address.includes("::") ? 8 - before.length - after.length : 0 }, () => "0");
  return [...before, ...zeros, ...after]
    .map((group) => Number.parseInt(group, 16).toString(16).toUpperCase())
    .join(":");
}
