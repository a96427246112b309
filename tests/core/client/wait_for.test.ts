import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { ConnectionError } from "../../../core/client/connection_error.ts";
import { waitFor } from "../../../core/client/wait_for.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { configMap, FakeWatch, fakeApi, listOf, settle, thing } from "./fake_api.ts";

const key = { namespace: "default", name: "web" };

function withCondition(revision: number, status: string, more: object = {}): KubeObject {
  return { ...thing("web", revision), status: { conditions: [{ type: "Ready", status, ...more }] } } as KubeObject;
}

function setUp(items: readonly KubeObject[]) {
  const clock = new FakeClock();
  const watches: FakeWatch[] = [];
  const present = { items };
  const { client, requests } = fakeApi(({ query }, signal) => {
    if (!query.has("watch")) return listOf(10, present.items);
    const watch = new FakeWatch(query, signal);
    watches.push(watch);
    return watch.response;
  });
  return { clock, client, requests, watches, present };
}

describe("waitFor()", () => {
  it("returns at once when the condition holds", async () => {
    const { client, clock, requests } = setUp([withCondition(5, "True")]);
    const web = await waitFor(client, configMap, key, { condition: "ready", clock });
    expect(web.metadata.resourceVersion).toBe("5");
    expect(requests[0]?.query.get("fieldSelector")).toBe("metadata.name=web");
    expect(requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it("waits for the condition's status of the present generation, through lost connections", async () => {
    const { client, clock, watches } = setUp([withCondition(5, "False")]);
    const waiting = waitFor(client, configMap, key, { condition: "Ready", clock });
    await settle();
    expect(watches[0]?.query.get("resourceVersion")).toBe("10");
    watches[0]?.end(new ConnectionError("a:1", "ECONNRESET", "lost"));
    await clock.advance(1000);
    const stale = withCondition(11, "True", { observedGeneration: 1 });
    watches[1]?.send("MODIFIED", { ...stale, metadata: { ...stale.metadata, generation: 2 } });
    watches[1]?.send("MODIFIED", withCondition(12, "True"));
    expect((await waiting).metadata.resourceVersion).toBe("12");
    expect(clock.pending).toBe(0);
  });

  it("waits for a predicate, and for deletion", async () => {
    const { client, clock, watches } = setUp([thing("web", 5)]);
    const labelled = waitFor(client, configMap, key, { predicate: ({ metadata }) => !!metadata.labels?.["a"], clock });
    const gone = waitFor(client, configMap, key, { deleted: true, clock });
    await settle();
    for (const watch of watches) watch.send("MODIFIED", thing("web", 11, { labels: { a: "b" } }));
    expect((await labelled).metadata.resourceVersion).toBe("11");
    watches[1]?.send("DELETED", thing("web", 12));
    expect((await gone)?.metadata.resourceVersion).toBe("12");
    const none = setUp([]);
    expect(await waitFor(none.client, configMap, key, { deleted: true, clock })).toBeUndefined();
  });

  it("counts an object that was made anew meanwhile as deleted", async () => {
    const { client, clock, watches, present } = setUp([thing("web", 5)]);
    const gone = waitFor(client, configMap, key, { deleted: true, clock });
    await settle();
    present.items = [thing("web", 20, { uid: "other" })];
    watches[0]?.end();
    await clock.advance(1000);
    expect((await gone)?.metadata.resourceVersion).toBe("5");
  });

  it("throws NotFound for an object that is missing or deleted meanwhile", async () => {
    const missing = setUp([]);
    const { clock } = missing;
    await expect(waitFor(missing.client, configMap, key, { condition: "Ready", clock })).rejects.toMatchObject({
      reason: "NotFound",
      message: 'configmaps "web" not found',
    });
    const { client, watches } = setUp([thing("web", 5)]);
    const waiting = waitFor(client, configMap, key, { condition: "Ready", clock }).catch((error: unknown) => error);
    await settle();
    watches[0]?.send("DELETED", thing("web", 11));
    expect(await waiting).toMatchObject({ reason: "NotFound" });
  });

  it("throws Timeout after timeoutMs, and the signal's reason when aborted", async () => {
    const { client, clock } = setUp([thing("web", 5)]);
    const late = waitFor(client, configMap, key, { condition: "Ready", timeoutMs: 5000, clock }).catch(
      (e: unknown) => e,
    );
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = waitFor(client, configMap, key, { condition: "Ready", clock, signal }).catch((e: unknown) => e);
    await clock.advance(4999);
    await clock.advance(1);
    expect(await late).toMatchObject({
      reason: "Timeout",
      message: "timed out waiting for the condition on configmaps/web",
    });
    controller.abort(new Error("enough"));
    expect(await aborted).toEqual(new Error("enough"));
    expect(clock.pending).toBe(0);
  });
});
