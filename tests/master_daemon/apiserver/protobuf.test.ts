import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type { ApiRequest } from "../../../core/client/transport.ts";
import { bytesField, encodeMessage, envelope } from "../../core/api/protobuf/_encoder.ts";
import { type Answer, admin, openApi, type TestApi, toAnswer } from "./_api.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "nginx:1" }] } };

/** Sends what a client written in Go does: protobuf, ready to take JSON for an answer. */
async function send(api: TestApi, method: ApiRequest["method"], path: string, body: Uint8Array): Promise<Answer> {
  const headers = {
    "content-type": "application/vnd.kubernetes.protobuf",
    accept: "application/vnd.kubernetes.protobuf,application/json",
  };
  const { signal } = new AbortController();
  return toAnswer(await api.handler.handle({ method, path, headers, body }, { user: admin, signal }));
}

const configMap = (fields: JsonObject) => envelope("v1", "ConfigMap", encodeMessage("core.v1.ConfigMap", fields));
const inPod = (fields: JsonObject) => ({ metadata: { name: "p" }, spec: template.spec, ...fields });

describe("requests in protobuf", () => {
  it("create and update objects, and are answered in JSON", async () => {
    const api = await openApi();
    const created = await send(api, "POST", maps, configMap({ metadata: { name: "a", labels }, data: { k: "v" } }));
    expect(created.headers["content-type"]).toBe("application/json");
    expect([created.status, created.json]).toMatchObject([
      201,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "default", labels }, data: { k: "v" } },
    ]);
    const { resourceVersion } = created.json.metadata;
    const update = configMap({ metadata: { name: "a", resourceVersion }, binaryData: { b: "AAH/" } });
    const updated = await send(api, "PUT", `${maps}/a`, update);
    expect(updated.json).toMatchObject({ binaryData: { b: "AAH/" } });
    expect(updated.json.data).toBeUndefined();
    expect((await send(api, "PUT", `${maps}/a`, update)).json).toMatchObject({ code: 409, reason: "Conflict" });
  });

  it("mean the same as JSON", async () => {
    const api = await openApi();
    const spec = { replicas: 0, selector: { matchLabels: labels }, template };
    const fields = (name: string) => ({ metadata: { name }, spec });
    const bytes = envelope("apps/v1", "Deployment", encodeMessage("apps.v1.Deployment", fields("a")));
    const sent = await send(api, "POST", deployments, bytes);
    const json = await api.create(deployments, { apiVersion: "apps/v1", kind: "Deployment", ...fields("b") });
    expect(sent.json.spec).toEqual(json.json.spec);
    expect(sent.json.spec.replicas).toBe(0);
  });

  it("scale, bind, evict and delete", async () => {
    const api = await openApi();
    const spec = { selector: { matchLabels: labels }, template };
    await api.create(deployments, { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec });
    const scale = encodeMessage("autoscaling.v1.Scale", { metadata: { name: "web" }, spec: { replicas: 3 } });
    const scaled = await send(api, "PUT", `${deployments}/web/scale`, envelope("autoscaling/v1", "Scale", scale));
    expect(scaled.json).toMatchObject({ kind: "Scale", spec: { replicas: 3 } });

    await api.create(pods, { apiVersion: "v1", kind: "Pod", ...inPod({}) });
    const binding = encodeMessage("core.v1.Binding", { metadata: { name: "p" }, target: { kind: "Node", name: "n" } });
    expect((await send(api, "POST", `${pods}/p/binding`, envelope("v1", "Binding", binding))).status).toBe(201);
    expect((await api.call("GET", `${pods}/p`)).json.spec.nodeName).toBe("n");
    const dryRun = { metadata: { name: "p" }, deleteOptions: { dryRun: ["All"] } };
    const eviction = envelope("policy/v1", "Eviction", encodeMessage("policy.v1.Eviction", dryRun));
    expect((await send(api, "POST", `${pods}/p/eviction`, eviction)).status).toBe(201);
    const options = { gracePeriodSeconds: 0, preconditions: { uid: "another" } };
    const wrong = envelope("v1", "DeleteOptions", encodeMessage("meta.v1.DeleteOptions", options));
    expect((await send(api, "DELETE", `${pods}/p`, wrong)).json).toMatchObject({ code: 409 });
    const right = encodeMessage("meta.v1.DeleteOptions", { gracePeriodSeconds: 0 });
    expect((await send(api, "DELETE", `${pods}/p`, envelope("v1", "DeleteOptions", right))).status).toBe(200);
    expect((await api.call("GET", `${pods}/p`)).status).toBe(404);
  });

  it.each([
    ["another kind", envelope("v1", "Secret"), "cannot be handled as a ConfigMap"],
    ["no kind at all", envelope("v1", "PodSpecs"), 'no kind "PodSpecs" is registered'],
    ["a broken message", envelope("v1", "ConfigMap", Uint8Array.from([0x0a, 0x7f])), "unexpected EOF"],
    ["a wrong type", envelope("v1", "ConfigMap", bytesField(4, "x")), "wrong wireType = 2 for field immutable"],
    ["JSON", Buffer.from("{}"), "does not appear to be a protobuf message"],
    ["nothing", new Uint8Array(), "the object provided is unrecognized"],
  ])("are refused as bad when they hold %s", async (_what, body, message) => {
    const api = await openApi();
    const { json } = await send(api, "POST", maps, body);
    expect(json).toMatchObject({ code: 400, reason: "BadRequest", message: expect.stringContaining(message) });
  });

  it("are validated like any other", async () => {
    const api = await openApi();
    const { json } = await send(api, "POST", maps, configMap({ metadata: { name: "No" } }));
    expect(json).toMatchObject({ code: 422, reason: "Invalid" });
  });
});
