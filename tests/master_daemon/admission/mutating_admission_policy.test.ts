import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { define, specOf, widget, widgetDefinition, widgetsPath } from "../apiextensions/_definitions.ts";
import { configMap, openApi, podObject, type TestApi } from "../apiserver/_api.ts";
import { configuration, patchOf, startWebhook } from "./_webhooks.ts";

const group = "/apis/admissionregistration.k8s.io/v1";
const configMaps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";

const rulesFor = (resource: string, apiGroup = "") => ({
  resourceRules: [
    { apiGroups: [apiGroup], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: [resource] },
  ],
});
const policyOf = (name: string, spec: JsonObject): JsonObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingAdmissionPolicy",
  metadata: { name },
  spec: { reinvocationPolicy: "Never", matchConstraints: rulesFor("configmaps"), ...spec },
});
const applying = (expression: string): JsonObject => ({
  patchType: "ApplyConfiguration",
  applyConfiguration: { expression },
});
const patching = (expression: string): JsonObject => ({ patchType: "JSONPatch", jsonPatch: { expression } });

async function policy(api: TestApi, name: string, spec: JsonObject, binding: JsonObject = {}): Promise<void> {
  const created = await api.create(`${group}/mutatingadmissionpolicies`, policyOf(name, spec));
  expect(created.status, created.text).toBe(201);
  const bound = await api.create(`${group}/mutatingadmissionpolicybindings`, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name: `${name}-binding` },
    spec: { policyName: name, ...binding },
  });
  expect(bound.status, bound.text).toBe(201);
}

/** What becomes of the data of a ConfigMap under one policy. */
async function mutatedData(mutation: JsonObject, data: Record<string, string> = { a: "1" }): Promise<JsonObject> {
  const api = await openApi();
  await policy(api, "p", { mutations: [mutation] });
  const answer = await api.create(configMaps, configMap("c", data));
  expect(answer.status, answer.text).toBe(201);
  return answer.json.data;
}

describe("MutatingAdmissionPolicy", () => {
  it("changes what is written, from the moment its binding is written, without a warning", async () => {
    const api = await openApi();
    await policy(api, "sidecar", {
      matchConstraints: rulesFor("pods"),
      mutations: [
        applying(`Object{
          metadata: Object.metadata{labels: Object.metadata.labels{injected: "yes"}},
          spec: Object.spec{initContainers: [Object.spec.initContainers{
            name: "mesh-proxy", image: "mesh:v1", restartPolicy: "Always"}]}}`),
      ],
    });
    const { status, json, headers, text } = await api.create(pods, podObject("p"));
    expect(status, text).toBe(201);
    expect(headers["warning"]).toBeUndefined();
    expect(json.metadata.labels).toEqual({ injected: "yes" });
    // Defaults are set for what it adds as well.
    expect(json.spec.initContainers).toMatchObject([
      { name: "mesh-proxy", restartPolicy: "Always", terminationMessagePath: "/dev/termination-log" },
    ]);
    expect(json.spec.containers).toHaveLength(1);
    expect((await api.call("DELETE", `${group}/mutatingadmissionpolicybindings/sidecar-binding`)).status).toBe(200);
    expect((await api.create(pods, podObject("q"))).json.spec.initContainers).toBeUndefined();
  });

  it.each<[string, JsonObject]>([
    ['Object{data: {"b": object.metadata.name}}', { a: "1", b: "c" }],
    ['Object{data: Object.data{a: "2", namespace: "3"}}', { a: "2", namespace: "3" }],
    ["Object{?data: optional.none()}", { a: "1" }],
    ['Object{?data: optional.of({"x": "y"}), }', { a: "1", x: "y" }],
    [
      "object.data.a == '1' ? Object{data: {?'z': object.data[?'a'], ?'n': object.data[?'n']}} : Object{}",
      { a: "1", z: "1" },
    ],
    ["has(object.data.q) ? Object{data: {'q': '1'}} : Object{ }", { a: "1" }],
    ['Object{data: {"b": "{ not: a message{}"}} // Object{', { a: "1", b: "{ not: a message{}" }],
  ])("applies %s", async (expression, data) => {
    expect(await mutatedData(applying(expression))).toEqual(data);
  });

  it.each<[string, JsonObject]>([
    ['[JSONPatch{op: "add", path: "/data/b", value: "2"}]', { a: "1", b: "2" }],
    ['[JSONPatch{op: "replace", path: "/data", value: Object.data{x: "1"}}]', { x: "1" }],
    [
      '[JSONPatch{op: "move", from: "/data/a", path: "/data/b"}, JSONPatch{op: "add", path: "/data/c", value: "3"}]',
      { b: "1", c: "3" },
    ],
    [
      '[JSONPatch{op: "add", path: "/metadata/annotations", value: {}}, JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("a/b"), value: "1"}, JSONPatch{op: "remove", path: "/data/a"}, JSONPatch{op: "test", path: "/metadata/annotations/a~1b", value: "1"}, JSONPatch{op: "add", path: "/data/x", value: "1"}]',
      { x: "1" },
    ],
    // What is tested and is otherwise leaves the object as it is.
    [
      '[JSONPatch{op: "test", path: "/data/a", value: "no"}, JSONPatch{op: "add", path: "/data/b", value: "2"}]',
      { a: "1" },
    ],
    [
      '[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "add", path: "/data/b", value: "2"}]',
      { a: "1", b: "2" },
    ],
    ['object.data.map(k, JSONPatch{op: "add", path: "/data/" + k, value: object.data[k] + "!"})', { a: "1!" }],
  ])("patches with %s", async (expression, data) => {
    expect(await mutatedData(patching(expression))).toEqual(data);
  });

  it.each<[JsonObject, string]>([
    [applying("{}"), 'spec.mutations[0].applyConfiguration.expression: Invalid value: "{}": must evaluate to Object'],
    [applying("Object.spec{}"), "must evaluate to Object"],
    [patching("[]"), "must evaluate to list(JSONPatch)"],
    [
      patching('[JSONPatch{oper: "add"}]'),
      `spec.mutations[0].jsonPatch.expression: Invalid value: "[JSONPatch{oper: \\"add\\"}]": compilation failed: ERROR: <input>:1:12: undefined field 'oper'`,
    ],
    [patching('[JSONPatch{op: 1, path: ""}]'), "expected type of field 'op' is 'string' but provided type is 'int'"],
    [applying("Other{}"), "undeclared reference to 'Other' (in container '')"],
    [applying('Object{"a": 1}'), "Syntax error: "],
    [applying("Object{a: 1"), "Syntax error: "],
    [applying("params.x"), "undeclared reference to 'params'"],
    [applying("variables.x"), "undefined field 'x'"],
  ])("is refused with %j", async (mutation, words) => {
    const api = await openApi();
    const answer = await api.create(`${group}/mutatingadmissionpolicies`, policyOf("p", { mutations: [mutation] }));
    expect([answer.status, answer.json.reason]).toEqual([422, "Invalid"]);
    expect(answer.json.message).toContain(words);
  });

  it.each<[JsonObject, string]>([
    [applying('Object{data: {"b": object.data.missing}}'), "resulted in error: no such key: missing"],
    [
      applying("Object{spec: Object.wrong{}}"),
      'type mismatch: unexpected type name "Object.wrong", expected "Object.spec", which matches field name path from root Object type',
    ],
    [
      applying('Object{nothing: "x"}'),
      "error applying patch: failed to convert patch object to typed object: .nothing: field not declared in schema",
    ],
    [patching('[JSONPatch{op: "remove", path: "/data/none"}]'), "JSON Patch: "],
  ])("fails the write with %j, unless failures are ignored", async (mutation, words) => {
    const api = await openApi();
    await policy(api, "p", { mutations: [mutation] });
    const answer = await api.create(configMaps, configMap("c"));
    const prefix = "policy 'p' with binding 'p-binding' denied request: ";
    expect(answer.json).toMatchObject({ code: 403, reason: "Invalid", details: { name: "c", kind: "configmaps" } });
    expect(answer.json.message).toContain(prefix);
    expect(answer.json.message).toContain(words);
    expect(answer.json.details.causes).toEqual([{ message: answer.json.message }]);
    const other = await openApi();
    await policy(other, "p", { mutations: [mutation, applying('Object{data: {"z": "1"}}')], failurePolicy: "Ignore" });
    const passed = await other.create(configMaps, configMap("c"));
    // Only what failed is left out.
    expect([passed.status, passed.json.data]).toEqual([201, { a: "1", z: "1" }]);
  });

  it("does not replace lists that are owned as a whole", async () => {
    const api = await openApi();
    const expression = 'Object{spec: Object.spec{containers: [Object.spec.containers{name: "main", args: ["x"]}]}}';
    await policy(api, "p", { matchConstraints: rulesFor("pods"), mutations: [applying(expression)] });
    const answer = await api.create(pods, podObject("p"));
    expect(answer.json.message).toContain(
      "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].args",
    );
  });

  it("refuses fields that a kind does not have in what a patch makes", async () => {
    const api = await openApi();
    await policy(api, "p", { mutations: [patching('[JSONPatch{op: "add", path: "/nothing", value: 1}]')] });
    const answer = await api.create(configMaps, configMap("c"));
    expect([answer.status, answer.json.message]).toEqual([
      500,
      'Internal error occurred: strict decoding error: unknown field "nothing"',
    ]);
  });

  it("knows conditions, variables, parameters, the request and the namespace", async () => {
    const api = await openApi();
    await api.create(configMaps, {
      ...configMap("settings", { suffix: "-x" }),
      metadata: { name: "settings", labels: { for: "p" } },
    });
    await policy(
      api,
      "p",
      {
        paramKind: { apiVersion: "v1", kind: "ConfigMap" },
        matchConditions: [{ name: "not-settings", expression: "object.metadata.name != params.metadata.name" }],
        variables: [
          { name: "suffix", expression: "params.data.suffix" },
          {
            name: "value",
            expression: "request.userInfo.username + '@' + namespaceObject.metadata.name + variables.suffix",
          },
        ],
        mutations: [
          applying('Object{data: {"by": variables.value}}'),
          applying('Object{data: {"seen": object.data.by}}'),
        ],
      },
      { paramRef: { selector: { matchLabels: { for: "p" } }, parameterNotFoundAction: "Deny" } },
    );
    expect((await api.create(configMaps, configMap("c", {}))).json.data).toEqual({
      by: "admin@default-x",
      seen: "admin@default-x",
    });
    const settings = await api.call(
      "PATCH",
      `${configMaps}/settings`,
      { data: { suffix: "-y" } },
      { "content-type": "application/merge-patch+json" },
    );
    expect(settings.json.data).toEqual({ suffix: "-y" });
    await api.call("DELETE", `${configMaps}/settings`);
    const answer = await api.create(configMaps, configMap("d", {}));
    expect(answer.json).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message:
        "policy 'p' with binding 'p-binding' denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    });
  });

  it("is asked again when another changed something after it, if it wants to", async () => {
    const api = await openApi();
    const counting = applying("Object{data: {'count': string(int(object.data.?count.orValue('0')) + 1)}}");
    await policy(api, "a-again", { mutations: [counting], reinvocationPolicy: "IfNeeded" });
    await policy(api, "b-once", { mutations: [applying('Object{data: {"b": object.data.count}}')] });
    expect((await api.create(configMaps, configMap("c", {}))).json.data).toEqual({ count: "2", b: "1" });
  });

  it("comes before mutating webhooks, and after them again if it wants to", async () => {
    const api = await openApi();
    const hook = await startWebhook(({ request }) =>
      patchOf({ op: "add", path: "/data/hook", value: request.object.data.policy ?? "not seen" }),
    );
    await api.create(
      `${group}/mutatingwebhookconfigurations`,
      configuration("MutatingWebhookConfiguration", "hook", {
        clientConfig: { url: hook.url, caBundle: hook.caBundle },
      }),
    );
    const mutation = applying("Object{data: {'policy': object.data.?hook.orValue('first')}}");
    await policy(api, "p", { mutations: [mutation], reinvocationPolicy: "IfNeeded" });
    expect((await api.create(configMaps, configMap("c", {}))).json.data).toEqual({ policy: "first", hook: "first" });
    expect(hook.reviews).toHaveLength(1);
  });

  it("changes what is written in another version", async () => {
    const api = await openApi();
    await policy(api, "p", {
      matchConstraints: rulesFor("horizontalpodautoscalers", "autoscaling"),
      mutations: [applying("Object{spec: Object.spec{targetCPUUtilizationPercentage: 33}}")],
    });
    const answer = await api.create("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "h" },
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" } },
    });
    expect(answer.json.spec.metrics).toMatchObject([
      { resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 33 } } },
    ]);
  });

  it("changes custom resources, by what their schema says of lists", async () => {
    const api = await openApi();
    const items = {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, size: { type: "integer" } },
    };
    const parts = { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], items };
    const whole = { type: "array", items: { type: "string" } };
    await define(api, widgetDefinition(specOf({ parts, whole, size: { type: "integer", default: 1 } })));
    await policy(api, "p", {
      matchConstraints: rulesFor("widgets", "example.com"),
      matchConditions: [{ name: "asked", expression: "object.metadata.name != 'none'" }],
      mutations: [
        applying('Object{spec: Object.spec{parts: [Object.spec.parts{name: "a", size: 2}]}}'),
        patching('[JSONPatch{op: "add", path: "/spec/whole", value: ["x"]}]'),
      ],
    });
    const spec = { parts: [{ name: "a" }, { name: "b" }] };
    expect((await api.create(widgetsPath, widget("w", { spec }))).json.spec).toEqual({
      parts: [{ name: "a", size: 2 }, { name: "b" }],
      whole: ["x"],
      size: 1,
    });
    expect((await api.create(widgetsPath, widget("none", { spec }))).json.spec).toEqual({ ...spec, size: 1 });
    const replacing = applying('Object{spec: Object.spec{whole: ["y"]}}');
    await policy(api, "q", { matchConstraints: rulesFor("widgets", "example.com"), mutations: [replacing] });
    expect((await api.create(widgetsPath, widget("v", { spec }))).json.message).toContain(
      "may not mutate atomic arrays, maps or structs: .spec.whole",
    );
  });

  it("refuses to make more than a request could bring", async () => {
    const api = await openApi();
    const many = "[1,2,3,4,5,6,7,8,9,10]";
    const list = `${many}.map(a, ${many}.map(b, ${many}.map(c, ${many}.map(d, object.data))))`;
    await policy(api, "p", { mutations: [patching(`[JSONPatch{op: "add", path: "/data", value: ${list}}]`)] });
    const answer = await api.create(configMaps, configMap("c", { a: "x".repeat(1000) }));
    expect(answer.json.message).toContain("denied request: the value is too large");
  });

  it("leaves names that __proto__ would be harmless under", async () => {
    const data = await mutatedData(applying("Object{data: {'__proto__': 'x', 'constructor': 'y'}}"));
    expect(Object.entries(data)).toEqual([
      ["a", "1"],
      ["__proto__", "x"],
      ["constructor", "y"],
    ]);
  });
});
