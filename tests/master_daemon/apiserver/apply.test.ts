import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { apply as applyObject } from "../../../core/client/apply.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { admin, configMap, openApi, podObject, type TestApi } from "./_api.ts";

/** Server-side apply and managed fields over the API. @see kubernetes test/integration/apiserver/apply */

const maps = "/api/v1/namespaces/default/configmaps";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const pods = "/api/v1/namespaces/default/pods";

const apply = (api: TestApi, path: string, body: Json | string, query = "fieldManager=m") =>
  api.call("PATCH", `${path}?${query}`, body, { "content-type": "application/apply-patch+yaml" });

function deployment(spec: JsonObject = {}, labels: JsonObject = { app: "web" }): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels }, spec: { containers: [{ name: "web", image: "web:1" }] } },
      ...spec,
    },
  };
}

const map = (data: JsonObject): JsonObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data });

describe("apply", () => {
  it("creates what is not there, and owns what it said", async () => {
    const api = await openApi();
    const created = await apply(api, `${maps}/a`, map({ x: "1" }));
    expect(created.status).toBe(201);
    expect(created.json.data).toEqual({ x: "1" });
    expect(created.json.metadata.managedFields).toEqual([
      {
        manager: "m",
        operation: "Apply",
        apiVersion: "v1",
        time: expect.stringMatching(/Z$/),
        fieldsType: "FieldsV1",
        fieldsV1: { "f:data": { "f:x": {} } },
      },
    ]);
  });

  it("reads YAML as well", async () => {
    const api = await openApi();
    const created = await apply(
      api,
      `${maps}/a`,
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: '1'\n",
    );
    expect(created.status).toBe(201);
    const flow = await apply(
      api,
      `${maps}/b`,
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {x: '1'}}",
    );
    expect(flow.status).toBe(201);
  });

  it("removes what it does not say any more, and keeps what others set", async () => {
    const api = await openApi();
    await apply(api, `${maps}/a`, map({ x: "1", y: "2" }));
    await api.call("PATCH", `${maps}/a`, { data: { z: "3" } }, { "content-type": "application/merge-patch+json" });
    const next = await apply(api, `${maps}/a`, map({ x: "1" }));
    expect(next.status).toBe(200);
    expect(next.json.data).toEqual({ x: "1", z: "3" });
  });

  it("writes nothing when it is applied again", async () => {
    const clock = new FakeClock();
    const api = await openApi({ clock });
    const first = await apply(api, deployments.concat("/web"), deployment());
    await clock.advance(60_000);
    const second = await apply(api, deployments.concat("/web"), deployment());
    expect(second.status).toBe(200);
    expect(second.json).toEqual(first.json);
  });

  it("tells of one conflict, and of several by manager", async () => {
    const api = await openApi();
    await apply(api, `${maps}/a`, map({ k: "1", l: "1" }), "fieldManager=m1");
    const one = await apply(api, `${maps}/a`, map({ k: "2" }), "fieldManager=m2");
    expect(one.json).toEqual({
      apiVersion: "v1",
      kind: "Status",
      metadata: {},
      status: "Failure",
      message: 'Apply failed with 1 conflict: conflict with "m1": .data.k',
      reason: "Conflict",
      details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "m1"', field: ".data.k" }] },
      code: 409,
    });
    const two = await apply(api, `${maps}/a`, map({ k: "2", l: "2" }), "fieldManager=m2");
    expect(two.json.message).toBe('Apply failed with 2 conflicts: conflicts with "m1":\n- .data.k\n- .data.l');
    const forced = await apply(api, `${maps}/a`, map({ k: "2" }), "fieldManager=m2&force=true");
    expect(forced.json.data).toEqual({ k: "2", l: "1" });
    expect(fieldsOf(forced.json)).toEqual({
      "m1 Apply": { "f:data": { "f:l": {} } },
      "m2 Apply": { "f:data": { "f:k": {} } },
    });
  });

  it("conflicts with whoever updated, and says in which version", async () => {
    const api = await openApi();
    await api.call("POST", `${deployments}?fieldManager=kubectl-client-side-apply`, deployment());
    const answer = await apply(api, `${deployments}/web`, deployment({ replicas: 4 }));
    expect(answer.json.message).toBe(
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    );
    // Whoever says the same shares it.
    const shared = await apply(api, `${deployments}/web`, deployment());
    expect(shared.status).toBe(200);
    expect(Object.keys(fieldsOf(shared.json))).toEqual(["m Apply", "kubectl-client-side-apply Update"]);
  });

  it.each([
    [
      "no manager",
      map({}),
      "",
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    ["another kind", { ...map({}), kind: "Secret" }, "fieldManager=m", 400, "invalid object type: /v1, Kind=Secret"],
    ["no body", "", "fieldManager=m", 400, "invalid object type: /, Kind="],
    [
      "no object",
      "- a",
      "fieldManager=m",
      400,
      "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
    ],
    [
      "owners in the body",
      { ...map({}), metadata: { name: "a", managedFields: [] } },
      "fieldManager=m",
      400,
      "metadata.managedFields must be nil",
    ],
    [
      "a field that is not there",
      { ...map({}), spec: 1 },
      "fieldManager=m",
      500,
      "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .spec: field not declared in schema",
    ],
    [
      "a value of another type",
      { ...map({ a: true }), metadata: { name: "a", namespace: "default" } },
      "fieldManager=m",
      500,
      "failed to create typed patch object (default/a; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:true}",
    ],
    [
      "another name",
      { ...map({}), metadata: { name: "b" } },
      "fieldManager=m",
      400,
      "the name of the object (b) does not match the name on the URL (a)",
    ],
    [
      "no name",
      { ...map({}), metadata: {} },
      "fieldManager=m",
      400,
      "the name of the object (a based on URL) was undeterminable: name must be provided",
    ],
    [
      "another namespace",
      { ...map({}), metadata: { name: "a", namespace: "x" } },
      "fieldManager=m",
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "a uid of nothing",
      { ...map({}), metadata: { name: "a", uid: "u" } },
      "fieldManager=m",
      409,
      'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid u, and no existing object was found',
    ],
  ])("refuses %s", async (_what, body, query, code, message) => {
    const api = await openApi();
    const answer = await apply(api, `${maps}/a`, body as Json, query);
    expect({ code: answer.status, message: answer.json.message }).toEqual({ code, message });
    expect((await api.call("GET", `${maps}/a`)).status).toBe(404);
  });

  it("refuses what stands twice in a list with keys", async () => {
    const api = await openApi();
    const port = { containerPort: 80 };
    const containers = [{ name: "web", image: "web", ports: [port, { ...port, protocol: "TCP" }] }];
    const answer = await apply(api, `${pods}/p`, { ...podObject("p"), spec: { containers } });
    expect(answer.json.message).toBe(
      'failed to create typed patch object (/p; /v1, Kind=Pod): .spec.containers[name="web"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]',
    );
  });

  it("takes a resourceVersion as a condition", async () => {
    const api = await openApi();
    const { json } = await apply(api, `${maps}/a`, map({ x: "1" }));
    const stale = { ...map({ x: "2" }), metadata: { name: "a", resourceVersion: "1" } };
    expect((await apply(api, `${maps}/a`, stale)).json.message).toContain("the object has been modified");
    const fresh = { ...stale, metadata: { name: "a", resourceVersion: json.metadata.resourceVersion } };
    expect((await apply(api, `${maps}/a`, fresh)).status).toBe(200);
  });

  it("changes nothing in a dry run", async () => {
    const api = await openApi();
    const answer = await apply(api, `${maps}/a`, map({ x: "1" }), "fieldManager=m&dryRun=All");
    expect(answer.status).toBe(201);
    expect((await api.call("GET", `${maps}/a`)).status).toBe(404);
  });

  it("applies to a status, which an object has to be there for", async () => {
    const api = await openApi();
    const status = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, status: { message: "hello" } };
    expect((await apply(api, `${pods}/p/status`, status)).status).toBe(404);
    await api.create(`${pods}?fieldManager=creator`, podObject("p"));
    const applied = await apply(api, `${pods}/p/status`, status);
    expect(applied.json.status.message).toBe("hello");
    expect(applied.json.metadata.managedFields).toContainEqual(
      expect.objectContaining({
        manager: "m",
        operation: "Apply",
        subresource: "status",
        fieldsV1: { "f:status": { "f:message": {} } },
      }),
    );
    const next = await apply(api, `${pods}/p/status`, { ...status, status: {} });
    expect(next.json.status.message).toBeUndefined();
  });

  it("applies to a scale, and notes the owner of the replicas on the object", async () => {
    const api = await openApi();
    await apply(api, `${deployments}/web`, deployment());
    const scale = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "web" }, spec: { replicas: 5 } };
    const refused = await apply(api, `${deployments}/web/scale`, scale, "fieldManager=hpa");
    expect(refused.json.message).toBe('Apply failed with 1 conflict: conflict with "m": .spec.replicas');
    const forced = await apply(api, `${deployments}/web/scale`, scale, "fieldManager=hpa&force=1");
    expect(forced.json.spec.replicas).toBe(5);
    const { json } = await api.call("GET", `${deployments}/web`);
    expect(json.spec.replicas).toBe(5);
    const owners = fieldsOf(json);
    expect(owners["hpa Apply scale"]).toEqual({ "f:spec": { "f:replicas": {} } });
    expect(owners["m Apply"]?.["f:spec"]).not.toHaveProperty(["f:replicas"]);
    // Who gave it up may go on applying without it.
    const { replicas: _replicas, ...spec } = deployment()["spec"] as JsonObject;
    const without = await apply(api, `${deployments}/web`, { ...deployment(), spec });
    expect(without.json.spec.replicas).toBe(5);
  });

  it("gives what was there before the first apply to before-first-apply", async () => {
    const api = await openApi();
    await api.create(maps, map({ x: "1", y: "1" }));
    await api.call(
      "PATCH",
      `${maps}/a`,
      { metadata: { managedFields: [{}] } },
      { "content-type": "application/merge-patch+json" },
    );
    expect((await api.call("GET", `${maps}/a`)).json.metadata.managedFields).toBeUndefined();
    const answer = await apply(api, `${maps}/a`, map({ x: "2" }));
    expect(answer.json.message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x',
    );
    const forced = await apply(api, `${maps}/a`, map({ x: "2" }), "fieldManager=m&force=true");
    expect(fieldsOf(forced.json)).toEqual({
      "m Apply": { "f:data": { "f:x": {} } },
      "before-first-apply Update": { "f:data": { ".": {}, "f:y": {} } },
    });
  });

  it("takes over from client-side apply as kubectl, and keeps its annotation true", async () => {
    const api = await openApi();
    const annotation = "kubectl.kubernetes.io/last-applied-configuration";
    const applied = { ...map({ x: "1" }) };
    const object = {
      ...applied,
      metadata: { name: "a", annotations: { [annotation]: `${JSON.stringify(applied)}\n` } },
    };
    await api.create(`${maps}?fieldManager=kubectl-client-side-apply`, object);
    const other = await apply(api, `${maps}/a`, map({ x: "2" }), "fieldManager=other");
    expect(other.status).toBe(409);
    const taken = await apply(api, `${maps}/a`, map({ x: "2" }), "fieldManager=kubectl");
    expect(taken.json.data).toEqual({ x: "2" });
    expect(taken.json.metadata.annotations[annotation]).toBe(
      '{"apiVersion":"v1","data":{"x":"2"},"kind":"ConfigMap","metadata":{"name":"a"}}\n',
    );
  });
});

describe("managed fields", () => {
  it("belong to who created, by the option or else by the program's name", async () => {
    const api = await openApi();
    const manager = async (name: string, query: string, headers: Record<string, string>) =>
      (await api.call("POST", `${maps}${query}`, configMap(name), headers)).json.metadata.managedFields[0].manager;
    expect(await manager("a", "?fieldManager=me", {})).toBe("me");
    expect(await manager("b", "", { "user-agent": "kubectl/v1.36.0 (linux/amd64)" })).toBe("kubectl");
    expect(await manager("c", "", { "user-agent": `\u0007x${"é".repeat(200)}/1` })).toBe(`x${"é".repeat(63)}`);
    expect(await manager("d", "", {})).toBe("unknown");
  });

  it("are those of Kubernetes for a deployment that is created", async () => {
    const api = await openApi();
    const { json } = await api.create(`${deployments}?fieldManager=kubectl-create`, deployment());
    expect(json.metadata.managedFields[0].fieldsV1).toEqual({
      "f:spec": {
        "f:progressDeadlineSeconds": {},
        "f:replicas": {},
        "f:revisionHistoryLimit": {},
        "f:selector": {},
        "f:strategy": { "f:rollingUpdate": { ".": {}, "f:maxSurge": {}, "f:maxUnavailable": {} }, "f:type": {} },
        "f:template": {
          "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
          "f:spec": {
            "f:containers": {
              'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:imagePullPolicy": {},
                "f:name": {},
                "f:resources": {},
                "f:terminationMessagePath": {},
                "f:terminationMessagePolicy": {},
              },
            },
            "f:dnsPolicy": {},
            "f:restartPolicy": {},
            "f:schedulerName": {},
            "f:securityContext": {},
            "f:terminationGracePeriodSeconds": {},
          },
        },
      },
    });
  });

  it("move to who changes a field, whatever the kind of patch", async () => {
    const api = await openApi();
    await api.create(`${maps}?fieldManager=creator`, map({ x: "1", y: "1" }));
    const change = (type: string, body: Json) =>
      api.call("PATCH", `${maps}/a?fieldManager=${type}`, body, { "content-type": `application/${type}+json` });
    await change("merge-patch", { data: { x: "2" } });
    await change("strategic-merge-patch", { data: { y: "2" } });
    const { json } = await change("json-patch", [{ op: "add", path: "/data/z", value: "1" }]);
    expect(fieldsOf(json)).toEqual({
      "creator Update": { "f:data": {} },
      "json-patch Update": { "f:data": { "f:z": {} } },
      "merge-patch Update": { "f:data": { "f:x": {} } },
      "strategic-merge-patch Update": { "f:data": { "f:y": {} } },
    });
    const removed = await change("merge-patch", { data: { z: null } });
    expect(Object.keys(fieldsOf(removed.json))).not.toContain("json-patch Update");
  });

  it("stay as they are when a client sends none, or invalid ones", async () => {
    const api = await openApi();
    const { json } = await api.create(`${maps}?fieldManager=creator`, map({ x: "1" }));
    const put = await api.call("PUT", `${maps}/a?fieldManager=putter`, map({ x: "1" }));
    expect(put.json).toEqual(json);
    const invalid = {
      ...map({ x: "1" }),
      metadata: { name: "a", managedFields: [{ manager: "x", operation: "Steal" }] },
    };
    expect((await api.call("PUT", `${maps}/a?fieldManager=putter`, invalid)).json).toEqual(json);
  });

  it("can be changed by clients, as kubectl does when it migrates", async () => {
    const api = await openApi();
    await api.create(`${maps}?fieldManager=kubectl-client-side-apply`, map({ x: "1" }));
    const patch = [{ op: "replace", path: "/metadata/managedFields/0/operation", value: "Apply" }];
    const { json } = await api.call("PATCH", `${maps}/a`, patch, { "content-type": "application/json-patch+json" });
    expect(fieldsOf(json)).toEqual({ "kubectl-client-side-apply Apply": { "f:data": { ".": {}, "f:x": {} } } });
  });

  it("note a status and a scale as such", async () => {
    const api = await openApi();
    await api.create(`${deployments}?fieldManager=creator`, deployment());
    await api.call(
      "PATCH",
      `${deployments}/web/status?fieldManager=controller`,
      { status: { replicas: 3 }, spec: { replicas: 9 } },
      { "content-type": "application/merge-patch+json" },
    );
    const scale = { apiVersion: "autoscaling/v1", kind: "Scale", metadata: { name: "web" }, spec: { replicas: 7 } };
    await api.call("PUT", `${deployments}/web/scale?fieldManager=scaler`, scale);
    const owners = fieldsOf((await api.call("GET", `${deployments}/web`)).json);
    expect(owners["controller Update status"]).toEqual({ "f:status": { "f:replicas": {} } });
    expect(owners["scaler Update scale"]).toEqual({ "f:spec": { "f:replicas": {} } });
    expect(owners["creator Update"]?.["f:spec"]).not.toHaveProperty(["f:replicas"]);
  });

  it("do not count admission's and the server's changes", async () => {
    const api = await openApi();
    const { json } = await api.create(`${pods}?fieldManager=creator`, podObject("p"));
    expect(json.spec.tolerations).toHaveLength(2);
    const owned = json.metadata.managedFields[0].fieldsV1;
    expect(owned["f:spec"]).not.toHaveProperty(["f:tolerations"]);
    expect(owned).not.toHaveProperty(["f:status"]);
  });

  it("are no reason to write: who writes what is there owns nothing new", async () => {
    const clock = new FakeClock();
    const api = await openApi({ clock });
    const { json } = await api.create(`${maps}?fieldManager=creator`, map({ x: "1" }));
    await clock.advance(5000);
    const same = await api.call("PUT", `${maps}/a?fieldManager=creator`, { ...json, data: { x: "1" } });
    expect(same.json).toEqual(json);
  });

  it("put the oldest of more than ten updaters together", async () => {
    const clock = new FakeClock();
    const api = await openApi({ clock });
    await api.create(`${maps}?fieldManager=m0`, map({ k0: "1" }));
    for (let n = 1; n <= 11; n++) {
      await clock.advance(1000);
      await api.call(
        "PATCH",
        `${maps}/a?fieldManager=m${n}`,
        { data: { [`k${n}`]: "1" } },
        { "content-type": "application/merge-patch+json" },
      );
    }
    const owners = fieldsOf((await api.call("GET", `${maps}/a`)).json);
    expect(Object.keys(owners)).toHaveLength(10);
    expect(owners["ancient-changes Update"]).toEqual({ "f:data": { ".": {}, "f:k0": {}, "f:k1": {}, "f:k2": {} } });
  });

  it("survive the mark of a deletion unchanged", async () => {
    const api = await openApi();
    const object = { ...map({ x: "1" }), metadata: { name: "a", finalizers: ["example.com/keep"] } };
    const { json } = await api.create(`${maps}?fieldManager=creator`, object);
    const marked = await api.call("DELETE", `${maps}/a`);
    expect(marked.json.metadata.deletionTimestamp).toBeDefined();
    expect(marked.json.metadata.managedFields).toEqual(json.metadata.managedFields);
  });
});

/** The fields of each entry, by manager, operation and subresource. */
function fieldsOf(object: {
  metadata: {
    managedFields: readonly { manager: string; operation: string; subresource?: string; fieldsV1: JsonObject }[];
  };
}): Record<string, JsonObject> {
  return Object.fromEntries(
    object.metadata.managedFields.map(({ manager, operation, subresource, fieldsV1 }) => [
      [manager, operation, subresource].filter(Boolean).join(" "),
      fieldsV1,
    ]),
  );
}

describe("apply() of the library", () => {
  const configMapKind = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
  const clientOf = (api: TestApi) =>
    createClient(inProcessTransport(api.handler.handle, { user: admin, userAgent: "script/1" }));
  const object = (data: JsonObject) => ({ ...map(data), metadata: { name: "a", namespace: "default" } }) as never;

  it("applies on the server's side, and throws the conflict", async () => {
    const api = await openApi();
    await using client = clientOf(api);
    const first = await applyObject(client, configMapKind, object({ x: "1" }), { serverSide: true, fieldManager: "a" });
    expect(first.outcome).toBe("serverside-applied");
    const other = { serverSide: true, fieldManager: "b" };
    await expect(applyObject(client, configMapKind, object({ x: "2" }), other)).rejects.toMatchObject({
      reason: "Conflict",
    });
    const forced = await applyObject(client, configMapKind, object({ x: "2" }), { ...other, force: true });
    expect(forced.object).toMatchObject({ data: { x: "2" } });
    const created = await client.create(configMapKind, { ...configMap("c"), metadata: { name: "c" } } as never);
    expect((created as { metadata: { managedFields: unknown } }).metadata.managedFields).toMatchObject([
      { manager: "script" },
    ]);
  });

  it("takes over what it applied on the client's side before", async () => {
    const api = await openApi();
    await using client = clientOf(api);
    await applyObject(client, configMapKind, object({ x: "1", y: "1" }));
    const { object: moved } = await applyObject(client, configMapKind, object({ x: "2" }), { serverSide: true });
    expect(moved).toMatchObject({ data: { x: "2" } });
    expect((moved as { data: object }).data).not.toHaveProperty("y");
    // The note stays, so that who still applies on the client's side goes on from it.
    const note = { "f:metadata": { "f:annotations": { "f:kubectl.kubernetes.io/last-applied-configuration": {} } } };
    expect(fieldsOf(moved as never)).toEqual({
      "kubectl Apply": { "f:data": { "f:x": {} } },
      "kubectl-last-applied Apply": note,
    });
  });
});
