import { describe, expect, it } from "vitest";
import { authenticate } from "../../../master_daemon/authentication/authenticator.ts";
import { certificateAuthenticator } from "../../../master_daemon/authentication/client_certificate.ts";
import { parseTokenFile, tokenFileAuthenticator } from "../../../master_daemon/authentication/token_file.ts";
import { authorizersOf } from "../../../master_daemon/authorization/mod.ts";

const tokens = parseTokenFile('# comment\nabc,alice,1,"dev,ops"\n\ndef,bob,2\nghi,carol,,single\n');

describe("parseTokenFile()", () => {
  it("reads users, uids and groups", () => {
    expect([...tokens]).toEqual([
      ["abc", { username: "alice", uid: "1", groups: ["dev", "ops"] }],
      ["def", { username: "bob", uid: "2", groups: [] }],
      ["ghi", { username: "carol", groups: ["single"] }],
    ]);
  });

  it("names the line that is wrong, not what stands in it", () => {
    expect(() => parseTokenFile("abc,alice,1\nsecret-only\n")).toThrow("line 2 must be token,user,uid");
    expect(() => parseTokenFile("secret-only")).not.toThrow("secret-only");
  });
});

describe("authenticate()", () => {
  const all = [certificateAuthenticator(), tokenFileAuthenticator(tokens)];
  const ask = (authorization: string | undefined, certificate?: { commonName: string; organizations: string[] }) =>
    authenticate(
      { authenticators: all, audiences: ["api"] },
      { headers: authorization === undefined ? {} : { authorization }, certificate },
    );

  it("knows tokens, whatever the case of Bearer, and adds system:authenticated", async () => {
    expect(await ask("Bearer abc")).toEqual({
      username: "alice",
      uid: "1",
      groups: ["dev", "ops", "system:authenticated"],
    });
    expect((await ask("bearer def"))?.username).toBe("bob");
  });

  it("knows certificates", async () => {
    expect(await ask(undefined, { commonName: "eve", organizations: ["x"] })).toEqual({
      username: "eve",
      groups: ["x", "system:authenticated"],
    });
  });

  it("is undefined without credentials", async () => {
    expect(await ask(undefined)).toBeUndefined();
    expect(await ask(undefined, { commonName: "", organizations: [] })).toBeUndefined();
  });

  it.each([
    "Bearer ABC",
    "Bearer ab",
    "Bearer abcd",
    "Bearer",
    "Bearer  ",
    "Basic abc",
    "abc",
    "Bearer __proto__",
    "Bearer abc def",
    "",
  ])("refuses %j", async (authorization) => {
    await expect(ask(authorization)).rejects.toMatchObject({ code: 401, message: "Unauthorized" });
  });
});

describe("authorizersOf()", () => {
  it.each([
    [[], "at least one authorization-mode must be passed"],
    [["RBAC", "Nod"], '"Nod" is not a valid mode: use AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook'],
    [["RBAC", "RBAC"], '"RBAC" stands there more than once'],
    [["Webhook"], "authorization config file not passed"],
  ])("refuses %j", async (modes, message) => {
    await expect(authorizersOf({ modes })).rejects.toThrow(message);
  });
});
