import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Applied,
  applyConfiguration,
  type FieldWrite,
  structuralType,
  trackUpdate,
} from "../../../../core/api/apply/mod.ts";
import type { JsonObject, ManagedFieldsEntry } from "../../../../core/api/meta.ts";
import { noSchema } from "../../../../core/api/schema.ts";

/** Server-side apply on plain objects. @see sigs.k8s.io/structured-merge-diff merge */

const text: JsonObject = { type: "string" };
const item: JsonObject = {
  type: "object",
  properties: {
    name: text,
    protocol: { type: "string", default: "TCP" },
    value: text,
    tags: { type: "array", items: text, "x-kubernetes-list-type": "set" },
  },
};
const structural = structuralType(
  {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          name: text,
          other: text,
          struct: { type: "object", properties: { a: text, b: text } },
          list: { type: "array", items: text },
          set: { type: "array", items: text, "x-kubernetes-list-type": "set" },
          items: {
            type: "array",
            items: item,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "protocol"],
          },
          members: { type: "object", additionalProperties: text },
        },
      },
    },
  },
  noSchema,
);

/** As of Kubernetes' own kinds: custom resources' schemas may change, which owners of empty objects are then taken for. */
const { changes: _changes, ...type } = structural;

const now = "2026-01-01T00:00:00Z";
const writeOf = (manager: string, more: Partial<FieldWrite> = {}): FieldWrite => ({
  manager,
  subresource: "",
  apiVersion: "v1",
  type,
  scope: { except: [] },
  now,
  convert: async () => undefined,
  ...more,
});

const object = (spec: JsonObject): JsonObject => ({ apiVersion: "v1", kind: "K", metadata: { name: "a" }, spec });

function stored({ object: next, managedFields }: Applied): JsonObject {
  const metadata = next["metadata"] as JsonObject;
  return { ...next, metadata: { ...metadata, ...(managedFields ? { managedFields: managedFields as never } : {}) } };
}

const apply = async (live: JsonObject | undefined, manager: string, spec: JsonObject, force = false, more = {}) =>
  stored(await applyConfiguration(live, object(spec), { force, write: writeOf(manager, more) }));

async function update(live: JsonObject, manager: string, spec: JsonObject): Promise<JsonObject> {
  const next = { ...live, spec };
  const managedFields = await trackUpdate(live, next, writeOf(manager));
  return stored({ object: next, managedFields });
}

const specOf = (live: JsonObject) => live["spec"];
const managersOf = (live: JsonObject) =>
  ((live["metadata"] as JsonObject)["managedFields"] as unknown as readonly ManagedFieldsEntry[] | undefined)?.map(
    ({ manager, operation }) => `${manager} ${operation}`,
  );

describe("applyConfiguration()", () => {
  it.each([
    ["a field", { name: "x" }, {}, undefined],
    ["a field of a struct, and the struct with its last one", { struct: { a: "1" } }, {}, undefined],
    ["an item of a set", { set: ["a", "b"] }, { set: ["b"] }, { set: ["b"] }],
    [
      "an item of a map",
      { items: [{ name: "x", value: "1" }, { name: "y" }] },
      { items: [{ name: "y" }] },
      { items: [{ name: "y" }] },
    ],
    [
      "a field of an item",
      { items: [{ name: "x", value: "1" }] },
      { items: [{ name: "x" }] },
      { items: [{ name: "x" }] },
    ],
    ["a member", { members: { a: "1", b: "1" } }, { members: { b: "1" } }, { members: { b: "1" } }],
    ["a list as a whole", { list: ["a", "b"] }, { list: ["c"] }, { list: ["c"] }],
  ])("removes what its manager gives up: %s", async (_what, first, second, expected) => {
    const live = await apply(undefined, "m", { other: "kept", ...first });
    const next = await apply(live, "m", { other: "kept", ...second });
    expect(specOf(next)).toEqual({ other: "kept", ...expected });
  });

  it("keeps what others own too, or own besides", async () => {
    const one = await apply(undefined, "one", { items: [{ name: "x", value: "1" }], members: { a: "1" }, name: "n" });
    const two = await apply(one, "two", { items: [{ name: "x", tags: ["t"] }], name: "n" });
    expect(specOf(await apply(two, "one", {}))).toEqual({ items: [{ name: "x", tags: ["t"] }], name: "n" });
    const updated = await update(one, "u", {
      items: [{ name: "x", value: "1", tags: ["t"] }],
      members: { a: "1" },
      name: "n",
    });
    // An item goes with who put it there, though somebody else changed it meanwhile.
    expect(specOf(await apply(updated, "one", { name: "n" }))).toEqual({ name: "n" });
  });

  it("tells items apart by every key, with defaults", async () => {
    const live = await apply(undefined, "one", { items: [{ name: "x", value: "tcp" }] });
    const next = await apply(live, "two", { items: [{ name: "x", protocol: "UDP", value: "udp" }] });
    expect(specOf(next)).toEqual({
      items: [
        { name: "x", value: "tcp" },
        { name: "x", protocol: "UDP", value: "udp" },
      ],
    });
    // The protocol was not said before: only the value is somebody's.
    await expect(apply(next, "two", { items: [{ name: "x", protocol: "TCP", value: "mine" }] })).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "one": .spec.items[name="x",protocol="TCP"].value',
    });
  });

  it.each([
    [
      ["a", "b", "c"],
      ["c", "a"],
      ["b", "c", "a"],
    ],
    [
      ["a", "b", "c"],
      ["x", "b"],
      ["a", "x", "b", "c"],
    ],
    [
      ["a", "b", "c"],
      ["c", "x"],
      ["a", "b", "c", "x"],
    ],
    [
      ["a", "b"],
      ["b", "a"],
      ["b", "a"],
    ],
    [["a"], ["b"], ["a", "b"]],
  ])("puts items in the order of who applies: %j, %j", async (live, applied, expected) => {
    const before = await apply(undefined, "one", { set: live });
    expect(specOf(await apply(before, "two", { set: applied }))).toEqual({ set: expected });
  });

  it("forgets managers of versions that are not served any more", async () => {
    const live = await apply(undefined, "old", { name: "x" }, false, { apiVersion: "v1alpha1" });
    const next = await apply(live, "new", { name: "y" });
    expect(managersOf(next)).toEqual(["new Apply"]);
  });

  it("finds what was applied in another version", async () => {
    const renamed = (spec: JsonObject, from: string, to: string): JsonObject =>
      Object.fromEntries(Object.entries(spec).map(([name, value]) => [name === from ? to : name, value]));
    const convert = async (live: JsonObject, apiVersion: string) => {
      const spec = (live["spec"] ?? {}) as JsonObject;
      const next = apiVersion === "v1" ? renamed(spec, "other", "name") : renamed(spec, "name", "other");
      return { object: { ...live, apiVersion, spec: next }, type };
    };
    const old = { apiVersion: "v0", convert };
    const live = await apply(undefined, "m", { other: "x", list: ["a"] }, false, old);
    // The same object, as version v1 shows it: `other` is called `name` there.
    const shown = { ...live, apiVersion: "v1", spec: { name: "x", list: ["a"] } };
    const moved = await apply(shown, "m", { name: "x" }, false, { convert });
    expect(specOf(moved)).toEqual({ name: "x" });
    await expect(apply(shown, "n", { name: "y" }, false, { convert })).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "m": .spec.other',
    });
  });

  it("lets nobody lose more than what changed", async () => {
    const live = await apply(undefined, "m", { struct: { a: "1", b: "1" }, members: { x: "1" } });
    const next = await update(live, "u", { struct: { a: "2", b: "1" }, members: { x: "1" } });
    expect(managersOf(next)).toEqual(["m Apply", "u Update"]);
    await expect(apply(next, "m", { struct: { a: "1", b: "1" } })).rejects.toMatchObject({
      message: 'Apply failed with 1 conflict: conflict with "u" using v1: .spec.struct.a',
    });
  });
});

/**
 * Whoever applies empty sets and nothing else owns nothing, as in Kubernetes: an object without managers is then taken for
 * one that was there before the first apply.
 */
const hasManagers = (live: JsonObject) => managersOf(live) !== undefined;

const arbitrarySpec: fc.Arbitrary<JsonObject> = fc.record(
  {
    name: fc.constantFrom("x", "y"),
    struct: fc.record({ a: fc.constantFrom("1", "2"), b: fc.constantFrom("1", "2") }, { requiredKeys: [] }),
    list: fc.array(fc.constantFrom("a", "b"), { maxLength: 2 }),
    set: fc.uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 3 }),
    items: fc.uniqueArray(
      fc.record(
        {
          name: fc.constantFrom("x", "y", "z"),
          value: fc.constantFrom("1", "2"),
          tags: fc.uniqueArray(fc.constantFrom("s", "t"), { maxLength: 2 }),
        },
        { requiredKeys: ["name"] },
      ),
      { maxLength: 3, selector: ({ name }) => name },
    ),
    members: fc.dictionary(fc.constantFrom("a", "b", "__proto__", "constructor"), fc.constantFrom("1", "2")),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonObject>;

describe("applying", () => {
  it("again changes nothing, whatever was there and whoever owned it", () =>
    fc.assert(
      fc.asyncProperty(arbitrarySpec, arbitrarySpec, arbitrarySpec, async (first, other, config) => {
        const live = await apply(await apply(undefined, "one", first), "two", other, true);
        const once = await apply(live, "one", config, true);
        const twice = await apply(once, "one", config, false, { now: "2030-01-01T00:00:00Z" });
        expect(twice).toEqual(once);
      }),
    ));

  it("makes an object that says what was applied", () =>
    fc.assert(
      fc.asyncProperty(arbitrarySpec, arbitrarySpec, async (first, config) => {
        const next = await apply(await apply(undefined, "one", first), "two", config, true);
        // Once more by itself: who applies what is there owns the same.
        expect(await apply(next, "two", config)).toEqual(next);
      }),
    ));

  it("commutes for managers who say nothing about the same fields", () =>
    fc.assert(
      fc.asyncProperty(arbitrarySpec, fc.constantFrom("1", "2"), async (one, other) => {
        const { name: _name, ...mine } = one;
        const theirs = { other };
        const first = await apply(undefined, "one", mine);
        fc.pre(hasManagers(first));
        const there = await apply(first, "two", theirs);
        const back = await apply(await apply(undefined, "two", theirs), "one", mine);
        expect(there).toEqual(back);
      }),
    ));

  it("nothing takes everything back that nobody else owns", () =>
    fc.assert(
      fc.asyncProperty(arbitrarySpec, async (spec) => {
        const live = await apply(undefined, "one", spec);
        fc.pre(hasManagers(live));
        const next = await apply(live, "one", {});
        expect(specOf(next) ?? {}).toEqual({});
      }),
    ));
});
