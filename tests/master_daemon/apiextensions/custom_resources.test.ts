import { describe, expect, it } from "vitest";
import { openApi } from "../apiserver/_api.ts";
import {
  condition,
  define,
  definitionsPath,
  eventually,
  specOf,
  widget,
  widgetDefinition,
  widgetsPath,
} from "./_definitions.ts";

describe("custom resources", () => {
  it("are served as soon as their definition is established, and found by discovery", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ size: { type: "integer" } })));
    const created = await api.create(widgetsPath, widget("a", { spec: { size: 3 } }));
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({ kind: "Widget", spec: { size: 3 }, metadata: { generation: 1 } });
    const group = await api.call("GET", "/apis/example.com/v1");
    expect(group.json.resources).toEqual([
      expect.objectContaining({
        name: "widgets",
        singularName: "widget",
        kind: "Widget",
        shortNames: ["wd"],
        categories: ["all"],
      }),
    ]);
    const list = await api.call("GET", widgetsPath);
    expect(list.json).toMatchObject({
      kind: "WidgetList",
      apiVersion: "example.com/v1",
      items: [{ metadata: { name: "a" } }],
    });
  });

  it("lose what their schema does not name, and say so when asked to", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ size: { type: "integer" } })));
    const body = widget("a", { spec: { size: 3, colour: "red" } });
    const warned = await api.call("POST", `${widgetsPath}?fieldValidation=Warn`, body);
    expect(warned.json.spec).toEqual({ size: 3 });
    expect(warned.headers["warning"]).toEqual(['299 - "unknown field \\"spec.colour\\""']);
    const strict = await api.call(
      "POST",
      `${widgetsPath}?fieldValidation=Strict`,
      widget("b", { spec: { colour: "red" } }),
    );
    expect(strict.status).toBe(400);
    expect(strict.json.message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.colour"',
    );
  });

  it("are refused with Kubernetes' words when a value is wrong", async () => {
    const api = await openApi();
    await define(
      api,
      widgetDefinition(
        specOf(
          { size: { type: "integer", maximum: 5 }, name: { type: "string", pattern: "^a+$" } },
          { required: ["size"] },
        ),
      ),
    );
    const { status, json } = await api.create(widgetsPath, widget("a", { spec: { size: "x", name: "b" } }));
    expect(status).toBe(422);
    expect(json.message).toBe(
      'Widget.example.com "a" is invalid: [spec.size: Invalid value: "string": spec.size in body must be of type integer: "string", spec.name: Invalid value: "b": spec.name in body should match \'^a+$\']',
    );
    const missing = await api.create(widgetsPath, widget("a", { spec: {} }));
    expect(missing.json.details.causes).toEqual([
      { reason: "FieldValueRequired", message: "Required value", field: "spec.size" },
    ]);
  });

  it("get the defaults of their schema when written and when read", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ size: { type: "integer", default: 7 } })));
    expect((await api.create(widgetsPath, widget("a", { spec: {} }))).json.spec).toEqual({ size: 7 });
    const { json } = await api.call("GET", `${definitionsPath}/widgets.example.com`);
    json.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.colour = { type: "string", default: "red" };
    expect((await api.call("PUT", `${definitionsPath}/widgets.example.com`, json)).status).toBe(200);
    await eventually(
      async () => (await api.call("GET", `${widgetsPath}/a`)).json.spec?.colour === "red",
      "the new default",
    );
  });

  it("go with their definition, and do not come back with a new one", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ size: { type: "integer" } })));
    await api.create(widgetsPath, widget("a"));
    expect((await api.call("DELETE", `${definitionsPath}/widgets.example.com`)).json.metadata.finalizers).toEqual([
      "customresourcecleanup.apiextensions.k8s.io",
    ]);
    await eventually(
      async () => (await api.call("GET", `${definitionsPath}/widgets.example.com`)).status === 404,
      "the definition to go",
    );
    await eventually(async () => (await api.call("GET", widgetsPath)).status === 404, "the kind to go");
    await define(api, widgetDefinition(specOf({ size: { type: "integer" } })));
    expect((await api.call("GET", widgetsPath)).json.items).toEqual([]);
  });

  it("keep their definition while one waits for a finalizer", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ size: { type: "integer" } })));
    await api.create(widgetsPath, { ...widget("a"), metadata: { name: "a", finalizers: ["example.com/hold"] } });
    await api.call("DELETE", `${definitionsPath}/widgets.example.com`);
    await condition(api, "Terminating");
    // First the condition says what is about to happen; then it does.
    await eventually(
      async () => (await api.call("GET", `${widgetsPath}/a`)).json.metadata.deletionTimestamp !== undefined,
      "the object to be deleted",
    );
    await api.call(
      "PATCH",
      `${widgetsPath}/a`,
      { metadata: { finalizers: null } },
      { "content-type": "application/merge-patch+json" },
    );
    await eventually(
      async () => (await api.call("GET", `${definitionsPath}/widgets.example.com`)).status === 404,
      "the definition to go",
    );
  });
});
