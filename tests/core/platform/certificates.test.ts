import { connect, createServer, type TLSSocket } from "node:tls";
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
