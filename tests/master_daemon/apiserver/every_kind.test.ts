import { describe, expect, it, vi } from "vitest";
import { apiVersionOf, type Kind } from "../../../core/api/kind.ts";
import type { JsonObject } from "../../../core/api/meta.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { encodeMessage, envelope } from "../../core/api/protobuf/_encoder.ts";
import { type Sample, samples } from "../../core/kinds/samples.ts";
import { patienceMs } from "../../patience.ts";
import { admin, openApi, type TestApi, toAnswer, watchEvents } from "./_api.ts";

const nameOf = (kind: Kind) => `${apiVersionOf(kind)}/${kind.kind}`;
const sampled = kinds.flatMap((kind) => {
  const sample = samples.get(nameOf(kind));
  return sample ? [[nameOf(kind), kind, sample] as const] : [];
});
const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

function collectionOf(kind: Kind): string {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`;
  return kind.namespaced ? `${root}/namespaces/default/${kind.plural}` : `${root}/${kind.plural}`;
}

const one = "sample-one";
const two = "sample-two";

function objectOf(kind: Kind, sample: Sample, name = one): JsonObject {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { ...sample.metadata, name }, ...sample.body };
}

/** An object without what the server decides about each one: to compare two of them. */
function comparable(object: JsonObject, name: string): unknown {
  const { metadata, ...rest } = object;
  const { labels, annotations, finalizers } = metadata as JsonObject;
  const text = JSON.stringify({ ...rest, labels, annotations, finalizers });
  const { uid } = metadata as { uid: string };
  return JSON.parse(
    text
      .replaceAll(uid, "UID")
      .replaceAll(`"${name}"`, '"NAME"')
      .replace(/10\.96\.0\.\d+/g, "IP"),
  );
}

async function created(api: TestApi, kind: Kind, sample: Sample, name = one): Promise<JsonObject> {
  const answer = await api.create(collectionOf(kind), objectOf(kind, sample, name));
  expect(answer.json).toMatchObject({ apiVersion: apiVersionOf(kind), kind: kind.kind });
  expect(answer.status).toBe(201);
  if (kind.plural !== "resourcequotas") return answer.json;
  // The server counts what is used by itself.
  return vi.waitFor(async () => {
    const { json } = await api.call("GET", `${collectionOf(kind)}/${name}`);
    expect(json.status.used).toBeDefined();
    return json;
  }, patienceMs);
}

it("has a sample of every kind of workloads, volumes, quotas and scaling", () => {
  const groups = ["", "apps", "autoscaling", "batch", "policy"];
  const missing = kinds
    .filter(({ group, verbs }) => groups.includes(group) && !verbs)
    .filter((kind) => !samples.has(nameOf(kind)));
  expect(missing.map(nameOf)).toEqual([]);
});

describe.each(sampled)("%s", (_, kind, sample) => {
  const collection = collectionOf(kind);
  const path = `${collection}/${one}`;

  it("is created, read, listed and shown as a table", async () => {
    const api = await openApi();
    const object = await created(api, kind, sample);
    expect((await api.call("GET", path)).json).toEqual(object);
    const list = (await api.call("GET", collection)).json;
    expect(list).toMatchObject({ kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind) });
    expect(list.items.filter((item: JsonObject) => (item["metadata"] as JsonObject)["name"] === one)).toEqual([object]);
    const shown = (await api.call("GET", path, undefined, { accept: table })).json;
    expect(shown.rows[0].cells).toHaveLength(shown.columnDefinitions.length);
    expect(shown.rows[0].cells[kind.columns.findIndex(({ format }) => format === "name")]).toBe(one);
    expect((await api.create(collection, objectOf(kind, sample))).json).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
    });
  });

  it("is the same, sent as protobuf", async () => {
    const api = await openApi();
    const json = await created(api, kind, sample);
    const message = encodeMessage(kind.schema.split(".").slice(-3).join("."), objectOf(kind, sample, two));
    const headers = { "content-type": "application/vnd.kubernetes.protobuf", accept: "application/json" };
    const body = envelope(apiVersionOf(kind), kind.kind, message);
    const { signal } = new AbortController();
    const answer = await api.handler.handle(
      { method: "POST", path: collection, headers, body },
      { user: admin, signal },
    );
    const { status, json: sent } = await toAnswer(answer);
    expect([status, sent.kind]).toEqual([201, kind.kind]);
    if (kind.plural === "resourcequotas") expect(sent.spec).toEqual(json["spec"]);
    else expect(comparable(sent, two)).toEqual(comparable(json, one));
  });

  it("keeps its version when nothing changes, and is changed in every way there is", async () => {
    const api = await openApi();
    const object = await created(api, kind, sample);
    const { resourceVersion } = object["metadata"] as { resourceVersion: string };
    expect((await api.call("PUT", path, object)).json).toMatchObject({ metadata: { resourceVersion } });
    const metadata = object["metadata"] as JsonObject;
    const labelled = {
      ...object,
      metadata: { ...metadata, labels: { ...(metadata["labels"] as JsonObject), put: "1" } },
    };
    expect((await api.call("PUT", path, labelled)).json).toMatchObject({ metadata: { labels: { put: "1" } } });
    const patches: readonly (readonly [string, JsonObject | readonly JsonObject[]])[] = [
      ["merge-patch+json", { metadata: { labels: { merge: "1" } } }],
      ["strategic-merge-patch+json", { metadata: { labels: { strategic: "1" } } }],
      ["json-patch+json", [{ op: "add", path: "/metadata/labels/json", value: "1" }]],
    ];
    for (const [type, patch] of patches) {
      const answer = await api.call("PATCH", path, patch, { "content-type": `application/${type}` });
      expect([type, answer.status]).toEqual([type, 200]);
    }
    const { labels } = (await api.call("GET", path)).json.metadata;
    expect(labels).toMatchObject({ put: "1", merge: "1", strategic: "1", json: "1" });
    const stale = await api.call("PUT", path, object);
    expect(stale.json).toMatchObject({ code: 409, reason: "Conflict" });
  });

  it("is watched from its creation to its end", async () => {
    const api = await openApi();
    const events = watchEvents(api, `${collection}?watch=true&fieldSelector=metadata.name%3D${one}`);
    const next = async () => (await events.next()).value;
    const first = next();
    await created(api, kind, sample);
    expect(await first).toMatchObject({ type: "ADDED", object: { kind: kind.kind, metadata: { name: one } } });
    const patch = { metadata: { annotations: { a: "b" } } };
    await api.call("PATCH", path, patch, { "content-type": "application/merge-patch+json" });
    let change = await next();
    // Controllers of the API server's own may have been faster.
    while (change.type === "MODIFIED" && !change.object.metadata.annotations?.a) change = await next();
    expect(change).toMatchObject({ type: "MODIFIED", object: { metadata: { annotations: { a: "b" } } } });
    const removed = await api.call("DELETE", path);
    expect(removed.status).toBe(200);
    const last = await next();
    // What has finalizers is only marked.
    if (last.type === "MODIFIED") expect(last.object.metadata.deletionTimestamp).toBeDefined();
    else {
      expect(last).toMatchObject({ type: "DELETED", object: { metadata: { name: one } } });
      expect((await api.call("GET", path)).json).toMatchObject({ code: 404, reason: "NotFound" });
    }
    await events.return();
  });

  it("is not there after a dry run, and is refused with a field that nobody knows where that is asked for", async () => {
    const api = await openApi();
    expect((await api.create(`${collection}?dryRun=All`, objectOf(kind, sample))).status).toBe(201);
    expect((await api.call("GET", path)).status).toBe(404);
    const unknown = { ...objectOf(kind, sample), nonsense: 1 };
    const strict = await api.create(`${collection}?fieldValidation=Strict`, unknown);
    expect(strict.json).toMatchObject({ code: 400, message: expect.stringContaining('unknown field "nonsense"') });
    const warned = await api.create(collection, unknown);
    expect(String(warned.headers["warning"])).toContain('unknown field \\"nonsense\\"');
    expect(warned.json.nonsense).toBeUndefined();
  });

  it("names no field that it has no selector for", async () => {
    const api = await openApi();
    const names = Object.keys(kind.strategy.fields((await created(api, kind, sample)) as never));
    expect((await api.call("GET", `${collection}?fieldSelector=spec.nonsense%3D1`)).json).toMatchObject({
      code: 400,
      message:
        names.length > 0
          ? "field label not supported: spec.nonsense"
          : '"spec.nonsense" is not a known field selector: only "metadata.name", "metadata.namespace"',
    });
    for (const name of names)
      expect((await api.call("GET", `${collection}?fieldSelector=${name}%3Dx`)).status).toBe(200);
  });

  it.runIf(kind.subresources.status)("has a status that is written by itself", async () => {
    const api = await openApi();
    const object = await created(api, kind, sample);
    const { status } = sample;
    expect(status).toBeDefined();
    const answer = await api.call("PUT", `${path}/status`, { ...object, status: status ?? {} });
    expect(answer.json).toMatchObject({ status });
    const without = (await api.call("PUT", path, { ...answer.json, status: {} })).json;
    expect(without.status).toEqual(answer.json.status);
    expect((await api.call("GET", `${path}/status`)).json).toEqual(without);
  });

  it.runIf(kind.subresources.scale)("is scaled", async () => {
    const api = await openApi();
    await created(api, kind, sample);
    const scale = (await api.call("GET", `${path}/scale`)).json;
    expect(scale).toMatchObject({ kind: "Scale", apiVersion: "autoscaling/v1", status: { selector: "app=web" } });
    expect((await api.call("PUT", `${path}/scale`, { ...scale, spec: { replicas: 7 } })).json.spec.replicas).toBe(7);
    expect((await api.call("GET", path)).json.spec.replicas).toBe(7);
  });

  it("goes with its collection", async () => {
    const api = await openApi();
    await created(api, kind, sample);
    const answer = await api.call("DELETE", collection);
    if (kind.plural === "namespaces") return expect(answer.status).toBe(405);
    expect(answer.json).toMatchObject({ kind: `${kind.kind}List` });
    const { items } = (await api.call("GET", collection)).json;
    const left = items.filter(
      ({ metadata }: { metadata: { deletionTimestamp?: string } }) => !metadata.deletionTimestamp,
    );
    expect(left).toEqual([]);
  });
});

describe("v1/ComponentStatus", () => {
  it("tells how the parts of the master are, and cannot be written", async () => {
    const api = await openApi({ healthChecks: [{ name: "store", live: true, check: () => undefined }] });
    const list = (await api.call("GET", "/api/v1/componentstatuses")).json;
    expect(list.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)).toEqual([
      "controller-manager",
      "etcd-0",
      "scheduler",
    ]);
    const answer = await api.call("GET", "/api/v1/componentstatuses/scheduler", undefined, { accept: table });
    expect(answer.json.rows[0].cells).toEqual(["scheduler", "Healthy", "ok", ""]);
    expect((await api.call("GET", "/api/v1/componentstatuses/other")).status).toBe(404);
    expect((await api.call("DELETE", "/api/v1/componentstatuses/scheduler")).status).toBe(405);
  });

  it("says what fails", async () => {
    const api = await openApi({ healthChecks: [{ name: "store", live: true, check: () => "disk full" }] });
    const answer = await api.call("GET", "/api/v1/componentstatuses/etcd-0");
    expect(answer.json.conditions).toEqual([{ type: "Healthy", status: "False", message: "store: disk full" }]);
  });
});
