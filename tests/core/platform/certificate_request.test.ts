import { Buffer } from "node:buffer";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readCertificateRequest } from "../../../core/platform/certificate_request.ts";
import { createAuthority, signCertificateRequest } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { cpuMsOf } from "../../cpu_time.ts";

const algorithms = {
  ECDSA: { generate: { name: "ECDSA", namedCurve: "P-256" }, sign: { name: "ECDSA", hash: "SHA-256" } },
  RSA: {
    generate: {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    sign: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  },
} as const;

async function request(
  name: string,
  type: keyof typeof algorithms = "ECDSA",
  extensions: x509.Extension[] = [],
): Promise<string> {
  const { generate, sign } = algorithms[type];
  const keys = await crypto.subtle.generateKey(generate, true, ["sign", "verify"]);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: sign, extensions });
  return made.toString("pem");
}

const names = () =>
  new x509.SubjectAlternativeNameExtension([
    { type: "dns", value: "node-1" },
    { type: "ip", value: "10.0.0.1" },
    { type: "ip", value: "fd00::1" },
    { type: "email", value: "a@example.com" },
    { type: "url", value: "spiffe://a/b" },
  ]);

describe("readCertificateRequest()", () => {
  it.each(["ECDSA", "RSA"] as const)("reads what is asked, and by whom: %s", async (type) => {
    const read = readCertificateRequest(await request("O=system:nodes,CN=system:node:n1", type, [names()]));
    expect(read).toMatchObject({
      commonName: "system:node:n1",
      organizations: ["system:nodes"],
      dnsNames: ["node-1"],
      ipAddresses: ["10.0.0.1", "fd00:0:0:0:0:0:0:1"],
      emailAddresses: ["a@example.com"],
      uris: ["spiffe://a/b"],
    });
  });

  let valid: Buffer;
  beforeAll(async () => {
    valid = Buffer.from((await request("CN=x")).replace(/-----[^-]+-----|\s/g, ""), "base64");
  });
  const pem = (der: Uint8Array) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;

  it("takes nothing from what was changed, cut or made up, and is quick about it", async () => {
    const cpuMs = await cpuMsOf(() => {
      const original = readCertificateRequest(pem(valid));
      const attempt = (text: string) => {
        try {
          return readCertificateRequest(text);
        } catch {
          return undefined;
        }
      };
      fc.assert(
        fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 255 }), (at, difference) => {
          const changed = Buffer.from(valid);
          changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ difference;
          // Outside of what is signed there are a few bits that mean nothing.
          expect(attempt(pem(changed)) ?? original).toEqual(original);
          expect(() => readCertificateRequest(pem(valid.subarray(0, at % valid.length)))).toThrow();
        }),
      );
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
          expect(() => readCertificateRequest(pem(bytes))).toThrow();
        }),
      );
      for (const bytes of [
        Buffer.from([0x30, 0x80]),
        Buffer.from([0x30, 0xff, ...Array(127).fill(0xff)]),
        Buffer.alloc(20_000, 0x30),
      ])
        expect(() => readCertificateRequest(pem(bytes))).toThrow();
      expect(() => readCertificateRequest("x".repeat(1_000_000))).toThrow("too long");
    });
    expect(cpuMs).toBeLessThan(5_000);
  });
});

describe("a name in another encoding", () => {
  it("is refused: others might read what was not judged", async () => {
    const keys = await crypto.subtle.generateKey(algorithms.ECDSA.generate, true, ["sign", "verify"]);
    const made = await x509.Pkcs10CertificateRequestGenerator.create({
      name: [{ O: [{ bmpString: "system:masters" }] }, { CN: ["x"] }] as unknown as x509.JsonName,
      keys,
      signingAlgorithm: algorithms.ECDSA.sign,
    });
    expect(() => readCertificateRequest(made.toString("pem"))).toThrow("encoding that is not taken");
  });
});

describe("signCertificateRequest()", () => {
  it("writes what was asked, for as long and for what it is told", async () => {
    const authority = await createAuthority({ commonName: "ca", clock: systemClock });
    const asked = readCertificateRequest(await request("O=a,O=b,CN=carol", "RSA", [names()]));
    const usages = ["digital signature", "key encipherment", "client auth"];
    const written = new x509.X509Certificate(
      signCertificateRequest(authority, asked, { usages, validSeconds: 600, clock: systemClock }),
    );
    expect(written.subject).toBe("O=a, O=b, CN=carol");
    expect(
      await written.verify({ publicKey: await new x509.X509Certificate(authority.certificate).publicKey.export() }),
    ).toBe(true);
    expect(written.notAfter.getTime() - systemClock.now()).toBeLessThanOrEqual(600_000);
    const usage = written.getExtension(x509.KeyUsagesExtension);
    expect(usage?.usages).toBe(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment);
    expect(written.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(written.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
    expect(written.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON()).toHaveLength(5);
  });
});
