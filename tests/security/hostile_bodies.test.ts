import { once } from "node:events";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap, configMaps, openMaster, podObject, pods, type Target } from "./_master.ts";

let target: Target;

beforeAll(async () => {
  target = await openMaster({}, () => {});
  await target.ask("POST", configMaps, { body: configMap("subject") });
  // Pods of nodes that are not there are cleared away.
  await target.ask("POST", "/api/v1/nodes", { body: '{"metadata":{"name":"nowhere"}}' });
  await target.ask("POST", pods, { body: podObject("subject", { nodeName: "nowhere" }) });
});
afterAll(() => target.close());

/** Far above what any of these takes of the processor; what they guard against takes minutes. */
const mostMs = 10_000;
const mostBytes = 600 * 2 ** 20;

function repeat(count: number, make: (index: number) => string, separator = ","): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(separator);
}

/** Sends a body and checks that it is refused with a Status, in time and memory that others do not notice. */
async function refused(
  method: string,
  path: string,
  body: string | Uint8Array,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { rss } = process.memoryUsage();
  const start = process.cpuUsage();
  const { status, text, json } = await target.ask(method, path, { body, type, headers });
  const cpuMs = process.cpuUsage(start).user / 1000;
  expect(text.length).toBeLessThan(512 * 1024);
  expect(json).toMatchObject({ kind: "Status", status: "Failure", code: status });
  expect(text).not.toMatch(/\bat .*\.(ts|js):\d+/);
  expect([400, 413, 415, 422]).toContain(status);
  expect(cpuMs).toBeLessThan(mostMs);
  expect(process.memoryUsage().rss - rss).toBeLessThan(mostBytes);
  expect((await target.ask("GET", "/livez")).text).toBe("ok");
}

const object = (member: string) => `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},${member}}`;
const inPod = (member: string) =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a","image":"b"${member}}]}}`;
const million = "9".repeat(1_000_000);

describe("JSON bodies", () => {
  const bodies: readonly [string, string, string | Uint8Array][] = [
    ["brackets, 100,000 deep", configMaps, "[".repeat(100_000)],
    ["objects, 100,000 deep", configMaps, object(`"data":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`)],
    ["a number of a million digits", configMaps, object(`"x":${million}`)],
    ["a fraction of a million digits that overflows", configMaps, object(`"x":${million}.0e308`)],
    ["an exponent that no double has", configMaps, object(`"x":1e1000000000`)],
    ["200,000 wrong labels", configMaps, object(`"x":{${repeat(200_000, (i) => `"!${i}":"!"`)}}`)],
    ["70,000 wrong labels", configMaps, `{"metadata":{"name":"a","labels":{${repeat(70_000, (i) => `"!${i}":"!"`)}}}}`],
    ["700,000 empty containers", pods, `{"spec":{"containers":[${repeat(700_000, () => "{}")}]}}`],
    ["50,000 empty variables", pods, inPod(`,"env":[${repeat(50_000, () => "{}")}]`)],
    ["50,000 empty ports", pods, inPod(`,"ports":[${repeat(50_000, () => "{}")}]`)],
    ["30,000 empty owners", configMaps, `{"metadata":{"name":"a","ownerReferences":[${repeat(30_000, () => "{}")}]}}`],
    ["UTF-16", configMaps, Buffer.from(JSON.stringify(configMap("u")), "utf16le")],
    ["invalid UTF-8", configMaps, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ["half an object", configMaps, '{"apiVersion":"v1","kind":"ConfigM'],
    ["no object", configMaps, "[]"],
    ["null", configMaps, "null"],
  ];
  it.each(bodies)("are refused at once: %s", (_name, path, body) => refused("POST", path, body, "application/json"));

  it("are refused as too large by their declared length, before they are sent", async () => {
    const head = `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer security-token-1234567890\r\n`;
    const answer = await target.raw(
      `${head}Content-Type: application/json\r\nContent-Length: ${10 * 2 ** 30}\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("are refused as too large while they arrive in chunks, and the connection goes", async () => {
    const socket = await target.dial();
    let received = "";
    socket.removeAllListeners("error").on("error", () => {});
    socket.on("data", (part) => {
      received += part;
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(
      `POST ${configMaps} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer security-token-1234567890\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, 0x20), Buffer.from("\r\n")]);
    // 100 MiB, as far as anybody takes them.
    for (let sent = 0; sent < 1600 && !socket.destroyed; sent++) {
      if (socket.write(chunk)) continue;
      await Promise.race([once(socket, "drain").catch(() => {}), closed]);
    }
    await closed;
    expect(received).toMatch(/^HTTP\/1\.1 413 |^$/);
  });

  it("that are compressed are refused unread", () =>
    refused("POST", configMaps, gzipSync(Buffer.alloc(50 * 2 ** 20)), "application/json", {
      "content-encoding": "gzip",
    }));

  it.each(["text/plain", "text/html", "multipart/form-data", "application/x-www-form-urlencoded"])(
    "of a type that any web page may send are refused: %s",
    (type) => refused("POST", configMaps, JSON.stringify(configMap("csrf")), type),
  );
});

describe("YAML bodies", () => {
  const laughs = repeat(26, (i) => `k${i + 1}: &a${i + 1} [${repeat(9, () => (i === 0 ? "lol" : `*a${i}`))}]`, "\n");
  it.each([
    ["billion laughs", laughs],
    ["an anchor in itself", "a: &a [*a]"],
    ["a million open brackets", "[".repeat(1_000_000)],
    ["a million open braces", "{".repeat(1_000_000)],
    ["2,000 levels of indentation", repeat(2000, (i) => `${" ".repeat(i)}a:`, "\n")],
    ["? ? ? ?", "? ".repeat(500_000)],
    ["- - - -", "- ".repeat(500_000)],
    ["a million quotes", `a: ${'"'.repeat(1_000_000)}`],
    ["60,000 quotes", `a: ${'"'.repeat(60_000)}`],
    ["300,000 directives", "%A\n".repeat(300_000)],
    ["60,000 directives", "%A\n".repeat(60_000)],
    ["500,000 documents", "---\n".repeat(500_000)],
    ["a million comments", "#\n".repeat(1_000_000)],
    ["100,000 anchors", repeat(100_000, (i) => `- &a${i} x`, "\n")],
    ["200,000 aliases", `- &a x\n${"- *a\n".repeat(200_000)}`],
    ["50,000 merged maps", `a: &a {x: 1}\nb:\n${"  <<: *a\n".repeat(50_000)}`],
    ["objects, 100,000 deep", '{"a":'.repeat(100_000)],
    ["a million digits", `a: ${million}`],
    ["half a million tabs", `a:${"\t".repeat(500_000)}x`],
  ])("are refused at once: %s", (_name, body) => refused("POST", configMaps, body, "application/yaml"));
});

describe("patches", () => {
  const zeros = repeat(100_000, () => "0");
  const add = (path: string, value: string) => `{"op":"add","path":"${path}","value":${value}}`;
  it.each([
    ["20,000 operations", repeat(20_000, () => add("/data/a", '"1"'))],
    [
      "copies that double",
      `${add("/data", '{"a":{}}')},${repeat(60, (i) => `{"op":"copy","from":"/data","path":"/data/x${i}"}`)}`,
    ],
    [
      "a hundred copies of 500 kB",
      `${add("/data/a", `"${"x".repeat(500_000)}"`)},${repeat(100, (i) => `{"op":"copy","from":"/data/a","path":"/data/b${i}"}`)}`,
    ],
    ["a path 50,000 deep", add("/a".repeat(50_000), "1")],
    [
      "insertions in front of a long list",
      `${add("/metadata/finalizers", `[${zeros}]`)},${repeat(9_999, () => add("/metadata/finalizers/0", "0"))}`,
    ],
    [
      "moves through a long list",
      `${add("/metadata/finalizers", `[${repeat(90_000, () => "0")}]`)},${repeat(9_999, () => `{"op":"move","from":"/metadata/finalizers/0","path":"/metadata/finalizers/-"}`)}`,
    ],
    ["a path that is not there", add("/nothing/there", "1")],
    ["an index that is not there", add("/metadata/finalizers/4294967296", "1")],
    ["a move into itself", '{"op":"move","from":"/metadata","path":"/metadata/labels"}'],
    ["a root that is no object", '{"op":"replace","path":"","value":[]}'],
    ["no root", '{"op":"remove","path":""}'],
    ["an object without a name", '{"op":"remove","path":"/metadata"}'],
  ])("of JSON are refused at once and change nothing: %s", async (_name, operations) => {
    const before = (await target.ask("GET", `${configMaps}/subject`)).text;
    await refused("PATCH", `${configMaps}/subject`, `[${operations}]`, "application/json-patch+json");
    expect((await target.ask("GET", `${configMaps}/subject`)).text).toBe(before);
  });

  it.each([
    ["30,000 new containers", `{"spec":{"containers":[${repeat(30_000, (i) => `{"name":"c${i}"}`)}]}}`],
    [
      "an order of 30,000",
      `{"spec":{"$setElementOrder/containers":[${repeat(30_000, (i) => `{"name":"c${i}"}`)}],"containers":[${repeat(15_000, (i) => `{"name":"c${i}"}`)}]}}`,
    ],
    ["40,000 of one name", `{"spec":{"containers":[${repeat(40_000, () => '{"name":"c"}')}]}}`],
    ["100,000 finalizers", `{"metadata":{"finalizers":[${repeat(100_000, (i) => `"f${i}"`)}]}}`],
    ["5,000 levels", `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`],
    ["a directive that does not exist", '{"$patch":"x"}'],
    ["a directive of the wrong type", '{"$retainKeys":1}'],
    ["a list of the wrong type", '{"metadata":{"$deleteFromPrimitiveList/finalizers":1}}'],
    ["no object", "1"],
  ])("of the strategic kind are refused at once and change nothing: %s", async (_name, body) => {
    const before = (await target.ask("GET", `${pods}/subject`)).text;
    await refused("PATCH", `${pods}/subject`, body, "application/strategic-merge-patch+json");
    expect((await target.ask("GET", `${pods}/subject`)).text).toBe(before);
  });
});

describe("values", () => {
  const long = "a".repeat(100_000);
  const dotted = "a.".repeat(50_000);
  it.each(["1e1000000000", "1e-999999999x", "9".repeat(300), "1e257", "--1", "1.1.1", "constructor"])(
    "that are no quantities are refused at once: %s",
    (cpu) => refused("POST", pods, inPod(`,"resources":{"limits":{"cpu":${JSON.stringify(cpu)}}}`), "application/json"),
  );

  it("that are too small for a quantity are answered at once", async () => {
    const { status } = await target.ask("POST", `${pods}?dryRun=All`, {
      body: inPod(',"resources":{"limits":{"cpu":"1e-999999999"}}'),
    });
    expect([201, 422]).toContain(status);
  });

  it.each([
    ["a name", configMaps, configMap(long)],
    ["a name of dots", configMaps, configMap(dotted)],
    ["a name of dashes", configMaps, configMap("a-".repeat(50_000))],
    ["a generated name", configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: long } }],
    ["a label", configMaps, configMap("x", {}, { labels: { [long]: long, [`${dotted}/x`]: "y" } })],
    ["an annotation's key", configMaps, configMap("x", {}, { annotations: { [long]: "" } })],
    ["a finalizer", configMaps, configMap("x", {}, { finalizers: [long, `${long}/${long}`, "a/".repeat(40_000)] })],
    ["a key of data", configMaps, configMap("x", { [long]: "" })],
    ["a container's name", pods, podObject("x", { containers: [{ name: long, image: "b" }] })],
    ["a host name", pods, podObject("x", { hostname: long, subdomain: dotted })],
    ["a node selector", pods, podObject("x", { nodeSelector: { [long]: long } })],
    ["a toleration", pods, podObject("x", { tolerations: [{ key: long, operator: "Exists" }] })],
  ])("of 100 kB are refused at once: %s", (_name, path, body) =>
    refused("POST", path, JSON.stringify(body), "application/json"),
  );
});
