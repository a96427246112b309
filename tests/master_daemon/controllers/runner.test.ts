import { describe, expect, it } from "vitest";
import { StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import { createInformers } from "../../../core/client/informers.ts";
import { configMap, replicaSet, secret } from "../../../core/kinds/mod.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { notingClient } from "../../../master_daemon/controllers/_noting_client.ts";
import type { Controller } from "../../../master_daemon/controllers/controller.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { aReplicaSet } from "./fixtures.ts";

const object = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "default", name },
  data,
});

async function run(controller: Controller) {
  const cluster = await openCluster();
  const { client, clock, informers, log, parts, random } = cluster;
  const running = parts.use(runControllers([controller], { client, clock, informers, log, random }));
  return { ...cluster, running };
}

describe("runControllers()", () => {
  it("calls a key again only when the caches show its last writes and deletions", async () => {
    const seen: string[] = [];
    const stale: string[] = [];
    const { client, until } = await run({
      name: "counter",
      reconciles: configMap,
      workers: 10,
      async reconcile(key, { client, lister, signal }) {
        const present = lister(configMap).get(key);
        if (!present) return undefined;
        const live = await client.get(configMap, key, { signal });
        if (live.metadata.resourceVersion !== present.metadata.resourceVersion) stale.push(key.name);
        const count = Number(present.data?.count ?? 0);
        seen.push(`${key.name}:${count}`);
        if (count === 3) await client.delete(configMap, key, { signal });
        else await client.update(configMap, { ...present, data: { count: String(count + 1) } }, { signal });
        return { requeueAfterMs: 0 };
      },
    });
    for (const name of ["a", "b", "c"]) await client.create(configMap, object(name));
    await until(async () => (await client.list(configMap, { namespace: "default" })).items.length === 0);
    expect(seen.sort()).toEqual(["a", "b", "c"].flatMap((name) => [0, 1, 2, 3].map((count) => `${name}:${count}`)));
    expect(stale).toEqual([]);
  });

  it.each([new Error("connection lost"), StatusError.timeout("etcd does not answer")])(
    "calls a key again after a creation that was answered with %s only when the cache shows whether it was done",
    async (answer) => {
      const { client, clock, log, parts, random, until } = await openCluster();
      const slow: Client = {
        ...notingClient(client, { written() {}, unanswered() {}, deleted() {} }),
        async create(kind, wanted, options) {
          await client.create(kind, wanted, options);
          throw answer;
        },
        // What lists do not tell stays unknown.
        watch: (kind, options) =>
          kind.plural === "secrets"
            ? client.watch(kind, { ...options, fieldSelector: "metadata.name=none" })
            : client.watch(kind, options),
      };
      const informers = parts.use(createInformers({ client: slow, clock, log, random }));
      const found: number[] = [];
      const creating: Controller = {
        name: "creating",
        reconciles: configMap,
        watches: [{ kind: secret, keys: () => [] }],
        async reconcile({ namespace = "" }, { client, lister, signal }) {
          const { length } = lister(secret).list(namespace);
          found.push(length);
          if (length > 0) return undefined;
          const metadata = { namespace, generateName: "made-" };
          await client.create(secret, { apiVersion: "v1", kind: "Secret", metadata }, { signal });
          return undefined;
        },
      };
      parts.use(runControllers([creating], { client: slow, clock, informers, log, random }));
      await client.create(configMap, object("a"));
      await until(async () => found.length === 2, { stepMs: 10 });
      expect(found).toEqual([0, 1]);
      expect((await client.list(secret, { namespace: "default" })).items).toHaveLength(1);
    },
  );

  it("backs a failing key off and logs each failure once, but not that the cache was behind", async () => {
    const times: number[] = [];
    let failure: unknown = new Error("broken");
    const { client, clock, errors } = await run({
      name: "failing",
      reconciles: configMap,
      async reconcile(_, context) {
        times.push(context.clock.monotonic());
        if (times.length === 5) return undefined;
        throw failure;
      },
    });
    await client.create(configMap, object("a"));
    await clock.advance(6);
    failure = StatusError.conflict({ group: "", plural: "configmaps" }, "a");
    await clock.advance(10_000);
    expect(times).toEqual([0, 5, 15, 35, 75]);
    expect(errors).toEqual([
      'Reconcile failed {"key":"default/a","error":"broken"}',
      'Reconcile failed {"key":"default/a","error":"broken"}',
    ]);
  });

  it("looks again when asked to, and at owners and mapped keys when their objects change", async () => {
    const keys: string[] = [];
    const { client, clock, until } = await run({
      name: "mapped",
      reconciles: configMap,
      owns: [secret],
      watches: [{ kind: secret, keys: ({ metadata }) => (metadata.name === "mapped" ? [{ name: "elsewhere" }] : []) }],
      async reconcile({ name }) {
        keys.push(name);
        return name === "owner" ? { requeueAfterMs: 60_000 } : undefined;
      },
    });
    const owner = await client.create(configMap, object("owner"));
    await until(async () => keys.length === 1);
    await clock.advance(60_000);
    expect(keys).toEqual(["owner", "owner"]);
    const base = { apiVersion: "v1", kind: "Secret" };
    const reference = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "owner",
      uid: owner.metadata.uid ?? "",
      controller: true,
    };
    await client.create(secret, {
      ...base,
      metadata: { namespace: "default", name: "owned", ownerReferences: [reference] },
    });
    await client.create(secret, { ...base, metadata: { namespace: "default", name: "mapped" } });
    await until(async () => keys.length === 4);
    expect(keys.slice(2).sort()).toEqual(["elsewhere", "owner"]);
    await client.patch(
      secret,
      { namespace: "default", name: "owned" },
      { type: "merge", body: { metadata: { ownerReferences: null } } },
    );
    await until(async () => keys.length === 5);
    expect(keys[4]).toBe("owner");
  });

  it("waits for more as the controller says, unless another generation of the object is wanted", async () => {
    const seen: string[] = [];
    const { client, clock, until } = await run({
      name: "patient",
      reconciles: replicaSet,
      batchMs: () => 100,
      async reconcile(key, { clock, lister }) {
        const { spec, status } = lister(replicaSet).get(key) ?? {};
        seen.push(`${clock.monotonic()}: ${spec?.replicas} wanted, ${status?.replicas} there`);
        return undefined;
      },
    });
    const { metadata, ...rest } = aReplicaSet("web", { replicas: 1 });
    const made = await client.create(replicaSet, { ...rest, metadata: { namespace: "default", name: "web" } });
    const startedAt = clock.monotonic();
    await until(async () => seen.length === 1);
    for (const replicas of [1, 2, 3])
      await client.updateStatus(replicaSet, {
        ...made,
        metadata: { name: "web", namespace: "default" },
        status: { replicas },
      });
    await clock.advance(99);
    expect(seen).toHaveLength(1);
    await until(async () => seen.length === 2, { stepMs: 1 });
    const latest = await client.get(replicaSet, { namespace: "default", name: "web" });
    await client.update(replicaSet, { ...latest, spec: { ...latest.spec, replicas: 7 } });
    await until(async () => seen.length === 3);
    expect(seen).toEqual([
      `${startedAt}: 1 wanted, 0 there`,
      `${startedAt + 100}: 1 wanted, 3 there`,
      `${startedAt + 100}: 7 wanted, 3 there`,
    ]);
  });

  it("lets a key rest that took long, so that changes meanwhile are looked at together", async () => {
    const seen: string[] = [];
    const { client, clock, until } = await run({
      name: "thorough",
      reconciles: configMap,
      async reconcile(key, { clock, lister, signal }) {
        seen.push(`${clock.monotonic()}:${lister(configMap).get(key)?.data?.["count"]}`);
        await clock.sleep(10, { signal });
        return undefined;
      },
    });
    const made = await client.create(configMap, object("a", { count: "0" }));
    await until(async () => seen.length === 1);
    const startedAt = clock.monotonic();
    await clock.advance(10);
    for (const count of ["1", "2", "3"])
      await client.update(configMap, {
        ...object("a", { count }),
        metadata: { namespace: "default", name: "a", uid: made.metadata.uid ?? "" },
      });
    await clock.advance(39);
    expect(seen).toHaveLength(1);
    await clock.advance(1);
    expect(seen).toEqual([`${startedAt}:0`, `${startedAt + 50}:3`]);
  });

  it("leaves no rest behind when it ends", async () => {
    const { client, clock, informers, log, parts, random, until } = await openCluster();
    const waiting = new Set<number>();
    const watched: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: (ms, options) => clock.sleep(ms, options),
      schedule(ms, callback) {
        const done = (end: () => void) => () => {
          waiting.delete(ms);
          end();
        };
        waiting.add(ms);
        return done(clock.schedule(ms, done(callback)));
      },
    };
    const thorough: Controller = {
      name: "thorough",
      reconciles: configMap,
      async reconcile(_, { clock, signal }) {
        await clock.sleep(10, { signal });
        return undefined;
      },
    };
    const running = parts.use(runControllers([thorough], { client, clock: watched, informers, log, random }));
    await client.create(configMap, object("a"));
    // Four times as long as it took.
    await until(async () => waiting.has(40), { stepMs: 10 });
    await running[Symbol.asyncDispose]();
    expect([...waiting]).toEqual([]);
  });

  it("refuses listers of kinds that the controller does not name", async () => {
    const { client, errors, until } = await run({
      name: "nosy",
      reconciles: configMap,
      async reconcile(_, { lister }) {
        lister(secret);
        return undefined;
      },
    });
    await client.create(configMap, object("a"));
    await until(async () => errors.length > 0);
    expect(errors[0]).toContain("Cannot list secrets: nosy does not name the kind");
  });

  it("ends its work when disposed", async () => {
    let aborted = false;
    const { client, running, until } = await run({
      name: "slow",
      reconciles: configMap,
      async reconcile(_, { clock, signal }) {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        await clock.sleep(1_000_000, { signal });
        return undefined;
      },
    });
    await client.create(configMap, object("a"));
    await until(async () => true);
    await until(async () => true, { stepMs: 1 });
    await client.get(configMap, { namespace: "default", name: "a" });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    await running[Symbol.asyncDispose]();
    expect(aborted).toBe(true);
  });
});
