import { createHmac } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";
import { openMaster, podObject, type Target } from "./_master.ts";

const accounts = "/api/v1/namespaces/default/serviceaccounts";
const issuer = "https://kubernetes.default.svc.cluster.local";
const clock = new FakeClock(systemClock.now());
let target: Target;

beforeAll(async () => {
  let close = async () => {};
  target = await openMaster({ clock, authorization: { modes: ["AlwaysAllow"] } }, (end) => {
    close = end;
  });
  await target.ask("POST", accounts, {
    body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot" } },
  });
  return close;
});

async function request(spec: JsonObject = {}, name = "robot") {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
  return target.ask("POST", `${accounts}/${name}/token`, { body });
}

async function tokenFor(spec: JsonObject = {}, name = "robot"): Promise<string> {
  return (await request(spec, name)).json.status.token;
}

/** Who a token makes one; the status code when it is refused. */
async function whoIs(token: string) {
  const answer = await target.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
    isKnown: false,
    headers: { authorization: `Bearer ${token}` },
    body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
  });
  return answer.status === 201 ? answer.json.status.userInfo : answer.status;
}

const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString());
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a ServiceAccount token", () => {
  it("says what Kubernetes' do, and is believed", async () => {
    const answer = await request();
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      kind: "TokenRequest",
      metadata: { name: "robot", namespace: "default" },
      spec: { audiences: [issuer], expirationSeconds: 3600, boundObjectRef: null },
    });
    const { token, expirationTimestamp } = answer.json.status;
    const claims = part(token, 1);
    const { uid } = (await target.ask("GET", `${accounts}/robot`)).json.metadata;
    expect(claims).toEqual({
      aud: [issuer],
      exp: Date.parse(expirationTimestamp) / 1000,
      iat: claims.exp - 3600,
      iss: issuer,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      "kubernetes.io": { namespace: "default", serviceaccount: { name: "robot", uid } },
      nbf: claims.iat,
      sub: "system:serviceaccount:default:robot",
    });
    expect(await whoIs(token)).toEqual({
      username: "system:serviceaccount:default:robot",
      uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`] },
    });
  });

  it("can be verified by others with the keys that the server publishes", async () => {
    const document = (await target.ask("GET", "/.well-known/openid-configuration")).json;
    expect(document).toMatchObject({
      issuer,
      jwks_uri: expect.stringMatching(/\/openid\/v1\/jwks$/),
      subject_types_supported: ["public"],
    });
    const keys = (await target.ask("GET", new URL(document.jwks_uri).pathname)).json;
    expect(JSON.stringify(keys)).not.toContain('"d"');
    const token = await tokenFor();
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer,
      audience: issuer,
      currentDate: new Date(clock.now()),
    });
    expect(payload.sub).toBe("system:serviceaccount:default:robot");
    expect(document.id_token_signing_alg_values_supported).toEqual([keys.keys[0].alg]);
  });

  it("is good for the audience that it names only", async () => {
    const token = await tokenFor({ audiences: ["vault"] });
    expect(await whoIs(token)).toBe(401);
    const review = async (audiences: readonly string[]) =>
      (
        await target.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
          body: {
            apiVersion: "authentication.k8s.io/v1",
            kind: "TokenReview",
            spec: { token, audiences: [...audiences] },
          },
        })
      ).json.status;
    expect(await review(["vault", "other"])).toMatchObject({ authenticated: true, audiences: ["vault"] });
    expect(await review([])).toMatchObject({
      error: `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${issuer}"]]`,
    });
  });

  it("ends when it says", async () => {
    const token = await tokenFor({ expirationSeconds: 600 });
    expect(await whoIs(token)).toMatchObject({ username: "system:serviceaccount:default:robot" });
    await clock.advance(600_000);
    expect(await whoIs(token)).toBe(401);
  });

  it.each<[JsonObject, string]>([
    [
      { expirationSeconds: 1 },
      "spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes",
    ],
    [
      { expirationSeconds: 2 ** 33 },
      "spec.expirationSeconds: Invalid value: 8589934592: may not specify a duration larger than 2^32 seconds",
    ],
  ])("is not made for %j", async (spec, message) => {
    const answer = await request(spec);
    expect([answer.status, answer.json.message]).toEqual([
      422,
      `TokenRequest.authentication.k8s.io "" is invalid: ${message}`,
    ]);
  });

  it("is not made for an account that is not there, nor bound to what cannot be", async () => {
    expect((await request({}, "nobody")).json.message).toBe('serviceaccounts "nobody" not found');
    expect(
      (await request({ boundObjectRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" } })).json.message,
    ).toBe("cannot bind token to object of type apps/v1, Kind=Deployment");
    expect((await request({ boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "none" } })).json.message).toBe(
      'pods "none" not found',
    );
  });

  it("that is changed is nobody's", async () => {
    const token = await tokenFor();
    const [head = "", body = "", signature = ""] = token.split(".");
    const keys = (await target.ask("GET", "/openid/v1/jwks")).text;
    const admin = encode({ ...part(token, 1), sub: "system:serviceaccount:kube-system:admin" });
    const mac = (text: string) => createHmac("sha256", keys).update(text).digest("base64url");
    const hmacHead = encode({ ...part(token, 0), alg: "HS256" });
    for (const wrong of [
      `${head}.${admin}.${signature}`,
      `${encode({ alg: "none" })}.${body}.`,
      `${encode({ ...part(token, 0), alg: "none" })}.${body}.${signature}`,
      `${hmacHead}.${body}.${mac(`${hmacHead}.${body}`)}`,
      `${head}.${body}.${signature.slice(0, -4)}`,
      `${head}.${body}.${signature}AA`,
      `${head}.${body}`,
      `${token}.${token}`,
      token.toUpperCase(),
      `${encode({ alg: "ES256", kid: "__proto__" })}.${body}.${signature}`,
    ])
      expect([wrong, await whoIs(wrong)]).toEqual([wrong, 401]);
    expect(await whoIs(token)).not.toBe(401);
  });

  it("ends with its account, even when one of the same name is made", async () => {
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "short" } };
    await target.ask("POST", accounts, { body: account });
    const token = await tokenFor({}, "short");
    expect(await whoIs(token)).not.toBe(401);
    await target.ask("DELETE", `${accounts}/short`);
    expect(await whoIs(token)).toBe(401);
    await target.ask("POST", accounts, { body: account });
    expect(await whoIs(token)).toBe(401);
  });

  it("ends with the pod that it is bound to, and tells of it", async () => {
    const pods = "/api/v1/namespaces/default/pods";
    const pod = (
      await target.ask("POST", pods, { body: podObject("holder", { serviceAccountName: "robot", nodeName: "n1" }) })
    ).json;
    const { uid } = pod.metadata;
    const ref = { apiVersion: "v1", kind: "Pod", name: "holder" };
    expect((await request({ boundObjectRef: { ...ref, uid: "other" } })).status).toBe(409);
    expect((await request({ boundObjectRef: ref }, "default")).json.message).toContain("different serviceaccount name");
    const token = await tokenFor({ boundObjectRef: { ...ref, uid }, expirationSeconds: 3607 });
    const claims = part(token, 1);
    expect(claims["kubernetes.io"]).toMatchObject({
      pod: { name: "holder", uid },
      node: { name: "n1" },
      warnafter: claims.iat + 3607,
    });
    expect(claims.exp - claims.iat).toBe(365 * 24 * 3600);
    expect((await whoIs(token)).extra).toMatchObject({
      "authentication.kubernetes.io/pod-name": ["holder"],
      "authentication.kubernetes.io/pod-uid": [uid],
      "authentication.kubernetes.io/node-name": ["n1"],
    });
    await target.ask("DELETE", `${pods}/holder?gracePeriodSeconds=0`);
    expect(await whoIs(token)).toBe(401);
  });
});
