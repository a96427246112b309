import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { answer, configMap, deployment, FakeWatch, fakeApi, listOf, node, settle, thing } from "./fake_api.ts";

const web = { apiVersion: "apps/v1", kind: "Deployment", metadata: { namespace: "shop", name: "web" } };

describe("createClient()", () => {
  it("asks for the path, method and body that Kubernetes documents", async () => {
    const { client, requests } = fakeApi(() => answer(200, web));
    const key = { namespace: "shop", name: "web" };
    await client.get(deployment, key, { subresource: "scale" });
    await client.get(node, { name: "n1" });
    await client.list(deployment, { labelSelector: "a=b,c", limit: 5 });
    await client.create(configMap, thing("a", 1));
    await client.update(deployment, web, { dryRun: true, fieldManager: "me", fieldValidation: "Strict" });
    await client.updateStatus(deployment, web);
    await client.delete(deployment, key, { gracePeriodSeconds: 0, preconditions: { uid: "u" } });
    expect(requests.map(({ method, path, query }) => `${method} ${path}?${query}`)).toEqual([
      "GET /apis/apps/v1/namespaces/shop/deployments/web/scale?",
      "GET /api/v1/nodes/n1?",
      "GET /apis/apps/v1/deployments?labelSelector=a%3Db%2Cc&limit=5",
      "POST /api/v1/namespaces/default/configmaps?",
      "PUT /apis/apps/v1/namespaces/shop/deployments/web?dryRun=All&fieldManager=me&fieldValidation=Strict",
      "PUT /apis/apps/v1/namespaces/shop/deployments/web/status?",
      "DELETE /apis/apps/v1/namespaces/shop/deployments/web?",
    ]);
    expect(requests[3]?.headers).toEqual({ accept: "application/json", "content-type": "application/json" });
    expect(requests[6]?.body).toEqual({
      kind: "DeleteOptions",
      apiVersion: "v1",
      gracePeriodSeconds: 0,
      preconditions: { uid: "u" },
    });
  });

  it.each([
    ["json", "application/json-patch+json"],
    ["merge", "application/merge-patch+json"],
    ["strategic", "application/strategic-merge-patch+json"],
    ["apply", "application/apply-patch+yaml"],
  ] as const)("sends a %s patch as %s", async (type, contentType) => {
    const { client, requests } = fakeApi(() => answer(200, web));
    const patch = type === "json" ? { type, body: [] } : { type, body: { a: 1 } };
    await client.patch(deployment, { namespace: "shop", name: "web" }, patch, { force: true });
    expect(requests[0]?.headers["content-type"]).toBe(contentType);
    expect(requests[0]?.query.get("force")).toBe("true");
  });

  it("throws the Status that the server answered", async () => {
    const status = StatusError.notFound(deployment, "web").status;
    const { client } = fakeApi(() => answer(404, status));
    const error = await client.get(deployment, { name: "web" }).catch((reason: unknown) => reason);
    expect(isReason(error, "NotFound")).toBe(true);
    expect((error as StatusError).status).toEqual(status);
  });

  it.each([
    [
      404,
      "404 page not found\n",
      "NotFound",
      "the server could not find the requested resource (get deployments.apps web)",
    ],
    [
      500,
      "boom",
      "InternalError",
      'an error on the server ("boom") has prevented the request from succeeding (get deployments.apps web)',
    ],
    [401, "", "Unauthorized", "the server has asked for the client to provide credentials (get deployments.apps web)"],
  ])("says what a bare %i means", async (code, body, reason, message) => {
    const { client } = fakeApi(() => answer(code, body));
    await expect(client.get(deployment, { name: "web" })).rejects.toMatchObject({ code, reason, message });
  });

  it("refuses names that would change the path", async () => {
    const { client, requests } = fakeApi(() => answer(200, web));
    await expect(client.get(deployment, { name: "../secrets" })).rejects.toThrow("may not contain '/'");
    await expect(client.get(deployment, { name: ".." })).rejects.toThrow("may not be '..'");
    await expect(client.get(deployment, { name: "" })).rejects.toThrow("resource name may not be empty");
    expect(requests).toEqual([]);
  });

  it("hands each warning to the call that caused it", async () => {
    const warning = String.raw`299 - "unknown field \"a\"", 299 - "b, c"`;
    const { client } = fakeApi(() => answer(200, web, { warning }));
    const warnings: string[] = [];
    await client.create(deployment, web, { onWarning: (text) => warnings.push(text) });
    expect(warnings).toEqual(['unknown field "a"', "b, c"]);
  });

  it("waits as 429 and Retry-After ask, and sends the body again", async () => {
    const clock = new FakeClock();
    let tries = 0;
    const { client, requests } = fakeApi(
      () => (++tries < 3 ? answer(429, "slow down", { "retry-after": "2" }) : answer(201, web)),
      { clock },
    );
    const created = client.create(deployment, web);
    await clock.advance(1999);
    expect(tries).toBe(1);
    await clock.advance(2001);
    expect(await created).toEqual(web);
    expect(requests.map(({ body }) => (body as KubeObject).metadata.name)).toEqual(["web", "web", "web"]);
  });

  it("gives up after ten tries, and at once without Retry-After", async () => {
    const clock = new FakeClock();
    const patient = fakeApi(() => answer(429, "no", { "retry-after": "1" }), { clock });
    const outcome = patient.client.get(deployment, { name: "web" }).catch((error: unknown) => error);
    await clock.advance(60_000);
    expect(isReason(await outcome, "TooManyRequests")).toBe(true);
    expect(patient.requests).toHaveLength(10);
    const hasty = fakeApi(() => answer(429, "no"), { clock });
    await expect(hasty.client.get(deployment, { name: "web" })).rejects.toMatchObject({ code: 429 });
    expect(hasty.requests).toHaveLength(1);
  });

  it("gives list items the kind that Kubernetes leaves out", async () => {
    const { client } = fakeApi(() => listOf(3, [{ metadata: { name: "a" } } as KubeObject]));
    const { items, metadata } = await client.list(deployment);
    expect(items).toEqual([{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a" } }]);
    expect(metadata.resourceVersion).toBe("3");
  });

  it("yields watch events until the stream ends, and throws an ERROR event", async () => {
    const watches: FakeWatch[] = [];
    const { client } = fakeApi(({ query }, signal) => {
      const watch = new FakeWatch(query, signal);
      watches.push(watch);
      return watch.response;
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of client.watch(configMap, { resourceVersion: "5" })) seen.push(event.type);
    })();
    await settle();
    expect(Object.fromEntries(watches[0]?.query ?? [])).toEqual({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "5",
    });
    watches[0]?.send("ADDED", thing("a", 6));
    watches[0]?.send("BOOKMARK", thing("", 7));
    watches[0]?.send("ERROR", StatusError.expired("too old resource version: 1 (687)").status);
    await expect(reading).rejects.toMatchObject({ code: 410, reason: "Expired" });
    expect(seen).toEqual(["ADDED", "BOOKMARK"]);
  });

  it("ends a watch, and rejects a call with the signal's reason, when aborted", async () => {
    const { client } = fakeApi(({ query }, signal) =>
      query.has("watch") ? new FakeWatch(query, signal).response : new Promise(() => {}),
    );
    const controller = new AbortController();
    const { signal } = controller;
    const watching = (async () => {
      for await (const _ of client.watch(configMap, { signal }));
      return "ended";
    })();
    const call = client.get(configMap, { name: "a" }, { signal }).catch((error: unknown) => error);
    await settle();
    controller.abort(new Error("enough"));
    expect(await watching).toBe("ended");
    expect(await call).toEqual(new Error("enough"));
  });

  it("lets many calls share one signal without a warning", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    const { client } = fakeApi(() => answer(200, web));
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 50 }, () => client.get(deployment, { name: "web" }, { signal })));
    await settle();
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("ends what is open when it is disposed", async () => {
    const { client } = fakeApi(({ query }, signal) => new FakeWatch(query, signal).response);
    const watching = (async () => {
      for await (const _ of client.watch(configMap));
    })();
    await settle();
    await client[Symbol.asyncDispose]();
    await watching;
    await expect(client.get(configMap, { name: "a" })).rejects.toThrow("closed");
  });
});
