import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { configMap, configMaps, openMaster, pods, type Target } from "./_master.ts";

/** Server-side apply and managed fields against those who mean harm. */

let target: Target;
const type = "application/apply-patch+yaml";

beforeAll(async () => {
  target = await openMaster({}, () => {});
  await target.ask("POST", configMaps, { body: configMap("subject") });
});
afterAll(() => target.close());

/** Far above what any of these takes of the processor; what they guard against takes minutes. */
const mostMs = 10_000;
const mostBytes = 600 * 2 ** 20;

function repeat(count: number, make: (index: number) => string, separator = ","): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(separator);
}

async function bounded(method: string, path: string, body: string, contentType: string) {
  const { rss } = process.memoryUsage();
  const start = process.cpuUsage();
  const answer = await target.ask(method, path, { body, type: contentType });
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(mostMs);
  expect(process.memoryUsage().rss - rss).toBeLessThan(mostBytes);
  expect(answer.text).not.toMatch(/\bat .*\.(ts|js):\d+/);
  expect((await target.ask("GET", "/livez")).text).toBe("ok");
  return answer;
}

const inMap = (member: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},${member}}`;
const inPod = (member: string) =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[{"name":"a","image":"b"${member}}]}}`;

describe("applied configurations", () => {
  it.each([
    ["brackets, 100,000 deep", configMaps, "[".repeat(100_000)],
    ["objects, 100,000 deep", configMaps, inMap(`"data":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`)],
    [
      "objects, 900 deep, where text belongs",
      configMaps,
      inMap(`"data":{"a":${'{"a":'.repeat(900)}1${"}".repeat(900)}}`),
    ],
    [
      "a billion laughs",
      configMaps,
      `a: &a [x,x,x,x,x,x,x,x,x]\n${repeat(9, (i) => `${"bcdefghij"[i]}: &${"bcdefghij"[i]} [${repeat(9, () => `*${"abcdefghi"[i]}`)}]`, "\n")}`,
    ],
    ["an anchor in itself", configMaps, "apiVersion: v1\nkind: ConfigMap\ndata: &a {b: *a}"],
    ["140,000 numbers where text belongs", configMaps, inMap(`"data":{${repeat(140_000, (i) => `"k${i}":1`)}}`)],
    ["40,000 variables of one name", pods, inPod(`,"env":[${repeat(40_000, () => '{"name":"a"}')}]`)],
    ["40,000 variables without a name", pods, inPod(`,"env":[${repeat(40_000, () => "{}")}]`)],
    ["a megabyte where a number belongs", pods, inPod(`,"ports":[{"containerPort":"${"9".repeat(1_000_000)}"}]`)],
    ["a field of a million letters", pods, inPod(`,"${"x".repeat(1_000_000)}":1`)],
    ["a list that is an object", pods, inPod(',"env":{"name":"a"}')],
    ["a key that is an object", pods, inPod(',"env":[{"name":{"a":[1]}}]')],
    ["a kind that is none", configMaps, inMap('"kind":{}')],
    ["metadata that is none", configMaps, '{"apiVersion":"v1","kind":"ConfigMap","metadata":[1]}'],
    [
      "owners that are none",
      configMaps,
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","managedFields":7}}',
    ],
  ])("are refused at once: %s", async (_name, path, body) => {
    const { status, json, text } = await bounded("PATCH", `${path}/x?fieldManager=m`, body, type);
    expect(text.length).toBeLessThan(512 * 1024);
    expect(json).toMatchObject({ kind: "Status", status: "Failure", code: status });
    // What does not fit its type is 500, as Kubernetes answers.
    if (status === 500) expect(json.message).toMatch(/^failed to create typed patch object/);
    else expect([400, 413, 422]).toContain(status);
    expect((await target.ask("GET", `${path}/x`)).status).toBe(404);
  });

  it("conflict in twenty thousand fields with an answer of some size", async () => {
    const data = (value: string) =>
      inMap(`"data":{${repeat(20_000, (i) => `"k${i}":"${value}"`)}}`).replace('"x"', '"big"');
    const made = await bounded("PATCH", `${configMaps}/big?fieldManager=one`, data("1"), type);
    expect(made.status).toBe(201);
    const { status, text, json } = await bounded("PATCH", `${configMaps}/big?fieldManager=two`, data("2"), type);
    expect(status).toBe(409);
    expect(json.message).toMatch(/^Apply failed with 20000 conflicts: conflicts with "one":\n- \.data\.k0\n/);
    expect(text.length).toBeLessThan(512 * 1024);
  });

  it("have keys like __proto__ and constructor as any other", async () => {
    const body = inMap('"data":{"__proto__":"p","constructor":"c","toString":"t"}').replace('"x"', '"keys"');
    const made = await target.ask("PATCH", `${configMaps}/keys?fieldManager=__proto__`, { body, type });
    expect(made.status).toBe(201);
    expect(made.text).toContain('"data":{"__proto__":"p","constructor":"c","toString":"t"}');
    expect(made.text).toContain('"fieldsV1":{"f:data":{"f:__proto__":{},"f:constructor":{},"f:toString":{}}}');
    const less = inMap('"data":{"constructor":"c"}').replace('"x"', '"keys"');
    const next = await target.ask("PATCH", `${configMaps}/keys?fieldManager=__proto__`, { body: less, type });
    expect(next.json.data).toEqual({ constructor: "c" });
    expect(({} as JsonObject)["p"]).toBeUndefined();
  });
});

describe("managed fields that a client sends", () => {
  const entry = (manager: string, fields: string, operation = "Update") =>
    `{"manager":${JSON.stringify(manager)},"operation":"${operation}","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":${fields}}`;
  const put = (entries: string) =>
    bounded(
      "PUT",
      `${configMaps}/subject`,
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"subject","managedFields":[${entries}]},"data":{"a":"${performance.now()}"}}`,
      "application/json",
    );

  it.each([
    ["20,000 managers", repeat(20_000, (i) => entry(`m${i}`, '{"f:data":{"f:a":{}}}'))],
    ["20,000 appliers", repeat(20_000, (i) => entry(`m${i}`, '{"f:data":{"f:b":{}}}', "Apply"))],
    ["a set 900 deep", entry("m", `${'{"f:a":'.repeat(900)}{}${"}".repeat(900)}`)],
    ["100,000 fields", entry("m", `{${repeat(100_000, (i) => `"f:${i}":{}`)}}`)],
    [
      "40,000 keys to be sorted",
      entry("m", `{"f:data":{${repeat(40_000, (i) => `"k:{\\"name\\":${40_000 - i}}":{}`)}}}`),
    ],
    ["keys that are no JSON", entry("m", '{"k:{":{},"v:nothing":{},"i:x":{}}')],
    ["sets that are no sets", entry("m", '{"f:a":1}')],
    ["__proto__", entry("__proto__", '{"__proto__":{"f:a":{}},"f:__proto__":{}}')],
  ])("cost little, and change nothing but who owns what: %s", async (_name, entries) => {
    const { status, json } = await put(entries);
    expect([200, 400, 413]).toContain(status);
    if (status === 200) expect(json.data.a).toMatch(/^\d/);
    expect((await target.ask("GET", `${configMaps}/subject`)).status).toBe(200);
  });

  it("of an invalid kind are as good as none", async () => {
    await put(entry("kept", '{"f:data":{"f:z":{}}}'));
    const { json } = await put(entry("m", '{"data":{}}', "Steal"));
    expect(json.metadata.managedFields.map(({ manager }: { manager: string }) => manager)).toContain("kept");
  });
});
