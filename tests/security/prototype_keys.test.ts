import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { configMap, configMaps, openMaster, podObject, pods, type Target } from "./_master.ts";

let target: Target;
let before: { readonly version: string; readonly discovery: string; readonly error: string };

beforeAll(async () => {
  target = await openMaster({}, () => {});
  before = await facts();
});
afterAll(() => target.close());

/** What every answer would show if somebody had changed `Object.prototype`. */
async function facts(): Promise<typeof before> {
  const text = async (path: string) => (await target.ask("GET", path)).text;
  return {
    version: await text("/version"),
    discovery: await text("/api/v1"),
    error: await text(`${configMaps}/there-is-none`),
  };
}

afterEach(async () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(JSON.stringify({})).toBe("{}");
  expect(await facts()).toEqual(before);
});

const evil = '{"polluted":"yes","dryRun":["All"]}';

describe("__proto__ and constructor", () => {
  const where: readonly [string, string, string, string?][] = [
    ["the body", "POST", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"a-"},"__proto__":${evil}}`],
    [
      "constructor.prototype of the body",
      "POST",
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"a-"},"constructor":{"prototype":${evil}}}`,
    ],
    [
      "metadata",
      "POST",
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"a-","__proto__":${evil},"constructor":${evil}}}`,
    ],
    [
      "labels",
      "POST",
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"a-","labels":{"__proto__":"x","constructor":"y"}}}',
    ],
    [
      "annotations",
      "POST",
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"generateName":"a-","annotations":{"__proto__":"x","constructor":"y"}}}',
    ],
    ["a merge patch", "PATCH", `{"__proto__":${evil},"constructor":{"prototype":${evil}}}`, "merge-patch"],
    ["data of a merge patch", "PATCH", '{"data":{"__proto__":"x","constructor":"y"}}', "merge-patch"],
    [
      "a strategic patch",
      "PATCH",
      `{"__proto__":${evil},"constructor":{"prototype":${evil}}}`,
      "strategic-merge-patch",
    ],
    ["a directive of a strategic patch", "PATCH", '{"$setElementOrder/__proto__":[]}', "strategic-merge-patch"],
    ["a JSON patch", "PATCH", `[{"op":"add","path":"/__proto__/polluted","value":1}]`, "json-patch"],
    [
      "constructor.prototype of a JSON patch",
      "PATCH",
      `[{"op":"add","path":"/constructor/prototype/polluted","value":1}]`,
      "json-patch",
    ],
    [
      "the target of a copy",
      "PATCH",
      `[{"op":"copy","from":"/data","path":"/metadata/__proto__"},{"op":"add","path":"/metadata/__proto__/polluted","value":"1"}]`,
      "json-patch",
    ],
    ["DeleteOptions", "DELETE", `{"__proto__":${evil},"constructor":${evil},"dryRun":["All"]}`],
    ["preconditions", "DELETE", `{"preconditions":{"__proto__":{"uid":"x"}},"dryRun":["All"]}`],
  ];
  it.each(where)("in %s change nothing but the object they are in", async (_where, method, body, patch) => {
    await target.ask("POST", configMaps, { body: configMap("subject") });
    const path = method === "POST" ? configMaps : `${configMaps}/subject`;
    const { status } = await target.ask(method, path, {
      body,
      ...(patch ? { type: `application/${patch}+json` } : {}),
    });
    expect(status).toBeLessThan(500);
    expect((await target.ask("GET", `${configMaps}/subject`)).json.metadata.polluted).toBeUndefined();
  });

  it.each([
    "/apis/constructor",
    "/apis/__proto__/v1/x",
    "/api/v1/__proto__",
    "/api/__proto__",
    "/apis/apps/v1/tostring",
    "/apis/apps/__proto__/deployments",
    `${configMaps}/__proto__`,
    `${configMaps}/p/__proto__`,
    `${pods}/p/constructor`,
    "/healthz/__proto__",
    "/livez/constructor",
    "/openapi/v3/__proto__",
    "/openapi/v3/apis/constructor/v1",
  ])("are no path: %s", async (path) => {
    expect((await target.ask("GET", path)).status).toBe(404);
  });

  it.each([
    "__proto__=x",
    "constructor=x",
    "fieldManager=__proto__&dryRun=All",
    "dryRun=__proto__",
    "fieldValidation=constructor",
  ])("mean nothing in the query: %s", async (query) => {
    const { status } = await target.ask("POST", `${configMaps}?${query}`, {
      body: { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "q-" } },
    });
    expect([201, 422]).toContain(status);
  });
});

describe("names of Object.prototype", () => {
  it.each(["constructor", "tostring", "hasownproperty", "then", "valueof"])(
    "are names of objects like any other: %s",
    async (name) => {
      const path = `${configMaps}/${name}`;
      expect((await target.ask("GET", path)).status).toBe(404);
      expect((await target.ask("POST", configMaps, { body: configMap(name, { tostring: "x" }) })).status).toBe(201);
      expect((await target.ask("GET", path)).json).toMatchObject({ metadata: { name }, data: { tostring: "x" } });
      expect((await target.ask("POST", "/api/v1/namespaces", { body: namespace(name) })).status).toBe(201);
      expect((await target.ask("GET", `/api/v1/namespaces/${name}/configmaps`)).status).toBe(200);
      expect((await target.ask("DELETE", path)).status).toBe(200);
      expect((await target.ask("GET", path)).status).toBe(404);
    },
  );

  it("are keys of data like any other, __proto__ too, through every way of writing", async () => {
    const data = '{"__proto__":"a","constructor":"b","toString":"c"}';
    const read = async () => JSON.stringify((await target.ask("GET", `${configMaps}/keys`)).json.data);
    const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"keys"},"data":${data}}`;
    await target.ask("POST", configMaps, { body });
    expect(await read()).toBe(data);
    await target.ask("PUT", `${configMaps}/keys`, { body: body.replace('"a"', '"z"') });
    expect(await read()).toBe(data.replace('"a"', '"z"'));
    for (const [type, patch, value] of [
      ["merge-patch", '{"data":{"__proto__":"m"}}', "m"],
      ["strategic-merge-patch", '{"data":{"__proto__":"s"}}', "s"],
      ["json-patch", '[{"op":"replace","path":"/data/__proto__","value":"j"}]', "j"],
    ] as const) {
      await target.ask("PATCH", `${configMaps}/keys`, { body: patch, type: `application/${type}+json` });
      expect(await read()).toBe(data.replace('"a"', `"${value}"`));
    }
    await target.ask("PATCH", `${configMaps}/keys`, {
      body: '{"data":{"__proto__":null}}',
      type: "application/merge-patch+json",
    });
    expect(await read()).toBe('{"constructor":"b","toString":"c"}');
  });

  it("are labels that only those have who have them", async () => {
    const count = async (selector: string) =>
      (await target.ask("GET", `${pods}?labelSelector=${encodeURIComponent(selector)}`)).json.items.length;
    await target.ask("POST", pods, { body: podObject("unlabelled") });
    await target.ask("POST", pods, {
      body: { ...podObject("labelled"), metadata: { name: "labelled", labels: { constructor: "x" } } },
    });
    expect(await count("toString")).toBe(0);
    expect(await count("!hasOwnProperty")).toBe(2);
    expect(await count("constructor")).toBe(1);
    expect(await count("constructor=x")).toBe(1);
    expect(await count("valueOf notin (x)")).toBe(2);
  });

  it.each(["toString=", "constructor=x", "__proto__=x", "metadata.__proto__=x"])(
    "are no fields to select by: %s",
    async (selector) => {
      expect((await target.ask("GET", `${pods}?fieldSelector=${encodeURIComponent(selector)}`)).status).toBe(400);
    },
  );

  it("are no resources of a container", async () => {
    const body = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"r"},"spec":{"containers":[{"name":"a","image":"b","resources":{"limits":{"__proto__":"1","constructor":"1"}}}]}}`;
    expect((await target.ask("POST", pods, { body })).status).toBeLessThan(500);
  });
});

function namespace(name: string) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
