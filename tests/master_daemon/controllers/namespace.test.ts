import { expect, it } from "vitest";
import { findCondition } from "../../../core/api/meta.ts";
import { apiService } from "../../../core/kinds/api_service.ts";
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

it("a namespace is kept while a server of further APIs does not say what it has there, and emptied of that", async () => {
  const { client, clock, informers, log, parts, random, until, all } = await openCluster();
  const things = { group: "things.example.com", version: "v1" };
  const left = new Set(["one"]);
  let isStale = true;
  const versions = () => [
    {
      version: things.version,
      ...(isStale ? { freshness: "Stale" } : {}),
      resources: isStale
        ? []
        : [
            { resource: "things", responseKind: { kind: "Thing" }, scope: "Namespaced", verbs: ["list", "delete"] },
            // Measured, not kept: nothing to delete.
            { resource: "figures", responseKind: { kind: "Figure" }, scope: "Namespaced", verbs: ["list"] },
          ],
    },
  ];
  const answer = (body: object) => ({
    status: 200,
    headers: { "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" },
    body: (async function* () {
      yield new TextEncoder().encode(JSON.stringify(body));
    })(),
  });
  /** The client of a cluster that has one more server. */
  const further = {
    raw: async ({ path }: { path: string }) =>
      answer({ items: path === "/apis" ? [{ metadata: { name: things.group }, versions: versions() }] : [] }),
    list: async () => ({
      items: [...left].map((name) => ({ ...things, metadata: { namespace: "shop", name } })),
      metadata: {},
    }),
    delete: async (_: unknown, { name }: { name: string }) => {
      left.delete(name);
      return { kind: "Status", metadata: {} };
    },
  };
  const facade = new Proxy(client, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name, target);
      if (typeof own !== "function") return own;
      return (...args: unknown[]) => {
        const isFurther = name === "raw" || (args[0] as { group?: string }).group === things.group;
        return isFurther && Object.hasOwn(further, name)
          ? Reflect.apply(Reflect.get(further, name), further, args)
          : Reflect.apply(own, target, args);
      };
    },
  });
  await client.create(apiService, {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1.things.example.com" },
    spec: { ...things, service: { namespace: "default", name: "things" }, groupPriorityMinimum: 1, versionPriority: 1 },
  });
  const controller = namespaceController({ kinds: storedKinds });
  parts.use(runControllers([controller], { client, clientFor: () => facade, clock, informers, log, random }));
  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await client.delete(namespace, { name: "shop" });
  const undiscovered = async () =>
    findCondition(
      (await client.get(namespace, { name: "shop" })).status?.conditions,
      "NamespaceDeletionDiscoveryFailure",
    );
  await until(async () => (await undiscovered())?.status === "True");
  expect(await undiscovered()).toMatchObject({
    reason: "DiscoveryFailed",
    message:
      "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: " +
      "things.example.com/v1: stale GroupVersion discovery: things.example.com/v1",
  });
  isStale = false;
  await until(async () => (await all(namespace)).every((one) => one.metadata.name !== "shop"), { stepMs: 100 });
  expect([...left]).toEqual([]);
});
