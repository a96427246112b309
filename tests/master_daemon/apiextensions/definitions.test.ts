import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { type CustomResourceDefinition, deployment } from "../../../core/kinds/mod.ts";
import { planEstablished, planNames } from "../../../master_daemon/apiextensions/names.ts";
import { cpuMsOf } from "../../cpu_time.ts";
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

const path = `${definitionsPath}/widgets.example.com`;
const okSchema = specOf({ size: { type: "integer" } });
const at = "spec.validation.openAPIV3Schema";
const withSpec = (spec: JsonObject): JsonObject => widgetDefinition({ type: "object", properties: { spec } });

describe("CustomResourceDefinition", () => {
  const cases: readonly [string, JsonObject, string][] = [
    [
      "another name than plural and group",
      { ...widgetDefinition(okSchema), metadata: { name: "x.example.com" } },
      'metadata.name: Invalid value: "x.example.com": must be spec.names.plural+"."+spec.group',
    ],
    ["no scope", widgetDefinition(okSchema, {}, { scope: "" }), "spec.scope: Required value"],
    [
      "another scope",
      widgetDefinition(okSchema, {}, { scope: "World" }),
      'spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced"',
    ],
    [
      "a group without a dot",
      { ...widgetDefinition(okSchema, {}, { group: "example" }), metadata: { name: "widgets.example" } },
      'spec.group: Invalid value: "example": should be a domain with at least one dot',
    ],
    [
      "no storage version",
      widgetDefinition(okSchema, { storage: false }),
      "must have exactly one version marked as storage version",
    ],
    [
      "a version that is no name",
      widgetDefinition(okSchema, { name: "V1" }),
      'spec.versions[0].name: Invalid value: "V1": a DNS-1035 label must consist of',
    ],
    [
      "a first version that is no name",
      widgetDefinition(okSchema, { name: "V1" }),
      'spec.version: Invalid value: "V1": a DNS-1035 label must consist of',
    ],
    [
      "a short name of nothing",
      widgetDefinition(okSchema, {}, { names: { plural: "widgets", kind: "Widget", shortNames: [""] } }),
      'spec.names.shortNames[0]: Invalid value: "": a DNS-1035 label must consist of',
    ],
    [
      "no schema",
      widgetDefinition(okSchema, { schema: {} }),
      "spec.versions[0].schema.openAPIV3Schema: Required value",
    ],
    [
      "a kind that is its list",
      widgetDefinition(okSchema, {}, { names: { plural: "widgets", kind: "Widget", listKind: "Widget" } }),
      'spec.names.listKind: Invalid value: "Widget": kind and listKind may not be the same',
    ],
    [
      "preserveUnknownFields",
      widgetDefinition(okSchema, {}, { preserveUnknownFields: true }),
      "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
    ],
    [
      "a warning without deprecation",
      widgetDefinition(okSchema, { deprecationWarning: "x" }),
      'spec.versions[0].deprecationWarning: Invalid value: "x": can only be set for deprecated versions',
    ],
    [
      "a root of another type",
      widgetDefinition({ type: "string" }),
      `${at}.type: Invalid value: "string": must be object at the root`,
    ],
    [
      "no type at the root",
      widgetDefinition({ properties: {} }),
      `${at}.type: Required value: must not be empty at the root`,
    ],
    [
      "a field without a type",
      withSpec({ properties: {} }),
      `${at}.properties[spec].type: Required value: must not be empty for specified object fields`,
    ],
    [
      "a list without items",
      withSpec({ type: "array" }),
      `${at}.properties[spec].items: Required value: must be specified`,
    ],
    [
      "a type inside of alternatives",
      withSpec({ type: "object", anyOf: [{ type: "object" }] }),
      `${at}.properties[spec].anyOf[0].type: Forbidden: must be empty to be structural`,
    ],
    [
      "a field that only an alternative names",
      widgetDefinition({ type: "object", anyOf: [{ properties: { a: { minimum: 1 } } }] }),
      `${at}.properties[a]: Required value: because it is defined in ${at}.anyOf[0].properties[a]`,
    ],
    [
      "restrictions of metadata",
      widgetDefinition({
        type: "object",
        properties: { metadata: { type: "object", properties: { labels: { type: "object" } } } },
      }),
      `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
    [
      "a pattern that Go cannot read",
      withSpec({ type: "string", pattern: "(?=a)" }),
      `${at}.properties[spec].pattern: Invalid value: "(?=a)": must be a valid regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
    ],
    [
      "unique items",
      withSpec({ type: "array", uniqueItems: true, items: { type: "string" } }),
      `${at}.properties[spec].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ],
    [
      "properties beside additional ones",
      withSpec({ type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "string" } }),
      `${at}.properties[spec].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
    ],
    [
      "a reference",
      withSpec({ type: "object", $ref: "#/x" }),
      `${at}.properties[spec].$ref: Forbidden: $ref is not supported`,
    ],
    [
      "an unknown type",
      withSpec({ type: "text" }),
      `${at}.properties[spec].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
    [
      "a default that is wrong",
      withSpec({ type: "object", properties: { a: { type: "integer", default: "x" } } }),
      `${at}.properties[spec].properties[a].default: Invalid value: "string":  in body must be of type integer: "string"`,
    ],
    [
      "a default with unknown fields",
      withSpec({ type: "object", default: { b: 1 }, properties: { a: { type: "integer" } } }),
      `${at}.properties[spec].default: Invalid value: {"b":1}: must not have unknown fields`,
    ],
    [
      "a default of metadata",
      widgetDefinition({ type: "object", properties: { metadata: { type: "object", default: {} } } }),
      `${at}.properties[metadata].default: Forbidden: must not be set in top-level metadata`,
    ],
    [
      "a map list without keys",
      withSpec({ type: "array", "x-kubernetes-list-type": "map", items: { type: "object" } }),
      `${at}.properties[spec].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    ],
    [
      "a key that may be missing",
      withSpec({
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
        items: { type: "object", properties: { k: { type: "string" } } },
      }),
      `${at}.properties[spec].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
    [
      "an embedded resource that is no object",
      withSpec({ type: "string", "x-kubernetes-embedded-resource": true }),
      `${at}.properties[spec].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true`,
    ],
    [
      "int-or-string that keeps unknown fields",
      withSpec({ "x-kubernetes-int-or-string": true, "x-kubernetes-preserve-unknown-fields": true }),
      `${at}.properties[spec].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true`,
    ],
    [
      "a column of another type",
      widgetDefinition(okSchema, { additionalPrinterColumns: [{ name: "A", type: "text", jsonPath: ".a" }] }),
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    ],
    [
      "a column without a path",
      widgetDefinition(okSchema, { additionalPrinterColumns: [{ name: "A", type: "string", jsonPath: "a" }] }),
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .',
    ],
    [
      "a scale that leads elsewhere",
      widgetDefinition(okSchema, {
        subresources: { scale: { specReplicasPath: ".x.r", statusReplicasPath: ".status.r" } },
      }),
      'spec.subresources.scale.specReplicasPath: Invalid value: ".x.r": should be a json path under .spec',
    ],
    [
      "a selectable field that is none",
      widgetDefinition(okSchema, { selectableFields: [{ jsonPath: ".spec.other" }] }),
      'spec.selectableFields[0].jsonPath: Invalid value: ".spec.other": is an invalid path: does not refer to a valid field',
    ],
    [
      "a webhook for no conversion",
      widgetDefinition(
        okSchema,
        {},
        { conversion: { strategy: "None", webhook: { conversionReviewVersions: ["v1"] } } },
      ),
      "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
    ],
    [
      "a webhook over http",
      widgetDefinition(
        okSchema,
        {},
        {
          conversion: {
            strategy: "Webhook",
            webhook: { conversionReviewVersions: ["v1"], clientConfig: { url: "http://x/" } },
          },
        },
      ),
      "'https' is the only allowed URL scheme; desired format: https://host[/path]",
    ],
    [
      "a webhook that speaks nothing known",
      widgetDefinition(
        okSchema,
        {},
        {
          conversion: {
            strategy: "Webhook",
            webhook: { conversionReviewVersions: ["v9"], clientConfig: { url: "https://x/" } },
          },
        },
      ),
      'spec.conversion.conversionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1',
    ],
    [
      "a group of the community without approval",
      { ...widgetDefinition(okSchema, {}, { group: "x.k8s.io" }), metadata: { name: "widgets.x.k8s.io" } },
      'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    ],
  ];
  it.each(cases)("is refused with %s", async (_name, definition, message) => {
    const api = await openApi();
    const { status, json } = await api.create(definitionsPath, definition);
    expect(json.message).toContain(message);
    expect(status).toBe(422);
  });

  it("names the version where versions differ", async () => {
    const api = await openApi();
    const version = (name: string, spec: JsonObject) => ({
      name,
      served: true,
      storage: name === "v1",
      schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
    });
    const versions = [version("v1", { type: "object" }), version("v2", { type: "array" })];
    const { json } = await api.create(definitionsPath, widgetDefinition({}, {}, { versions }));
    expect(json.message).toContain("spec.versions[1].schema.openAPIV3Schema.properties[spec].items: Required value");
  });

  it("keeps what its objects rely on", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(okSchema));
    const { json } = await api.call("GET", path);
    const changed = {
      ...json,
      spec: { ...json.spec, scope: "Cluster", names: { ...json.spec.names, kind: "Gadget", listKind: "GadgetList" } },
    };
    const refused = await api.call("PUT", path, changed);
    expect(refused.json.message).toContain('spec.scope: Invalid value: "Cluster": field is immutable');
    expect(refused.json.message).toContain('spec.names.kind: Invalid value: "Gadget": field is immutable');
  });

  it("gets the names that others of its group leave", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(okSchema));
    const second = widgetDefinition(okSchema, {}, { names: { plural: "gadgets", kind: "Widget", shortNames: ["wd"] } });
    await api.create(definitionsPath, { ...second, metadata: { name: "gadgets.example.com" } });
    await condition(api, "NamesAccepted", "False", "gadgets.example.com");
    const { json } = await api.call("GET", `${definitionsPath}/gadgets.example.com`);
    expect(json.status.acceptedNames.kind).toBe("");
    expect(
      json.status.conditions.map((one: { type: string; status: string; reason: string }) => [
        one.type,
        one.status,
        one.reason,
      ]),
    ).toEqual([
      ["NamesAccepted", "False", "ListKindConflict"],
      ["Established", "False", "NotAccepted"],
    ]);
    expect((await api.call("GET", "/apis/example.com/v1/namespaces/default/gadgets")).status).toBe(404);
    await api.call("DELETE", path);
    await condition(api, "Established", "True", "gadgets.example.com");
    expect((await api.call("GET", "/apis/example.com/v1/namespaces/default/gadgets")).status).toBe(200);
  });

  it("warns of formats that say nothing", async () => {
    const api = await openApi();
    const { headers } = await api.create(definitionsPath, withSpec({ type: "string", format: "postcode" }));
    expect(headers["warning"]).toEqual(['299 - "unrecognized format \\"postcode\\""']);
  });

  it("lets nothing in while it goes", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(okSchema));
    await api.create(widgetsPath, { ...widget("a"), metadata: { name: "a", finalizers: ["example.com/hold"] } });
    await api.call("DELETE", path);
    await condition(api, "Terminating");
    const { status, json } = await api.create(widgetsPath, widget("b"));
    expect(status).toBe(405);
    expect(json.message).toBe("create not allowed while custom resource definition is terminating");
  });

  it("is not written to at once by all who use what it makes: a status does not end watches", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(okSchema));
    const kind = api.registries.kinds.find(({ plural }) => plural === "widgets");
    const { json } = await api.call("GET", path);
    await api.call("PUT", `${path}/status`, { ...json, status: { ...json.status, observedGeneration: 1 } });
    await eventually(async () => (await api.call("GET", path)).json.status.observedGeneration === 1, "the status");
    expect(api.registries.kinds.find(({ plural }) => plural === "widgets")).toBe(kind);
  });
});

describe("custom resources of hostile clients", () => {
  it("survive members that mean something to JavaScript", async () => {
    const api = await openApi();
    const schema = JSON.parse(
      '{"type":"object","properties":{"spec":{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"integer","default":1}},"additionalProperties":true}}}',
    );
    await define(api, widgetDefinition(schema));
    const body =
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"__proto__":"x","toString":"y"}}';
    expect((await api.call("POST", widgetsPath, body)).status).toBe(201);
    expect((await api.call("GET", `${widgetsPath}/a`)).text).toContain(
      '"spec":{"__proto__":"x","toString":"y","constructor":1}',
    );
    const wrong = body.replace('"a"', '"b"').replace('"x"', "5");
    expect((await api.call("POST", widgetsPath, wrong)).json.message).toContain(
      "spec.__proto__ in body must be of type string",
    );
    expect(({} as { x?: string }).x).toBeUndefined();
  });

  it("do not hold the server up with patterns", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf({ name: { type: "string", pattern: "^((a+)+)+$" } })));
    const cpuMs = await cpuMsOf(async () => {
      const { status } = await api.create(widgetsPath, widget("a", { spec: { name: `${"a".repeat(100_000)}!` } }));
      expect(status).toBe(422);
    });
    expect(cpuMs).toBeLessThan(5_000);
  });

  it("refuse schemas that are nested without end, and take large ones", async () => {
    const api = await openApi();
    const deep = `${'{"type":"object","properties":{"a":'.repeat(600)}{"type":"string"}${"}}".repeat(600)}`;
    const text = JSON.stringify(widgetDefinition({ type: "object" })).replace(
      '"openAPIV3Schema":{"type":"object"}',
      `"openAPIV3Schema":${deep}`,
    );
    expect((await api.call("POST", definitionsPath, text)).status).toBe(400);
    const values = Array.from({ length: 20_000 }, (_value, index) => `v${index}`);
    await define(api, widgetDefinition(specOf({ name: { type: "string", enum: values } })));
    expect((await api.create(widgetsPath, widget("a", { spec: { name: "v19999" } }))).status).toBe(201);
    expect((await api.create(widgetsPath, widget("b", { spec: { name: "none" } }))).status).toBe(422);
  });

  it("are not found under paths of other scopes, or under a prefix of their resource", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(okSchema));
    await define(api, {
      ...widgetDefinition(okSchema, {}, { names: { plural: "widgetsx", kind: "WidgetX" } }),
      metadata: { name: "widgetsx.example.com" },
    });
    await api.create("/apis/example.com/v1/namespaces/default/widgetsx", { ...widget("x"), kind: "WidgetX" });
    expect((await api.call("GET", "/apis/example.com/v1/widgets")).json.items).toEqual([]);
    expect((await api.call("GET", "/apis/example.com/v1/widgets/x")).status).toBe(404);
    expect((await api.call("GET", "/apis/example.com/v1/namespaces/default/widgets%2F..%2Fwidgetsx/x")).status).toBe(
      400,
    );
    expect((await api.call("GET", "/apis/example.com/v1/namespaces/defaul/widgetsx")).json.items).toEqual([]);
  });
});

describe("planNames() and planEstablished()", () => {
  type Names = CustomResourceDefinition["spec"]["names"];
  const wanted: Names = { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" };
  const asking = (names: Names, accepted?: Names): CustomResourceDefinition => {
    const definition = widgetDefinition(okSchema, {}, { names: { ...names } as JsonObject });
    const status = accepted ? { status: { acceptedNames: accepted } } : {};
    return { ...definition, ...status } as unknown as CustomResourceDefinition;
  };
  const other = (names: Partial<Names>) =>
    asking(wanted, { plural: "others", singular: "other", kind: "Other", listKind: "OtherList", ...names });

  it.each<[string, Names, CustomResourceDefinition, string, string, Partial<Names>]>([
    ["none", wanted, other({}), "NoConflicts", "no conflicts found", wanted],
    [
      "plural",
      wanted,
      other({ plural: "widgets" }),
      "PluralConflict",
      '"widgets" is already in use',
      { plural: "", singular: "widget" },
    ],
    [
      "singular, which is somebody's short name",
      wanted,
      other({ shortNames: ["widget"] }),
      "SingularConflict",
      '"widget" is already in use',
      { plural: "widgets" },
    ],
    [
      "two short names",
      { ...wanted, shortNames: ["a", "b", "c"] },
      other({ shortNames: ["a", "c"] }),
      "ShortNamesConflict",
      '["a" is already in use, "c" is already in use]',
      wanted,
    ],
    ["kind", wanted, other({ kind: "Widget" }), "KindConflict", '"Widget" is already in use', { ...wanted, kind: "" }],
    [
      "kind of lists",
      wanted,
      other({ listKind: "WidgetList" }),
      "ListKindConflict",
      '"WidgetList" is already in use',
      { plural: "widgets", kind: "Widget" },
    ],
  ])("gives what is free, and tells of a conflict: %s", (_, names, taken, reason, message, accepted) => {
    const plan = planNames(asking(names), [taken], []);
    expect(plan.namesAccepted).toMatchObject({ status: reason === "NoConflicts" ? "True" : "False", reason, message });
    expect(plan.acceptedNames).toMatchObject(accepted);
    const established = planEstablished(asking(names), plan);
    expect([established.status, established.reason]).toEqual(
      reason === "NoConflicts" ? ["True", "InitialNamesAccepted"] : ["False", "NotAccepted"],
    );
  });

  it("keeps what it had, and takes nothing from what is always served", () => {
    const kept = planNames(asking({ ...wanted, kind: "Gadget" }, wanted), [other({ kind: "Gadget" })], []);
    expect(kept.acceptedNames.kind).toBe("Widget");
    const served = planNames(asking({ ...wanted, plural: "deployments" }), [], [deployment]);
    expect(served.namesAccepted.reason).toBe("PluralConflict");
    const condition = { type: "Established", status: "True", reason: "Before", message: "" } as const;
    const before = asking(wanted);
    const again = { ...before, status: { ...before.status, conditions: [condition] } } as CustomResourceDefinition;
    expect(planEstablished(again, served)).toEqual(condition);
  });
});
