import type { JsonObject } from "../../../core/api/meta.ts";
import type { TestApi } from "../apiserver/_api.ts";

export const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
export const widgetsPath = "/apis/example.com/v1/namespaces/default/widgets";

/** A definition of Widgets with one version; `version` adds to it, `spec` to what is around. */
export function widgetDefinition(schema: JsonObject, version: JsonObject = {}, spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "widgets", kind: "Widget", shortNames: ["wd"], categories: ["all"] },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
      ...spec,
    },
  };
}

export function widget(name: string, rest: JsonObject = {}): JsonObject {
  return { apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, ...rest };
}

export const specOf = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties: {
    spec: { type: "object", properties, ...more },
    status: { type: "object", properties: { phase: { type: "string" }, replicas: { type: "integer" } } },
  },
});

/** Resolves when the definition's condition has the status. */
export async function condition(
  api: TestApi,
  type: string,
  status = "True",
  name = "widgets.example.com",
): Promise<void> {
  await eventually(async () => {
    const { json } = await api.call("GET", `${definitionsPath}/${name}`);
    const found = (json.status?.conditions ?? []).find((one: { type: string }) => one.type === type);
    return found?.status === status;
  }, `${type} to be ${status}`);
}

/** Waits for something that happens within a few turns of the event loop. */
export async function eventually(is: () => Promise<boolean>, what: string): Promise<void> {
  // Code that is loaded on first use comes from the disk, which takes as long as it takes.
  for (const end = performance.now() + 20_000; performance.now() < end; ) {
    if (await is()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`Waited in vain for ${what}`);
}

/** Creates a definition and waits until its kind is established. */
export async function define(api: TestApi, definition: JsonObject): Promise<void> {
  const { status, text } = await api.create(definitionsPath, definition);
  if (status !== 201) throw new Error(text);
  await condition(api, "Established", "True", (definition["metadata"] as { name: string }).name);
}
