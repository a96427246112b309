import { describe, expect, it } from "vitest";
import type { StatusError } from "../../../core/api/status.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import type { Stored } from "../../../master_daemon/registry/registry.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import { aWidget, openFixture, plain, user, type Widget } from "./fixtures.ts";

const key = { namespace: "default", name: "a" };
const wire = (stored: Stored): unknown => JSON.parse(new TextDecoder().decode(stored.bytes));
const failure = (promise: Promise<unknown>): Promise<StatusError> =>
  promise.then(
    () => {
      throw new Error("it was not refused");
    },
    (error) => error,
  );

describe("Registry.create()", () => {
  it("fills metadata, defaults and status, and its bytes carry the resourceVersion", async () => {
    await using fixture = await openFixture({ uuid: () => "uid-1" });
    const stored = await fixture.widgets.create(
      {
        ...aWidget("a"),
        status: { phase: "Sent" },
        metadata: { name: "a", namespace: "default", uid: "sent", creationTimestamp: "2000", generation: 9 },
      } as Widget,
      { user },
    );
    const expected = {
      apiVersion: "example.com/v1",
      kind: "Widget",
      metadata: {
        name: "a",
        namespace: "default",
        uid: "uid-1",
        creationTimestamp: "2026-01-01T00:00:00Z",
        generation: 1,
        resourceVersion: "1",
      },
      spec: { size: 1 },
      status: { phase: "New" },
    };
    expect(stored.object).toEqual(expected);
    expect(wire(stored)).toEqual(expected);
    expect(new TextDecoder().decode(stored.bytes)).toMatch(
      /^\{"kind":"Widget","apiVersion":"example.com\/v1","metadata":\{"resourceVersion":"1",/,
    );
    expect(await fixture.widgets.get(key)).toBe(stored);
    expect((await fixture.widgets.list()).items[0]).toBe(stored);
  });

  it("refuses what exists, is invalid, or has a resourceVersion", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a"), { user });
    expect(await failure(fixture.widgets.create(aWidget("a"), { user }))).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'widgets.example.com "a" already exists',
    });
    expect((await failure(fixture.widgets.create(aWidget("a"), { user, dryRun: true }))).reason).toBe("AlreadyExists");
    expect(await failure(fixture.widgets.create(aWidget("b", { size: -1 }), { user }))).toMatchObject({
      code: 422,
      message: 'Widget.example.com "b" is invalid: spec.size: Invalid value: -1: must not be negative',
    });
    expect(await failure(fixture.widgets.create(aWidget("b", {}, { resourceVersion: "3" }), { user }))).toMatchObject({
      code: 400,
      message: "resourceVersion should not be set on objects to be created",
    });
    expect((await failure(fixture.widgets.create(aWidget(""), { user }))).message).toContain(
      "metadata.name: Required value: name or generateName is required",
    );
    expect(fixture.revision).toBe(1);
  });

  it("answers a write that was committed, when it closes before readers see it", async () => {
    const clock = new FakeClock();
    await using store = openMemoryStore({ clock });
    // It tells of nothing that is committed.
    store.watch = async function* (_, { signal }) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield [];
    };
    const fixture = await openFixture({ clock, store });
    const created = fixture.widgets.create(aWidget("a"), { user });
    const refused = failure(fixture.widgets.create(aWidget("a"), { user }));
    await expect.poll(async () => (await store.get("")).revision).toBe(1);
    await fixture[Symbol.asyncDispose]();
    // Were it refused, clients would send it again.
    expect((await created).key.name).toBe("a");
    expect(await refused).toMatchObject({ code: 503 });
  });

  it("generates names, another one when taken", async () => {
    // The first two names are drawn from the same numbers.
    const numbers = [...Array.from({ length: 10 }, () => 0), ...Array.from({ length: 5 }, () => 0.999)];
    await using fixture = await openFixture({ random: () => numbers.shift() ?? 0.5 });
    const generated = () => fixture.widgets.create(aWidget("", {}, { generateName: "w-" }), { user });
    expect((await generated()).key.name).toBe("w-bbbbb");
    expect((await generated()).key.name).toBe("w-99999");
    const long = await fixture.widgets.create(aWidget("", {}, { generateName: "x".repeat(70) }), { user });
    expect(long.key.name).toHaveLength(63);
  });

  it("calls admit with the final object, and commits nothing when it refuses or in a dry run", async () => {
    await using fixture = await openFixture();
    const seen: unknown[] = [];
    await expect(
      fixture.widgets.create(aWidget("a"), {
        user,
        admit: async (next, previous) => {
          seen.push((next as Widget).spec, previous);
          throw new Error("no");
        },
      }),
    ).rejects.toThrow("no");
    expect(seen).toEqual([{ size: 1 }, undefined]);
    const dry = await fixture.widgets.create(aWidget("a"), { user, dryRun: true });
    expect(dry.object.metadata).not.toHaveProperty("resourceVersion");
    expect(dry.object.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(wire(dry)).toEqual(dry.object);
    expect(fixture.revision).toBe(0);
  });

  it("keeps members named like those of Object.prototype, and pollutes nothing", async () => {
    await using fixture = await openFixture();
    const text =
      '{"apiVersion":"v1","kind":"Plain","metadata":{"name":"constructor","labels":{"tostring":"x"}},"data":{"__proto__":"p","constructor":"c"}}';
    const stored = await fixture.plains.create(JSON.parse(text), { user });
    expect(JSON.stringify((wire(stored) as { data: unknown }).data)).toBe('{"__proto__":"p","constructor":"c"}');
    expect(JSON.stringify(stored.object.data)).toBe('{"__proto__":"p","constructor":"c"}');
    expect(({} as { p?: unknown }).p).toBeUndefined();
    expect((await failure(fixture.plains.get({ name: "toString" }))).message).toBe('plains "toString" not found');
    expect((await fixture.plains.get({ name: "constructor" })).revision).toBe(1);
  });
});

describe("Registry.update()", () => {
  it("keeps what clients may not change, counts generations, and keeps the status", async () => {
    await using fixture = await openFixture();
    const before = await fixture.widgets.create(aWidget("a"), { user });
    const after = await fixture.widgets.update(
      key,
      (current) => ({
        ...current,
        metadata: { name: "z", namespace: "z", creationTimestamp: "2000", generation: 7, labels: { a: "b" } },
        spec: { size: 2 },
        status: { phase: "Forged" },
      }),
      { user },
    );
    expect(after.object).toEqual({
      ...before.object,
      metadata: { ...before.object.metadata, labels: { a: "b" }, generation: 2, resourceVersion: "2" },
      spec: { size: 2 },
    });
    const labelled = await fixture.widgets.update(
      key,
      (current) => ({ ...current, metadata: { ...current.metadata, labels: {} } }),
      { user },
    );
    expect(labelled.object.metadata.generation).toBe(2);
  });

  it("of the status changes no more than metadata besides, and no generation", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a"), { user });
    const after = await fixture.widgets.update(
      key,
      (current) => ({
        ...current,
        metadata: { ...current.metadata, labels: { a: "b" } },
        spec: { size: 9 },
        status: { phase: "Ready" },
      }),
      { user, subresource: "status" },
    );
    // As Kubernetes has it: its conformance tests annotate objects through their status.
    expect(after.object).toMatchObject({
      spec: { size: 1 },
      status: { phase: "Ready" },
      metadata: { generation: 1, labels: { a: "b" } },
    });
    const error = await failure(
      fixture.widgets.update(key, (current) => ({ ...current, status: { phase: "" } }), {
        user,
        subresource: "status",
      }),
    );
    expect(error.message).toBe('Widget.example.com "a" is invalid: status.phase: Required value');
  });

  it("commits nothing when nothing changed, whatever the order of members", async () => {
    await using fixture = await openFixture();
    const before = await fixture.widgets.create(aWidget("a", { size: 3, color: "red" }), { user });
    const same = await fixture.widgets.update(key, (current) => ({ ...current, spec: { color: "red", size: 3 } }), {
      user,
    });
    expect(same).toBe(before);
    expect(fixture.revision).toBe(1);
  });

  it("refuses a stale resourceVersion and another uid, and overwrites without one", async () => {
    await using fixture = await openFixture();
    const first = await fixture.widgets.create(aWidget("a"), { user });
    await fixture.widgets.update(key, (current) => ({ ...current, spec: { size: 2 } }), { user });
    expect(
      await failure(fixture.widgets.update(key, () => ({ ...first.object, spec: { size: 3 } }), { user })),
    ).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on widgets.example.com "a": the object has been modified; please apply your changes to the latest version and try again',
    });
    const other = await failure(fixture.widgets.update(key, () => aWidget("a", {}, { uid: "other" }), { user }));
    expect(other.reason).toBe("Conflict");
    expect(other.message).toContain("UID in precondition: other");
    expect((await fixture.widgets.update(key, () => aWidget("a", { size: 5 }), { user })).object.spec.size).toBe(5);
    expect((await failure(fixture.widgets.update({ ...key, name: "b" }, (current) => current, { user }))).code).toBe(
      404,
    );
  });

  it("refuses what the kind does not allow to change", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", { color: "red" }), { user });
    const error = await failure(
      fixture.widgets.update(key, (current) => ({ ...current, spec: { ...current.spec, color: "blue" } }), { user }),
    );
    expect(error.message).toContain('spec.color: Invalid value: "blue": field is immutable');
  });

  it("loses no increment among many writers", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", { size: 0 }), { user });
    await Promise.all(
      Array.from({ length: 50 }, () =>
        fixture.widgets.update(key, async (current) => ({ ...current, spec: { size: (current.spec.size ?? 0) + 1 } }), {
          user,
        }),
      ),
    );
    expect((await fixture.widgets.get(key)).object.spec.size).toBe(50);
  });

  it("runs change again when another process committed in between", async () => {
    await using fixture = await openFixture();
    const first = await fixture.widgets.create(aWidget("a", { size: 1 }), { user });
    let runs = 0;
    const after = await fixture.widgets.update(
      key,
      async (current) => {
        if (runs++ === 0) {
          const value = JSON.stringify({ ...first.object, spec: { size: 10 } });
          await fixture.store.commit("/registry/example.com/widgets/default/a", new TextEncoder().encode(value), {
            expected: 1,
          });
        }
        return { ...current, spec: { size: (current.spec.size ?? 0) + 1 } };
      },
      { user },
    );
    expect([runs, after.object.spec.size, after.revision]).toEqual([2, 11, 3]);
  });
});

describe("Registry.delete()", () => {
  it("removes at once, with a revision of its own", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a"), { user });
    const dry = await fixture.widgets.delete(key, { user, dryRun: true });
    expect([dry.gone, dry.stored.revision]).toEqual([true, 1]);
    const { stored, gone } = await fixture.widgets.delete(key, { user });
    expect([gone, stored.revision, stored.object.metadata.resourceVersion]).toEqual([true, 2, "2"]);
    expect((await failure(fixture.widgets.get(key))).code).toBe(404);
    expect((await failure(fixture.widgets.delete(key, { user }))).message).toBe('widgets.example.com "a" not found');
  });

  it("holds to its preconditions", async () => {
    await using fixture = await openFixture({ uuid: () => "u" });
    await fixture.widgets.create(aWidget("a"), { user });
    expect((await failure(fixture.widgets.delete(key, { user, preconditions: { uid: "x" } }))).message).toBe(
      'Operation cannot be fulfilled on Widget.example.com "a": the UID in the precondition (x) does not match the UID in record (u). The object might have been deleted and then recreated',
    );
    expect((await failure(fixture.widgets.delete(key, { user, preconditions: { resourceVersion: "7" } }))).reason).toBe(
      "Conflict",
    );
    expect((await fixture.widgets.delete(key, { user, preconditions: { uid: "u", resourceVersion: "1" } })).gone).toBe(
      true,
    );
  });

  it("waits for the grace period, which a second delete may only shorten", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", { slow: true }), { user });
    const marked = await fixture.widgets.delete(key, { user });
    expect(marked.gone).toBe(false);
    expect(marked.stored.object.metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:30Z",
      deletionGracePeriodSeconds: 30,
      generation: 2,
    });
    expect((await fixture.widgets.delete(key, { user })).stored).toBe(marked.stored);
    expect((await fixture.widgets.delete(key, { user, gracePeriodSeconds: 60 })).stored).toBe(marked.stored);
    const shorter = await fixture.widgets.delete(key, { user, gracePeriodSeconds: 10 });
    expect(shorter.stored.object.metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:10Z",
      deletionGracePeriodSeconds: 10,
    });
    expect((await fixture.widgets.delete(key, { user, gracePeriodSeconds: 0 })).gone).toBe(true);
  });

  it("only marks what has finalizers; the update that removes the last one deletes", async () => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", {}, { finalizers: ["example.com/f"] }), { user });
    const marked = await fixture.widgets.delete(key, { user });
    expect(marked.gone).toBe(false);
    expect(marked.stored.object.metadata).toMatchObject({
      deletionTimestamp: "2026-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 0,
      finalizers: ["example.com/f"],
    });
    const finalizers = (names: readonly string[]) =>
      fixture.widgets.update(key, (current) => ({ ...current, metadata: { ...current.metadata, finalizers: names } }), {
        user,
      });
    expect((await failure(finalizers(["example.com/f", "example.com/g"]))).message).toContain(
      "no new finalizers can be added",
    );
    await finalizers([]);
    expect((await failure(fixture.widgets.get(key))).code).toBe(404);
  });

  it.each([
    ["Foreground", ["example.com/f", "foregroundDeletion"]],
    ["Orphan", ["example.com/f", "orphan"]],
    ["Background", ["example.com/f"]],
    [undefined, ["example.com/f"]],
  ] as const)("adds the finalizer of the policy %s", async (propagationPolicy, expected) => {
    await using fixture = await openFixture();
    await fixture.widgets.create(aWidget("a", {}, { finalizers: ["example.com/f"] }), { user });
    const { stored } = await fixture.widgets.delete(key, { user, propagationPolicy });
    expect(stored.object.metadata.finalizers).toEqual(expected);
  });

  it("of a namespace marks it Terminating until spec.finalizers is empty", async () => {
    await using fixture = await openFixture();
    const room = { apiVersion: "v1", kind: "Namespace", metadata: { name: "room" } };
    await fixture.namespaces.create(room, { user });
    const { stored, gone } = await fixture.namespaces.delete({ name: "room" }, { user });
    expect(gone).toBe(false);
    expect(stored.object).toMatchObject({ spec: { finalizers: ["kubernetes"] }, status: { phase: "Terminating" } });
    expect(stored.object.metadata.deletionTimestamp).toBe("2026-01-01T00:00:00Z");
    expect((await fixture.namespaces.delete({ name: "room" }, { user })).stored).toBe(stored);
    await fixture.namespaces.update({ name: "room" }, (current) => ({ ...current, spec: { finalizers: [] } }), {
      user,
    });
    expect((await fixture.namespaces.get({ name: "room" })).object.spec?.finalizers).toEqual(["kubernetes"]);
    await fixture.namespaces.update({ name: "room" }, (current) => ({ ...current, spec: { finalizers: [] } }), {
      user,
      subresource: "finalize",
    });
    expect((await failure(fixture.namespaces.get({ name: "room" }))).code).toBe(404);
  });
});

describe("Registry.list()", () => {
  async function withWidgets(names: readonly string[]) {
    const fixture = await openFixture();
    for (const name of names) {
      const [namespace = "", own = ""] = name.split("/");
      await fixture.widgets.create(
        aWidget(own, {}, { namespace, labels: { even: String(own.charCodeAt(0) % 2 === 0) } }),
        { user },
      );
    }
    return fixture;
  }
  const names = (items: readonly Stored[]) => items.map(({ key }) => `${key.namespace}/${key.name}`);

  it("is sorted, by namespace if asked, and by selection", async () => {
    await using fixture = await withWidgets(["b/a", "a/c", "a/a", "a-b/x", "a/b"]);
    expect(names((await fixture.widgets.list()).items)).toEqual(["a-b/x", "a/a", "a/b", "a/c", "b/a"]);
    expect(names((await fixture.widgets.list({ namespace: "a" })).items)).toEqual(["a/a", "a/b", "a/c"]);
    const even = await fixture.widgets.list({ matches: ({ object }) => object.metadata.labels?.["even"] === "true" });
    expect(names(even.items)).toEqual(["a-b/x", "a/b"]);
  });

  it("pages show the first page's revision, whatever is written in between", async () => {
    await using fixture = await withWidgets(["n/a", "n/b", "n/c", "n/d", "n/e"]);
    const first = await fixture.widgets.list({ limit: 2 });
    expect([names(first.items), first.remainingItemCount, first.revision]).toEqual([["n/a", "n/b"], 3, 5]);
    await fixture.widgets.delete({ namespace: "n", name: "c" }, { user });
    await fixture.widgets.create(aWidget("bb", {}, { namespace: "n" }), { user });
    const second = await fixture.widgets.list({ limit: 2, continue: first.continue });
    expect([names(second.items), second.remainingItemCount, second.revision]).toEqual([["n/c", "n/d"], 1, 5]);
    const third = await fixture.widgets.list({ limit: 2, continue: second.continue });
    expect([names(third.items), third.continue, third.remainingItemCount]).toEqual([["n/e"], undefined, undefined]);
    expect(names((await fixture.widgets.list()).items)).toEqual(["n/a", "n/b", "n/bb", "n/d", "n/e"]);
  });

  it("pages of a selection carry no count", async () => {
    await using fixture = await withWidgets(["n/a", "n/b", "n/c", "n/d"]);
    const matches = ({ object }: Stored) => object.metadata.labels?.["even"] === "true";
    const first = await fixture.widgets.list({ limit: 1, matches });
    expect([names(first.items), first.remainingItemCount]).toEqual([["n/b"], undefined]);
    const second = await fixture.widgets.list({ limit: 1, matches, continue: first.continue });
    expect([names(second.items), second.continue]).toEqual([["n/d"], undefined]);
  });

  it("answers Expired when the revision of a page is compacted", async () => {
    await using fixture = await withWidgets(["n/a", "n/b", "n/c"]);
    const first = await fixture.widgets.list({ limit: 1 });
    await fixture.widgets.create(aWidget("d", {}, { namespace: "n" }), { user });
    await fixture.store.compact(4);
    expect(await failure(fixture.widgets.list({ limit: 1, continue: first.continue }))).toMatchObject({
      code: 410,
      reason: "Expired",
      message:
        "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.",
    });
    expect(await failure(fixture.widgets.list({ resourceVersion: "2", resourceVersionMatch: "Exact" }))).toMatchObject({
      code: 410,
      message: "The resourceVersion for the provided list is too old.",
    });
  });

  it("reads exact revisions, and waits a little for those to come", async () => {
    await using fixture = await withWidgets(["n/a", "n/b", "n/c"]);
    const exact = await fixture.widgets.list({ resourceVersion: "2", resourceVersionMatch: "Exact" });
    expect([names(exact.items), exact.revision]).toEqual([["n/a", "n/b"], 2]);
    expect((await fixture.widgets.list({ resourceVersion: "0" })).items).toHaveLength(3);
    expect((await fixture.widgets.list({ resourceVersion: "1" })).revision).toBe(3);
    const coming = fixture.widgets.list({ resourceVersion: "4", resourceVersionMatch: "NotOlderThan" });
    await fixture.widgets.create(aWidget("d"), { user });
    expect((await coming).revision).toBe(4);
    const never = failure(fixture.widgets.list({ resourceVersion: "99" }));
    await fixture.clock.advance(3_000);
    expect(await never).toMatchObject({
      code: 504,
      message: "Timeout: Too large resource version: 99, current: 4",
      status: { details: { retryAfterSeconds: 1, causes: [{ reason: "ResourceVersionTooLarge" }] } },
    });
  });

  it.each([
    [{ resourceVersion: "abc" }, "invalid syntax"],
    [{ resourceVersion: "-1" }, "invalid syntax"],
    [{ resourceVersion: "99999999999999999999" }, "invalid syntax"],
    [{ continue: "!!!" }, "continue key is not valid"],
    [{ continue: Buffer.from('{"rv":-1,"start":"x"}').toString("base64url") }, "continue key is not valid"],
    [{ continue: Buffer.from('{"rv":999999,"start":"x"}').toString("base64url") }, "continue key is not valid"],
    [
      { continue: Buffer.from('{"rv":1,"start":"x"}').toString("base64url"), resourceVersion: "5" },
      "not allowed when using continue",
    ],
    [{ resourceVersionMatch: "Exact" as const }, "forbidden unless resourceVersion is provided"],
    [{ resourceVersionMatch: "Exact" as const, resourceVersion: "0" }, "is forbidden"],
  ])("refuses %j as a bad request", async (options, text) => {
    await using fixture = await withWidgets(["n/a"]);
    const error = await failure(fixture.widgets.list(options));
    expect([error.code, error.message]).toEqual([400, expect.stringContaining(text)]);
  });
});

it("Registries.for() refuses a kind that is not served", async () => {
  await using fixture = await openFixture();
  await using none = await openRegistries({
    store: fixture.store,
    kinds: [],
    clock: fixture.clock,
    random: () => 0,
    log: silentLogger,
    localRanges: [],
  });
  expect(() => none.for(plain)).toThrow(RangeError);
});
