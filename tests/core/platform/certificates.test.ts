import { connect, createServer, type TLSSocket } from "node:tls";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateAndKey,
  createAuthority,
  describeCertificate,
  fingerprint,
  isIssuedBy,
  issueCertificate,
  selfSigned,
} from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";

const clock = systemClock;
let authority: CertificateAndKey;
let server: CertificateAndKey;

beforeAll(async () => {
  authority = await createAuthority({ commonName: "test-ca", clock });
  server = await issueCertificate(authority, {
    commonName: "kube-apiserver",
    dnsNames: ["localhost", "kubernetes.default.svc"],
    ipAddresses: ["127.0.0.1", "::1"],
    usage: "server",
    clock,
  });
});

describe("certificates", () => {
  it("issueCertificate() carries names, addresses and a year of validity", () => {
    const facts = describeCertificate(server.certificate);
    expect(facts.commonName).toBe("kube-apiserver");
    expect(facts.dnsNames).toEqual(["localhost", "kubernetes.default.svc"]);
    expect(facts.ipAddresses[0]).toBe("127.0.0.1");
    expect(facts.ipAddresses).toHaveLength(2);
    expect(facts.notAfter - clock.now()).toBeGreaterThan(364 * 86_400_000);
    expect(isIssuedBy(server.certificate, authority.certificate)).toBe(true);
  });

  it("isIssuedBy() is false for a certificate of another authority", async () => {
    const other = await createAuthority({ commonName: "test-ca", clock });
    expect(isIssuedBy(server.certificate, other.certificate)).toBe(false);
  });

  it("fingerprint() is the SHA-256 of the DER form, however the certificate is given", async () => {
    const own = await selfSigned({ commonName: "node-1", ipAddresses: ["127.0.0.1"], usage: "server", clock });
    expect(fingerprint(own.certificate)).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprint(own.certificate)).not.toBe(fingerprint(server.certificate));
  });
});

describe("certificates, as another reader sees them", () => {
  const read = ({ certificate }: CertificateAndKey) => new X509Certificate(certificate);
  const extensionsOf = (pair: CertificateAndKey) =>
    read(pair).extensions.map(({ type, critical }) => ({ type, critical }));

  it("have the extensions that their use asks for", () => {
    expect(extensionsOf(authority)).toEqual([
      { type: "2.5.29.19", critical: true },
      { type: "2.5.29.15", critical: true },
      { type: "2.5.29.14", critical: false },
    ]);
    expect(read(authority).getExtension(BasicConstraintsExtension)?.ca).toBe(true);
    expect(read(authority).getExtension(KeyUsagesExtension)?.usages).toBe(
      KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
    );
    expect(read(server).getExtension(BasicConstraintsExtension)?.ca).toBe(false);
    expect(read(server).getExtension(KeyUsagesExtension)?.usages).toBe(KeyUsageFlags.digitalSignature);
    expect(read(server).getExtension(ExtendedKeyUsageExtension)?.usages).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(
      read(server)
        .getExtension(SubjectAlternativeNameExtension)
        ?.names.items.map(({ value }) => value),
    ).toEqual(["localhost", "kubernetes.default.svc", "127.0.0.1", "::1"]);
  });

  it("point from the issued to the authority by name and key", () => {
    expect(read(server).issuerName.toJSON()).toEqual(read(authority).subjectName.toJSON());
    expect(read(server).getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(
      read(authority).getExtension(SubjectKeyIdentifierExtension)?.keyId,
    );
  });

  it("are signed by an authority that another program made", async () => {
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const foreign = await X509CertificateGenerator.createSelfSigned({
      name: [{ O: ["Example, Inc."] }, { CN: ["another-ca"] }],
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    const key = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
    const pair = {
      certificate: foreign.toString("pem"),
      key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
    };
    const issued = await issueCertificate(pair, {
      commonName: "node",
      ipAddresses: ["10.0.0.7", "2001:db8::ff"],
      usage: "client",
      clock,
    });
    expect(isIssuedBy(issued.certificate, pair.certificate)).toBe(true);
    expect(read(issued).issuer).toBe(foreign.subject);
    expect(await read(issued).verify({ publicKey: foreign.publicKey })).toBe(true);
  });

  it("are valid for as long as asked, beyond 2050 too", async () => {
    const long = await createAuthority({ commonName: "long", validDays: 50 * 365, clock });
    expect(read(long).notAfter.getTime() - clock.now()).toBeGreaterThan((50 * 365 - 1) * 86_400_000);
  });
});

describe("TLS with these certificates", () => {
  const close: (() => void)[] = [];
  afterAll(() => {
    for (const done of close) done();
  });

  it("server and client verify each other, and the client's CN and O arrive", async () => {
    const client = await issueCertificate(authority, {
      commonName: "alice",
      organizations: ["system:masters", "dev"],
      usage: "client",
      clock,
    });
    const seen = new Promise<{ authorized: boolean; subject: unknown }>((resolve) => {
      const listener = createServer(
        { cert: server.certificate, key: server.key, ca: authority.certificate, requestCert: true },
        (socket: TLSSocket) => {
          resolve({ authorized: socket.authorized, subject: { ...socket.getPeerCertificate().subject } });
          socket.end();
        },
      ).listen(0, "127.0.0.1", () => {
        const { port } = listener.address() as { port: number };
        connect({
          port,
          host: "127.0.0.1",
          ca: authority.certificate,
          cert: client.certificate,
          key: client.key,
        }).resume();
      });
      close.push(() => listener.close());
    });
    expect(await seen).toEqual({ authorized: true, subject: { O: ["system:masters", "dev"], CN: "alice" } });
  });
});
