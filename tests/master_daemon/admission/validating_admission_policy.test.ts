import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi, type TestApi } from "../apiserver/_api.ts";

const group = "/apis/admissionregistration.k8s.io/v1";
const path = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, data: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

async function policy(api: TestApi, name: string, spec: JsonObject, binding: JsonObject = {}): Promise<void> {
  const created = await api.create(`${group}/validatingadmissionpolicies`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] },
        ],
      },
      ...spec,
    },
  });
  expect(created.status, created.text).toBe(201);
  const bound = await api.create(`${group}/validatingadmissionpolicybindings`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: `${name}-binding` },
    spec: { policyName: name, validationActions: ["Deny"], ...binding },
  });
  expect(bound.status, bound.text).toBe(201);
}

const limit = { validations: [{ expression: "int(object.data.n) <= 5" }] };

describe("ValidatingAdmissionPolicy", () => {
  it("refuses what breaks it, from the moment its write is answered", async () => {
    const api = await openApi();
    await policy(api, "limit", limit);
    expect((await api.create(path, configMap("a", { n: "5" }))).status).toBe(201);
    const answer = await api.create(path, configMap("b", { n: "6" }));
    const message =
      "ValidatingAdmissionPolicy 'limit' with binding 'limit-binding' denied request: failed expression: int(object.data.n) <= 5";
    expect(answer.json).toMatchObject({
      code: 422,
      reason: "Invalid",
      message: `configmaps "b" is forbidden: ${message}`,
      details: { name: "b", kind: "configmaps", causes: [{ message }] },
    });
    expect((await api.call("DELETE", `${group}/validatingadmissionpolicybindings/limit-binding`)).status).toBe(200);
    expect((await api.create(path, configMap("b", { n: "6" }))).status).toBe(201);
  });

  it.each<[JsonObject, number, string]>([
    [{ message: " too many " }, 422, "too many"],
    [{ messageExpression: "'at most 5, not ' + object.data.n", message: "x" }, 422, "at most 5, not 6"],
    [{ messageExpression: "object.data.missing", message: "fallback" }, 422, "fallback"],
    [{ reason: "Forbidden" }, 403, "failed expression: int(object.data.n) <= 5"],
    [{ reason: "Unauthorized" }, 401, "failed expression: int(object.data.n) <= 5"],
    [{ reason: "RequestEntityTooLarge" }, 413, "failed expression: int(object.data.n) <= 5"],
  ])("says what %j says", async (more, code, words) => {
    const api = await openApi();
    await policy(api, "limit", { validations: [{ expression: "int(object.data.n) <= 5", ...more }] });
    const answer = await api.create(path, configMap("b", { n: "6" }));
    expect(answer.status).toBe(code);
    expect(answer.json.message).toBe(
      `configmaps "b" is forbidden: ValidatingAdmissionPolicy 'limit' with binding 'limit-binding' denied request: ${words}`,
    );
  });

  it("refuses when an expression fails, unless failures are ignored", async () => {
    const api = await openApi();
    await policy(api, "limit", limit);
    const answer = await api.create(path, configMap("b", { n: "x" }));
    expect(answer.json.message).toContain(
      `denied request: expression 'int(object.data.n) <= 5' resulted in error: strconv.ParseInt: parsing "x": invalid syntax`,
    );
    const other = await openApi();
    await policy(other, "limit", { ...limit, failurePolicy: "Ignore" });
    expect((await other.create(path, configMap("b", { n: "x" }))).status).toBe(201);
  });

  it.each<[JsonObject, string]>([
    [
      { validations: [{ expression: "object.x + 1 == request.nothing" }] },
      `spec.validations[0].expression: Invalid value: "object.x + 1 == request.nothing": compilation failed: ERROR: <input>:1:24: undefined field 'nothing'`,
    ],
    [
      { validations: [{ expression: "1 + 1" }] },
      'spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool',
    ],
    [
      { validations: [{ expression: "true", messageExpression: "5" }] },
      'spec.validations[0].messageExpression: Invalid value: "5": must evaluate to string',
    ],
    [
      { ...limit, variables: [{ name: "x", expression: "variables.y" }] },
      `spec.variables[0].expression: Invalid value: "variables.y": compilation failed: ERROR: <input>:1:10: undefined field 'y'`,
    ],
    [
      { ...limit, matchConditions: [{ name: "x", expression: "params.x" }] },
      `spec.matchConditions[0].expression: Invalid value: "params.x": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')`,
    ],
  ])("is refused with %j", async (spec, words) => {
    const api = await openApi();
    const answer = await api.create(`${group}/validatingadmissionpolicies`, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "broken" },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }],
        },
        ...spec,
      },
    });
    expect([answer.status, answer.json.reason]).toEqual([422, "Invalid"]);
    expect(answer.json.message).toContain(words);
  });

  it("only warns, or only notes, where the binding says so", async () => {
    const api = await openApi();
    await policy(api, "limit", limit, { validationActions: ["Warn", "Audit"] });
    const answer = await api.create(path, configMap("b", { n: "6" }));
    expect(answer.status).toBe(201);
    expect(answer.headers["warning"]).toEqual([
      `299 - "Validation failed for ValidatingAdmissionPolicy 'limit' with binding 'limit-binding': failed expression: int(object.data.n) <= 5"`,
    ]);
  });

  it("compares with what was before, and knows the request and the namespace", async () => {
    const api = await openApi();
    await policy(api, "all", {
      variables: [
        { name: "old", expression: "oldObject == null ? '' : oldObject.data.?n.orValue('')" },
        { name: "changed", expression: "variables.old != object.data.n" },
      ],
      validations: [
        { expression: "request.operation == 'CREATE' || !variables.changed", message: "immutable" },
        { expression: "request.userInfo.username == 'admin' && 'system:masters' in request.userInfo.groups" },
        { expression: "namespaceObject.metadata.name == 'default' && request.namespace == object.metadata.namespace" },
        { expression: "authorizer.requestResource.check('create').allowed()" },
        {
          expression:
            "request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap' && !request.dryRun",
        },
      ],
    });
    expect((await api.create(path, configMap("a", { n: "1" }))).text).toContain('"n":"1"');
    const merge = { "content-type": "application/merge-patch+json" };
    expect((await api.call("PATCH", `${path}/a`, { data: { n: "1", m: "1" } }, merge)).status).toBe(200);
    expect((await api.call("PATCH", `${path}/a`, { data: { n: "2" } }, merge)).json.message).toContain(
      "denied request: immutable",
    );
  });

  it("takes parameters by name", async () => {
    const api = await openApi();
    await policy(
      api,
      "limit",
      {
        paramKind: { apiVersion: "v1", kind: "ConfigMap" },
        validations: [{ expression: "params == null || object.data.n <= params.data.max" }],
        matchConditions: [{ name: "not-params", expression: "object.metadata.name != 'limits'" }],
      },
      { paramRef: { name: "limits", parameterNotFoundAction: "Deny" } },
    );
    expect((await api.create(path, configMap("a", { n: "1" }))).json.message).toContain(
      "denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    );
    await api.call("DELETE", `${group}/validatingadmissionpolicybindings/limit-binding`);
    await api.create(path, configMap("limits", { max: "3" }));
    await api.create(`${group}/validatingadmissionpolicybindings`, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: "again" },
      spec: {
        policyName: "limit",
        validationActions: ["Deny"],
        paramRef: { name: "limits", parameterNotFoundAction: "Deny" },
      },
    });
    expect((await api.create(path, configMap("a", { n: "1" }))).status).toBe(201);
    expect((await api.create(path, configMap("b", { n: "4" }))).status).toBe(422);
  });

  it("takes parameters by selector: each must agree", async () => {
    const api = await openApi({ namespaces: ["default", "settings"] });
    for (const max of ["3", "5"])
      await api.create("/api/v1/namespaces/settings/configmaps", {
        ...configMap(`max-${max}`, { max }),
        metadata: { name: `max-${max}`, labels: { limit: "yes" } },
      });
    await policy(
      api,
      "limit",
      {
        paramKind: { apiVersion: "v1", kind: "ConfigMap" },
        validations: [{ expression: "object.data.n <= params.data.max" }],
      },
      {
        paramRef: {
          selector: { matchLabels: { limit: "yes" } },
          namespace: "settings",
          parameterNotFoundAction: "Allow",
        },
      },
    );
    expect((await api.create(path, configMap("a", { n: "3" }))).status).toBe(201);
    expect((await api.create(path, configMap("b", { n: "4" }))).status).toBe(422);
  });

  it("binds where its binding matches only", async () => {
    const api = await openApi({ namespaces: ["default", "free"] });
    await policy(api, "limit", limit, {
      matchResources: { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } } },
    });
    expect((await api.create(path, configMap("a", { n: "6" }))).status).toBe(422);
    expect((await api.create("/api/v1/namespaces/free/configmaps", configMap("a", { n: "6" }))).status).toBe(201);
  });

  it("leaves out what is excluded, and names that rules do not name", async () => {
    const api = await openApi();
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps"] };
    await policy(api, "limit", {
      ...limit,
      matchConstraints: { resourceRules: [rule], excludeResourceRules: [{ ...rule, resourceNames: ["free"] }] },
    });
    expect((await api.create(path, configMap("free", { n: "6" }))).status).toBe(201);
    expect((await api.create(path, configMap("a", { n: "6" }))).status).toBe(422);
  });

  it("does not hold up the server, whatever it evaluates", async () => {
    const api = await openApi();
    await policy(api, "endless", {
      validations: [
        { expression: "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, a + b + c >= 0)))" },
      ],
    });
    expect((await api.create(path, configMap("a"))).json.message).toContain(
      "operation cancelled: actual cost limit exceeded",
    );
  });

  it("has no say about policies", async () => {
    const api = await openApi();
    const rule = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] };
    await policy(api, "no", { validations: [{ expression: "false" }], matchConstraints: { resourceRules: [rule] } });
    expect((await api.call("DELETE", `${path.replace("/configmaps", "")}`)).status).not.toBe(200);
    expect((await api.call("DELETE", `${group}/validatingadmissionpolicies/no`)).status).toBe(200);
  });
});
