import { describe, expect, it } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Pod, PodStatus } from "../../../core/kinds/pod.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { StatusManager } from "../../../node_daemon/kubelet/status_manager.ts";
import { makePod } from "./fixtures.ts";

/** A manager over an API of one pod, whose writes a test may answer itself. */
function open(write?: (next: Pod) => Pod) {
  const clock = new FakeClock();
  let current: Pod = makePod();
  const writes: PodStatus[] = [];
  const store = (next: Pod): Pod => {
    if (next.metadata.resourceVersion !== current.metadata.resourceVersion) {
      throw StatusError.conflict({ group: "", plural: "pods" }, "web");
    }
    const resourceVersion = String(Number(current.metadata.resourceVersion) + 1);
    current = { ...next, metadata: { ...next.metadata, resourceVersion } };
    return current;
  };
  const client = {
    get: async () => current,
    updateStatus: async (_: unknown, next: Pod) => {
      writes.push(next.status ?? {});
      return store(write ? write(next) : next);
    },
  } as unknown as Client;
  const manager = new StatusManager({
    client,
    clock,
    log: silentLogger,
    lookup: () => undefined,
    isMirrored: () => false,
  });
  return { manager, clock, writes, store, current: () => current };
}

describe("StatusManager", () => {
  it("writes a status once, and again only when it changes", async () => {
    const { manager, writes, current } = open();
    for (const phase of ["Pending", "Pending", "Running"] as const) {
      manager.set(makePod(), { phase });
      await manager.flush("uid-1");
    }
    expect(writes.map(({ phase }) => phase)).toEqual(["Pending", "Running"]);
    expect(manager.wrote(current())).toBe(true);
  });

  it("holds a status once: as it stands in the API, and there where its reader holds it", async () => {
    const { manager, current } = open();
    const made = { phase: "Running", conditions: [] } as const;
    manager.set(makePod(), made);
    await manager.flush("uid-1");
    expect(manager.get("uid-1")).toBe(current().status);
    const told = structuredClone(current());
    manager.set(told, { ...made });
    await manager.flush("uid-1");
    expect(manager.get("uid-1")).toBe(told.status);
  });

  it("knows its own write by what it says while the answer is on its way, and nobody else's", async () => {
    const seen: boolean[] = [];
    const { manager } = open((next) => {
      const told = { ...next, metadata: { ...next.metadata, resourceVersion: "told before the answer" } };
      seen.push(manager.wrote(told));
      seen.push(manager.wrote({ ...told, status: { phase: "Failed" } }));
      seen.push(manager.wrote({ ...told, metadata: { ...told.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }));
      return next;
    });
    manager.set(makePod(), { phase: "Running" });
    await manager.flush("uid-1");
    expect(seen).toEqual([true, false, false]);
  });

  it("does not write for ever when the API drops what it does not know", async () => {
    const { manager, writes } = open((next) => ({ ...next, status: { phase: next.status?.phase ?? "Unknown" } }));
    manager.set(makePod(), { phase: "Running", message: "dropped" });
    await manager.flush("uid-1");
    expect(writes).toHaveLength(1);
  });

  it("writes over a newer version of the pod, keeping conditions of others", async () => {
    const { manager, store, current } = open();
    store({ ...current(), status: { conditions: [{ type: "example.com/up", status: "True" }] } });
    manager.set(makePod(), { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
    await manager.flush("uid-1");
    expect(current().status?.conditions?.map(({ type }) => type)).toEqual(["Ready", "example.com/up"]);
  });

  it("tries again while the API is away, and then writes the newest", async () => {
    let away = true;
    const { manager, clock, current } = open((next) => {
      if (away) throw new Error("connection refused");
      return next;
    });
    manager.set(makePod(), { phase: "Pending" });
    await clock.advance(50);
    manager.set(makePod(), { phase: "Running" });
    away = false;
    await clock.advance(1000);
    await manager.flush("uid-1");
    expect(current().status?.phase).toBe("Running");
  });

  it("gives up on a pod that is gone", async () => {
    const { manager, writes } = open(() => {
      throw StatusError.notFound({ group: "", plural: "pods" }, "web");
    });
    manager.set(makePod(), { phase: "Running" });
    await manager.flush("uid-1");
    expect(writes).toHaveLength(1);
  });
});
