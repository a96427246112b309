import { createHmac } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CertificateAndKey,
  createAuthority,
  issueCertificate,
  selfSigned,
} from "../../core/platform/certificates.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { answersIn, openMaster, type Target, token } from "./_master.ts";

const secrets = "/api/v1/namespaces/default/secrets";
const clock = systemClock;
let target: Target;

beforeAll(async () => {
  target = await openMaster({}, () => {});
});
afterAll(() => target.close());

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { sub: "admin", groups: ["system:masters"], iss: "kubernetes/serviceaccount", exp: 4_000_000_000 };
const unsigned = `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`;

function signedWith(key: string): string {
  const content = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${content}.${createHmac("sha256", key).update(content).digest("base64url")}`;
}

describe("a request with wrong credentials is nobody's", () => {
  const wrong: readonly [string, () => Record<string, string>][] = [
    ["none", () => ({})],
    ["an empty header", () => ({ authorization: "" })],
    ["a scheme alone", () => ({ authorization: "Bearer" })],
    ["another token", () => ({ authorization: "Bearer x" })],
    ["the token, one character short", () => ({ authorization: `Bearer ${token.slice(0, -1)}` })],
    ["the token, its first character missing", () => ({ authorization: `Bearer ${token.slice(1)}` })],
    ["the token and more", () => ({ authorization: `Bearer ${token}x` })],
    ["the token twice", () => ({ authorization: `Bearer ${token} ${token}` })],
    ["the token in a list", () => ({ authorization: `Bearer x, Bearer ${token}` })],
    ["the token in capitals", () => ({ authorization: `Bearer ${token.toUpperCase()}` })],
    ["the token in quotes", () => ({ authorization: `Bearer "${token}"` })],
    ["the token without its scheme", () => ({ authorization: token })],
    ["the token by another scheme", () => ({ authorization: `Token ${token}` })],
    ["Basic", () => ({ authorization: `Basic ${Buffer.from(`alice:${token}`).toString("base64")}` })],
    ["Basic with the bare token", () => ({ authorization: `Basic ${token}` })],
    ["__proto__", () => ({ authorization: "Bearer __proto__" })],
    ["constructor", () => ({ authorization: "Bearer constructor" })],
    ["a token of 60 kB", () => ({ authorization: `Bearer ${"a".repeat(60_000)}` })],
    ["a JWT without a signature", () => ({ authorization: `Bearer ${unsigned}` })],
    ["a JWT signed with the CA's certificate", () => ({ authorization: `Bearer ${signedWith(target.ca)}` })],
    ["a JWT signed with nothing", () => ({ authorization: `Bearer ${signedWith("")}` })],
    ["the front proxy's headers", () => ({ "x-remote-user": "admin", "x-remote-group": "system:masters" })],
    ["the token in a cookie", () => ({ cookie: `token=${token}; Authorization=Bearer ${token}` })],
    [
      "the token in another header",
      () => ({ "x-authorization": `Bearer ${token}`, "proxy-authorization": `Bearer ${token}` }),
    ],
    [
      "the token as a WebSocket protocol",
      () => ({
        "sec-websocket-protocol": `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`,
      }),
    ],
  ];
  it.each(wrong)("%s", async (_name, headers) => {
    for (const path of [secrets, "/api", "/apis", "/openapi/v2", "/openapi/v3", "/metrics", "/", "/nothing"]) {
      const { status, json } = await target.ask("GET", path, { isKnown: false, headers: headers() });
      expect([path, status]).toEqual([path, 401]);
      expect(json).toEqual({
        apiVersion: "v1",
        kind: "Status",
        metadata: {},
        status: "Failure",
        message: "Unauthorized",
        reason: "Unauthorized",
        code: 401,
      });
    }
  });

  it.each([`token=${token}`, `access_token=${token}`, `authorization=Bearer%20${token}`])(
    "the token in the query: %s",
    async (query) => {
      expect((await target.ask("GET", `${secrets}?${query}`, { isKnown: false })).status).toBe(401);
    },
  );

  it("but anybody may ask for health and version, and for nothing besides", async () => {
    for (const path of ["/healthz", "/livez", "/readyz", "/livez/ping", "/version"])
      expect([path, (await target.ask("GET", path, { isKnown: false })).status]).toEqual([path, 200]);
    for (const path of ["/healthz/../api/v1/secrets", "/version/../metrics", "/healthz%2f..%2fapi"])
      expect((await target.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).slice(0, 12)).toBe(
        "HTTP/1.1 400",
      );
    expect((await target.ask("POST", "/version", { isKnown: false })).status).toBe(405);
    expect(
      (await target.ask("GET", "/healthz", { isKnown: false, headers: { authorization: "Bearer x" } })).status,
    ).toBe(401);
  });
});

describe("impersonation", () => {
  const ask = async (headers: Readonly<Record<string, string>>): Promise<string> => {
    // Nobody but members of system:masters, such as alice, may do anything there.
    const strict = await openMaster({ authorization: { modes: ["AlwaysDeny"] } });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = await strict.raw(
      `GET ${secrets} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n${lines.join("")}Connection: close\r\n\r\n`,
    );
    expect(answersIn(answer)).toBe(1);
    return answer;
  };

  it.each([
    { "impersonate-user": "bob" },
    { "impersonate-user": "bob", "impersonate-group": "dev" },
    { "impersonate-user": "bob", "impersonate-extra-__proto__": "x" },
    { "impersonate-user": "bob", connection: "impersonate-user" },
    { "IMPERSONATE-USER": "bob" },
  ])("gives nothing of one's own rights: %j", async (headers) => {
    expect(await ask(headers)).toMatch(/^HTTP\/1\.1 403 [\s\S]*User \\"bob\\" cannot list resource/);
  });

  it.each([
    { "impersonate-group": "dev" },
    { "impersonate-uid": "1" },
    { "impersonate-extra-scopes": "x" },
    { "impersonate-user": "" },
    { "impersonate-extra-__proto__": "x" },
    { "impersonate-unknown": "x" },
  ])("of nobody is refused, never ignored: %j", async (headers) => {
    expect(await ask(headers)).toMatch(/^HTTP\/1\.1 500 [\s\S]*without impersonating a user/);
  });

  it("says nothing to who is nobody", async () => {
    const { status } = await target.ask("GET", secrets, { isKnown: false, headers: { "impersonate-user": "bob" } });
    expect(status).toBe(401);
  });
});

describe("a client certificate", () => {
  /** Status of a GET as whom a certificate says. */
  function status(pair: CertificateAndKey | undefined): Promise<number> {
    const url = new URL(`${target.master.url}${secrets}`);
    const tls = pair ? { cert: pair.certificate, key: pair.key } : {};
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, { ca: target.ca, agent: false, ...tls }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", reject).end();
    });
  }
  const masters = { commonName: "admin", organizations: ["system:masters"] };

  it("of the cluster's authority is taken, for whom it names", async () => {
    expect(await status(await target.master.issueClientCertificate(masters))).toBe(200);
    expect(await status(await target.master.issueClientCertificate({ commonName: "bob" }))).toBe(403);
  });

  it.each<[string, () => Promise<CertificateAndKey>]>([
    [
      "of another authority",
      async () =>
        issueCertificate(await createAuthority({ commonName: "kubernetes", clock }), {
          ...masters,
          usage: "client",
          clock,
        }),
    ],
    ["that signed itself", () => selfSigned({ ...masters, usage: "client", clock })],
    [
      "that names nobody",
      () => target.master.issueClientCertificate({ commonName: "", organizations: ["system:masters"] }),
    ],
  ])("%s is none", async (_name, make) => {
    expect(await status(await make())).toBe(401);
  });

  it("is nobody's in a session that began without one and is resumed", async () => {
    const ask = (session?: Buffer) =>
      new Promise<{ readonly text: string; readonly session: Buffer | undefined; readonly isReused: boolean }>(
        (resolve) => {
          let ticket: Buffer | undefined;
          let text = "";
          const socket: TLSSocket = connect({
            host: "127.0.0.1",
            port: target.master.port ?? 0,
            ca: target.ca,
            ALPNProtocols: ["http/1.1"],
            ...(session ? { session } : {}),
          });
          socket.on("session", (found) => {
            ticket = found;
          });
          socket.on("data", (part) => {
            text += part;
          });
          socket.on("close", () => resolve({ text, session: ticket, isReused: socket.isSessionReused() }));
          socket.write(`GET ${secrets} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        },
      );
    const first = await ask();
    const second = await ask(first.session);
    expect([first, second].map(({ text }) => text.slice(0, 12))).toEqual(["HTTP/1.1 401", "HTTP/1.1 401"]);
  });
});
