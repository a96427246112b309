import { describe, expect, it } from "vitest";
import type { Json, JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { apply } from "../../../core/client/apply.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { admin, openApi, type TestApi } from "../apiserver/_api.ts";
import { define, specOf, widget, widgetDefinition, widgetsPath } from "./_definitions.ts";

const max = "9223372036854775807";
const min = "-9223372036854775808";
const integer = { type: "integer", format: "int64" };

async function openWidgets(spec: JsonObject, more: JsonObject = {}): Promise<TestApi> {
  const api = await openApi();
  await define(api, widgetDefinition(specOf(spec, more)));
  return api;
}

/** The text of a widget, with what JSON.stringify cannot write. */
function textOf(name: string, spec: string): string {
  return JSON.stringify(widget(name, { spec: "SPEC" })).replace('"SPEC"', spec);
}

describe("64-bit integers in custom resources", () => {
  it("are kept digit by digit by every verb and in every form", async () => {
    const api = await openWidgets({ size: integer, any: { "x-kubernetes-preserve-unknown-fields": true } });
    const path = `${widgetsPath}/a`;
    const created = await api.call("POST", widgetsPath, textOf("a", `{"size":${max},"any":{"deep":[${min}]}}`));
    expect([created.status, created.text]).toEqual([201, expect.stringContaining(`{"deep":[${min}]}`)]);
    for (const where of [path, widgetsPath, `${path}?pretty=true`])
      expect((await api.call("GET", where)).text).toMatch(new RegExp(`"size": ?${max}\\b`));

    const patches: readonly [string, string, string][] = [
      ["application/merge-patch+json", '{"spec":{"size":9007199254740993}}', "9007199254740993"],
      ["application/json-patch+json", `[{"op":"replace","path":"/spec/size","value":${min}}]`, min],
      [
        "application/json-patch+json",
        `[{"op":"test","path":"/spec/size","value":${min}},{"op":"replace","path":"/spec/size","value":${max}}]`,
        max,
      ],
    ];
    for (const [type, patch, expected] of patches) {
      const patched = await api.call("PATCH", path, patch, { "content-type": type });
      expect([patched.status, patched.text]).toEqual([200, expect.stringContaining(`"size":${expected}`)]);
    }
    const { text } = await api.call("GET", path);
    const updated = await api.call("PUT", path, text.replace(max, "9007199254740995"));
    expect([updated.status, updated.text]).toEqual([200, expect.stringContaining('"size":9007199254740995')]);
  });

  it("are read from YAML, and applied", async () => {
    const api = await openWidgets({
      ports: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        items: { type: "object", required: ["id"], properties: { id: integer, name: { type: "string" } } },
      },
      ids: { type: "array", "x-kubernetes-list-type": "set", items: integer },
    });
    const yaml = (name: string, ports: string) =>
      `apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: ${name}}\nspec: {ids: [${max}, ${min}], ports: [${ports}]}\n`;
    const posted = await api.call("POST", widgetsPath, yaml("a", `{id: ${max}}`), {
      "content-type": "application/yaml",
    });
    expect([posted.status, posted.text]).toEqual([201, expect.stringContaining(`"ids":[${max},${min}]`)]);

    const apply = (manager: string, ports: string) =>
      api.call("PATCH", `${widgetsPath}/s?fieldManager=${manager}`, yaml("s", ports), {
        "content-type": "application/apply-patch+yaml",
      });
    const applied = await apply("one", `{id: ${max}, name: x}, {id: 9223372036854775806, name: v}`);
    expect([applied.status, applied.text]).toEqual([201, expect.stringContaining(max)]);
    const conflict = await apply("two", `{id: ${max}, name: z}`);
    expect([conflict.status, conflict.json.message]).toEqual([
      409,
      `Apply failed with 1 conflict: conflict with "one": .spec.ports[id=${max}].name`,
    ]);
    const less = await apply("one", `{id: ${max}, name: w}`);
    expect(less.text).toContain(`"ports":[{"id":${max},"name":"w"}]`);
    expect(less.json.metadata.managedFields[0].fieldsV1["f:spec"]["f:ids"]).toMatchObject({ [`v:${max}`]: {} });
    const twice = await api.call("POST", widgetsPath, textOf("t", `{"ids":[${max},${max}]}`));
    expect(twice.json.details.causes[0].message).toBe(`Duplicate value: ${max}`);
  });

  it("are held against bounds, defaults and rules", async () => {
    const api = await openWidgets(
      {
        size: { ...integer, maximum: 9007199254740991, default: 1 },
        wide: { ...integer, multipleOf: 10 },
        sum: integer,
        any: { type: "integer", format: "int32" },
      },
      { "x-kubernetes-validations": [{ rule: `!has(self.sum) || self.sum == ${max}`, message: "not the largest" }] },
    );
    const cases: readonly [string, string][] = [
      [`{"size":${max}}`, `Invalid value: ${max}: spec.size in body should be less than or equal to 9007199254740991`],
      [`{"wide":${max}}`, `Invalid value: ${max}: spec.wide in body should be a multiple of 10`],
      [`{"any":${max}}`, "Checked value must be of type integer with format int32 in spec.any"],
      ['{"sum":9223372036854775806}', "not the largest"],
    ];
    for (const [spec, message] of cases) {
      const { status, json } = await api.call("POST", widgetsPath, textOf("a", spec));
      expect([status, json.message]).toEqual([422, expect.stringContaining(message)]);
    }
    const fine = await api.call("POST", widgetsPath, textOf("b", `{"sum":${max},"wide":9223372036854775800}`));
    expect([fine.status, fine.text]).toEqual([
      201,
      expect.stringContaining('"spec":{"sum":9223372036854775807,"wide":9223372036854775800,"size":1}'),
    ]);
  });
});

describe("clients", () => {
  const widgets = { group: "example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true };
  const largest = BigInt(max);

  it("get 64-bit integers as bigints, send them as they are, and see them in columns and events", async () => {
    const api = await openApi();
    const column = { name: "Size", type: "integer", jsonPath: ".spec.size" };
    await define(api, widgetDefinition(specOf({ size: integer }), { additionalPrinterColumns: [column] }));
    await using client = createClient(inProcessTransport(api.handler.handle, { user: admin }));
    const sized = (size: bigint) =>
      ({ ...widget("a", { spec: { size } }), metadata: { name: "a", namespace: "default" } }) as unknown as KubeObject;
    expect(await client.create(widgets, sized(largest))).toMatchObject({ spec: { size: largest } });
    expect(await client.get(widgets, { namespace: "default", name: "a" })).toMatchObject({ spec: { size: largest } });

    const { object } = await apply(client, widgets, sized(largest - 1n));
    expect(object).toMatchObject({ spec: { size: largest - 1n } });
    const again = await apply(client, widgets, sized(largest - 1n));
    expect(again.outcome).toBe("unchanged");

    const list = await client.list(widgets, { namespace: "default" });
    expect(list.items).toMatchObject([{ spec: { size: largest - 1n } }]);
    const watched = client.watch(widgets, { namespace: "default", resourceVersion: "1" });
    for await (const event of watched) {
      expect(event.object).toMatchObject({ spec: { size: largest } });
      break;
    }
    const table = await api.call("GET", widgetsPath, undefined, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    expect(table.text).toContain(`"cells":["a",${largest - 1n}]`);
  });
});

describe("64-bit integers in other objects", () => {
  it("stay where JSON is free: defaults in definitions, and what they make of resources", async () => {
    const api = await openApi();
    const definition = JSON.stringify(widgetDefinition(specOf({ size: { ...integer, default: 4242 } })));
    await define(api, JSON.parse(definition) as JsonObject);
    const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";
    const { text } = await api.call("GET", path);
    expect((await api.call("PUT", path, text.replaceAll("4242", max))).status).toBe(200);
    const { text: stored } = await api.call("GET", path);
    expect(stored).toContain(`"default":${max}`);
  });

  it("stand for quantities", async () => {
    const api = await openApi();
    const quota = `{"metadata":{"name":"q"},"spec":{"hard":{"requests.storage":${max}}}}`;
    const { status, json } = await api.call("POST", "/api/v1/namespaces/default/resourcequotas", quota);
    expect([status, json.spec]).toEqual([201, { hard: { "requests.storage": max } }]);
  });

  it("are refused in the place of every field that is no such integer, never with 500", async () => {
    const api = await openApi();
    const pods = "/api/v1/namespaces/default/pods";
    const pod: JsonObject = {
      metadata: { name: "p", labels: { a: "b" }, generation: 1, finalizers: ["example.com/a"] },
      spec: {
        containers: [{ name: "c", image: "i", ports: [{ containerPort: 1 }], resources: { limits: { cpu: "1" } } }],
        tolerations: [{ key: "k", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 }],
        terminationGracePeriodSeconds: 1,
        nodeSelector: { a: "b" },
      },
    };
    expect((await api.create(pods, pod)).status).toBe(201);
    const statuses = new Set<number>();
    for (const wrong of variants(pod)) {
      const text = JSON.stringify(wrong).replaceAll('"BIG"', max);
      const answers = [
        await api.call("POST", `${pods}?dryRun=All`, text),
        await api.call("PUT", `${pods}/p`, text),
        await api.call("PATCH", `${pods}/p`, text, { "content-type": "application/strategic-merge-patch+json" }),
        await api.call("PATCH", `${pods}/p`, text, { "content-type": "application/merge-patch+json" }),
        await api.call("PATCH", `${pods}/p?fieldManager=m`, text, { "content-type": "application/apply-patch+yaml" }),
        await api.call("DELETE", `${pods}/none`, text),
      ];
      for (const { status } of answers) statuses.add(status);
    }
    expect([...statuses].filter((status) => status >= 500)).toEqual([]);
  });
});

/** The value with each of its parts in turn replaced by the text `BIG`. */
function variants(value: Json): readonly Json[] {
  if (Array.isArray(value))
    return [
      "BIG",
      ...value.flatMap((item: Json, at) =>
        variants(item).map((other) => value.map((old: Json, i) => (i === at ? other : old))),
      ),
    ];
  if (typeof value !== "object" || value === null) return ["BIG"];
  return [
    "BIG",
    ...Object.entries(value).flatMap(([key, member]) => variants(member).map((other) => ({ ...value, [key]: other }))),
  ];
}
