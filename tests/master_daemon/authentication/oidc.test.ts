import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { jwtAuthenticator } from "../../../master_daemon/authentication/jwt.ts";
import { type OidcOptions, oidcIssuer } from "../../../master_daemon/authentication/oidc.ts";
import { OidcKeys } from "../../../master_daemon/authentication/oidc_keys.ts";

let issuerUrl = "";
let ca = "";
let server: Server;
let pair: Awaited<ReturnType<typeof generateKeyPair>>;
let asked = 0;

beforeAll(async () => {
  const authority = await createAuthority({ commonName: "ca", clock: systemClock });
  ca = authority.certificate;
  const { certificate, key } = await issueCertificate(authority, {
    commonName: "127.0.0.1",
    ipAddresses: ["127.0.0.1"],
    usage: "server",
    clock: systemClock,
  });
  pair = await generateKeyPair("RS256", { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256", use: "sig" };
  server = createServer({ cert: certificate, key }, (request, response) => {
    asked++;
    const body =
      request.url === "/.well-known/openid-configuration"
        ? { issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` }
        : { keys: [jwk] };
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuerUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function token(
  claims: Record<string, unknown> = {},
  { kid = "one", key = pair.privateKey, alg = "RS256" } = {},
): Promise<string> {
  const now = Math.floor(systemClock.now() / 1000);
  return new SignJWT({ iss: issuerUrl, aud: "me", sub: "carol", exp: now + 60, iat: now, ...claims })
    .setProtectedHeader({ alg, kid })
    .sign(key);
}

async function whoIs(options: Partial<OidcOptions>, sent: string | Promise<string>) {
  await using keys = new OidcKeys({ issuerUrl, ca, clock: systemClock });
  const authenticator = jwtAuthenticator(oidcIssuer({ issuerUrl, clientId: "me", ...options }), {
    keys,
    clock: systemClock,
  });
  return (await authenticator.authenticateToken?.(await sent, ["api"]))?.user;
}

describe("jwtAuthenticator() of the flags", () => {
  it("believes the provider, and marks its users as its own", async () => {
    expect(await whoIs({}, token())).toEqual({ username: `${issuerUrl}#carol`, groups: [] });
    expect(
      await whoIs(
        { usernameClaim: "email", groupsClaim: "teams", groupsPrefix: "oidc:" },
        token({ email: "c@example.com", email_verified: true, teams: ["a", "b"] }),
      ),
    ).toEqual({ username: "c@example.com", groups: ["oidc:a", "oidc:b"] });
    expect(await whoIs({ usernamePrefix: "-", groupsClaim: "team" }, token({ team: "a" }))).toEqual({
      username: "carol",
      groups: ["a"],
    });
    expect((await whoIs({ usernamePrefix: "p:" }, token()))?.username).toBe("p:carol");
  });

  it.each<[string, Partial<OidcOptions>, () => Promise<string>]>([
    ["for somebody else", {}, () => token({ aud: "other" })],
    ["that has ended", {}, () => token({ exp: 1 })],
    ["that never ends", {}, () => token({ exp: undefined })],
    ["without the user's name", { usernameClaim: "name" }, () => token()],
    [
      "whose address was not verified",
      { usernameClaim: "email" },
      () => token({ email: "c@x", email_verified: false }),
    ],
    [
      "without a claim that is required",
      { requiredClaims: new Map([["hd", "example.com"]]) },
      () => token({ hd: "other" }),
    ],
    ["with groups that are none", { groupsClaim: "g" }, () => token({ g: { a: 1 } })],
    ["with a claim named like the prototype's", { usernameClaim: "__proto__" }, () => token()],
    ["signed by another key", {}, async () => token({}, { key: (await generateKeyPair("RS256")).privateKey })],
    [
      "signed in a way that is not allowed",
      {},
      async () =>
        token({}, { key: pair.privateKey, alg: "RS256" }).then((text) =>
          text.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString("base64url")),
        ),
    ],
  ])("refuses a token %s", async (_what, options, make) => {
    await expect(whoIs(options, make())).rejects.toThrow(/^oidc: /);
  });

  it("leaves other issuers' tokens alone", async () => {
    expect(await whoIs({}, token({ iss: "https://other" }))).toBeUndefined();
    expect(await whoIs({}, "no.token.atall")).toBeUndefined();
  });

  it("asks for keys once, however many tokens name one that is not known", async () => {
    await using keys = new OidcKeys({ issuerUrl, ca, clock: systemClock });
    const authenticator = jwtAuthenticator(oidcIssuer({ issuerUrl, clientId: "me" }), { keys, clock: systemClock });
    const before = asked;
    const other = (await generateKeyPair("RS256")).privateKey;
    for (let count = 0; count < 5; count++)
      await expect(
        authenticator.authenticateToken?.(await token({}, { kid: "unknown", key: other }), []),
      ).rejects.toThrow();
    expect((await authenticator.authenticateToken?.(await token(), []))?.user.username).toBe(`${issuerUrl}#carol`);
    expect(asked - before).toBe(2);
  });

  it.each<[Partial<OidcOptions>, string]>([
    [{ issuerUrl: "http://x" }, "require 'https'"],
    [{ clientId: "" }, "must be specified together"],
    [{ signingAlgs: ["HS256"] }, 'unsupported signing alg: "HS256"'],
  ])("refuses to start with %j", async (options, message) => {
    await expect(whoIs(options, "")).rejects.toThrow(message);
  });
});
