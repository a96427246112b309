import { describe, expect, it, vi } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import { createEventRecorder, type EventRecorder } from "../../../core/client/event_recorder.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { answer, fakeApi, type SeenRequest, settle, thing } from "./fake_api.ts";

function setUp(handle: (request: SeenRequest) => ApiResponse = ({ body }) => answer(201, body)): {
  readonly clock: FakeClock;
  readonly requests: SeenRequest[];
  readonly recorder: EventRecorder;
} {
  const clock = new FakeClock();
  const { client, requests } = fakeApi(handle);
  const recorder = createEventRecorder({
    client,
    clock,
    random: () => 0.5,
    component: "kubelet",
    host: "n1",
    log: silentLogger,
  });
  return { clock, requests, recorder };
}

const pulled = { type: "Normal", reason: "Pulled", message: "Image is here" } as const;

describe("createEventRecorder()", () => {
  it("writes an Event as Kubernetes does", async () => {
    const { requests, recorder } = setUp();
    recorder.record(thing("web", 7), { ...pulled, fieldPath: "spec.containers{web}" });
    await settle();
    expect(`${requests[0]?.method} ${requests[0]?.path}`).toBe("POST /api/v1/namespaces/default/events");
    expect(requests[0]?.body).toMatchObject({
      metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: "default" },
      involvedObject: {
        apiVersion: "v1",
        kind: "ConfigMap",
        namespace: "default",
        name: "web",
        uid: "uid-web",
        resourceVersion: "7",
        fieldPath: "spec.containers{web}",
      },
      type: "Normal",
      reason: "Pulled",
      message: "Image is here",
      count: 1,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      source: { component: "kubelet", host: "n1" },
    });
  });

  it("written() resolves once nothing waits, at once where nothing does", async () => {
    const { requests, recorder } = setUp();
    await recorder.written();
    for (let index = 0; index < 20; index++) recorder.record(thing("web", 7), { ...pulled, message: String(index) });
    await recorder.written();
    expect(requests).toHaveLength(20);
  });

  it("counts a repetition up on the Event that stands", async () => {
    const events = new Map<string, object>();
    const { clock, requests, recorder } = setUp(({ method, path, body }) => {
      const name = method === "POST" ? body.metadata.name : path.split("/").at(-1);
      events.set(name, { ...events.get(name), ...body });
      return answer(200, events.get(name));
    });
    recorder.record(thing("web", 7), pulled);
    await clock.advance(5000);
    recorder.record(thing("web", 8), pulled);
    recorder.record(thing("web", 9), pulled);
    recorder.record(thing("web", 9), { ...pulled, reason: "Other" });
    await settle();
    expect(requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH", "POST"]);
    expect(requests[2]?.body).toEqual({ count: 3, lastTimestamp: "2026-01-01T00:00:05Z" });
    expect(requests[1]?.path.split("/").at(-1)).toBe(requests[0]?.body.metadata.name);
  });

  it("lets texts that differ share one Event from the tenth on, until there was none for ten minutes", async () => {
    const events = new Map<string, { message: string; count: number }>();
    const { clock, recorder } = setUp(({ method, path, body }) => {
      const name = method === "POST" ? body.metadata.name : path.split("/").at(-1);
      events.set(name, { ...events.get(name), ...body });
      return answer(200, events.get(name));
    });
    const tell = async (message: string, reason = "Failed") => {
      recorder.record(thing("web", 7), { ...pulled, reason, message });
      await clock.advance(1);
      await settle();
    };
    const told = () => [...events.values()].map(({ message, count }) => `${message} x${count}`);
    for (let index = 1; index <= 12; index++) await tell(`pod ${index}`);
    await tell("pod 3");
    await tell("pod 1", "Other");
    const own = Array.from({ length: 9 }, (_, index) => `pod ${index + 1} x${index === 2 ? 2 : 1}`);
    expect(told()).toEqual([...own, "(combined from similar events): pod 12 x3", "pod 1 x1"]);
    await clock.advance(600_001);
    await tell("pod 13");
    expect(told().at(-1)).toBe("pod 13 x1");
  });

  it("tells an expired Event anew", async () => {
    const { requests, recorder } = setUp(({ method, body }) =>
      method === "PATCH"
        ? answer(404, StatusError.notFound({ group: "", plural: "events" }, "x").status)
        : answer(201, body),
    );
    recorder.record(thing("web", 7), pulled);
    recorder.record(thing("web", 7), pulled);
    await settle();
    expect(requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "POST"]);
    expect(requests[2]?.body.count).toBe(1);
  });

  it("lets one object tell 25 at first, then one each five minutes", async () => {
    const { clock, requests, recorder } = setUp();
    const tell = (name: string) => {
      for (let count = 0; count < 40; count++) recorder.record(thing(name, 1), { ...pulled, message: `${count}` });
    };
    tell("noisy");
    tell("other");
    await vi.waitFor(() => expect(requests).toHaveLength(50));
    await clock.advance(600_000);
    tell("noisy");
    await vi.waitFor(() => expect(requests).toHaveLength(52));
  });

  it("tries again while the server is out of reach, and drops what it refuses", async () => {
    let reachable = false;
    const { clock, requests, recorder } = setUp(({ body }) => {
      if (!reachable) throw new Error("The connection was refused");
      if (body.reason === "Bad")
        return answer(403, StatusError.forbidden({ group: "", plural: "events" }, "x", "no").status);
      return answer(201, body);
    });
    recorder.record(thing("web", 7), { ...pulled, reason: "Bad" });
    recorder.record(thing("web", 7), pulled);
    await clock.advance(4000);
    expect(requests).toHaveLength(1);
    reachable = true;
    await clock.advance(1000);
    expect(requests.map(({ body }) => body.reason)).toEqual(["Bad", "Bad", "Pulled"]);
    await recorder[Symbol.asyncDispose]();
    recorder.record(thing("web", 7), pulled);
    await settle();
    expect(requests).toHaveLength(3);
  });

  it("cuts messages at 1024 characters", async () => {
    const { requests, recorder } = setUp();
    recorder.record(thing("web", 7), { ...pulled, message: "x".repeat(5000) });
    await settle();
    expect(requests[0]?.body.message).toMatch(/^x{1021}\.\.\.$/);
  });
});
