import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { loadSchema } from "../../../core/api/schema.ts";
import { readPackedAsset } from "../../../core/platform/assets.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { openApi as openDocuments } from "../../../master_daemon/apiserver/openapi/open_api.ts";
import { openApi, type TestApi } from "../apiserver/_api.ts";
import { define, definitionsPath, eventually, specOf, widgetDefinition } from "./_definitions.ts";

const id = "com.example.v1.Widget";

// biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
async function published(api: TestApi, path: string): Promise<any> {
  const schema = await loadSchema(readPackedAsset);
  const documents = openDocuments({ kinds: () => api.registries.kinds, schema, version: "v1", clock: new FakeClock() });
  const response = await documents.respond(path, { accept: "application/json" });
  return response && JSON.parse(new TextDecoder().decode(response.body as Uint8Array));
}

describe("OpenAPI of custom resources", () => {
  it("has the schema with metadata, and its list, in version 3", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ port: { "x-kubernetes-int-or-string": true } })));
    const { components, paths } = await published(api, "/openapi/v3/apis/example.com/v1");
    expect(components.schemas[id].properties.spec.properties.port).toEqual({
      "x-kubernetes-int-or-string": true,
      anyOf: [{ type: "integer" }, { type: "string" }],
    });
    expect(components.schemas[id].properties.metadata.allOf).toEqual([
      { $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
    ]);
    expect(components.schemas[`${id}List`].properties.items.items).toEqual({ $ref: `#/components/schemas/${id}` });
    const patch = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"].patch;
    expect(Object.keys(patch.requestBody.content)).not.toContain("application/strategic-merge-patch+json");
  });

  const keep = { "x-kubernetes-preserve-unknown-fields": true };
  const cases: readonly [string, JsonObject, JsonObject][] = [
    [
      "drops alternatives",
      { a: { type: "string", anyOf: [{ minLength: 1 }], not: { enum: ["x"] } } },
      { a: { type: "string" } },
    ],
    [
      "gives nullable values no type",
      { a: { type: "object", nullable: true, properties: { b: { type: "string" } } } },
      { a: {} },
    ],
    [
      "names nothing where unknown fields are kept",
      { a: { type: "object", ...keep, properties: { b: { type: "string" } } } },
      { a: keep },
    ],
    ["gives lists without items no type", { a: { type: "array", items: { type: "string" }, ...keep } }, { a: keep }],
    [
      "says that int-or-string is any",
      { a: { "x-kubernetes-int-or-string": true } },
      { a: { "x-kubernetes-int-or-string": true } },
    ],
  ];
  it.each(cases)("%s in version 2", async (_name, properties, expected) => {
    const api = await openApi();
    await define(api, widgetDefinition({ type: "object", properties: { spec: { type: "object", properties } } }));
    const { definitions } = await published(api, "/openapi/v2");
    expect(definitions[id].properties.spec).toEqual({ type: "object", properties: expected });
  });

  it("says nothing of a kind that keeps unknown fields at its root, in version 2", async () => {
    const api = await openApi();
    await define(api, widgetDefinition({ type: "object", ...keep }));
    const { definitions } = await published(api, "/openapi/v2");
    expect(definitions[id]).toEqual({
      type: "object",
      "x-kubernetes-group-version-kind": [{ group: "example.com", kind: "Widget", version: "v1" }],
    });
  });

  it("loses a version that is no longer served", async () => {
    const api = await openApi();
    const definition = widgetDefinition(
      specOf({}),
      {},
      {
        versions: [
          { name: "v1", served: true, storage: true, schema: { openAPIV3Schema: specOf({}) } },
          { name: "v2", served: true, storage: false, schema: { openAPIV3Schema: specOf({ a: { type: "string" } }) } },
        ],
      },
    );
    await define(api, definition);
    expect((await published(api, "/openapi/v2")).definitions["com.example.v2.Widget"]).toBeDefined();
    await api.call(
      "PATCH",
      `${definitionsPath}/widgets.example.com`,
      [{ op: "replace", path: "/spec/versions/1/served", value: false }] as never,
      {
        "content-type": "application/json-patch+json",
      },
    );
    await eventually(
      async () => !api.registries.kinds.some(({ group, version }) => group === "example.com" && version === "v2"),
      "v2 to go",
    );
    expect((await published(api, "/openapi/v2")).definitions["com.example.v2.Widget"]).toBeUndefined();
    expect((await api.call("GET", "/apis/example.com/v2/namespaces/default/widgets")).status).toBe(404);
  });
});
