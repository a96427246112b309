import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type { KubeconfigWebhook } from "../../../core/client/kubeconfig_webhook.ts";
import { openKubeconfigWebhook } from "../../../core/client/kubeconfig_webhook.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openAudit } from "../../../master_daemon/apiserver/audit/mod.ts";
import { type AuditBatchOptions, WebhookBackend } from "../../../master_daemon/apiserver/audit/webhook_backend.ts";
import { kubeconfigOf, writeTemporary } from "../_kubeconfig.ts";
import { startWebhook } from "../admission/_webhooks.ts";
import { configMap, openApi } from "./_api.ts";

/** A backend whose server is a function of the test, and what it was sent: the numbers of events, batch by batch. */
function open(options: AuditBatchOptions = {}, answer: () => Promise<void> = async () => {}) {
  const clock = new FakeClock();
  const batches: number[][] = [];
  const webhook: KubeconfigWebhook = {
    async post(body) {
      const { items } = JSON.parse(new TextDecoder().decode(body as Uint8Array)) as { items: number[] };
      batches.push(items);
      await answer();
      return undefined;
    },
    async [Symbol.asyncDispose]() {},
  };
  const backend = new WebhookBackend({ ...options, webhook, clock, log: silentLogger });
  const add = (from: number, to: number) => {
    for (let event = from; event <= to; event++) backend.add(String(event));
  };
  return { backend, batches, clock, add };
}

describe("WebhookBackend", () => {
  it("sends a batch when it is full, and fewer when they have waited for long", async () => {
    const { backend, batches, clock, add } = open({ maxSize: 3, maxWaitMs: 1000 });
    add(1, 4);
    await clock.advance(0);
    expect(batches).toEqual([[1, 2, 3]]);
    await clock.advance(999);
    expect(batches).toHaveLength(1);
    await clock.advance(2);
    expect(batches).toEqual([[1, 2, 3], [4]]);
    add(5, 5);
    await backend[Symbol.asyncDispose]();
    expect(batches[2]).toEqual([5]);
    expect(backend.dropped).toBe(0);
  });

  it("loses what comes past the end of the buffer, and tells how much", async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { backend, batches, add } = open({ maxSize: 2, bufferSize: 4, throttleQps: 0 }, () => gate);
    add(1, 2);
    await Promise.resolve();
    add(3, 10);
    expect(backend.dropped).toBe(4);
    release();
    await backend[Symbol.asyncDispose]();
    expect(batches.flat()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("loses a batch that is not taken, and goes on with the next", async () => {
    let isWell = false;
    const { backend, batches, clock, add } = open({ maxSize: 2 }, async () => {
      if (!isWell) throw new Error("gone");
    });
    add(1, 2);
    await clock.advance(0);
    expect(backend.dropped).toBe(2);
    isWell = true;
    add(3, 4);
    await clock.advance(0);
    expect([backend.dropped, batches]).toEqual([
      2,
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    await backend[Symbol.asyncDispose]();
  });

  it("sends no more batches a second than it may", async () => {
    const { backend, batches, clock, add } = open({ maxSize: 1, throttleQps: 1, throttleBurst: 2 });
    add(1, 4);
    await clock.advance(0);
    expect(batches).toHaveLength(2);
    await clock.advance(1000);
    expect(batches).toHaveLength(3);
    await clock.advance(1000);
    expect(batches).toHaveLength(4);
    await backend[Symbol.asyncDispose]();
  });
});

describe("the audit webhook", () => {
  it("is sent what the policy names, as an EventList", async () => {
    const server = await startWebhook(() => ({ raw: "" }));
    const policy: JsonObject = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };
    const audit = await openAudit(
      {
        policyFile: writeTemporary("policy.yaml", JSON.stringify(policy)),
        webhook: { configFile: kubeconfigOf(server) },
      },
      { clock: new FakeClock(), random: seededRandom(1), log: silentLogger },
    );
    const api = await openApi({ audit });
    await api.call("POST", "/api/v1/namespaces/default/configmaps", configMap("a"));
    await audit[Symbol.asyncDispose]();
    expect(server.reviews).toMatchObject([{ kind: "EventList", apiVersion: "audit.k8s.io/v1" }]);
    const items: readonly { readonly verb: string; readonly stage: string }[] = server.reviews[0].items;
    expect(items.filter(({ verb }) => verb === "create").map(({ stage }) => stage)).toContain("ResponseComplete");
    expect(audit.counts.dropped).toBe(0);
  });

  it("is tried again, later each time, while it cannot be reached", async () => {
    let asked = 0;
    const server = await startWebhook(() => (++asked < 3 ? { raw: "busy", status: 500 } : { raw: "" }));
    const slept: number[] = [];
    const clock: Clock = {
      ...systemClock,
      async sleep(ms) {
        slept.push(ms);
      },
    };
    const webhook = await openKubeconfigWebhook({
      path: kubeconfigOf(server),
      clock,
      random: () => 0,
      initialBackoffMs: 10_000,
    });
    expect(await webhook.post({})).toBeUndefined();
    expect(slept).toEqual([10_000, 15_000]);
    expect(server.reviews).toHaveLength(3);
    await webhook[Symbol.asyncDispose]();
  });
});
