import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { JsonObject, KubeObject } from "../../../core/api/meta.ts";
import { waitFor } from "../../../core/client/wait_for.ts";
import { customResourceDefinition } from "../../../core/kinds/mod.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { type Master, startMaster } from "../../../master_daemon/master.ts";
import { startWebhook } from "../admission/_webhooks.ts";
import { specOf, widget, widgetDefinition } from "./_definitions.ts";

const widgets = { group: "example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true } as const;
const key = { namespace: "default", name: "a" };

async function start(dataDir?: string): Promise<Master> {
  const master = await startMaster({ clock: systemClock, random: systemRandom, log: silentLogger, dataDir });
  onTestFinished(() => master[Symbol.asyncDispose]());
  return master;
}

async function define({ client }: Master, definition: JsonObject): Promise<void> {
  await client.create(customResourceDefinition, definition as never);
  await waitFor(client, customResourceDefinition, { name: "widgets.example.com" }, { condition: "Established" });
}

it("custom resources are there at once when the master starts again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wherry-crd-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const first = await start(folder);
  await define(first, widgetDefinition(specOf({ size: { type: "integer", default: 5 } })));
  await first.client.create(widgets, widget("a", { spec: {} }) as unknown as KubeObject);
  await first[Symbol.asyncDispose]();
  const second = await start(folder);
  expect(await second.client.get(widgets, key)).toMatchObject({ spec: { size: 5 } });
});

it("a webhook converts over TLS, and what it says when it cannot reaches the client", async () => {
  const hook = await startWebhook(({ request }) => ({
    result: { status: "Success" },
    convertedObjects: request.objects.map((object: JsonObject) => ({
      ...object,
      apiVersion: request.desiredAPIVersion,
      spec: { converted: true },
    })),
  }));
  const version = (name: string) => ({
    name,
    served: true,
    storage: name === "v1",
    schema: { openAPIV3Schema: specOf({ converted: { type: "boolean" } }) },
  });
  const conversion = (url: string): JsonObject => ({
    strategy: "Webhook",
    webhook: { clientConfig: { url, caBundle: hook.caBundle }, conversionReviewVersions: ["v1"] },
  });
  const master = await start();
  const definition = { versions: [version("v1"), version("v2")], conversion: conversion(hook.url) };
  await define(master, widgetDefinition({}, {}, definition));
  const { client } = master;
  await client.create(widgets, widget("a", { spec: {} }) as unknown as KubeObject);
  expect(await client.get({ ...widgets, version: "v2" }, key)).toMatchObject({ spec: { converted: true } });
  expect(hook.reviews).toHaveLength(1);
  expect(hook.reviews[0]).toMatchObject({ kind: "ConversionReview", request: { desiredAPIVersion: "example.com/v2" } });

  // Nobody listens there.
  const body = { spec: { conversion: conversion("https://127.0.0.1:1/") } };
  await client.patch(customResourceDefinition, { name: "widgets.example.com" }, { type: "merge", body });
  let message = "";
  for (let tries = 0; tries < 200 && !message.includes("refused"); tries++) {
    await systemClock.sleep(10);
    message = await client.get({ ...widgets, version: "v2" }, key).then(
      () => "",
      (error) => error.message,
    );
  }
  expect(message).toContain("conversion webhook for example.com/v1, Kind=Widget failed: Post");
  expect(message).toContain("dial tcp 127.0.0.1:1: connect: connection refused");
});
