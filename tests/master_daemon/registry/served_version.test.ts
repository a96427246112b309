import { describe, expect, it } from "vitest";
import { defineKind, type Kind } from "../../../core/api/kind.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import { aWidget, follow, openFixture, settle, user, type Widget, widget } from "./fixtures.ts";

/** The same objects in a version that calls the size something else. */
interface OldWidget extends KubeObject {
  readonly spec: { readonly extent: number };
}

const toOld = (object: KubeObject): KubeObject => {
  const { spec } = object as Widget;
  return { ...object, apiVersion: "example.com/v1beta1", spec: { extent: spec.size ?? 0 } } as KubeObject;
};
const toNew = (object: KubeObject): KubeObject => {
  const { spec } = object as OldWidget;
  return { ...object, apiVersion: "example.com/v1", spec: { size: spec.extent } } as KubeObject;
};

const oldWidget: Kind<OldWidget> = defineKind<OldWidget>({
  group: "example.com",
  version: "v1beta1",
  kind: "Widget",
  plural: "widgets",
  namespaced: true,
  schema: "",
  storedAs: {
    kind: widget,
    toStored: (objects) => objects.map(toNew),
    // As a webhook would: not at once.
    fromStored: async (objects) => objects.map(toOld),
  },
  columns: [],
});

const key = { namespace: "default", name: "a" };

describe("a version that is stored as another", () => {
  it("reads, lists and writes the objects of the other", async () => {
    await using fixture = await openFixture();
    await fixture.registries.serve(oldWidget);
    const old = fixture.registries.for(oldWidget);
    await fixture.widgets.create(aWidget("a", { size: 3 }), { user });
    expect((await old.get(key)).object).toMatchObject({ apiVersion: "example.com/v1beta1", spec: { extent: 3 } });
    await old.update(key, (current) => ({ ...current, spec: { extent: 4 } }), { user });
    expect((await fixture.widgets.get(key)).object).toMatchObject({ apiVersion: "example.com/v1", spec: { size: 4 } });
    const { items } = await old.list({ matches: ({ object }) => (object as OldWidget).spec.extent === 4 });
    expect(items.map(({ object }) => object)).toMatchObject([{ apiVersion: "example.com/v1beta1" }]);
    expect(JSON.parse(new TextDecoder().decode(items[0]?.bytes))).toMatchObject({
      apiVersion: "example.com/v1beta1",
      metadata: { resourceVersion: "2" },
      spec: { extent: 4 },
    });
  });

  it("commits nothing when a change changes nothing", async () => {
    await using fixture = await openFixture();
    await fixture.registries.serve(oldWidget);
    await fixture.widgets.create(aWidget("a", { size: 3 }), { user });
    const stored = await fixture.registries.for(oldWidget).update(key, (current) => current, { user });
    expect(stored.revision).toBe(1);
    expect(fixture.revision).toBe(1);
  });

  it("watches changes through its own selection, whichever version they were made in", async () => {
    await using fixture = await openFixture();
    await fixture.registries.serve(oldWidget);
    const old = fixture.registries.for(oldWidget);
    const isLarge = follow(old, { matches: ({ object }) => (object as OldWidget).spec.extent > 2 });
    await settle();
    await fixture.widgets.create(aWidget("a", { size: 1 }), { user });
    for (const size of [3, 4, 2])
      await fixture.widgets.update(key, (current) => ({ ...current, spec: { size } }), { user });
    await settle();
    isLarge.stop();
    await isLarge.ended;
    expect(isLarge.seen).toEqual(["ADDED a@2", "MODIFIED a@3", "DELETED a@4"]);
  });
});

describe("Registries", () => {
  it("serve() shows what was stored before, and withdraw() ends the watches", async () => {
    await using before = await openFixture();
    await before.widgets.create(aWidget("a"), { user });
    const { registries } = before;
    registries.withdraw(widget);
    let changes = 0;
    registries.onChange(() => changes++);
    await registries.serve(widget);
    expect((await registries.for(widget).get(key)).object.metadata.name).toBe("a");
    const watch = follow(registries.for(widget));
    await settle();
    registries.withdraw(widget);
    await watch.ended;
    expect(watch.seen).toEqual(["ADDED a@1"]);
    expect(changes).toBe(2);
    expect(() => registries.for(widget)).toThrow("kind is not served");
  });
});
