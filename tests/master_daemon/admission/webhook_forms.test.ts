import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi, podObject, type TestApi } from "../apiserver/_api.ts";
import { configuration, patchOf, type Respond, startWebhook, type TestWebhook } from "./_webhooks.ts";

/** How webhooks are reached, and in which versions they are spoken to. */

const group = "/apis/admissionregistration.k8s.io/v1";
const configMaps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string): JsonObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

async function mutating(api: TestApi, respond: Respond, more: JsonObject = {}): Promise<TestWebhook> {
  const hook = await startWebhook(respond);
  const { url, caBundle } = hook;
  const object = configuration("MutatingWebhookConfiguration", "hook", { clientConfig: { url, caBundle }, ...more });
  const answer = await api.create(`${group}/mutatingwebhookconfigurations`, object);
  expect(answer.status, answer.text).toBe(201);
  return hook;
}

const marking = (): JsonObject => patchOf({ op: "add", path: "/metadata/labels", value: { seen: "yes" } });

/** A service `hook` with one pod behind it, that the node connects to the webhook. */
async function serve(api: TestApi, hook: TestWebhook, port: number): Promise<string[]> {
  const opened: string[] = [];
  api.nodes.open = (path) => {
    opened.push(path);
    return connect(Number(new URL(hook.url).port), "127.0.0.1");
  };
  await api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "node" } });
  const pod = await api.create("/api/v1/namespaces/default/pods", podObject("hook-pod", { nodeName: "node" }));
  const { uid } = pod.json.metadata;
  await api.create("/api/v1/namespaces/default/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "hook" },
    spec: { ports: [{ name: "https", port, targetPort: 8443 }] },
  });
  const made = await api.create("/api/v1/namespaces/default/endpoints", {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "hook" },
    subsets: [
      {
        addresses: [{ ip: "10.0.0.7", targetRef: { kind: "Pod", name: "hook-pod", namespace: "default", uid } }],
        ports: [{ name: "https", port: 8443 }],
      },
    ],
  });
  expect(made.status, made.text).toBe(201);
  return opened;
}

describe("webhooks behind services", () => {
  it.each([
    [{}, 443, "/?timeout=10s"],
    [{ port: 9443, path: "/mutate" }, 9443, "/mutate?timeout=10s"],
  ])("are reached through an endpoint, by the name of the service (%j)", async (more, port, path) => {
    const api = await openApi();
    const hook = await startWebhook(marking);
    const opened = await serve(api, hook, port);
    const service = { namespace: "default", name: "hook", ...more };
    const clientConfig = { service, caBundle: hook.caBundle };
    await api.create(
      `${group}/mutatingwebhookconfigurations`,
      configuration("MutatingWebhookConfiguration", "hook", { clientConfig }),
    );
    const answer = await api.create(configMaps, configMap("a"));
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json.metadata.labels).toEqual({ seen: "yes" });
    expect(hook.paths).toEqual([path]);
    expect(opened).toEqual(["/portForward/default/hook-pod?port=8443"]);
  });

  it("are not trusted by another authority, and not by another name", async () => {
    const api = await openApi();
    const hook = await startWebhook(marking);
    await serve(api, hook, 443);
    const create = async (clientConfig: JsonObject) => {
      const object = configuration("MutatingWebhookConfiguration", "hook", { clientConfig });
      await api.create(`${group}/mutatingwebhookconfigurations`, object);
      const { json } = await api.create(configMaps, configMap("a"));
      await api.call("DELETE", `${group}/mutatingwebhookconfigurations/hook`);
      return json.message;
    };
    const service = { namespace: "default", name: "hook" };
    expect(await create({ service })).toContain(
      'failed to call webhook: Post "https://hook.default.svc:443/?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    );
    await api.create("/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "other" },
      spec: { ports: [{ name: "https", port: 443 }] },
    });
    const { json } = await api.call("GET", "/api/v1/namespaces/default/endpoints/hook");
    await api.create("/api/v1/namespaces/default/endpoints", {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: "other" },
      subsets: json.subsets,
    });
    expect(await create({ service: { ...service, name: "other" }, caBundle: hook.caBundle })).toContain(
      "tls: failed to verify certificate: x509: certificate is not valid for other.default.svc",
    );
    expect(hook.reviews).toEqual([]);
  });

  it("fail when the service has no such port", async () => {
    const api = await openApi();
    const hook = await startWebhook(marking);
    await serve(api, hook, 8080);
    const clientConfig = { service: { namespace: "default", name: "hook" }, caBundle: hook.caBundle };
    await api.create(
      `${group}/mutatingwebhookconfigurations`,
      configuration("MutatingWebhookConfiguration", "hook", { clientConfig }),
    );
    const { json } = await api.create(configMaps, configMap("a"));
    expect(json.message).toContain('no service port "443" found for service "hook"');
  });
});

describe("matchPolicy", () => {
  const ingressRule = [
    { apiGroups: ["networking.k8s.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["ingresses"] },
  ];
  const oldIngress = {
    apiVersion: "extensions/v1beta1",
    kind: "Ingress",
    metadata: { name: "old" },
    spec: { backend: { serviceName: "web", servicePort: 80 } },
  };
  const path = "/apis/extensions/v1beta1/namespaces/default/ingresses";

  it("Equivalent shows what is written in another version as the rule names it, and takes its patch back", async () => {
    const api = await openApi();
    const respond: Respond = () =>
      patchOf({ op: "replace", path: "/spec/defaultBackend/service/port/number", value: 81 });
    const hook = await mutating(api, respond, { rules: ingressRule });
    const answer = await api.create(path, oldIngress);
    expect(answer.status, answer.text).toBe(201);
    expect(hook.reviews[0].request).toMatchObject({
      kind: { group: "networking.k8s.io", version: "v1", kind: "Ingress" },
      resource: { group: "networking.k8s.io", version: "v1", resource: "ingresses" },
      requestKind: { group: "extensions", version: "v1beta1", kind: "Ingress" },
      requestResource: { group: "extensions", version: "v1beta1", resource: "ingresses" },
      object: {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
      },
    });
    expect(answer.json).toMatchObject({
      apiVersion: "extensions/v1beta1",
      spec: { backend: { serviceName: "web", servicePort: 81 } },
    });
  });

  it("Exact does not catch it", async () => {
    const api = await openApi();
    const hook = await mutating(api, marking, { rules: ingressRule, matchPolicy: "Exact" });
    expect((await api.create(path, oldIngress)).status).toBe(201);
    expect(hook.reviews).toEqual([]);
    const answer = await api.create("/apis/networking.k8s.io/v1/namespaces/default/ingresses", {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "new" },
      spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
    });
    expect(answer.json.metadata.labels).toEqual({ seen: "yes" });
  });

  it("Equivalent leaves a request as it is where a rule names its own version too", async () => {
    const api = await openApi();
    const rules = [
      ...ingressRule,
      { apiGroups: ["extensions"], apiVersions: ["*"], operations: ["*"], resources: ["ingresses"] },
    ];
    const hook = await mutating(api, marking, { rules });
    await api.create(path, oldIngress);
    expect(hook.reviews[0].request.object.apiVersion).toBe("extensions/v1beta1");
  });
});

describe("AdmissionReview v1beta1", () => {
  it("is sent to who offers nothing newer, and its looser answers are taken", async () => {
    const api = await openApi();
    const patch = btoa(JSON.stringify([{ op: "add", path: "/data", value: { a: "1" } }]));
    // Neither type of patch nor uid had to be given then.
    const respond: Respond = () => ({
      raw: {
        apiVersion: "admission.k8s.io/v1beta1",
        kind: "AdmissionReview",
        response: { allowed: true, patch, warnings: ["old"], auditAnnotations: { a: "b" } },
      },
    });
    const hook = await mutating(api, respond, { admissionReviewVersions: ["v1beta1"] });
    const answer = await api.create(configMaps, configMap("a"));
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json.data).toEqual({ a: "1" });
    expect(answer.headers["warning"]).toEqual(['299 - "old"']);
    expect(hook.reviews[0]).toMatchObject({
      apiVersion: "admission.k8s.io/v1beta1",
      kind: "AdmissionReview",
      request: { operation: "CREATE", object: { metadata: { name: "a" } } },
    });
  });

  it("refuses", async () => {
    const api = await openApi();
    await mutating(api, () => ({ allowed: false, status: { message: "no", code: 403 } }), {
      admissionReviewVersions: ["v1beta1"],
    });
    const { json } = await api.create(configMaps, configMap("a"));
    expect([json.code, json.message]).toEqual([403, 'admission webhook "hook.example.com" denied the request: no']);
  });

  it.each([
    [["v3", "v1beta1", "v1"], "v1beta1"],
    [["v1", "v1beta1"], "v1"],
  ])("is chosen among %j by their order", async (admissionReviewVersions, version) => {
    const api = await openApi();
    const hook = await mutating(api, () => ({ allowed: true }), { admissionReviewVersions });
    await api.create(configMaps, configMap("a"));
    expect(hook.reviews[0].apiVersion).toBe(`admission.k8s.io/${version}`);
  });
});

describe("a webhook's clientConfig", () => {
  it.each<[JsonObject, string]>([
    [
      { url: "http://127.0.0.1/x" },
      `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme`,
    ],
    [{ url: "https://u:p@h/x" }, "user information is not permitted in the URL"],
    [{ url: "https://h/x?a=b" }, "query parameters are not permitted in the URL"],
    [{ url: "https://h/x#y" }, "fragments are not permitted in the URL"],
    [{ url: "https:///x" }, "host must be provided"],
    [{}, "webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
    [{ url: "https://h", service: { namespace: "a", name: "b" } }, "exactly one of url or service is required"],
    [{ service: { namespace: "a", name: "b", port: 70_000 } }, "webhooks[0].clientConfig.service.port: Invalid value"],
    [{ service: { namespace: "a", name: "b", path: "x" } }, "webhooks[0].clientConfig.service.path: Invalid value"],
  ])("%j is refused", async (clientConfig, words) => {
    const api = await openApi();
    const object = configuration("MutatingWebhookConfiguration", "hook", { clientConfig });
    const answer = await api.create(`${group}/mutatingwebhookconfigurations`, object);
    expect(answer.status).toBe(422);
    expect(answer.json.message).toContain(words);
  });
});
