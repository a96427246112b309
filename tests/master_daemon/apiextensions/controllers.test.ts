import { expect, it, onTestFinished } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { isReason } from "../../../core/api/status.ts";
import { waitFor } from "../../../core/client/wait_for.ts";
import { configMap, customResourceDefinition, namespace } from "../../../core/kinds/mod.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type Master, startMaster } from "../../../master_daemon/master.ts";
import { specOf, widget, widgetDefinition } from "./_definitions.ts";

const widgets = { group: "example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true } as const;

async function startWithWidgets(): Promise<Master> {
  const master = await startMaster({ clock: systemClock, random: systemRandom, log: silentLogger });
  onTestFinished(() => master[Symbol.asyncDispose]());
  const { client } = master;
  await client.create(customResourceDefinition, widgetDefinition(specOf({})) as never);
  await waitFor(client, customResourceDefinition, { name: "widgets.example.com" }, { condition: "Established" });
  return master;
}

async function gone(look: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look().then(
      () => true,
      (error) => {
        if (isReason(error, "NotFound")) return false;
        throw error;
      },
    );
    if (!found) return;
    await systemClock.sleep(10);
  }
  throw new Error("It is still there");
}

it("what a custom resource owns goes with it", async () => {
  const { client } = await startWithWidgets();
  const owner = await client.create(widgets, widget("a") as unknown as KubeObject);
  const key = { namespace: "default", name: "owned" };
  await client.create(configMap, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      ...key,
      ownerReferences: [{ apiVersion: "example.com/v1", kind: "Widget", name: "a", uid: owner.metadata.uid ?? "" }],
    },
  });
  await client.delete(widgets, { namespace: "default", name: "a" });
  await gone(() => client.get(configMap, key));
});

it("a custom resource goes with its owner, and with its namespace", async () => {
  const { client } = await startWithWidgets();
  const owner = await client.create(configMap, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace: "default", name: "owner" },
  });
  const { uid = "" } = owner.metadata;
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid }];
  await client.create(widgets, {
    ...(widget("owned") as unknown as KubeObject),
    metadata: { namespace: "default", name: "owned", ownerReferences },
  });
  await client.delete(configMap, { namespace: "default", name: "owner" });
  await gone(() => client.get(widgets, { namespace: "default", name: "owned" }));

  await client.create(namespace, { apiVersion: "v1", kind: "Namespace", metadata: { name: "room" } });
  await client.create(widgets, {
    ...(widget("b") as unknown as KubeObject),
    metadata: { namespace: "room", name: "b" },
  });
  await client.delete(namespace, { name: "room" });
  await gone(() => client.get(namespace, { name: "room" }));
  expect((await client.list(widgets)).items).toEqual([]);
});
