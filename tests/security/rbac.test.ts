import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { openMaster, podObject, type Target } from "./_master.ts";

const rbac = "/apis/rbac.authorization.k8s.io/v1";
const apiVersion = "rbac.authorization.k8s.io/v1";
let target: Target;

beforeAll(async () => {
  let close = async () => {};
  target = await openMaster(
    {
      tokens: new Map([
        ["security-token-1234567890", { username: "root", groups: ["system:masters"] }],
        ["bob-token-1234567890", { username: "bob", groups: ["dev"] }],
      ]),
    },
    (end) => {
      close = end;
    },
  );
  await until(async () => (await target.ask("GET", "/readyz")).status === 200);
  return close;
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("Cannot wait any longer");
}

const bob = (method: string, path: string, body?: JsonObject, type?: string) =>
  target.ask(method, path, {
    isKnown: false,
    headers: { authorization: "Bearer bob-token-1234567890" },
    ...(body ? { body } : {}),
    ...(type ? { type } : {}),
  });
const root = (method: string, path: string, body?: JsonObject) => target.ask(method, path, body ? { body } : {});

const role = (name: string, rules: JsonObject[], kind = "Role"): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name },
  rules,
});
const binding = (name: string, roleRef: JsonObject, kind = "RoleBinding"): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", ...roleRef },
  subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "bob" }],
});
const rule = (verbs: string[], resources: string[], more: JsonObject = {}): JsonObject => ({
  apiGroups: [""],
  verbs,
  resources,
  ...more,
});

/** A namespace in which bob has some rights. */
async function roomFor(name: string, rules: JsonObject[]): Promise<string> {
  await root("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await root("POST", `${rbac}/namespaces/${name}/roles`, role("bobs", rules));
  await root("POST", `${rbac}/namespaces/${name}/rolebindings`, binding("bobs", { kind: "Role", name: "bobs" }));
  return name;
}

describe("who monitors", () => {
  it("may read the server's metrics, and nothing that is stored", async () => {
    const headers = { "impersonate-user": "prometheus", "impersonate-group": "system:monitoring" };
    expect((await target.ask("GET", "/metrics", { headers })).status).toBe(200);
    expect((await target.ask("GET", "/api/v1/pods", { headers })).status).toBe(403);
  });
});

describe("who has no role", () => {
  it("may ask what there is and who they are, and nothing else", async () => {
    for (const path of ["/version", "/api", "/apis", "/openapi/v3", "/readyz"])
      expect([path, (await bob("GET", path)).status]).toEqual([path, 200]);
    expect((await bob("GET", "/metrics")).json.message).toBe('forbidden: User "bob" cannot get path "/metrics"');
    expect((await bob("GET", "/api/v1/namespaces/default/secrets")).json).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message:
        'secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "default"',
      details: { kind: "secrets" },
    });
    expect((await bob("POST", "/api/v1/namespaces/default/pods", podObject("x"))).status).toBe(403);
  });
});

describe("a role", () => {
  it("holds at once, in its namespace, and no longer than its binding", async () => {
    const room = await roomFor("rights", [rule(["get", "list"], ["configmaps"])]);
    expect((await bob("GET", `/api/v1/namespaces/${room}/configmaps`)).status).toBe(200);
    expect((await bob("GET", "/api/v1/namespaces/default/configmaps")).status).toBe(403);
    expect((await bob("GET", "/api/v1/configmaps")).status).toBe(403);
    await root("DELETE", `${rbac}/namespaces/${room}/rolebindings/bobs`);
    expect((await bob("GET", `/api/v1/namespaces/${room}/configmaps`)).status).toBe(403);
  });

  it("about one name gives no list, unless only that name is asked for", async () => {
    const room = await roomFor("names", [rule(["get", "list", "watch"], ["secrets"], { resourceNames: ["mine"] })]);
    const secrets = `/api/v1/namespaces/${room}/secrets`;
    expect((await bob("GET", `${secrets}/mine`)).status).toBe(404);
    expect((await bob("GET", `${secrets}/other`)).status).toBe(403);
    expect((await bob("GET", secrets)).status).toBe(403);
    expect((await bob("GET", `${secrets}?fieldSelector=metadata.name%3Dmine`)).status).toBe(200);
    expect((await bob("GET", `${secrets}?fieldSelector=metadata.name!%3Dmine`)).status).toBe(403);
    expect((await bob("GET", `${secrets}?fieldSelector=metadata.name%3Dother`)).status).toBe(403);
    expect((await bob("GET", `${secrets}/mine/../other`)).status).not.toBe(200);
  });

  it("about pods/exec lets one run commands only by create, whatever the transport", async () => {
    const room = await roomFor("exec", [rule(["get"], ["pods", "pods/exec"])]);
    await root("POST", `/api/v1/namespaces/${room}/pods`, podObject("p"));
    const answer = await target.raw(
      `GET /api/v1/namespaces/${room}/pods/p/exec?command=id HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bob-token-1234567890\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 [\s\S]*cannot create resource \\"pods\/exec\\"/);
  });

  it("of a namespace lets one read the namespace itself", async () => {
    const room = await roomFor("itself", [rule(["get"], ["namespaces"])]);
    expect((await bob("GET", `/api/v1/namespaces/${room}`)).status).toBe(200);
    expect((await bob("GET", "/api/v1/namespaces/default")).json.message).toBe(
      'namespaces "default" is forbidden: User "bob" cannot get resource "namespaces" in API group "" in the namespace "default"',
    );
  });

  it("that is not there is named to whom it would have helped", async () => {
    await root(
      "POST",
      `${rbac}/namespaces/default/rolebindings`,
      binding("lost", { kind: "ClusterRole", name: "nowhere" }),
    );
    expect((await bob("GET", "/api/v1/namespaces/default/pods")).json.message).toBe(
      'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found',
    );
  });
});

describe("giving rights away", () => {
  const roleRights = {
    apiGroups: ["rbac.authorization.k8s.io"],
    verbs: ["create", "update", "patch", "get"],
    resources: ["roles", "rolebindings"],
  };

  it("is refused beyond one's own, by create, update and patch", async () => {
    const room = await roomFor("escalation", [roleRights, rule(["get"], ["pods"])]);
    const roles = `${rbac}/namespaces/${room}/roles`;
    expect((await bob("POST", roles, role("same", [rule(["get"], ["pods"])]))).status).toBe(201);
    const wider = [rule(["get", "delete"], ["pods", "secrets"])];
    const message =
      'roles.rbac.authorization.k8s.io "NAME" is forbidden: user "bob" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete"]}';
    const created = await bob("POST", roles, role("wider", wider));
    expect([created.status, created.json.message]).toEqual([403, message.replace("NAME", "wider")]);
    const updated = await bob("PUT", `${roles}/same`, role("same", wider));
    expect([updated.status, updated.json.message]).toEqual([403, message.replace("NAME", "same")]);
    const patched = await bob("PATCH", `${roles}/same`, { rules: wider }, "application/merge-patch+json");
    expect(patched.status).toBe(403);
    expect(
      (await bob("PATCH", `${roles}/same`, { metadata: { labels: { a: "b" } } }, "application/merge-patch+json"))
        .status,
    ).toBe(200);
  });

  it("is refused by binding a role that is more than one has, unless one may bind it", async () => {
    const room = await roomFor("binding", [roleRights]);
    const bindings = `${rbac}/namespaces/${room}/rolebindings`;
    const refused = await bob("POST", bindings, binding("all", { kind: "ClusterRole", name: "cluster-admin" }));
    expect([refused.status, refused.json.message]).toEqual([
      403,
      expect.stringContaining(
        'is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
      ),
    ]);
    expect((await bob("POST", bindings, binding("none", { kind: "Role", name: "missing" }))).json.message).toBe(
      'roles.rbac.authorization.k8s.io "missing" not found',
    );
    await root(
      "POST",
      `${rbac}/namespaces/${room}/roles`,
      role("binder", [
        {
          apiGroups: ["rbac.authorization.k8s.io"],
          verbs: ["bind"],
          resources: ["clusterroles"],
          resourceNames: ["view"],
        },
      ]),
    );
    await root("POST", bindings, binding("binder", { kind: "Role", name: "binder" }));
    expect((await bob("POST", bindings, binding("view", { kind: "ClusterRole", name: "view" }))).status).toBe(201);
    expect((await bob("POST", bindings, binding("edit", { kind: "ClusterRole", name: "edit" }))).status).toBe(403);
  });
});

describe("the roles that every cluster has", () => {
  it("are there once the server is ready, and admin gains what is labelled for it", async () => {
    const names = (await root("GET", `${rbac}/clusterroles`)).json.items.map(
      (one: { metadata: { name: string } }) => one.metadata.name,
    );
    expect(names).toEqual(
      expect.arrayContaining([
        "cluster-admin",
        "admin",
        "edit",
        "view",
        "system:node",
        "system:controller:job-controller",
      ]),
    );
    const made = role("more", [{ apiGroups: ["example.com"], resources: ["things"], verbs: ["get"] }], "ClusterRole");
    await root("POST", `${rbac}/clusterroles`, {
      ...made,
      metadata: { name: "more", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
    });
    for (const name of ["view", "edit", "admin"])
      await until(async () =>
        JSON.stringify((await root("GET", `${rbac}/clusterroles/${name}`)).json.rules).includes("example.com"),
      );
    await root("DELETE", `${rbac}/clusterroles/more`);
    await until(
      async () => !JSON.stringify((await root("GET", `${rbac}/clusterroles/admin`)).json.rules).includes("example.com"),
    );
  });
});
