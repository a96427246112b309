import { describe, expect, it } from "vitest";
import { openApi } from "../apiserver/_api.ts";
import { condition, define, definitionsPath, specOf, widget, widgetDefinition, widgetsPath } from "./_definitions.ts";

const schema = specOf({ replicas: { type: "integer" }, colour: { type: "string" } });
const subresources = {
  status: {},
  scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
};
const merge = { "content-type": "application/merge-patch+json" };

describe("subresources of custom resources", () => {
  it("status is written by itself, and only it", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(schema, { subresources }));
    const created = await api.create(widgetsPath, widget("a", { spec: { replicas: 1 }, status: { phase: "Done" } }));
    expect(created.json.status).toBeUndefined();
    const both = { ...created.json, spec: { replicas: 2 }, status: { phase: "Done", replicas: 1 } };
    const written = await api.call("PUT", `${widgetsPath}/a/status`, both);
    expect(written.json).toMatchObject({
      spec: { replicas: 1 },
      status: { phase: "Done", replicas: 1 },
      metadata: { generation: 1 },
    });
    const changed = await api.call(
      "PATCH",
      `${widgetsPath}/a`,
      { spec: { replicas: 3 }, status: { phase: "No" } },
      merge,
    );
    expect(changed.json).toMatchObject({
      spec: { replicas: 3 },
      status: { phase: "Done" },
      metadata: { generation: 2 },
    });
    const wrong = await api.call("PATCH", `${widgetsPath}/a/status`, { status: { phase: 5 } }, merge);
    expect(wrong.json.message).toContain(
      'status.phase: Invalid value: "integer": phase in body must be of type string: "integer"',
    );
  });

  it("without one a changed status is a changed object", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(schema));
    await api.create(widgetsPath, widget("a", { status: { phase: "New" } }));
    const changed = await api.call("PATCH", `${widgetsPath}/a`, { status: { phase: "Done" } }, merge);
    expect(changed.json).toMatchObject({ status: { phase: "Done" }, metadata: { generation: 2 } });
    const labelled = await api.call("PATCH", `${widgetsPath}/a`, { metadata: { labels: { a: "b" } } }, merge);
    expect(labelled.json.metadata.generation).toBe(2);
    expect((await api.call("GET", `${widgetsPath}/a/status`)).status).toBe(404);
  });

  it("scale reads and writes what the definition says", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(schema, { subresources }));
    await api.create(widgetsPath, widget("a", { spec: { replicas: 2 } }));
    const { json } = await api.call("GET", `${widgetsPath}/a/scale`);
    expect(json).toMatchObject({
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      spec: { replicas: 2 },
      status: { replicas: 0 },
    });
    await api.call("PUT", `${widgetsPath}/a/scale`, { ...json, spec: { replicas: 5 } });
    expect((await api.call("GET", `${widgetsPath}/a`)).json.spec.replicas).toBe(5);
    expect((await api.create(widgetsPath, widget("b", { spec: { replicas: -1 } }))).json.message).toContain(
      ".spec.replicas: Invalid value: -1: should be a non-negative integer",
    );
    await api.create(widgetsPath, widget("c"));
    expect((await api.call("GET", `${widgetsPath}/c/scale`)).json.message).toBe(
      'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
    );
  });

  it("selectable fields select, in lists and in watches", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(schema, { selectableFields: [{ jsonPath: ".spec.colour" }] }));
    for (const [name, colour] of [
      ["a", "red"],
      ["b", "blue"],
    ] as const)
      await api.create(widgetsPath, widget(name, { spec: { colour } }));
    const list = await api.call("GET", `${widgetsPath}?fieldSelector=spec.colour%3Dred`);
    expect(list.json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual(["a"]);
    expect((await api.call("GET", `${widgetsPath}?fieldSelector=spec.replicas%3D1`)).json.message).toContain(
      "field label not supported: spec.replicas",
    );
  });

  it("take no strategic merge patch", async () => {
    const api = await openApi();
    await define(api, widgetDefinition(schema));
    await api.create(widgetsPath, widget("a"));
    const patched = await api.call(
      "PATCH",
      `${widgetsPath}/a`,
      { spec: {} },
      { "content-type": "application/strategic-merge-patch+json" },
    );
    expect(patched.status).toBe(415);
  });

  it("never take the place of what is built in", async () => {
    const api = await openApi();
    const names = { plural: "leases", kind: "Lease" };
    const definition = widgetDefinition(schema, {}, { group: "coordination.k8s.io", names });
    const metadata = {
      name: "leases.coordination.k8s.io",
      annotations: { "api-approved.kubernetes.io": "unapproved, a test" },
    };
    expect((await api.create(definitionsPath, { ...definition, metadata })).status).toBe(201);
    await condition(api, "NamesAccepted", "False", metadata.name);
    expect(api.registries.kinds.filter(({ plural }) => plural === "leases").every(({ custom }) => !custom)).toBe(true);
  });
});
