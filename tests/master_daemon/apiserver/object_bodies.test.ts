import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { ObjectBody } from "../../../core/client/object_body.ts";
import { type ConfigMap, configMap as configMapKind } from "../../../core/kinds/mod.ts";
import { admin, configMap, openApi } from "./_api.ts";

const path = "/api/v1/namespaces/default/configmaps";

async function openClient({ takesObjects }: { readonly takesObjects: boolean }) {
  const api = await openApi();
  const transport = inProcessTransport((request, context) => api.handler.handle(request, context), {
    user: admin,
    takesObjects,
  });
  return { api, client: createClient(transport, { clock: api.clock }) };
}

describe("callers in the process that take objects", () => {
  it("list and watch the very objects that the server holds, for all of them the same", async () => {
    const { api, client } = await openClient({ takesObjects: true });
    await api.create(path, configMap("a"));
    const { items, metadata } = await client.list(configMapKind, { namespace: "default" });
    expect(items.map((item) => item.metadata.name)).toContain("a");
    const controller = new AbortController();
    const watches = [1, 2].map(() =>
      client
        .watch(configMapKind, {
          namespace: "default",
          resourceVersion: metadata.resourceVersion ?? "",
          signal: controller.signal,
        })
        [Symbol.asyncIterator](),
    );
    const firsts = watches.map((watch) => watch.next());
    await api.create(path, configMap("b"));
    const [one, two] = await Promise.all(firsts.map(async (first) => (await first).value));
    expect(one).toMatchObject({ type: "ADDED", object: { metadata: { name: "b" }, data: { a: "1" } } });
    expect(two?.object).toBe(one?.object);
    const again = await client.list(configMapKind, { namespace: "default" });
    expect(again.items.find((item) => item.metadata.name === "b")).toBe(one?.object);
    controller.abort();
    await client[Symbol.asyncDispose]();
  });

  it("are answered with the object that lists show, also when they write", async () => {
    const { client } = await openClient({ takesObjects: true });
    const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { a: "1" } };
    const created = await client.create(configMapKind, made);
    const patch = { type: "merge", body: { data: { b: "2" } } } as const;
    const patched = await client.patch(configMapKind, { namespace: "default", name: "a" }, patch);
    expect(created.data).toEqual({ a: "1" });
    expect(patched.data).toEqual({ a: "1", b: "2" });
    const { items } = await client.list(configMapKind, { namespace: "default" });
    expect(items.find((item) => item.metadata.name === "a")).toBe(patched);
    expect(await client.get(configMapKind, { namespace: "default", name: "a" })).toBe(patched);
    await client[Symbol.asyncDispose]();
  });

  it("read the same as those who take bytes", async () => {
    const { api, client } = await openClient({ takesObjects: true });
    await api.create(path, configMap("a"));
    const shared = await client.list(configMapKind, { namespace: "default" });
    expect(shared).toEqual((await api.call("GET", path)).json);
    await client[Symbol.asyncDispose]();
  });

  it("send objects that are copied: what becomes of them afterwards changes nothing, and undefined is left out", async () => {
    const { api, client } = await openClient({ takesObjects: true });
    const data: Record<string, string> = { a: "1" };
    const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", labels: undefined }, data };
    const created = await client.create(configMapKind, made as unknown as ConfigMap);
    data["a"] = "spoilt";
    expect(created.data).toEqual({ a: "1" });
    expect(created.metadata).not.toHaveProperty("labels");
    const body = JSON.parse('{"data": {"__proto__": "own", "a": null}}') as JsonObject;
    await client.patch(configMapKind, { namespace: "default", name: "a" }, { type: "merge", body });
    expect(JSON.stringify((await api.call("GET", `${path}/a`)).json.data)).toBe('{"__proto__":"own"}');
    await client[Symbol.asyncDispose]();
  });

  it("send no more than others may", async () => {
    const { client } = await openClient({ takesObjects: true });
    const data = { a: "x".repeat(4 * 1024 * 1024) };
    const made = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data };
    await expect(client.create(configMapKind, made)).rejects.toMatchObject({ code: 413 });
    await client[Symbol.asyncDispose]();
  });

  it("are the only ones who share: others may change what they read", async () => {
    const { api, client } = await openClient({ takesObjects: false });
    await api.create(path, configMap("a"));
    const { items } = await client.list(configMapKind, { namespace: "default" });
    for (const item of items) Object.assign(item, { data: { a: "spoilt" } });
    expect((await api.call("GET", `${path}/a`)).json.data).toEqual({ a: "1" });
    const { body } = await api.handler.handle(
      { method: "GET", path, headers: {} },
      { user: admin, signal: new AbortController().signal },
    );
    expect(body).not.toBeInstanceOf(ObjectBody);
    await client[Symbol.asyncDispose]();
  });
});
