import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi } from "../apiserver/_api.ts";
import { define, definitionsPath, specOf, widget, widgetDefinition, widgetsPath } from "./_definitions.ts";

const rules = (...list: JsonObject[]) => ({ "x-kubernetes-validations": list });
const sizes = { min: { type: "integer" }, max: { type: "integer" }, name: { type: "string" } };

describe("rules of custom resources", () => {
  it("hold on create and on update, and say what they were told to say", async () => {
    const api = await openApi();
    const schema = specOf(
      { ...sizes, name: { type: "string", ...rules({ rule: "self == oldSelf", message: "name is immutable" }) } },
      rules({ rule: "self.min <= self.max", messageExpression: "'max must be at least %d'.format([self.min])" }),
    );
    await define(api, widgetDefinition(schema));
    const refused = await api.create(widgetsPath, widget("a", { spec: { min: 2, max: 1, name: "x" } }));
    expect(refused.status).toBe(422);
    expect(refused.json.message).toBe(
      'Widget.example.com "a" is invalid: spec: Invalid value: "object": max must be at least 2',
    );
    const created = await api.create(widgetsPath, widget("a", { spec: { min: 1, max: 1, name: "x" } }));
    expect(created.status).toBe(201);
    const renamed = await api.call("PUT", `${widgetsPath}/a`, { ...created.json, spec: { min: 1, max: 1, name: "y" } });
    expect(renamed.json.message).toBe(
      'Widget.example.com "a" is invalid: spec.name: Invalid value: "string": name is immutable',
    );
  });

  it("are not asked about values that have the wrong type", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(specOf(sizes, rules({ rule: "self.min <= self.max" }))));
    const { json } = await api.create(widgetsPath, widget("a", { spec: { min: "x", max: 1 } }));
    expect(json.message).toContain(
      "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid",
    );
  });

  it.each<[string, JsonObject, string]>([
    ["that are empty", { rule: " " }, "x-kubernetes-validations[0].rule: Required value: rule is not specified"],
    ["that name what is not there", { rule: "self.nothing == 1" }, "undefined field 'nothing'"],
    ["that are no yes or no", { rule: "self.min" }, "must evaluate to a bool"],
    [
      "with a reason of their own",
      { rule: "true", reason: "Nope" },
      'x-kubernetes-validations[0].reason: Unsupported value: "Nope"',
    ],
    ["with a path that leads nowhere", { rule: "true", fieldPath: ".nowhere" }, "must be a valid path"],
  ])("are refused %s", async (_name, rule, reason) => {
    const api = await openApi();
    const { status, json } = await api.create(definitionsPath, widgetDefinition(specOf(sizes, rules(rule))));
    expect(status).toBe(422);
    expect(json.message).toContain(reason);
    expect(json.message).toContain("spec.validation.openAPIV3Schema.properties[spec]");
  });

  it("hold for defaults", async () => {
    const api = await openApi();
    const schema = specOf({ size: { type: "integer", default: 3, ...rules({ rule: "self > 5" }) } });
    const { json } = await api.create(definitionsPath, widgetDefinition(schema));
    expect(json.message).toContain(
      "spec.validation.openAPIV3Schema.properties[spec].properties[size].default: Invalid value",
    );
  });
});
