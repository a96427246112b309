import { expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import { configMap, namespace, pod, storedKinds } from "../../../core/kinds/mod.ts";
import { namespaceController } from "../../../master_daemon/controllers/namespace.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { template } from "./fixtures.ts";

it("a namespace's pods go before everything else in it", async () => {
  const { client, clock, informers, log, parts, random, until, all } = await openCluster();
  const controller = namespaceController({ kinds: storedKinds });
  parts.use(runControllers([controller], { client, clock, informers, log, random }));
  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  const metadata = { namespace: "shop", name: "web" };
  const held = { ...metadata, finalizers: ["example.com/hold"] };
  await client.create(pod, { apiVersion: "v1", kind: "Pod", metadata: held, spec: template().spec });
  await client.create(configMap, { apiVersion: "v1", kind: "ConfigMap", metadata });
  await client.delete(namespace, { name: "shop" });
  const remaining = async () =>
    findCondition((await client.get(namespace, { name: "shop" })).status?.conditions, "NamespaceContentRemaining");
  await until(async () => (await remaining())?.status === "True");
  expect((await remaining())?.message).toBe("Some resources are remaining: pods. has 1 resource instances");
  // Looked at again and again, it stays so.
  await clock.advance(5000);
  expect((await all(configMap, "shop")).map((one) => one.metadata.deletionTimestamp)).toEqual([undefined]);
  await client.patch(pod, metadata, { type: "merge", body: { metadata: { finalizers: null } } });
  await until(async () => (await all(namespace)).every((one) => one.metadata.name !== "shop"), { stepMs: 100 });
  expect(await all(configMap, "shop")).toEqual([]);
});
