import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it, onTestFinished } from "vitest";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { openMaster, type Target } from "../../security/_master.ts";
import { writeTemporary } from "../_kubeconfig.ts";

/** An identity provider, which describes itself at its own address and at another one as somebody else. */
async function startProvider() {
  const authority = await createAuthority({ commonName: "provider-ca", clock: systemClock });
  const { certificate, key } = await issueCertificate(authority, {
    commonName: "127.0.0.1",
    ipAddresses: ["127.0.0.1"],
    usage: "server",
    clock: systemClock,
  });
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" };
  let url = "";
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const documents = new Map<string, object>([
      ["/.well-known/openid-configuration", { issuer: url, jwks_uri: `${url}/keys` }],
      ["/inside/discovery", { issuer: "https://idp.example.com", jwks_uri: `${url}/keys` }],
      ["/keys", { keys: [jwk] }],
    ]);
    response.end(JSON.stringify(documents.get(request.url ?? "") ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const now = Math.floor(systemClock.now() / 1000);
  const token = (claims: Readonly<Record<string, unknown>>) =>
    new SignJWT({ exp: now + 60, iat: now, ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "one" })
      .sign(privateKey);
  return { url, certificateAuthority: authority.certificate, token };
}

/** Who a token's bearer is, as the server says. */
async function whoIs(target: Target, token: string): Promise<unknown> {
  const { status, json } = await target.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
    isKnown: false,
    headers: { authorization: `Bearer ${token}` },
  });
  return status === 201 ? json.status.userInfo : status;
}

describe("--authentication-config", () => {
  it("believes several providers, each in its own way", async () => {
    const { url, certificateAuthority, token } = await startProvider();
    const outside = "https://idp.example.com";
    const configuration = {
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "AuthenticationConfiguration",
      jwt: [
        {
          issuer: { url, audiences: ["cluster", "other"], audienceMatchPolicy: "MatchAny", certificateAuthority },
          claimMappings: { username: { claim: "sub", prefix: "one:" } },
        },
        {
          issuer: {
            url: outside,
            discoveryURL: `${url}/inside/discovery`,
            audiences: ["cluster"],
            certificateAuthority,
          },
          claimMappings: {
            username: { expression: "'two:' + claims.sub" },
            groups: { expression: "claims.roles.split(',')" },
          },
          userValidationRules: [{ expression: "user.username != 'two:eve'", message: "not she" }],
        },
      ],
    };
    const authenticationConfig = writeTemporary("authentication.yaml", JSON.stringify(configuration));
    const target = await openMaster({ authentication: { authenticationConfig } });
    const ask = async (claims: Readonly<Record<string, unknown>>) => whoIs(target, await token(claims));
    expect(await ask({ iss: url, aud: ["x", "other"], sub: "carol" })).toMatchObject({ username: "one:carol" });
    expect(await ask({ iss: url, aud: "x", sub: "carol" })).toBe(401);
    expect(await ask({ iss: outside, aud: "cluster", sub: "dave", roles: "a,b" })).toMatchObject({
      username: "two:dave",
      groups: ["a", "b", "system:authenticated"],
    });
    expect(await ask({ iss: outside, aud: "cluster", sub: "eve", roles: "a" })).toBe(401);
    expect(await ask({ iss: outside, aud: "other", sub: "dave", roles: "a" })).toBe(401);
    expect(await ask({ iss: "https://nobody", aud: "cluster", sub: "dave" })).toBe(401);
  });
});
