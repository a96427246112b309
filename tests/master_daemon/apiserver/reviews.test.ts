import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { tokenFileAuthenticator } from "../../../master_daemon/authentication/token_file.ts";
import type { Authorizer } from "../../../master_daemon/authorization/authorizer.ts";
import { openApi } from "./_api.ts";

const group = "authorization.k8s.io/v1";
const url = `/apis/${group}`;

/** Bob may list pods in n; what is asked about nodes goes wrong. */
const authorizer: Authorizer = {
  async authorize({ username, groups }, attributes) {
    if (groups.includes("system:masters")) return { allowed: true };
    if (attributes.type === "path")
      return { allowed: attributes.path === "/healthz", denied: attributes.path === "/never" };
    if (attributes.resource === "nodes") return { allowed: false, reason: "RBAC: broken", error: "broken" };
    const { verb, resource, namespace } = attributes;
    if (resource === "selfsubjectaccessreviews") return { allowed: true };
    return { allowed: username === "bob" && `${verb} ${resource} ${namespace}` === "list pods n", reason: "because" };
  },
  rulesFor: async ({ username }, namespace) => ({
    resourceRules: [{ verbs: ["list"], apiGroups: [""], resources: [`${username}-${namespace}`] }],
    pathRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }],
    incomplete: false,
  }),
};

const open = () =>
  openApi({
    authorizer,
    authenticators: [
      tokenFileAuthenticator(new Map([["secret-token", { username: "bob", uid: "7", groups: ["dev"] }]])),
    ],
    apiAudiences: ["api"],
    namespaces: ["n"],
  });

const review = (kind: string, spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: group,
  kind,
  metadata,
  spec,
});

describe("subjectaccessreviews", () => {
  const pods = { verb: "list", resource: "pods", namespace: "n" };

  it.each<[string, JsonObject, JsonObject]>([
    ["what is allowed", { user: "bob", resourceAttributes: pods }, { allowed: true, reason: "because" }],
    ["what is not", { user: "eve", resourceAttributes: pods }, { allowed: false, reason: "because" }],
    [
      "another namespace",
      { user: "bob", resourceAttributes: { ...pods, namespace: "m" } },
      { allowed: false, reason: "because" },
    ],
    ["a path", { groups: ["dev"], nonResourceAttributes: { verb: "get", path: "/healthz" } }, { allowed: true }],
    [
      "a path that is denied",
      { user: "bob", nonResourceAttributes: { path: "/never" } },
      { allowed: false, denied: true },
    ],
    [
      "what cannot be decided",
      { user: "bob", resourceAttributes: { verb: "get", resource: "nodes" } },
      { allowed: false, reason: "RBAC: broken", evaluationError: "broken" },
    ],
  ])("tells of %s", async (_what, spec, status) => {
    const api = await open();
    const answer = await api.create(`${url}/subjectaccessreviews`, review("SubjectAccessReview", spec));
    expect([answer.status, answer.json.kind, answer.json.status]).toEqual([201, "SubjectAccessReview", status]);
    expect(answer.json.spec).toEqual(spec);
  });

  it.each<[JsonObject, JsonObject, string]>([
    [
      { user: "bob" },
      {},
      "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    ],
    [
      { user: "bob", resourceAttributes: { verb: "get" }, nonResourceAttributes: { verb: "get" } },
      {},
      'spec.nonResourceAttributes: Invalid value: {"verb":"get"}: cannot be specified in combination with resourceAttributes',
    ],
    [{ resourceAttributes: pods }, {}, 'spec.user: Invalid value: "": at least one of user or group must be specified'],
    [{ user: "bob", resourceAttributes: pods }, { name: "x" }, 'metadata: Invalid value: {"name":"x"}: must be empty'],
    [
      { user: "bob", resourceAttributes: { ...pods, fieldSelector: {} } },
      {},
      "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required",
    ],
    [
      { user: "bob", resourceAttributes: { ...pods, labelSelector: { requirements: [{ key: "a", operator: "In" }] } } },
      {},
      "spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
    ],
  ])("refuses %j", async (spec, metadata, message) => {
    const api = await open();
    const answer = await api.create(`${url}/subjectaccessreviews`, review("SubjectAccessReview", spec, metadata));
    expect(answer.status).toBe(422);
    expect(answer.json.message).toBe(`SubjectAccessReview.authorization.k8s.io "" is invalid: ${message}`);
  });

  it("can be asked in one namespace, and of that only", async () => {
    const api = await open();
    const ask = (spec: JsonObject) =>
      api.create(`${url}/namespaces/n/localsubjectaccessreviews`, review("LocalSubjectAccessReview", spec));
    expect((await ask({ user: "bob", resourceAttributes: pods })).json.status.allowed).toBe(true);
    expect((await ask({ user: "bob", resourceAttributes: { ...pods, namespace: "m" } })).json.message).toContain(
      'spec.resourceAttributes.namespace: Invalid value: "m": must match metadata.namespace',
    );
  });

  it("are not stored: they can only be created", async () => {
    const api = await open();
    expect((await api.call("GET", `${url}/subjectaccessreviews`)).status).toBe(405);
    expect((await api.call("GET", `${url}/subjectaccessreviews/x`)).status).toBe(405);
    expect((await api.create(`${url}/localsubjectaccessreviews`, review("LocalSubjectAccessReview", {}))).status).toBe(
      404,
    );
  });
});

describe("reviews of oneself", () => {
  const self = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

  it("answer for whoever asks, impersonated or not", async () => {
    const api = await open();
    const can = (headers: Record<string, string>) =>
      api.call(
        "POST",
        `${url}/selfsubjectaccessreviews`,
        review("SelfSubjectAccessReview", { resourceAttributes: { verb: "list", resource: "pods", namespace: "n" } }),
        headers,
      );
    expect((await can({})).json.status).toEqual({ allowed: true });
    expect((await can({ "impersonate-user": "bob" })).json.status).toEqual({ allowed: true, reason: "because" });
    expect((await can({ "impersonate-user": "eve" })).json.status).toEqual({ allowed: false, reason: "because" });
  });

  it("tell who one is", async () => {
    const api = await open();
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const answer = await api.call("POST", self, body);
    expect([answer.status, answer.json.status]).toEqual([
      201,
      { userInfo: { username: "admin", groups: ["system:masters", "system:authenticated"] } },
    ]);
  });

  it("list what one may do, in one namespace", async () => {
    const api = await open();
    const ask = (spec: JsonObject) =>
      api.create(`${url}/selfsubjectrulesreviews`, review("SelfSubjectRulesReview", spec));
    expect((await ask({ namespace: "n" })).json.status).toEqual({
      resourceRules: [{ verbs: ["list"], apiGroups: [""], resources: ["admin-n"] }],
      nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }],
      incomplete: false,
    });
    expect((await ask({})).json).toMatchObject({ code: 400, message: "no namespace on request" });
  });
});

describe("tokenreviews", () => {
  const ask = async (spec: JsonObject) => {
    const api = await open();
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec };
    return api.create("/apis/authentication.k8s.io/v1/tokenreviews", body);
  };

  it("tell whom a token stands for", async () => {
    expect((await ask({ token: "secret-token" })).json.status).toEqual({
      authenticated: true,
      user: { username: "bob", uid: "7", groups: ["dev", "system:authenticated"] },
      audiences: ["api"],
    });
  });

  it("know nothing of a token that is wrong, or meant for others", async () => {
    expect((await ask({ token: "wrong" })).json.status).toEqual({ user: {}, error: "invalid bearer token" });
    expect((await ask({ token: "secret-token", audiences: ["other"] })).json.status.authenticated).toBeUndefined();
    expect((await ask({ token: "secret-token", audiences: ["other", "api"] })).json.status.audiences).toEqual(["api"]);
    expect((await ask({})).json.message).toBe("token is required for TokenReview in authentication");
  });
});
