import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { readAuthenticationConfiguration } from "../../../master_daemon/authentication/jwt_configuration.ts";
import { openMaster } from "../../security/_master.ts";
import { writeTemporary } from "../_kubeconfig.ts";

const fileOf = (content: JsonObject): string =>
  writeTemporary(
    "authentication.yaml",
    JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", ...content }),
  );

const read = (content: JsonObject) =>
  readAuthenticationConfiguration(fileOf(content), { ownIssuers: ["https://kubernetes"] });

const issuer = { url: "https://example.com", audiences: ["me"] };
const bySub = { username: { claim: "sub", prefix: "" } };
const jwt = (more: JsonObject = {}): JsonObject => ({ issuer, claimMappings: bySub, ...more });

/** The user that one provider makes of claims. */
async function userOf(provider: JsonObject, claims: Readonly<Record<string, unknown>>) {
  const { issuers } = await read({ jwt: [provider] });
  return issuers[0]?.userOf(claims);
}

describe("claimMappings", () => {
  it("reads claims, with a prefix", async () => {
    const claimMappings = {
      username: { claim: "sub", prefix: "oidc:" },
      groups: { claim: "roles", prefix: "role:" },
      uid: { claim: "id" },
    };
    expect(await userOf(jwt({ claimMappings }), { sub: "carol", roles: ["a", "b"], id: "7" })).toEqual({
      username: "oidc:carol",
      groups: ["role:a", "role:b"],
      uid: "7",
    });
    expect(await userOf(jwt({ claimMappings }), { sub: "carol", roles: "a", id: "7" })).toMatchObject({
      groups: ["role:a"],
    });
  });

  it("evaluates expressions, also over claims that are not there", async () => {
    const claimMappings = {
      username: { expression: "claims.preferred_username + ':' + claims.org.name" },
      groups: { expression: "claims.?roles.orValue([]) + ['everybody']" },
      uid: { expression: "claims.sub" },
      extra: [
        { key: "example.com/tenant", valueExpression: "claims.tenant" },
        { key: "example.com/none", valueExpression: "''" },
      ],
    };
    const claims = { sub: "1", preferred_username: "carol", org: { name: "acme" }, tenant: ["t", ""] };
    expect(await userOf(jwt({ claimMappings }), claims)).toEqual({
      username: "carol:acme",
      uid: "1",
      groups: ["everybody"],
      extra: { "example.com/tenant": ["t"] },
    });
  });

  it.each<[string, JsonObject, Readonly<Record<string, unknown>>]>([
    ["without the user's name", bySub, {}],
    ["whose name is empty", { username: { expression: "claims.sub" } }, { sub: "" }],
    ["whose name is no text", { username: { expression: "claims.sub" } }, { sub: 1 }],
    ["without what an expression reads", { username: { expression: "claims.a.b" } }, { sub: "x" }],
    ["with groups that are none", { ...bySub, groups: { expression: "claims.g" } }, { sub: "x", g: [1] }],
    ["with a name of the prototype's", { username: { claim: "__proto__", prefix: "" } }, { sub: "x" }],
  ])("refuses a token %s", async (_what, claimMappings, claims) => {
    await expect(userOf(jwt({ claimMappings }), claims)).rejects.toThrow(/^oidc: /);
  });
});

describe("rules", () => {
  it("lets in whom all of them let in, and says which does not", async () => {
    const provider = jwt({
      claimValidationRules: [
        { claim: "hd", requiredValue: "example.com" },
        { expression: "claims.exp - claims.nbf <= 86400", message: "lives too long" },
      ],
      userValidationRules: [
        { expression: "!user.username.startsWith('system:')", message: "reserved" },
        { expression: "user.groups.all(group, !group.startsWith('system:'))" },
      ],
    });
    const claims = { sub: "carol", hd: "example.com", exp: 100, nbf: 1 };
    expect(await userOf(provider, claims)).toEqual({ username: "carol", groups: [] });
    await expect(userOf(provider, { ...claims, hd: "other" })).rejects.toThrow("required claim hd");
    await expect(userOf(provider, { ...claims, exp: 100_000 })).rejects.toThrow(
      "validation expression 'claims.exp - claims.nbf <= 86400' failed: lives too long",
    );
    await expect(userOf(provider, { ...claims, sub: "system:admin" })).rejects.toThrow("failed: reserved");
  });
});

describe("readAuthenticationConfiguration()", () => {
  const mapped = (claimMappings: JsonObject): JsonObject => jwt({ claimMappings });
  const issued = (more: JsonObject): JsonObject => jwt({ issuer: { ...issuer, ...more } });
  it.each<[JsonObject | readonly JsonObject[], string]>([
    [issued({ url: "" }), "jwt[0].issuer.url: Required value"],
    [issued({ url: "http://x" }), "URL scheme must be https"],
    [issued({ url: "https://u:p@x" }), "URL must not contain a username or password"],
    [issued({ url: "https://x?a=b" }), "URL must not contain a query"],
    [issued({ url: "https://kubernetes" }), "URL must not overlap with disallowed issuers: [https://kubernetes]"],
    [issued({ discoveryURL: "https://example.com/" }), "discoveryURL must be different from URL"],
    [issued({ audiences: [] }), "jwt[0].issuer.audiences: Required value"],
    [issued({ audiences: ["a", "b"] }), "audienceMatchPolicy must be MatchAny for multiple audiences"],
    [issued({ certificateAuthority: "none" }), 'certificateAuthority: Invalid value: "<omitted>"'],
    [[jwt(), jwt()], 'jwt[1].issuer.url: Duplicate value: "https://example.com"'],
    [mapped({}), "jwt[0].claimMappings.username: Required value: claim or expression is required"],
    [mapped({ username: { claim: "sub" } }), "prefix is required when claim is set"],
    [mapped({ username: { claim: "a", expression: "claims.b" } }), "claim and expression can't both be set"],
    [mapped({ username: { expression: "claims.b", prefix: "" } }), "may not be specified when expression is set"],
    [mapped({ username: { expression: "1" } }), "must evaluate to string"],
    [mapped({ username: { expression: "claims." } }), "compilation failed"],
    [mapped({ username: { expression: "user.username" } }), "undeclared reference to 'user'"],
    [mapped({ username: { expression: "claims.email" } }), "claims.email_verified must be used in"],
    [mapped({ ...bySub, extra: [{ key: "a", valueExpression: "''" }] }), "must be a domain-prefixed path"],
    [mapped({ ...bySub, extra: [{ key: "k8s.io/a", valueExpression: "''" }] }), "reserved for Kubernetes use"],
    [jwt({ claimValidationRules: [{}] }), "jwt[0].claimValidationRules[0]: Required value: claim or expression"],
    [jwt({ userValidationRules: [{ expression: "claims.sub == ''" }] }), "undeclared reference to 'claims'"],
    [jwt({ surprise: true }), 'unknown field "jwt[0].surprise"'],
    [jwt({ issuer: "x" }), "jwt[0].issuer: Invalid value"],
  ])("refuses %j", async (provider, message) => {
    await expect(read({ jwt: Array.isArray(provider) ? provider : [provider as JsonObject] })).rejects.toThrow(message);
  });

  it("lets an address be the user's name where it is looked whether it was verified", async () => {
    const claimMappings = { username: { expression: "claims.email" } };
    const claimValidationRules = [{ expression: "claims.?email_verified.orValue(true) == true" }];
    const provider = jwt({ claimMappings, claimValidationRules });
    expect((await userOf(provider, { email: "c@x" }))?.username).toBe("c@x");
    await expect(userOf(provider, { email: "c@x", email_verified: false })).rejects.toThrow("failed");
  });

  it.each<[JsonObject, string]>([
    [{ kind: "Other" }, "it must be of kind AuthenticationConfiguration"],
    [{ apiVersion: "v1" }, "it must be of kind AuthenticationConfiguration"],
    [{ anonymous: { enabled: false, conditions: [{ path: "/x" }] } }, "enabled should be set to true"],
    [{ __proto__: null, constructor: 1 } as unknown as JsonObject, 'unknown field "constructor"'],
  ])("refuses a file with %j", async (content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });
});

describe("anonymous", () => {
  it("serves those who show nothing on the paths that the file names, and on no others", async () => {
    const target = await openMaster({
      authentication: {
        authenticationConfig: fileOf({ anonymous: { enabled: true, conditions: [{ path: "/metrics" }] } }),
      },
      authorization: { modes: ["RBAC"] },
    });
    const status = async (path: string) => (await target.ask("GET", path, { isKnown: false })).status;
    // Who is somebody, if only nobody in particular, is told that they may not.
    expect(await status("/metrics")).toBe(403);
    expect(await status("/metrics?a=b")).toBe(403);
    expect(await status("/metrics/")).toBe(401);
    expect(await status("/%6detrics")).toBe(401);
    expect(await status("/api")).toBe(401);
  });

  it("is not to be had twice", async () => {
    const authenticationConfig = fileOf({ anonymous: { enabled: true } });
    await expect(openMaster({ authentication: { authenticationConfig, anonymousAuth: true } })).rejects.toThrow(
      "--anonymous-auth flag cannot be set",
    );
    const oidc = { issuerUrl: "https://x", clientId: "me" };
    await expect(openMaster({ authentication: { authenticationConfig, oidc } })).rejects.toThrow("mutually exclusive");
  });
});
