import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type { PostReview } from "../../../master_daemon/apiextensions/conversion_webhook.ts";
import { openApi, type TestApi, watchEvents } from "../apiserver/_api.ts";
import { define, definitionsPath, eventually, widget, widgetDefinition, widgetsPath } from "./_definitions.ts";

const v2Path = widgetsPath.replace("/v1/", "/v2/");
const host = { type: "object", properties: { host: { type: "string" }, port: { type: "string" } } };
const hostPort = { type: "object", properties: { hostPort: { type: "string" } } };

/** v1 has `hostPort`, v2 `host` and `port`. */
function twoVersions(storage: "v1" | "v2", conversion: JsonObject): JsonObject {
  const version = (name: string, spec: JsonObject) => ({
    name,
    served: true,
    storage: name === storage,
    schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
  });
  return widgetDefinition({}, {}, { versions: [version("v1", hostPort), version("v2", host)], conversion });
}

const webhook: JsonObject = {
  strategy: "Webhook",
  webhook: { clientConfig: { url: "https://webhook.example.com/" }, conversionReviewVersions: ["v1"] },
};

// biome-ignore lint/suspicious/noExplicitAny: a webhook reads what it expects.
type Change = (object: any, apiVersion: string) => object;

const split: Change = (object, apiVersion) => {
  const { spec = {} } = object;
  const [first, second] = (spec.hostPort ?? ":").split(":");
  return {
    ...object,
    apiVersion,
    spec: apiVersion.endsWith("v1") ? { hostPort: `${spec.host}:${spec.port}` } : { host: first, port: second },
  };
};

interface Hook {
  readonly post: PostReview;
  readonly calls: number[];
  change: Change;
  // biome-ignore lint/suspicious/noExplicitAny: a webhook answers what it likes.
  answer: (response: any) => unknown;
}

function fakeWebhook(): Hook {
  const hook: Hook = {
    calls: [],
    change: split,
    answer: (response) => ({ apiVersion: "apiextensions.k8s.io/v1", kind: "ConversionReview", response }),
    async post(_config, body) {
      const { request } = JSON.parse(new TextDecoder().decode(body));
      hook.calls.push(request.objects.length);
      const convertedObjects = request.objects.map((one: unknown) => hook.change(one, request.desiredAPIVersion));
      const answer = hook.answer({ uid: request.uid, result: { status: "Success" }, convertedObjects });
      return new TextEncoder().encode(JSON.stringify(answer));
    },
  };
  return hook;
}

async function withWebhook(): Promise<{ readonly api: TestApi; readonly hook: Hook }> {
  const hook = fakeWebhook();
  const api = await openApi({ postReview: hook.post });
  await define(api, twoVersions("v1", webhook));
  return { api, hook };
}

describe("versions without conversion", () => {
  it("show the same object under each version, as each version's schema has it", async () => {
    const api = await openApi();
    await define(api, twoVersions("v1", { strategy: "None" }));
    await api.create(widgetsPath, widget("a", { spec: { hostPort: "h:1" } }));
    const { json } = await api.call("GET", `${v2Path}/a`);
    expect(json).toMatchObject({ apiVersion: "example.com/v2", spec: {} });
    expect((await api.call("GET", `${widgetsPath}/a`)).json.spec).toEqual({ hostPort: "h:1" });
    expect((await api.call("GET", "/apis/example.com")).json.preferredVersion.version).toBe("v2");
  });

  it("remember in which versions objects were stored, and rewrite one that is written again", async () => {
    const api = await openApi();
    await define(api, twoVersions("v1", { strategy: "None" }));
    const created = await api.create(widgetsPath, widget("a", { spec: {} }));
    const path = `${definitionsPath}/widgets.example.com`;
    const { json } = await api.call("GET", path);
    json.spec.versions[0].storage = false;
    json.spec.versions[1].storage = true;
    const changed = await api.call("PUT", path, json);
    expect(changed.json.status.storedVersions).toEqual(["v1", "v2"]);
    await eventually(
      async () => api.registries.kinds.find(({ plural }) => plural === "widgets")?.storedAs?.kind.version === "v2",
      "the new storage version",
    );
    const again = await api.call("PUT", `${widgetsPath}/a`, created.json);
    expect(again.json.metadata.resourceVersion).not.toBe(created.json.metadata.resourceVersion);
    const dropped = { ...changed.json, spec: { ...changed.json.spec, versions: changed.json.spec.versions.slice(1) } };
    const refused = await api.call("PUT", path, { ...dropped, metadata: { ...dropped.metadata, resourceVersion: "" } });
    expect(refused.json.message).toContain('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions');
  });
});

describe("conversion by a webhook", () => {
  it("serves each version as the webhook makes it, and stores what was asked to be stored", async () => {
    const { api } = await withWebhook();
    const created = await api.create(v2Path, {
      ...widget("a", { spec: { host: "h", port: "1" } }),
      apiVersion: "example.com/v2",
    });
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({ apiVersion: "example.com/v2", spec: { host: "h", port: "1" } });
    const { json } = await api.call("GET", `${widgetsPath}/a`);
    expect(json).toMatchObject({ apiVersion: "example.com/v1", spec: { hostPort: "h:1" } });
    expect(json.metadata.uid).toBe(created.json.metadata.uid);
    const patched = await api.call(
      "PATCH",
      `${v2Path}/a`,
      { spec: { port: "2" } },
      { "content-type": "application/merge-patch+json" },
    );
    expect(patched.json.spec).toEqual({ host: "h", port: "2" });
    expect((await api.call("GET", `${widgetsPath}/a`)).json.spec).toEqual({ hostPort: "h:2" });
  });

  it("converts a list in one call, and nothing twice", async () => {
    const { api, hook } = await withWebhook();
    for (const name of ["a", "b", "c"])
      await api.create(widgetsPath, widget(name, { spec: { hostPort: `${name}:1` } }));
    const list = await api.call("GET", v2Path);
    expect(list.json.items.map((item: { spec: unknown }) => item.spec)).toEqual([
      { host: "a", port: "1" },
      { host: "b", port: "1" },
      { host: "c", port: "1" },
    ]);
    expect(hook.calls).toEqual([3]);
    await api.call("GET", v2Path);
    await api.call("GET", `${v2Path}/a`);
    expect(hook.calls).toEqual([3]);
  });

  it("converts what a watch shows", async () => {
    const { api } = await withWebhook();
    const events = watchEvents(api, `${v2Path}?watch=1`);
    const first = events.next();
    await api.create(widgetsPath, widget("a", { spec: { hostPort: "h:1" } }));
    expect((await first).value).toMatchObject({
      type: "ADDED",
      object: { apiVersion: "example.com/v2", spec: { host: "h" } },
    });
    await events.return();
  });

  it("takes labels and annotations from the webhook, and nothing else of the metadata", async () => {
    const { api, hook } = await withWebhook();
    await api.create(widgetsPath, widget("a", { spec: { hostPort: "h:1" } }));
    hook.change = (object, apiVersion) => ({
      ...split(object, apiVersion),
      metadata: { ...object.metadata, labels: { a: "b" }, finalizers: ["example.com/x"], generation: 9 },
    });
    const { json } = await api.call("GET", `${v2Path}/a`);
    expect(json.metadata.labels).toEqual({ a: "b" });
    expect(json.metadata.finalizers).toBeUndefined();
    expect(json.metadata.generation).toBe(1);
  });

  it("is spoken to in v1beta1 where it offers nothing newer", async () => {
    const hook = fakeWebhook();
    const sent: string[] = [];
    const post: PostReview = (config, body) => {
      sent.push(JSON.parse(new TextDecoder().decode(body)).apiVersion);
      return hook.post(config, body);
    };
    // Neither type nor uid had to be given then.
    hook.answer = ({ uid: _uid, ...response }) => ({ response });
    const api = await openApi({ postReview: post });
    await define(
      api,
      twoVersions("v1", {
        strategy: "Webhook",
        webhook: { ...(webhook["webhook"] as JsonObject), conversionReviewVersions: ["v9", "v1beta1", "v1"] },
      }),
    );
    await api.create(widgetsPath, widget("a", { spec: { hostPort: "h:1" } }));
    expect((await api.call("GET", `${v2Path}/a`)).json.spec).toEqual({ host: "h", port: "1" });
    expect(new Set(sent)).toEqual(new Set(["apiextensions.k8s.io/v1beta1"]));
  });

  const failures: readonly [string, (hook: Hook) => void, string][] = [
    [
      "fails",
      (hook) =>
        (hook.answer = () => {
          throw new Error('Post "https://x": refused');
        }),
      'failed: Post "https://x": refused',
    ],
    [
      "says no",
      (hook) =>
        (hook.answer = (response) => ({
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "ConversionReview",
          response: { ...response, result: { status: "Failed", message: "no way" } },
        })),
      "failed: no way",
    ],
    [
      "answers somebody else",
      (hook) =>
        (hook.answer = (response) => ({
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "ConversionReview",
          response: { ...response, uid: "x" },
        })),
      'got "x"',
    ],
    [
      "answers in another version",
      (hook) =>
        (hook.answer = (response) => ({
          apiVersion: "apiextensions.k8s.io/v1beta1",
          kind: "ConversionReview",
          response,
        })),
      "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got apiextensions.k8s.io/v1beta1, Kind=ConversionReview",
    ],
    [
      "loses an object",
      (hook) =>
        (hook.answer = (response) => ({
          apiVersion: "apiextensions.k8s.io/v1",
          kind: "ConversionReview",
          response: { ...response, convertedObjects: [] },
        })),
      "returned 0 objects, expected 1",
    ],
    [
      "converts to nothing asked for",
      (hook) => (hook.change = (object) => object),
      "returned invalid converted object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v1)",
    ],
    [
      "renames",
      (hook) =>
        (hook.change = (object, version) => ({
          ...split(object, version),
          metadata: { ...object.metadata, name: "other" },
        })),
      "must have the same name: a != other",
    ],
    [
      "moves",
      (hook) =>
        (hook.change = (object, version) => ({
          ...split(object, version),
          metadata: { ...object.metadata, namespace: "kube-system" },
        })),
      "must have the same namespace: default != kube-system",
    ],
    [
      "sends labels that are none",
      (hook) =>
        (hook.change = (object, version) => ({
          ...split(object, version),
          metadata: { ...object.metadata, labels: { a: 1 } },
        })),
      "metadata.labels[a] must be a string, but is number in converted object",
    ],
    ["sends no JSON", (hook) => (hook.answer = () => "nothing"), "failed: expected webhook response of"],
  ];
  it.each(failures)("is told of when the webhook %s", async (_name, spoil, message) => {
    const { api, hook } = await withWebhook();
    await api.create(widgetsPath, widget("a", { spec: { hostPort: "h:1" } }));
    spoil(hook);
    const { status, json } = await api.call("GET", `${v2Path}/a`);
    expect(status).toBe(500);
    expect(json.reason).toBeUndefined();
    expect(json.message).toContain("conversion webhook for example.com/v1, Kind=Widget ");
    expect(json.message).toContain(message);
    // What needs no conversion is served all the same.
    expect((await api.call("GET", `${widgetsPath}/a`)).status).toBe(200);
  });
});
