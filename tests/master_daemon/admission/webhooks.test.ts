import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { openApi, type TestApi } from "../apiserver/_api.ts";
import { configuration, patchOf, type Respond, startWebhook } from "./_webhooks.ts";

const path = "/api/v1/namespaces/default/configmaps";
const group = "/apis/admissionregistration.k8s.io/v1";
const configMap = (name: string, more: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  ...more,
});

async function configure(
  api: TestApi,
  kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
  name: string,
  respond: Respond,
  more: JsonObject = {},
) {
  const webhook = await startWebhook(respond);
  const { url, caBundle } = webhook;
  const object = configuration(kind, name, { clientConfig: { url, caBundle }, ...more });
  const answer = await api.create(`${group}/${kind.toLowerCase()}s`, object);
  expect(answer.status, answer.text).toBe(201);
  return webhook;
}

const validating = (api: TestApi, name: string, respond: Respond, more?: JsonObject) =>
  configure(api, "ValidatingWebhookConfiguration", name, respond, more);
const mutating = (api: TestApi, name: string, respond: Respond, more?: JsonObject) =>
  configure(api, "MutatingWebhookConfiguration", name, respond, more);

describe("validating webhooks", () => {
  it("are shown the whole request", async () => {
    const api = await openApi();
    const hook = await validating(api, "check", () => ({ allowed: true }));
    await api.create(`${path}?fieldManager=me`, configMap("a", { data: { k: "v" } }));
    await api.call("PATCH", `${path}/a`, { data: { k: "w" } }, { "content-type": "application/merge-patch+json" });
    expect(hook.reviews[0]).toMatchObject({
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: {
        uid: expect.stringMatching(/^[-0-9a-f]{36}$/),
        kind: { group: "", version: "v1", kind: "ConfigMap" },
        resource: { group: "", version: "v1", resource: "configmaps" },
        requestKind: { group: "", version: "v1", kind: "ConfigMap" },
        requestResource: { group: "", version: "v1", resource: "configmaps" },
        name: "a",
        namespace: "default",
        operation: "CREATE",
        userInfo: { username: "admin", groups: ["system:masters", "system:authenticated"] },
        object: {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "a", namespace: "default" },
          data: { k: "v" },
        },
        oldObject: null,
        dryRun: false,
        options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "me" },
      },
    });
    expect(hook.reviews[1].request).toMatchObject({
      operation: "UPDATE",
      object: { data: { k: "w" } },
      oldObject: { kind: "ConfigMap", data: { k: "v" }, metadata: { uid: expect.any(String) } },
    });
    expect(hook.paths[0]).toBe("/hook?timeout=10s");
  });

  it("are asked over connections that are kept", async () => {
    const api = await openApi();
    const hook = await validating(api, "check", () => ({ allowed: true }));
    for (let index = 0; index < 10; index++) await api.create(path, configMap(`a${index}`));
    expect(hook.reviews).toHaveLength(10);
    expect(hook.connections).toBeLessThan(4);
  });

  it.each<[JsonObject, number, string]>([
    [{ status: { message: "no" } }, 400, ": no"],
    [{ status: { message: "no", code: 403, reason: "Forbidden" } }, 403, ": no"],
    [{ status: { reason: "Odd" } }, 400, ": Odd"],
    [{}, 400, " without explanation"],
    [{ status: { code: 200, message: "x" } }, 400, ": x"],
  ])("refuse with %j", async (verdict, code, words) => {
    const api = await openApi();
    await validating(api, "check", () => ({ allowed: false, ...verdict }));
    const answer = await api.create(path, configMap("a"));
    expect([answer.status, answer.json.message]).toEqual([
      code,
      `admission webhook "check.example.com" denied the request${words}`,
    ]);
    expect((await api.call("GET", `${path}/a`)).status).toBe(404);
  });

  it.each<[string, ReturnType<Respond>, string]>([
    ["another uid", { uid: "x", allowed: true }, 'received invalid webhook response: expected response.uid="'],
    [
      "no response",
      { raw: { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1" } },
      "received invalid webhook response: webhook response was absent",
    ],
    [
      "another kind",
      { raw: { kind: "X", apiVersion: "v1", response: {} } },
      "received invalid webhook response: expected response.uid",
    ],
    [
      "a patch",
      { allowed: true, patch: "W10=" },
      "received invalid webhook response: validating webhook may not return response.patch",
    ],
    ["no JSON", { raw: "nope" }, "failed to call webhook: couldn't get version/kind; json parse error"],
    [
      "an error",
      { raw: "oops", status: 500 },
      'failed to call webhook: an error on the server ("oops") has prevented the request from succeeding',
    ],
    ["not found", { raw: "", status: 404 }, "failed to call webhook: the server could not find the requested resource"],
    [
      "a redirect",
      { raw: "", status: 302, headers: { location: "http://169.254.169.254/" } },
      "failed to call webhook: the server rejected our request for an unknown reason",
    ],
    ["too much", { raw: `"${"x".repeat(9 * 1024 * 1024)}"` }, "failed to call webhook: Post "],
  ])("fail when they answer %s", async (_, answer, words) => {
    const api = await openApi();
    await validating(api, "check", () => answer);
    const result = await api.create(path, configMap("a"));
    expect(result.status).toBe(500);
    expect(result.json.message).toContain('Internal error occurred: failed calling webhook "check.example.com": ');
    expect(result.json.message).toContain(words);
  });

  it("are ignored when they fail and may be", async () => {
    const api = await openApi();
    await validating(api, "check", () => ({ raw: "oops", status: 500 }), { failurePolicy: "Ignore" });
    expect((await api.create(path, configMap("a"))).status).toBe(201);
  });

  it("fail in the words of Go's client when nobody listens, and when the certificate is not theirs", async () => {
    const api = await openApi();
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const object = configuration("ValidatingWebhookConfiguration", "none", {
      clientConfig: { url: `https://127.0.0.1:${port}/x` },
    });
    await api.create(`${group}/validatingwebhookconfigurations`, object);
    expect((await api.create(path, configMap("a"))).json.message).toBe(
      `Internal error occurred: failed calling webhook "none.example.com": failed to call webhook: Post "https://127.0.0.1:${port}/x?timeout=10s": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
    await api.call("DELETE", `${group}/validatingwebhookconfigurations/none`);
    const hook = await startWebhook(() => ({ allowed: true }));
    const untrusted = configuration("ValidatingWebhookConfiguration", "none", { clientConfig: { url: hook.url } });
    await api.create(`${group}/validatingwebhookconfigurations`, untrusted);
    expect((await api.create(path, configMap("a"))).json.message).toContain(
      "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    );
  });

  it("fail when there is no service, and nothing behind it", async () => {
    const api = await openApi();
    const service = { namespace: "default", name: "hook", path: "/v" };
    const object = configuration("ValidatingWebhookConfiguration", "check", { clientConfig: { service } });
    await api.create(`${group}/validatingwebhookconfigurations`, object);
    const words = async () => (await api.create(path, configMap("a"))).json.message;
    const failed = `Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post "https://hook.default.svc:443/v?timeout=10s": `;
    expect(await words()).toBe(`${failed}service "hook" not found`);
    await api.create("/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "hook" },
      spec: { ports: [{ port: 443 }] },
    });
    expect(await words()).toBe(`${failed}no endpoints available for service "hook"`);
  });

  it("fail when they take too long", async () => {
    const clock = new FakeClock();
    const api = await openApi({ clock });
    const asked = deferred();
    await validating(
      api,
      "slow",
      () => {
        asked.resolve(undefined);
        return new Promise(() => {});
      },
      { timeoutSeconds: 3 },
    );
    const answer = api.create(path, configMap("a"));
    await asked.promise;
    await clock.advance(3000);
    expect((await answer).json.message).toMatch(
      /failed to call webhook: Post "https:.*\?timeout=3s": context deadline exceeded$/,
    );
  });

  it("are told apart from those that have side effects in a dry run", async () => {
    const api = await openApi();
    const hook = await validating(api, "check", () => ({ allowed: true }), { sideEffects: "NoneOnDryRun" });
    expect((await api.create(`${path}?dryRun=All`, configMap("a"))).status).toBe(201);
    expect(hook.reviews[0].request.dryRun).toBe(true);
  });

  it("give warnings", async () => {
    const api = await openApi();
    await validating(api, "check", () => ({ allowed: true, warnings: ["think twice"] }));
    expect((await api.create(path, configMap("a"))).headers["warning"]).toEqual(['299 - "think twice"']);
  });

  it.each<[string, JsonObject, boolean]>([
    [
      "another resource",
      { rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["secrets"] }] },
      false,
    ],
    [
      "another operation",
      { rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["configmaps"] }] },
      false,
    ],
    ["everything", { rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] }] }, true],
    [
      "everything and what is below",
      { rules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"] }] },
      true,
    ],
    [
      "what is below",
      { rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps/status"] }] },
      false,
    ],
    [
      "cluster scope",
      { rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["*"], resources: ["*"], scope: "Cluster" }] },
      false,
    ],
    ["labels that are there", { objectSelector: { matchLabels: { a: "b" } } }, true],
    ["labels that are not", { objectSelector: { matchLabels: { a: "c" } } }, false],
    ["the namespace", { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "default" } } }, true],
    ["another namespace", { namespaceSelector: { matchLabels: { x: "y" } } }, false],
    [
      "a condition that holds",
      {
        matchConditions: [
          { name: "c", expression: "object.metadata.name == 'a' && request.userInfo.username == 'admin'" },
        ],
      },
      true,
    ],
    [
      "a condition that does not",
      { matchConditions: [{ name: "c", expression: "request.operation == 'DELETE'" }] },
      false,
    ],
    [
      "the authorizer",
      { matchConditions: [{ name: "c", expression: "authorizer.group('').resource('pods').check('get').allowed()" }] },
      true,
    ],
  ])("match by %s", async (_, more, matches) => {
    const api = await openApi();
    const hook = await validating(api, "check", () => ({ allowed: true }), more);
    await api.create(path, configMap("a", { metadata: { name: "a", labels: { a: "b" } } }));
    expect(hook.reviews).toHaveLength(matches ? 1 : 0);
  });

  it("refuse a request whose condition fails, unless they may be ignored", async () => {
    const api = await openApi();
    const more = { matchConditions: [{ name: "c", expression: "object.data.missing == 'x'" }] };
    await validating(api, "check", () => ({ allowed: true }), more);
    const answer = await api.create(path, configMap("a"));
    expect([answer.status, answer.json.message]).toEqual([
      403,
      `configmaps "a" is forbidden: expression 'object.data.missing == 'x'' resulted in error: no such key: data`,
    ]);
  });

  it("are asked about deletions, and about connections", async () => {
    const api = await openApi();
    const rules = [
      { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["configmaps"] },
      { apiGroups: [""], apiVersions: ["v1"], operations: ["CONNECT"], resources: ["pods/exec"] },
    ];
    const hook = await validating(api, "check", () => ({ allowed: false, status: { message: "stay" } }), { rules });
    await api.create(path, configMap("a", { data: { k: "v" } }));
    const answer = await api.call("DELETE", `${path}/a`);
    expect(answer.json.message).toBe('admission webhook "check.example.com" denied the request: stay');
    expect(hook.reviews[0].request).toMatchObject({
      operation: "DELETE",
      object: null,
      oldObject: { data: { k: "v" } },
      options: { kind: "DeleteOptions" },
    });
    const signal = new AbortController().signal;
    await api.handler.connect(
      {
        method: "GET",
        path: "/api/v1/namespaces/default/pods/p/exec?command=id&stdout=true",
        headers: { connection: "Upgrade", upgrade: "websocket", "sec-websocket-protocol": "v5.channel.k8s.io" },
      },
      { user: { username: "admin", groups: [] }, signal },
    );
    expect(hook.reviews[1].request).toMatchObject({
      operation: "CONNECT",
      kind: { kind: "PodExecOptions" },
      resource: { resource: "pods" },
      subResource: "exec",
      name: "p",
      object: { kind: "PodExecOptions", command: ["id"], stdout: true },
    });
  });

  it("have no say about themselves", async () => {
    const api = await openApi();
    const rules = [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] }];
    await validating(api, "check", () => ({ allowed: false }), { rules });
    expect((await api.create(path, configMap("a"))).status).toBe(400);
    expect((await api.call("DELETE", `${group}/validatingwebhookconfigurations/check`)).status).toBe(200);
    expect((await api.create(path, configMap("a"))).status).toBe(201);
  });

  it("are asked all at once", async () => {
    const api = await openApi();
    const asked: string[] = [];
    const all = deferred();
    const respond = (name: string) => async () => {
      asked.push(name);
      if (asked.length === 3) all.resolve(undefined);
      await all.promise;
      return { allowed: true } as never;
    };
    for (const name of ["a", "b", "c"]) await validating(api, name, respond(name));
    expect((await api.create(path, configMap("x"))).status).toBe(201);
  });
});

describe("mutating webhooks", () => {
  it("change what is written, each what those before it made, in the order of their configurations' names", async () => {
    const api = await openApi();
    const seen: unknown[] = [];
    const append =
      (text: string): Respond =>
      (review) => {
        const { order = "" } = review.request.object.data ?? {};
        seen.push(order);
        return patchOf({ op: "add", path: "/data/order", value: `${order}${text}` });
      };
    await mutating(api, "b", append("b"));
    await mutating(api, "a", append("a"));
    const answer = await api.create(path, configMap("x", { data: {} }));
    expect(answer.json.data).toEqual({ order: "ab" });
    expect(seen).toEqual(["", "a"]);
  });

  it("are asked again when another changed something after them, if they want to", async () => {
    const api = await openApi();
    const first = await mutating(api, "a", () => ({ allowed: true }), { reinvocationPolicy: "IfNeeded" });
    const second = await mutating(api, "b", () => patchOf({ op: "add", path: "/data/b", value: "1" }));
    await api.create(path, configMap("x", { data: {} }));
    expect([first.reviews.length, second.reviews.length]).toEqual([2, 1]);
    expect(first.reviews[1].request.object.data).toEqual({ b: "1" });
  });

  it("cannot make what is no object of the kind", async () => {
    const api = await openApi();
    await mutating(api, "a", () => patchOf({ op: "add", path: "/data", value: 5 }));
    const answer = await api.create(path, configMap("x"));
    expect(answer.status).toBe(500);
    await api.call("DELETE", `${group}/mutatingwebhookconfigurations/a`);
    await mutating(api, "a", () => patchOf({ op: "add", path: "/unknown", value: 5 }));
    expect((await api.create(path, configMap("x"))).json.unknown).toBeUndefined();
  });

  it.each<[string, JsonObject, string]>([
    [
      "a patch without type",
      { allowed: true, patch: "W10=" },
      "received invalid webhook response: webhook returned response.patch but not response.patchType",
    ],
    [
      "a type without patch",
      { allowed: true, patchType: "JSONPatch" },
      "received invalid webhook response: webhook returned response.patchType but not response.patch",
    ],
    [
      "no base64",
      { allowed: true, patchType: "JSONPatch", patch: "!!" },
      "received undecodable patch in webhook response",
    ],
    ["another type", { allowed: true, patchType: "X", patch: "W10=" }, 'unsupported patch type "X"'],
  ])("fail with %s", async (_, verdict, words) => {
    const api = await openApi();
    await mutating(api, "a", () => verdict);
    expect((await api.create(path, configMap("x"))).json.message).toContain(words);
  });

  it("are validated after", async () => {
    const api = await openApi();
    await mutating(api, "a", () => patchOf({ op: "replace", path: "/data", value: { "bad key!": "x" } }));
    const answer = await api.create(path, configMap("x", { data: {} }));
    expect([answer.status, answer.json.reason]).toEqual([422, "Invalid"]);
  });

  it("make names that __proto__ would be harmless under", async () => {
    const api = await openApi();
    await mutating(api, "a", () => patchOf({ op: "add", path: "/data/__proto__", value: "x" }));
    const answer = await api.create(path, configMap("x", { data: {} }));
    expect(answer.text).toContain('"__proto__"');
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});

function deferred(): { readonly promise: Promise<unknown>; resolve(value: unknown): void } {
  let resolve: (value: unknown) => void = () => {};
  const promise = new Promise<unknown>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

it("webhooks may name integers of 64 bits", async () => {
  const api = await openApi();
  const patch = btoa('[{"op":"add","path":"/metadata/labels","value":{"a":9007199254740993}}]');
  await mutating(api, "large", () => ({ allowed: true, patchType: "JSONPatch", patch }));
  // It is no text: but it is read, and told, as it is.
  const { json } = await api.create(path, configMap("a"));
  expect([json.code, json.message]).toEqual([500, expect.stringContaining("cannot be handled as a ConfigMap")]);
  const answer = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":9007199254740993}}';
  await validating(api, "uid", () => ({ raw: answer }));
  await api.call("DELETE", `${group}/mutatingwebhookconfigurations/large`);
  expect((await api.create(path, configMap("a"))).json.message).toContain("got 9007199254740993");
});
