import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../../core/api/meta.ts";
import { applyStrategicPatch, createStrategicPatch } from "../../../../core/api/patch/mod.ts";
import { cpuMsOf } from "../../../cpu_time.ts";

const pod = "io.k8s.api.core.v1.Pod";
const deployment = "io.k8s.api.apps.v1.Deployment";
const service = "io.k8s.api.core.v1.Service";

/** A pod with this spec, so that cases stay short. */
const spec = (value: JsonObject): JsonObject => ({ spec: value });

describe("applyStrategicPatch()", () => {
  it.each<[string, string, JsonObject, JsonObject, JsonObject]>([
    [
      "adds a container before the ones that the patch does not name",
      pod,
      spec({ containers: [{ name: "web", image: "nginx" }] }),
      spec({ containers: [{ name: "db", image: "redis" }] }),
      spec({
        containers: [
          { name: "db", image: "redis" },
          { name: "web", image: "nginx" },
        ],
      }),
    ],
    [
      "merges the container of the same name",
      pod,
      spec({ containers: [{ name: "web", image: "nginx", env: [{ name: "A", value: "1" }] }] }),
      spec({ containers: [{ name: "web", image: "nginx:2", env: [{ name: "B", value: "2" }] }] }),
      spec({
        containers: [
          {
            name: "web",
            image: "nginx:2",
            env: [
              { name: "B", value: "2" },
              { name: "A", value: "1" },
            ],
          },
        ],
      }),
    ],
    [
      "replaces a list without merge key",
      pod,
      spec({ tolerations: [{ key: "a" }] }),
      spec({ tolerations: [{ key: "b" }] }),
      spec({ tolerations: [{ key: "b" }] }),
    ],
    ["removes by null", pod, spec({ nodeName: "a", hostname: "b" }), spec({ nodeName: null }), spec({ hostname: "b" })],
    [
      "deletes an item with $patch: delete",
      pod,
      spec({ containers: [{ name: "a" }, { name: "b" }] }),
      spec({ containers: [{ name: "a", $patch: "delete" }] }),
      spec({ containers: [{ name: "b" }] }),
    ],
    [
      "replaces a list with $patch: replace",
      pod,
      spec({ containers: [{ name: "a" }, { name: "b" }] }),
      spec({ containers: [{ name: "c", image: null }, { $patch: "replace" }] }),
      spec({ containers: [{ name: "c" }] }),
    ],
    [
      "replaces an object with $patch: replace",
      pod,
      { metadata: { labels: { a: "1", b: "2" } } },
      { metadata: { labels: { c: "3", $patch: "replace" } } },
      { metadata: { labels: { c: "3" } } },
    ],
    [
      "empties an object with $patch: delete",
      pod,
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { $patch: "delete" } } },
      { metadata: { labels: {} } },
    ],
    [
      "does not make an object only to delete it",
      pod,
      { metadata: {} },
      { metadata: { labels: { $patch: "delete", a: "1" } } },
      { metadata: {} },
    ],
    [
      "merges an object with $patch: merge",
      pod,
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { b: "2", $patch: "merge" } } },
      { metadata: { labels: { a: "1", b: "2" } } },
    ],
    [
      "keeps only the members that $retainKeys names",
      deployment,
      spec({ replicas: 1, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } }),
      spec({ strategy: { type: "Recreate", $retainKeys: ["type"] } }),
      spec({ replicas: 1, strategy: { type: "Recreate" } }),
    ],
    [
      "keeps only the named members of a volume",
      pod,
      spec({ volumes: [{ name: "v", emptyDir: {} }] }),
      spec({ volumes: [{ name: "v", configMap: { name: "c" }, $retainKeys: ["configMap", "name"] }] }),
      spec({ volumes: [{ name: "v", configMap: { name: "c" } }] }),
    ],
    [
      "merges a list of plain values without doubles",
      pod,
      { metadata: { finalizers: ["a", "b"] } },
      { metadata: { finalizers: ["b", "c"] } },
      { metadata: { finalizers: ["a", "b", "c"] } },
    ],
    [
      "deletes plain values",
      pod,
      { metadata: { finalizers: ["a", "b", "c"] } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["a", "c"] } },
      { metadata: { finalizers: ["b"] } },
    ],
    [
      "does not delete plain values from a list that is not there",
      pod,
      { metadata: {} },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": [] } },
      { metadata: {} },
    ],
    [
      "orders items as $setElementOrder says; others stay before what they preceded",
      pod,
      spec({ containers: [{ name: "x" }, { name: "a" }, { name: "y" }, { name: "b" }, { name: "z" }] }),
      spec({
        "$setElementOrder/containers": [{ name: "b" }, { name: "new" }, { name: "a" }],
        containers: [{ name: "new" }],
      }),
      spec({
        containers: [{ name: "x" }, { name: "y" }, { name: "b" }, { name: "new" }, { name: "a" }, { name: "z" }],
      }),
    ],
    [
      "orders without changing anything else",
      pod,
      spec({ containers: [{ name: "a", image: "i" }, { name: "b" }] }),
      spec({ "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] }),
      spec({ containers: [{ name: "b" }, { name: "a", image: "i" }] }),
    ],
    [
      "leaves directives and nulls out of what is new",
      pod,
      {},
      spec({
        hostname: null,
        "$setElementOrder/containers": [{ name: "a" }],
        containers: [{ name: "a", image: null }],
        securityContext: { $retainKeys: ["runAsUser"], runAsUser: 1 },
        volumes: [{ name: "gone", $patch: "delete" }],
      }),
      spec({ containers: [{ name: "a" }], securityContext: { runAsUser: 1 }, volumes: [] }),
    ],
    [
      "replaces the selector of a PodDisruptionBudget",
      "io.k8s.api.policy.v1.PodDisruptionBudget",
      spec({ selector: { matchLabels: { a: "1" } } }),
      spec({ selector: { matchLabels: { b: "1" } } }),
      spec({ selector: { matchLabels: { b: "1" } } }),
    ],
  ])("%s", (_, type, object, patch, expected) => {
    const before = structuredClone({ object, patch });
    expect(applyStrategicPatch(object, patch, type)).toEqual(expected);
    expect({ object, patch }).toEqual(before);
  });

  it.each<[string, JsonObject, RegExp]>([
    ["an item without its key", spec({ containers: [{ image: "a" }] }), /does not contain declared merge key: name/],
    ["an unknown directive", spec({ $patch: "destroy" }), /unknown patch type found: destroy/],
    [
      "an unknown directive in an item",
      spec({ containers: [{ name: "a", $patch: "x" }] }),
      /unknown patch type found: x/,
    ],
    ["a member that $retainKeys leaves out", spec({ $retainKeys: ["a"], b: 1 }), /invalid patch format of retainKeys/],
    ["$retainKeys that is no list", spec({ $retainKeys: "a" }), /invalid patch format of retainKeys/],
    ["an order that is no list", spec({ "$setElementOrder/containers": 1 }), /invalid patch format of setElementOrder/],
    [
      "items that its order does not name",
      spec({ "$setElementOrder/containers": [{ name: "b" }], containers: [{ name: "a" }] }),
      /the order in patch list doesn't match/,
    ],
    ["items that are no objects", spec({ containers: ["a"] }), /is not an object/],
  ])("answers 400 for %s", (_, patch, message) => {
    const object = spec({ containers: [{ name: "a" }] });
    expect(() => applyStrategicPatch(object, patch, pod)).toThrow(
      expect.objectContaining({ code: 400, message: expect.stringMatching(message) }),
    );
  });

  it("treats __proto__ as a name like any other and pollutes nothing", () => {
    const patch = JSON.parse(
      '{"metadata":{"labels":{"__proto__":"a"},"__proto__":{"polluted":1},"constructor":{"x":1}}}',
    );
    const result = applyStrategicPatch({ metadata: { labels: { b: "c" } } }, patch, pod);
    expect(JSON.stringify(result)).toBe(
      '{"metadata":{"labels":{"b":"c","__proto__":"a"},"__proto__":{"polluted":1},"constructor":{"x":1}}}',
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("refuses patches that are nested too deep", () => {
    let patch: Json = {};
    for (let depth = 0; depth < 1500; depth++) patch = { a: patch };
    expect(() => applyStrategicPatch({}, { a: patch }, pod)).toThrow(expect.objectContaining({ code: 400 }));
  });

  it("merges long lists in about linear time", async () => {
    const containers = Array.from({ length: 20_000 }, (_, index) => ({ name: `c${index}` }));
    let result: JsonObject = {};
    const cpuMs = await cpuMsOf(() => {
      result = applyStrategicPatch(
        spec({ containers }),
        spec({ "$setElementOrder/containers": containers.toReversed(), containers: [] }),
        pod,
      );
    });
    expect(cpuMs).toBeLessThan(3_000);
    expect((result["spec"] as JsonObject)["containers"]).toEqual(containers.toReversed());
  });
});

describe("createStrategicPatch()", () => {
  it.each<[string, string, JsonObject | undefined, JsonObject, JsonObject, JsonObject]>([
    [
      "is empty when current holds what modified says",
      deployment,
      undefined,
      spec({ replicas: 1, template: { spec: { containers: [{ name: "a" }] } } }),
      spec({
        replicas: 1,
        paused: false,
        template: { spec: { containers: [{ name: "a", image: "x" }, { name: "side" }] } },
      }),
      {},
    ],
    [
      "removes what original had",
      deployment,
      spec({ paused: true }),
      spec({}),
      spec({ paused: true }),
      spec({ paused: null }),
    ],
    ["does not remove what is gone already", deployment, spec({ paused: true }), spec({}), spec({}), {}],
    [
      "names the changed item, its key and the order",
      pod,
      undefined,
      spec({
        containers: [
          { name: "a", image: "2" },
          { name: "b", image: "1" },
        ],
      }),
      spec({
        containers: [
          { name: "a", image: "1", tty: true },
          { name: "b", image: "1" },
        ],
      }),
      spec({
        containers: [{ name: "a", image: "2" }],
        "$setElementOrder/containers": [{ name: "a" }, { name: "b" }],
      }),
    ],
    [
      "deletes the items that original had",
      pod,
      spec({ containers: [{ name: "a" }, { name: "b" }] }),
      spec({ containers: [{ name: "b" }] }),
      spec({ containers: [{ name: "a" }, { name: "b" }, { name: "injected" }] }),
      spec({ containers: [{ $patch: "delete", name: "a" }], "$setElementOrder/containers": [{ name: "b" }] }),
    ],
    [
      "retains only what modified names when the strategy changes",
      deployment,
      spec({ strategy: { type: "RollingUpdate" } }),
      spec({ strategy: { type: "Recreate" } }),
      spec({ strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } }),
      spec({ strategy: { type: "Recreate", $retainKeys: ["type"] } }),
    ],
    [
      "adds and deletes plain values",
      pod,
      { metadata: { finalizers: ["a", "b"] } },
      { metadata: { finalizers: ["b", "c"] } },
      { metadata: { finalizers: ["x", "a", "b"] } },
      {
        metadata: {
          finalizers: ["c"],
          "$deleteFromPrimitiveList/finalizers": ["a"],
          "$setElementOrder/finalizers": ["b", "c"],
        },
      },
    ],
    [
      "does not touch ports that differ in protocol only",
      service,
      undefined,
      spec({
        ports: [
          { port: 53, protocol: "UDP", name: "u" },
          { port: 53, name: "t" },
        ],
      }),
      spec({
        ports: [
          { port: 53, protocol: "UDP", name: "u", nodePort: 30001 },
          { port: 53, protocol: "TCP", name: "t", nodePort: 30002 },
        ],
      }),
      {},
    ],
    [
      "replaces ports that differ in protocol only as a whole, keeping what the server added",
      service,
      undefined,
      spec({
        ports: [
          { port: 53, protocol: "UDP", name: "x" },
          { port: 53, name: "t" },
        ],
      }),
      spec({
        ports: [
          { port: 53, protocol: "UDP", name: "u", nodePort: 30001 },
          { port: 53, protocol: "TCP", name: "t", nodePort: 30002 },
        ],
      }),
      spec({
        ports: [
          { port: 53, protocol: "UDP", name: "x", nodePort: 30001 },
          { port: 53, protocol: "TCP", name: "t", nodePort: 30002 },
          { $patch: "replace" },
        ],
      }),
    ],
  ])("%s", (_, type, original, modified, current, expected) => {
    expect(createStrategicPatch(original, modified, current, type)).toEqual(expected);
  });

  const word = fc.constantFrom("a", "b", "c", "d");
  const list = (item: fc.Arbitrary<JsonObject>, key: string) =>
    fc.uniqueArray(item, { selector: (value) => value[key], maxLength: 4 });
  const some = (fields: Record<string, fc.Arbitrary<unknown>>, requiredKeys: string[] = []) =>
    fc.record(fields, { requiredKeys }) as unknown as fc.Arbitrary<JsonObject>;
  const container = some(
    {
      name: word,
      image: word,
      command: fc.array(word, { maxLength: 2 }),
      env: list(some({ name: word, value: word }, ["name"]), "name"),
      ports: fc.uniqueArray(
        some({ containerPort: fc.integer({ min: 1, max: 3 }), protocol: fc.constantFrom("TCP", "UDP"), name: word }, [
          "containerPort",
          "protocol",
        ]),
        {
          selector: (port) => `${port["containerPort"]}${port["protocol"]}`,
          maxLength: 3,
        },
      ),
    },
    ["name"],
  );
  const volume = fc.oneof(
    some({ name: word, emptyDir: some({ medium: word }) }, ["name", "emptyDir"]),
    some({ name: word, configMap: some({ name: word, optional: fc.boolean() }) }, ["name", "configMap"]),
  );
  const object = some({
    metadata: some({ labels: fc.dictionary(word, word), finalizers: fc.uniqueArray(word) }),
    spec: some({
      replicas: fc.nat(3),
      strategy: fc.oneof(
        some({ type: fc.constant("Recreate") }),
        some({ type: fc.constant("RollingUpdate"), rollingUpdate: some({ maxSurge: fc.nat(2) }) }),
      ),
      template: some({
        spec: some({
          containers: list(container, "name"),
          volumes: list(volume, "name"),
          nodeSelector: fc.dictionary(word, word),
        }),
      }),
    }),
  });

  /** Whether `actual` holds everything that `wanted` says; items of merged lists in the wanted order among each other. */
  function holds(actual: Json | undefined, wanted: Json, path: string): void {
    if (Array.isArray(wanted)) {
      expect(Array.isArray(actual), path).toBe(true);
      const field = path.slice(path.lastIndexOf(".") + 1);
      const items = actual as readonly Json[];
      if (field === "finalizers") expect(items.filter((item) => wanted.includes(item))).toEqual(wanted);
      else if (["containers", "env", "volumes", "ports"].includes(field)) {
        const id = (item: Json) => {
          const { name, containerPort, protocol } = item as JsonObject;
          return JSON.stringify(field === "ports" ? [containerPort, protocol] : name);
        };
        const wantedIds = wanted.map(id);
        expect(
          items.map(id).filter((key) => wantedIds.includes(key)),
          path,
        ).toEqual(wantedIds);
        for (const item of wanted)
          holds(
            items.find((other) => id(other) === id(item)),
            item,
            `${path}.item`,
          );
      } else expect(actual, path).toEqual(wanted);
    } else if (typeof wanted === "object" && wanted !== null) {
      expect(typeof actual, path).toBe("object");
      for (const [key, value] of Object.entries(wanted)) holds((actual as JsonObject)[key], value, `${path}.${key}`);
    } else expect(actual, path).toEqual(wanted);
  }

  it("gives current every field of modified, and nothing is left to do then", () => {
    fc.assert(
      fc.property(fc.option(object, { nil: undefined }), object, object, (original, modified, current) => {
        const patch = createStrategicPatch(original, modified, current, deployment);
        const result = applyStrategicPatch(current, patch, deployment);
        holds(result, modified, "");
        expect(createStrategicPatch(modified, modified, result, deployment)).toEqual({});
      }),
      { numRuns: 1000 },
    );
  });

  it("leaves exactly modified when current is what was applied before", () => {
    fc.assert(
      fc.property(object, object, (original, modified) => {
        const patch = createStrategicPatch(original, modified, original, deployment);
        expect(applyStrategicPatch(original, patch, deployment)).toEqual(modified);
      }),
      { numRuns: 1000 },
    );
  });
});
