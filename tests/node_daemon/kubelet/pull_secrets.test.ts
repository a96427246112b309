import { describe, expect, it } from "vitest";
import type { ObjectData } from "../../../node_daemon/kubelet/environment.ts";
import { loginsFor } from "../../../node_daemon/kubelet/pull_secrets.ts";
import { makePod } from "./fixtures.ts";

/** A Secret with one entry. */
function secretOf(key: string, value: unknown): ObjectData {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { entries: new Map([[key, new TextEncoder().encode(text)]]), textKeys: new Set([key]) };
}

/** The users of the logins for an image, when the pod names one Secret. */
async function users(image: string, secret: ObjectData | undefined): Promise<readonly string[]> {
  const pod = makePod({ imagePullSecrets: [{ name: "pull" }] });
  const { logins } = await loginsFor(image, pod, { secret: async () => secret });
  return logins.map(({ username, password }) => `${username}:${password}`);
}

const auths = (servers: Record<string, unknown>) => secretOf(".dockerconfigjson", { auths: servers });
const user = (name: string) => ({ username: name, password: "pw" });

describe("loginsFor()", () => {
  it.each([
    ["r.example.com/a/app:1", "r.example.com", true],
    ["r.example.com/a/app@sha256:0", "https://r.example.com/v2/", true],
    ["r.example.com:5000/app", "r.example.com:5000", true],
    ["r.example.com:5000/app", "r.example.com", false],
    ["r.example.com/a/app", "r.example.com/a", true],
    ["r.example.com/ab/app", "r.example.com/a", false],
    ["r.example.com/app", "*.example.com", true],
    ["a.r.example.com/app", "*.example.com", false],
    ["r1.example.com/app", "r*.example.com", true],
    ["other.com/app", "r.example.com", false],
    ["app", "https://index.docker.io/v1/", true],
    ["library/app:1", "docker.io", true],
    ["docker.io/library/app", "index.docker.io", true],
    ["localhost/app", "localhost", true],
    ["R.example.com/app", "r.EXAMPLE.com", true],
  ])("%s and the server %s: %s", async (image, server, fits) => {
    expect(await users(image, auths({ [server]: user("u") }))).toEqual(fits ? ["u:pw"] : []);
  });

  it("tries the entry that says most first", async () => {
    const servers = { "r.example.com": user("all"), "r.example.com/team": user("team"), "*.example.com": user("any") };
    expect(await users("r.example.com/team/app", auths(servers))).toEqual(["team:pw", "all:pw", "any:pw"]);
  });

  it("reads name and password out of auth, and the older kind of Secret", async () => {
    const auth = btoa("robot:a:b");
    expect(await users("r.example.com/app", auths({ "r.example.com": { auth } }))).toEqual(["robot:a:b"]);
    expect(await users("r.example.com/app", secretOf(".dockercfg", { "r.example.com": { auth } }))).toEqual([
      "robot:a:b",
    ]);
  });

  it.each<[string, ObjectData | undefined]>([
    ["no such Secret", undefined],
    ["no JSON", secretOf(".dockerconfigjson", "{")],
    ["a list", secretOf(".dockerconfigjson", { auths: [1] })],
    ["no base64", auths({ "r.example.com": { auth: "%%" } })],
    ["no password", auths({ "r.example.com": { username: "u" } })],
    ["a server by the name of __proto__", secretOf(".dockerconfigjson", '{"auths":{"__proto__":{"auth":"dTpw"}}}')],
  ])("%s gives no login", async (_, secret) => {
    expect(await users("r.example.com/app", secret)).toEqual([]);
  });

  it("takes a pattern of many stars in its stride", async () => {
    const servers = { [`${"*".repeat(10_000)}b.example.com`]: user("u") };
    expect(await users(`${"a".repeat(10_000)}.example.com/app`, auths(servers))).toEqual([]);
  });
});
