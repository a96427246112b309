import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi, type TestApi } from "../apiserver/_api.ts";
import { define, specOf, widget, widgetDefinition, widgetsPath } from "./_definitions.ts";

/** Server-side apply of custom resources: how they merge stands in their schema. */

const apply = (api: TestApi, object: JsonObject, manager = "m", path = "a", force = false) =>
  api.call("PATCH", `${widgetsPath}/${path}?fieldManager=${manager}&force=${force}`, object, {
    "content-type": "application/apply-patch+yaml",
  });

const schema: JsonObject = specOf({
  atomic: { type: "array", items: { type: "string" } },
  set: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
  map: {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name", "protocol"],
    items: {
      type: "object",
      required: ["name"],
      properties: {
        name: { type: "string" },
        protocol: { type: "string", default: "TCP" },
        value: { "x-kubernetes-int-or-string": true },
      },
    },
  },
  whole: { type: "object", "x-kubernetes-map-type": "atomic", additionalProperties: { type: "string" } },
  members: { type: "object", additionalProperties: { type: "string" } },
  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  inner: { type: "object", "x-kubernetes-embedded-resource": true, properties: { x: { type: "integer" } } },
  count: { type: "integer" },
});

async function widgets(): Promise<TestApi> {
  const api = await openApi();
  await define(api, widgetDefinition(schema, { subresources: { status: {} } }));
  return api;
}

describe("apply of custom resources", () => {
  it("merges lists, sets and maps as the schema says", async () => {
    const api = await widgets();
    const one = { set: ["a"], map: [{ name: "x", value: 1 }], members: { a: "1" }, atomic: ["a"], whole: { a: "1" } };
    const two = { set: ["b"], map: [{ name: "y", value: "2" }], members: { b: "2" }, free: { any: { thing: [1] } } };
    expect((await apply(api, widget("a", { spec: one }), "one")).status).toBe(201);
    const { json } = await apply(api, widget("a", { spec: two }), "two");
    expect(json.spec).toEqual({
      set: ["a", "b"],
      map: [
        { name: "x", protocol: "TCP", value: 1 },
        { name: "y", protocol: "TCP", value: "2" },
      ],
      members: { a: "1", b: "2" },
      atomic: ["a"],
      whole: { a: "1" },
      free: { any: { thing: [1] } },
    });
    const refused = await apply(api, widget("a", { spec: { atomic: ["b"], whole: { b: "2" }, set: ["a"] } }), "three");
    expect(refused.json.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.atomic\n- .spec.whole',
    );
    const given = await apply(api, widget("a", { spec: { set: ["a"] } }), "one");
    expect(given.json.spec).toEqual({
      set: ["a", "b"],
      map: [{ name: "y", protocol: "TCP", value: "2" }],
      members: { b: "2" },
      free: { any: { thing: [1] } },
    });
  });

  it("tells items with defaults in their keys apart, and writes keys as Kubernetes does", async () => {
    const api = await widgets();
    const { json } = await apply(api, widget("a", { spec: { map: [{ name: "x" }, { name: "x", protocol: "UDP" }] } }));
    expect(json.metadata.managedFields[0].fieldsV1).toEqual({
      "f:spec": {
        "f:map": {
          'k:{"name":"x","protocol":"TCP"}': { ".": {}, "f:name": {} },
          'k:{"name":"x","protocol":"UDP"}': { ".": {}, "f:name": {}, "f:protocol": {} },
        },
      },
    });
    const twice = await apply(api, widget("a", { spec: { map: [{ name: "x" }, { name: "x", protocol: "TCP" }] } }));
    expect(twice.json.message).toBe(
      'failed to create typed patch object (/a; example.com/v1, Kind=Widget): .spec.map: duplicate entries for key [name="x",protocol="TCP"]',
    );
  });

  it.each([
    ["a field that is not declared", { unknown: 1 }, ".spec.unknown: field not declared in schema"],
    ["a number that is none", { count: "1" }, ".spec.count: expected numeric (int or float), got string"],
    [
      "an item without its key",
      { map: [{ value: 1 }] },
      '.spec.map: element 0: associative list with keys has an element that omits key field "name" (and doesn\'t have default value)',
    ],
    [
      "a set of objects",
      { set: [{}] },
      ".spec.set: element 0: associative list without keys has an element that's a map type",
    ],
    ["a list that is none", { atomic: { a: 1 } }, ".spec.atomic: expected list, got &{map[a:1]}"],
  ])("refuses %s", async (_what, spec, message) => {
    const api = await widgets();
    const answer = await apply(api, widget("a", { spec }));
    expect(answer.json).toMatchObject({
      code: 500,
      message: `failed to create typed patch object (/a; example.com/v1, Kind=Widget): ${message}`,
    });
    expect(answer.json).not.toHaveProperty("reason");
  });

  it("does not let strategic patches in, and says what is taken", async () => {
    const api = await widgets();
    await api.create(widgetsPath, widget("a"));
    const answer = await api.call(
      "PATCH",
      `${widgetsPath}/a`,
      {},
      {
        "content-type": "application/strategic-merge-patch+json",
      },
    );
    expect(answer.json).toMatchObject({
      code: 415,
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    });
  });

  it("owns field by field what was owned as a whole when its schema changes, and the other way round", async () => {
    const api = await widgets();
    await apply(api, widget("a", { spec: { whole: { a: "1" }, members: { b: "1" } } }));
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
    const at = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    const changed = await api.call(
      "PATCH",
      path,
      [
        { op: "remove", path: `${at}/whole/x-kubernetes-map-type` },
        { op: "add", path: `${at}/members/x-kubernetes-map-type`, value: "atomic" },
      ],
      { "content-type": "application/json-patch+json" },
    );
    expect(changed.status).toBe(200);
    const fields = async () => {
      await api.call(
        "PATCH",
        `${widgetsPath}/a?fieldManager=n`,
        { spec: { count: Math.floor(performance.now()) } },
        {
          "content-type": "application/merge-patch+json",
        },
      );
      const { json } = await api.call("GET", `${widgetsPath}/a`);
      return json.metadata.managedFields.find(({ manager }: { manager: string }) => manager === "m").fieldsV1;
    };
    for (const end = performance.now() + 5000; performance.now() < end; ) {
      if (JSON.stringify(await fields()).includes('"f:whole":{".":{},')) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await fields()).toEqual({ "f:spec": { "f:members": {}, "f:whole": { ".": {}, "f:a": {} } } });
  });
});

describe("managed fields of custom resources", () => {
  it("name what is there, as nothing of them is always", async () => {
    const api = await widgets();
    const { json } = await api.create(`${widgetsPath}?fieldManager=creator`, widget("a", { spec: { count: 1 } }));
    expect(json.metadata.managedFields[0].fieldsV1).toEqual({ "f:spec": { ".": {}, "f:count": {} } });
    const status = await api.call(
      "PATCH",
      `${widgetsPath}/a/status?fieldManager=s`,
      { status: { phase: "x" } },
      {
        "content-type": "application/merge-patch+json",
      },
    );
    expect(status.json.metadata.managedFields[1]).toMatchObject({
      manager: "s",
      subresource: "status",
      fieldsV1: { "f:status": { ".": {}, "f:phase": {} } },
    });
  });
});
