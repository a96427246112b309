import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { resourcePath } from "../../../core/client/paths.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { admin, configMap, openApi, podObject, watchEvents } from "./_api.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const table = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

describe("handle() objects", () => {
  it("creates, gets, updates, patches and deletes", async () => {
    const api = await openApi();
    const created = await api.create(maps, configMap("a"));
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { name: "a", namespace: "default" },
      data: { a: "1" },
    });
    expect(created.json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect((await api.call("GET", `${maps}/a`)).text).toBe(created.text);
    const updated = await api.call("PUT", `${maps}/a`, { ...created.json, data: { b: "2" } });
    expect(updated.json.data).toEqual({ b: "2" });
    const stale = await api.call("PUT", `${maps}/a`, { ...created.json, data: { c: "3" } });
    expect(stale.json).toMatchObject({
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    });
    const merged = await api.call(
      "PATCH",
      `${maps}/a`,
      { data: { b: null, d: "4" } },
      { "content-type": "application/merge-patch+json" },
    );
    expect(merged.json.data).toEqual({ d: "4" });
    const patched = await api.call("PATCH", `${maps}/a`, [{ op: "add", path: "/data/e", value: "5" }], {
      "content-type": "application/json-patch+json",
    });
    expect(patched.json.data).toEqual({ d: "4", e: "5" });
    const strategic = await api.call(
      "PATCH",
      `${maps}/a`,
      { metadata: { labels: { x: "y" } } },
      { "content-type": "application/strategic-merge-patch+json" },
    );
    expect(strategic.json.metadata.labels).toEqual({ x: "y" });
    const same = await api.call("PATCH", `${maps}/a`, {}, { "content-type": "application/merge-patch+json" });
    expect(same.json.metadata.resourceVersion).toBe(strategic.json.metadata.resourceVersion);
    const deleted = await api.call("DELETE", `${maps}/a`);
    expect(deleted.json).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "a", kind: "configmaps", uid: created.json.metadata.uid },
    });
    expect((await api.call("GET", `${maps}/a`)).json).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'configmaps "a" not found',
      reason: "NotFound",
      details: { name: "a", kind: "configmaps" },
      code: 404,
    });
  });

  it("answers a deleted pod with the pod", async () => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    const deleted = await api.call("DELETE", `${pods}/p`, { gracePeriodSeconds: 0 });
    expect(deleted.json.kind).toBe("Pod");
    expect((await api.call("GET", `${pods}/p`)).status).toBe(404);
  });

  it("deletes a collection by selector and answers with its list", async () => {
    const api = await openApi();
    for (const name of ["a", "b", "c"])
      await api.create(maps, { ...configMap(name), metadata: { name, labels: { keep: name === "c" ? "yes" : "no" } } });
    const deleted = await api.call("DELETE", `${maps}?labelSelector=keep%3Dno`);
    expect(deleted.json.items.map((item: { metadata: { name: string } }) => item.metadata.name).sort()).toEqual([
      "a",
      "b",
    ]);
    expect((await api.call("GET", maps)).json.items).toHaveLength(1);
  });

  it("dry runs answer as real ones and change nothing", async () => {
    const api = await openApi();
    expect((await api.call("POST", `${maps}?dryRun=All`, configMap("a"))).status).toBe(201);
    expect((await api.call("GET", `${maps}/a`)).status).toBe(404);
    await api.create(maps, configMap("a"));
    expect((await api.call("PUT", `${maps}/a?dryRun=All`, configMap("a", { z: "1" }))).json.data).toEqual({ z: "1" });
    expect((await api.call("DELETE", `${maps}/a`, { dryRun: ["All"] })).json.status).toBe("Success");
    expect((await api.call("GET", `${maps}/a`)).json.data).toEqual({ a: "1" });
  });

  it.each([
    ["Strict", 400, 0],
    ["Warn", 201, 1],
    ["", 201, 1],
    ["Ignore", 201, 0],
  ])("fieldValidation=%s answers an unknown field with %i", async (mode, status, warnings) => {
    const api = await openApi();
    const pod = podObject("p", { containers: [{ name: "main", image: "busybox", imagePulPolicy: "Never" }] });
    const answer = await api.call("POST", `${pods}${mode ? `?fieldValidation=${mode}` : ""}`, pod);
    expect(answer.status).toBe(status);
    expect(answer.headers["warning"] ?? []).toEqual(
      warnings ? ['299 - "unknown field \\"spec.containers[0].imagePulPolicy\\""'] : [],
    );
    if (status === 400)
      expect(answer.json.message).toBe(
        'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imagePulPolicy"',
      );
    else expect(answer.text).not.toContain("imagePulPolicy");
  });

  it("refuses a patch that makes another kind of an object, or deletes it", async () => {
    const api = await openApi();
    await api.create(maps, configMap("a"));
    const patched = (change: JsonObject) =>
      api.call("PATCH", `${maps}/a`, change, { "content-type": "application/merge-patch+json" });
    const { json: other } = await patched({ kind: "Secret" });
    expect(other).toMatchObject({ code: 422, reason: "Invalid" });
    expect(other.message).toMatch(/^ "" is invalid: patch: Invalid value: "\{\\"apiVersion/);
    expect((await patched({ metadata: { deletionTimestamp: "2026-01-31T12:00:00Z" } })).json).toMatchObject({
      code: 422,
      message:
        'ConfigMap "a" is invalid: metadata.deletionTimestamp: Invalid value: "2026-01-31T12:00:00Z": field is immutable',
    });
    expect((await patched({ metadata: { deletionTimestamp: null } })).status).toBe(200);
  });

  it("keeps an owner that is named twice once, and says so", async () => {
    const api = await openApi();
    const owner = { apiVersion: "v1", kind: "Pod", name: "p", uid: "1", controller: true };
    const other = { ...owner, controller: false };
    const named = (when: string) =>
      `299 - ".metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: 1"`;
    const object = { ...configMap("a"), metadata: { name: "a", ownerReferences: [owner, owner, other] } };
    const created = await api.create(maps, object);
    expect([created.status, created.headers["warning"]]).toEqual([201, [named("")]]);
    expect(created.json.metadata.ownerReferences).toEqual([owner, other]);
    const patch = { metadata: { ownerReferences: [owner, owner] } };
    const patched = await api.call("PATCH", `${maps}/a`, patch, { "content-type": "application/merge-patch+json" });
    expect(patched.json.metadata.ownerReferences).toEqual([owner]);
    expect(patched.headers["warning"]).toEqual([named(" after mutating admission happens")]);
  });

  it.each([
    ["v1", 201],
    ["events.k8s.io/v1", 422],
  ])("an event of %s with a name in capitals is answered with %i", async (apiVersion, status) => {
    const api = await openApi();
    const regarding = { kind: "Pod", name: "p", namespace: "default" };
    const event =
      apiVersion === "v1"
        ? { involvedObject: regarding }
        : {
            regarding,
            eventTime: "2026-01-31T12:00:00.000000Z",
            type: "Normal",
            reason: "Pulled",
            action: "Pull",
            reportingController: "kubelet",
            reportingInstance: "n1",
          };
    const path = `/api${apiVersion === "v1" ? "" : "s"}/${apiVersion}/namespaces/default/events`;
    const answer = await api.create(path, { apiVersion, kind: "Event", metadata: { name: "A_b" }, ...event });
    expect(answer.status).toBe(status);
  });

  it("tells of variables that hide others, when pods and templates of pods are made or changed", async () => {
    const api = await openApi();
    const env = ["a", "b", "$(A)", "$(A):c"].map((value) => ({ name: "A", value }));
    const spec = { containers: [{ name: "main", image: "busybox", env }] };
    const hidden = (field: string) =>
      [1, 2].map(
        (index) =>
          `299 - "${field}.containers[0].env[${index}]: hides previous definition of \\"A\\", which may be dropped when using apply"`,
      );
    expect((await api.create(pods, podObject("p", spec))).headers["warning"]).toEqual(hidden("spec"));
    const labels = { app: "web" };
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    const made = await api.create(deployments, {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    expect(made.headers["warning"]).toEqual(hidden("spec.template.spec"));
    const scaled = await api.call("PUT", `${deployments}/web`, {
      ...made.json,
      spec: { ...made.json.spec, replicas: 2 },
    });
    expect([scaled.status, scaled.headers["warning"]]).toEqual([200, undefined]);
  });

  it.each([
    [
      "/api/v1/namespaces/default/endpoints",
      "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ],
    ["/api/v1/componentstatuses", "v1 ComponentStatus is deprecated in v1.19+"],
    [
      "/apis/batch/v1beta1/namespaces/default/cronjobs",
      "batch/v1beta1 CronJob is deprecated in v1.21+, unavailable in v1.25+; use batch/v1 CronJob",
    ],
  ])("warns of %s, that %s, whether it is there or not", async (path, warning) => {
    const api = await openApi();
    for (const asked of [path, `${path}/none`])
      expect((await api.call("GET", asked)).headers["warning"]).toEqual([`299 - "${warning}"`]);
  });

  it.each([
    ["Strict", 400, 0],
    ["", 201, 1],
    ["Ignore", 201, 0],
  ])("fieldValidation=%s answers a field that stands twice with %i", async (mode, status, warnings) => {
    const api = await openApi();
    const text = JSON.stringify(configMap("a", { b: "1" })).replace('"b":"1"', '"b":"1","b":"2"');
    const answer = await api.call("POST", `${maps}${mode ? `?fieldValidation=${mode}` : ""}`, text, {
      "content-type": "application/json",
    });
    expect(answer.status).toBe(status);
    expect(answer.headers["warning"] ?? []).toEqual(warnings ? ['299 - "duplicate field \\"data.b\\""'] : []);
    if (status === 400)
      expect(answer.json.message).toBe(
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.b"',
      );
    else expect(answer.json.data).toEqual({ b: "2" });
  });

  it("takes and gives YAML", async () => {
    const api = await openApi();
    const text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yam\ndata:\n  a: 'on'\n";
    const created = await api.call("POST", maps, text, {
      "content-type": "application/yaml",
      accept: "application/yaml",
    });
    expect(created.headers["content-type"]).toBe("application/yaml");
    expect(created.text).toMatch(/^apiVersion: v1\ndata:\n {2}a: "on"\nkind: ConfigMap\n/);
  });

  it("keeps data named __proto__ and constructor in the object it is in", async () => {
    const api = await openApi();
    const body =
      '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"constructor","labels":{"toString":"x"}},"data":{"__proto__":"p","constructor":"c"}}';
    const created = await api.call("POST", maps, body);
    expect(created.status).toBe(201);
    expect(created.text).toContain('"__proto__":"p"');
    const patch =
      '{"data":{"__proto__":"q"},"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const patched = await api.call("PATCH", `${maps}/constructor`, patch, {
      "content-type": "application/merge-patch+json",
    });
    expect(patched.text).toContain('"__proto__":"q"');
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    const fresh = await api.create(maps, configMap("fresh"));
    expect(Object.keys(fresh.json).sort()).toEqual(["apiVersion", "data", "kind", "metadata"]);
    expect((await api.call("GET", `${maps}?labelSelector=toString`)).json.items).toHaveLength(1);
    expect((await api.call("GET", `${maps}?labelSelector=valueOf`)).json.items).toHaveLength(0);
    expect((await api.call("GET", `${maps}?labelSelector=!hasOwnProperty`)).json.items).toHaveLength(2);
  });
});

describe("handle() lists", () => {
  it("pages with limit and continue, at one revision", async () => {
    const api = await openApi();
    for (const name of ["a", "b", "c"]) await api.create(maps, configMap(name));
    const first = (await api.call("GET", `${maps}?limit=2`)).json;
    expect(first).toMatchObject({ kind: "ConfigMapList", apiVersion: "v1", metadata: { remainingItemCount: 1 } });
    await api.create(maps, configMap("d"));
    const second = (await api.call("GET", `${maps}?limit=2&continue=${encodeURIComponent(first.metadata.continue)}`))
      .json;
    expect(second.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(["c"]);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it("is streamed, whole, when it is large, and gzipped when asked", async () => {
    const api = await openApi();
    for (let n = 0; n < 30; n++) await api.create(maps, configMap(`m${n}`, { big: "x".repeat(30_000) }));
    expect((await api.call("GET", maps)).json.items).toHaveLength(30);
    const packed = await api.handler.handle(
      { method: "GET", path: maps, headers: { "accept-encoding": "gzip" } },
      { user: admin, signal: new AbortController().signal },
    );
    expect(packed.headers["content-encoding"]).toBe("gzip");
    const { gunzipSync } = await import("node:zlib");
    const parts: Uint8Array[] = [];
    for await (const part of packed.body as AsyncIterable<Uint8Array>) parts.push(part);
    expect(JSON.parse(gunzipSync(Buffer.concat(parts)).toString()).items).toHaveLength(30);
  });

  it("is a Table when asked: all columns, metadata of the rows", async () => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    const { json } = await api.call("GET", `${pods}?limit=500`, undefined, table);
    expect(json).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1" });
    expect(json.columnDefinitions[0].name).toBe("Name");
    expect(json.rows[0].cells[0]).toBe("p");
    expect(json.rows[0].object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "p" } });
    const whole = await api.call("GET", `${pods}?includeObject=Object`, undefined, table);
    expect(whole.json.rows[0].object.spec.containers[0].image).toBe("busybox");
    const one = await api.call("GET", `${pods}/p?includeObject=None`, undefined, table);
    expect(one.json.rows[0].object).toBeNull();
  });

  it("is metadata only when asked", async () => {
    const api = await openApi();
    await api.create(maps, configMap("a"));
    const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    const { json } = await api.call("GET", maps, undefined, { accept });
    expect(json).toMatchObject({ kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" });
    expect(Object.keys(json.items[0]).sort()).toEqual(["apiVersion", "kind", "metadata"]);
  });

  it.each([
    ["fieldSelector=metadata.name%3Da", ["a"]],
    ["fieldSelector=metadata.name!%3Da", ["b"]],
    ["labelSelector=app%20in%20(x,y)", ["a"]],
    ["labelSelector=!app", ["b"]],
    ["fieldSelector=status.phase%3DPending", ["a", "b"]],
  ])("selects by %s", async (query, names) => {
    const api = await openApi();
    await api.create(pods, { ...podObject("a"), metadata: { name: "a", labels: { app: "x" } } });
    await api.create(pods, podObject("b"));
    const { json } = await api.call("GET", `${pods}?${query}`);
    expect(json.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(names);
  });
});

describe("handle() watches", () => {
  it.each([
    ["an object by its path", `${maps}/a?watch=true`],
    ["a collection by the older path", "/api/v1/watch/namespaces/default/configmaps?fieldSelector=metadata.name%3Da"],
    ["an object by the older path", "/api/v1/watch/namespaces/default/configmaps/a"],
  ])("%s", async (_what, path) => {
    const api = await openApi();
    await api.create(maps, configMap("a"));
    await api.create(maps, configMap("b"));
    const stop = new AbortController();
    const events = watchEvents(api, path, { signal: stop.signal });
    expect((await events.next()).value).toMatchObject({ type: "ADDED", object: { metadata: { name: "a" } } });
    await api.call("DELETE", `${maps}/b`);
    await api.call("DELETE", `${maps}/a`);
    expect((await events.next()).value).toMatchObject({ type: "DELETED", object: { metadata: { name: "a" } } });
    stop.abort();
  });

  it("shows what is there, then changes, with bytes shared by all watchers", async () => {
    const api = await openApi();
    await api.create(maps, configMap("a"));
    const stop = new AbortController();
    const events = watchEvents(api, `${maps}?watch=true`, { signal: stop.signal });
    expect((await events.next()).value).toMatchObject({ type: "ADDED", object: { metadata: { name: "a" } } });
    await api.call("PUT", `${maps}/a`, configMap("a", { b: "2" }));
    expect((await events.next()).value).toMatchObject({ type: "MODIFIED", object: { data: { b: "2" } } });
    const before = (await api.call("GET", `${maps}/a`)).json.metadata.resourceVersion;
    await api.call("DELETE", `${maps}/a`);
    const { value } = await events.next();
    expect(value).toMatchObject({ type: "DELETED", object: { metadata: { name: "a" } } });
    expect(Number(value.object.metadata.resourceVersion)).toBeGreaterThan(Number(before));
    stop.abort();
    expect((await events.next()).done).toBe(true);
  });

  it("ends the present objects with a bookmark when sendInitialEvents is asked", async () => {
    const api = await openApi();
    await api.create(maps, configMap("a"));
    const query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const events = watchEvents(api, `${maps}?${query}`);
    expect((await events.next()).value.type).toBe("ADDED");
    expect((await events.next()).value).toMatchObject({
      type: "BOOKMARK",
      object: {
        kind: "ConfigMap",
        apiVersion: "v1",
        metadata: { annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
    await events.return();
  });

  it("refuses sendInitialEvents without resourceVersionMatch", async () => {
    const api = await openApi();
    const { json } = await api.call("GET", `${maps}?watch=true&sendInitialEvents=true`);
    expect(json).toMatchObject({ code: 422, reason: "Invalid" });
  });

  it("sends Tables whose columns stand in the first event only", async () => {
    const api = await openApi();
    await api.create(maps, configMap("a"));
    await api.create(maps, configMap("b"));
    const events = watchEvents(api, `${maps}?watch=true`, { headers: table });
    const first = (await events.next()).value;
    expect(first.object.columnDefinitions.length).toBeGreaterThan(1);
    expect(first.object.rows).toHaveLength(1);
    expect((await events.next()).value.object.columnDefinitions ?? null).toBeNull();
    await events.return();
  });

  it("ends by itself after timeoutSeconds, and when the server closes", async () => {
    const api = await openApi();
    const short = watchEvents(api, `${maps}?watch=true&timeoutSeconds=5`);
    const long = watchEvents(api, `${maps}?watch=true`);
    const ends = [short.next(), long.next()];
    await (api.clock as unknown as { advance(ms: number): Promise<void> }).advance(6000);
    expect((await ends[0])?.done).toBe(true);
    api.handler.endStreams();
    expect((await ends[1])?.done).toBe(true);
  });
});

describe("handle() for every kind", () => {
  it.each(kinds.map((kind) => [kind.plural, resourcePath(kind)]))(
    "%s lists, as Table too, and checks field selectors",
    async (_plural, path) => {
      const api = await openApi();
      expect((await api.call("GET", `${path}?fieldSelector=metadata.name%3Dx`)).json.items).toEqual([]);
      expect((await api.call("GET", path, undefined, table)).json.kind).toBe("Table");
      expect((await api.call("GET", `${path}?fieldSelector=bogus%3Dx`)).json).toMatchObject({
        code: 400,
        message: expect.stringMatching(/^("bogus" is not a known field selector: |field label not supported: bogus$)/),
      });
    },
  );
});

describe("handle() errors", () => {
  it.each([
    ["GET", "/api/v1/namespaces/default/nothings", undefined, 404, "the server could not find the requested resource"],
    ["GET", "/api/v1/namespaces/x/nodes", undefined, 404, "the server could not find the requested resource"],
    ["GET", "/api/v1/pods/p", undefined, 404, "the server could not find the requested resource"],
    ["GET", `${pods}/p/nothing`, undefined, 404, "the server could not find the requested resource"],
    ["GET", "/api/v1/__proto__", undefined, 404, "the server could not find the requested resource"],
    [
      "GET",
      "/api/v1/namespaces/default/constructor",
      undefined,
      404,
      "the server could not find the requested resource",
    ],
    ["POST", "/api/v1/pods", podObject("p"), 405, "the server does not allow this method on the requested resource"],
    ["PUT", pods, podObject("p"), 405, "the server does not allow this method on the requested resource"],
    ["DELETE", "/api/v1/namespaces", undefined, 405, "the server does not allow this method on the requested resource"],
    ["POST", "/api/v1/namespaces/none/configmaps", configMap("a"), 404, 'namespaces "none" not found'],
    [
      "POST",
      maps,
      { ...configMap("a"), metadata: { name: "a", namespace: "other" } },
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "POST",
      maps,
      { ...configMap("a"), metadata: {} },
      422,
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    ["PUT", `${maps}/a`, configMap("zz"), 400, "the name of the object (zz) does not match the name on the URL (a)"],
    [
      "POST",
      `${maps}?dryRun=Some`,
      configMap("a"),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      "POST",
      `${maps}?dryRun=`,
      configMap("a"),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: [""]: supported values: "All"',
    ],
    ["POST", `${maps}/a`, configMap("a"), 405, "the server does not allow this method on the requested resource"],
    ["GET", `${pods}?fieldSelector=spec.foo%3Dx`, undefined, 400, "field label not supported: spec.foo"],
    [
      "GET",
      `${pods}?resourceVersion=abc`,
      undefined,
      400,
      'Invalid value: "abc": resource version must be a non-negative integer',
    ],
    ["GET", `${pods}?limit=abc`, undefined, 400, 'strconv.ParseInt: parsing "abc": invalid syntax'],
    ["DELETE", `${maps}/a?propagationPolicy=Whatever`, undefined, 422, undefined],
    [
      "DELETE",
      `${maps}/a`,
      { gracePeriodSeconds: "x" },
      400,
      "DeleteOptions cannot be read: gracePeriodSeconds must be an integer",
    ],
    ["POST", maps, { ...configMap("a"), data: { a: 1 } }, 400, undefined],
    ["POST", maps, podObject("p"), 400, undefined],
    ["POST", maps, "", 400, undefined],
    ["POST", maps, "[]", 400, undefined],
    ["POST", maps, "{", 400, undefined],
    ["GET", "/api/v1/namespaces/default/../../secrets", undefined, 400, undefined],
    ["GET", "/api/v1/namespaces/%2e%2e/pods", undefined, 400, undefined],
    ["GET", "/api/v1/namespaces/a%2fb/pods", undefined, 400, undefined],
    ["GET", "/api/v1/namespaces/a%00/pods", undefined, 400, undefined],
    ["GET", "/api/v1/namespaces/%zz/pods", undefined, 400, undefined],
    ["GET", "/api/v1/namespaces/%ff/pods", undefined, 400, undefined],
    [
      "DELETE",
      "/api/v1/namespaces/default",
      undefined,
      403,
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ],
  ] as const)("%s %s", async (method, path, body, status, message) => {
    const api = await openApi();
    const answer = await api.call(method, path, body);
    expect(answer.json).toMatchObject({ kind: "Status", apiVersion: "v1", status: "Failure", code: status });
    expect(answer.status).toBe(status);
    if (message !== undefined) expect(answer.json.message).toBe(message);
    expect(answer.text).not.toMatch(/\.ts:\d+|node_modules/);
  });

  it.each([
    ["brackets", "[".repeat(100_000)],
    ["objects", `{"metadata":{"name":"a"},"x":${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}}`],
    ["broken UTF-8", "\ud800"],
  ])("refuses a body of deep or broken JSON: %s", async (_name, body) => {
    const api = await openApi();
    expect((await api.call("POST", maps, body)).json).toMatchObject({ kind: "Status", code: 400 });
  });

  it("refuses a path of 70 kB", async () => {
    const api = await openApi();
    expect((await api.call("GET", `/api/v1/${"x".repeat(70_000)}`)).status).toBe(400);
  });

  it.each([
    "/apis/constructor",
    "/apis/constructor/v1",
    "/apis/nothing/v1/things",
    "/api/v2/pods",
    "/nothing",
    "//",
    "/api//pods",
  ])("GET %s is plain text: not found", async (path) => {
    const api = await openApi();
    const answer = await api.call("GET", path);
    expect([answer.status, answer.text]).toEqual([404, "404 page not found\n"]);
    expect(answer.headers["content-type"]).toMatch(/^text\/plain/);
  });

  it("refuses media types it does not speak", async () => {
    const api = await openApi();
    const sent = await api.call("POST", maps, configMap("a"), { "content-type": "application/cbor" });
    expect(sent.json).toMatchObject({
      code: 415,
      reason: "UnsupportedMediaType",
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    });
    const asked = await api.call("GET", maps, undefined, { accept: "image/png" });
    expect(asked.json).toMatchObject({ code: 406, reason: "NotAcceptable" });
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    expect((await api.call("POST", reviews, review, { accept: table })).status).toBe(406);
    expect((await api.call("POST", reviews, review, { accept: `${table},application/json` })).status).toBe(201);
    const patch = await api.call("PATCH", `${maps}/a`, configMap("a"), { "content-type": "application/json" });
    expect(patch.json).toMatchObject({
      code: 415,
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml",
    });
    const protobuf = await api.call("GET", maps, undefined, {
      accept: "application/vnd.kubernetes.protobuf,application/json",
    });
    expect(protobuf.headers["content-type"]).toBe("application/json");
  });

  it("refuses bodies above the limit, declared or streamed", async () => {
    const api = await openApi({ maxBodyBytes: 1000 });
    const big = await api.call("POST", maps, configMap("a", { x: "y".repeat(2000) }));
    expect(big.json).toMatchObject({ code: 413, reason: "RequestEntityTooLarge" });
    const declared = await api.call("POST", maps, configMap("a"), { "content-length": "10737418240" });
    expect(declared.json.code).toBe(413);
  });

  it("is refused without a user, except for health and version", async () => {
    const api = await openApi();
    const signal = new AbortController().signal;
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await api.handler.handle({ method: "GET", path, headers }, { signal })).status;
    expect(await status("/api/v1/pods")).toBe(401);
    expect(await status("/nothing")).toBe(401);
    expect(await status("/healthz")).toBe(200);
    expect(await status("/version")).toBe(200);
    expect(await status("/healthz", { authorization: "Bearer wrong" })).toBe(401);
  });

  it("answers 429 when too many requests are in flight, but never to administrators", async () => {
    const api = await openApi({ limits: { maxRequestsInFlight: 0 } });
    const signal = new AbortController().signal;
    const answerTo = (groups: readonly string[]) =>
      api.handler.handle({ method: "GET", path: maps, headers: {} }, { user: { username: "u", groups }, signal });
    const refused = await answerTo(["system:authenticated"]);
    expect(refused.status).toBe(429);
    expect(refused.headers["retry-after"]).toBe("1");
    expect((await answerTo(["system:masters"])).status).toBe(200);
  });

  it("answers 500 without a stack when something breaks inside", async () => {
    const api = await openApi({ authorizer: { authorize: () => Promise.reject(new TypeError("secret place")) } });
    const answer = await api.call("GET", maps);
    expect(answer.json).toMatchObject({ code: 500, reason: "InternalError" });
    expect(answer.text).not.toContain("secret place");
  });

  it("words a refusal as Kubernetes does", async () => {
    const api = await openApi({ authorizer: { authorize: async () => ({ allowed: false }) } });
    expect((await api.call("GET", "/api/v1/secrets")).json.message).toBe(
      'secrets is forbidden: User "admin" cannot list resource "secrets" in API group "" at the cluster scope',
    );
    expect((await api.call("GET", "/apis/apps/v1/namespaces/n/deployments/d/scale")).json.message).toBe(
      'deployments.apps "d" is forbidden: User "admin" cannot get resource "deployments/scale" in API group "apps" in the namespace "n"',
    );
  });
});
