import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import { admin, duplexPair, openApi, podObject, type TestApi } from "./_api.ts";

const pods = "/api/v1/namespaces/default/pods";
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const merge = { "content-type": "application/merge-patch+json" };

const deployment: JsonObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "busybox" }] } },
  },
};

async function withNode(api: TestApi): Promise<void> {
  await api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
}

function binding(node: string): JsonObject {
  return { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: node } };
}

describe("status", () => {
  it("changes only through /status, and the rest only through the object", async () => {
    const api = await openApi();
    const { json: created } = await api.create(deployments, deployment);
    const status = await api.call("PUT", `${deployments}/web/status`, {
      ...created,
      spec: { ...created.spec, replicas: 9 },
      status: { replicas: 1, observedGeneration: 1 },
    });
    expect([status.json.spec.replicas, status.json.status.replicas]).toEqual([2, 1]);
    const spec = await api.call(
      "PATCH",
      `${deployments}/web`,
      { spec: { replicas: 3 }, status: { replicas: 7 } },
      merge,
    );
    expect([spec.json.spec.replicas, spec.json.status.replicas, spec.json.metadata.generation]).toEqual([3, 1, 2]);
    const patched = await api.call("PATCH", `${deployments}/web/status`, { status: { replicas: 5 } }, merge);
    expect(patched.json.status.replicas).toBe(5);
    expect((await api.call("GET", `${deployments}/web/status`)).text).toBe(patched.text);
  });

  it("of a namespace without a phase is that of one in use", async () => {
    const api = await openApi();
    const { json: room } = await api.call("GET", "/api/v1/namespaces/default");
    const { status, json } = await api.call("PUT", "/api/v1/namespaces/default/status", { ...room, status: {} });
    expect([status, json.status.phase]).toEqual([200, "Active"]);
  });

  it("is not there for kinds without status", async () => {
    const api = await openApi();
    expect((await api.call("GET", "/api/v1/namespaces/default/configmaps/a/status")).json.code).toBe(404);
  });
});

describe("scale", () => {
  it("shows and sets the replicas", async () => {
    const api = await openApi();
    const { json: created } = await api.create(deployments, deployment);
    const { uid, resourceVersion, creationTimestamp } = created.metadata;
    expect((await api.call("GET", `${deployments}/web/scale`)).json).toEqual({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name: "web", namespace: "default", uid, resourceVersion, creationTimestamp },
      spec: { replicas: 2 },
      status: { replicas: 0, selector: "app=web" },
    });
    expect(
      (await api.call("PATCH", `${deployments}/web/scale`, { spec: { replicas: 4 } }, merge)).json.spec.replicas,
    ).toBe(4);
    expect((await api.call("GET", `${deployments}/web`)).json.spec.replicas).toBe(4);
    const stale = { metadata: { name: "web", resourceVersion }, spec: { replicas: 1 } };
    expect((await api.call("PUT", `${deployments}/web/scale`, stale)).json.reason).toBe("Conflict");
    expect(
      (await api.call("PUT", `${deployments}/web/scale`, { metadata: { name: "web" }, spec: { replicas: 0 } })).json
        .spec.replicas,
    ).toBe(0);
    const negative = await api.call("PATCH", `${deployments}/web/scale`, { spec: { replicas: -1 } }, merge);
    expect(negative.json.message).toBe(
      'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    );
  });

  it.each<[string, JsonObject, string]>([
    [
      "another version",
      { apiVersion: "autoscaling/v9" },
      "the API version in the data (autoscaling/v9) does not match the expected API version (autoscaling/v1)",
    ],
    [
      "another kind",
      { kind: "Deployment" },
      'Deployment in version "v1" cannot be handled as a Scale: the kind in the data (Deployment) does not match the expected kind (Scale)',
    ],
    [
      "no name",
      { metadata: {} },
      "the name of the object (web based on URL) was undeterminable: name must be provided",
    ],
    [
      "another name",
      { metadata: { name: "other" } },
      "the name of the object (other) does not match the name on the URL (web)",
    ],
    [
      "another namespace",
      { metadata: { name: "web", namespace: "other" } },
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "text for a number",
      { spec: { replicas: "3" } },
      'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32',
    ],
  ])("is refused with %s", async (_, change, message) => {
    const api = await openApi();
    await api.create(deployments, deployment);
    const body = { metadata: { name: "web" }, spec: { replicas: 3 }, ...change };
    const { json } = await api.call("PUT", `${deployments}/web/scale`, body);
    expect([json.reason, json.message]).toEqual(["BadRequest", message]);
  });
});

describe("binding", () => {
  it.each([`${pods}/p/binding`, "/api/v1/namespaces/default/bindings"])(
    "gives a pod its node, once: %s",
    async (path) => {
      const api = await openApi();
      await api.create(pods, podObject("p"));
      const bound = await api.create(path, binding("n1"));
      expect([bound.status, bound.json.status]).toEqual([201, "Success"]);
      const { json: pod } = await api.call("GET", `${pods}/p`);
      expect(pod.spec.nodeName).toBe("n1");
      expect(pod.status.conditions).toContainEqual(
        expect.objectContaining({ type: "PodScheduled", status: "True", observedGeneration: 1 }),
      );
      const again = await api.create(path, binding("n2"));
      expect(again.json).toMatchObject({
        code: 409,
        message: 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n1"',
      });
    },
  );

  it("gives a pod its node into which a container was put while it waited", async () => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    const patch = { spec: { ephemeralContainers: [{ name: "debugger", image: "busybox" }] } };
    expect((await api.call("PATCH", `${pods}/p/ephemeralcontainers`, patch, merge)).status).toBe(200);
    expect((await api.create(`${pods}/p/binding`, binding("n1"))).status).toBe(201);
    expect((await api.call("GET", `${pods}/p`)).json.spec.nodeName).toBe("n1");
  });

  it("refuses annotations that none can be, and names that no node has", async () => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    const noted = { ...binding("n1"), metadata: { name: "p", annotations: { "not a key": "" } } };
    expect((await api.create(`${pods}/p/binding`, noted)).json).toMatchObject({
      code: 422,
      message: expect.stringMatching(/^Pod "p" is invalid: metadata\.annotations: Invalid value: "not a key"/),
    });
    expect((await api.create(`${pods}/p/binding`, binding("n/1"))).json).toMatchObject({
      code: 422,
      message: expect.stringMatching(/^Binding "p" is invalid: target\.name: Invalid value: "n\/1"/),
    });
    expect((await api.call("GET", `${pods}/p`)).json.spec.nodeName).toBeUndefined();
  });

  it("refuses what is no node, and pods that are not there", async () => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    expect((await api.create(`${pods}/p/binding`, binding(""))).json.message).toBe(
      'Binding "p" is invalid: target.name: Required value',
    );
    expect((await api.create(`${pods}/x/binding`, { ...binding("n1"), metadata: { name: "x" } })).json.code).toBe(404);
  });
});

describe("eviction", () => {
  it.each(["policy/v1", "policy/v1beta1"])("deletes the pod: %s", async (apiVersion) => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    const body = { apiVersion, kind: "Eviction", metadata: { name: "p" }, deleteOptions: { gracePeriodSeconds: 0 } };
    const dry = await api.create(`${pods}/p/eviction`, { ...body, deleteOptions: { dryRun: ["All"] } });
    expect(dry.status).toBe(201);
    expect((await api.call("GET", `${pods}/p`)).status).toBe(200);
    const evicted = await api.create(`${pods}/p/eviction`, body);
    expect(evicted.json).toEqual({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
    expect((await api.call("GET", `${pods}/p`)).status).toBe(404);
  });
});

describe("namespaces", () => {
  it("stay Terminating until finalized; nothing new is created in them meanwhile", async () => {
    const api = await openApi({ namespaces: ["default", "n"] });
    const deleted = await api.call("DELETE", "/api/v1/namespaces/n");
    expect(deleted.json).toMatchObject({ kind: "Namespace", status: { phase: "Terminating" } });
    const refused = await api.create("/api/v1/namespaces/n/configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a" },
    });
    expect(refused.json).toMatchObject({
      code: 403,
      message:
        'configmaps "a" is forbidden: unable to create new content in namespace n because it is being terminated',
      details: { causes: [{ reason: "NamespaceTerminating", field: "metadata.namespace" }] },
    });
    const finalized = await api.call("PUT", "/api/v1/namespaces/n/finalize", {
      ...deleted.json,
      spec: { finalizers: [] },
    });
    expect(finalized.status).toBe(200);
    expect((await api.call("GET", "/api/v1/namespaces/n")).status).toBe(404);
  });
});

describe("log", () => {
  it("asks the node for what the query says, and passes its answer on", async () => {
    const api = await openApi();
    await withNode(api);
    await api.create(pods, podObject("p", { nodeName: "n1" }));
    const answer = await api.call("GET", `${pods}/p/log?container=main&tailLines=5&timestamps=true&sinceSeconds=9`);
    expect([answer.status, answer.headers["content-type"], answer.text]).toEqual([200, "text/plain", "log line\n"]);
    expect(api.nodes.paths).toEqual(["/containerLogs/default/p/main?timestamps=true&tailLines=5&sinceSeconds=9"]);
  });

  it.each([
    ["?container=zz", 400, "container zz is not valid for pod p"],
    ["", 400, "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]"],
    ["?container=a", 400, 'container "a" in pod "p" is waiting to start: ContainerCreating'],
    ["?container=b&previous=true", 400, 'previous terminated container "b" in pod "p" not found'],
    [
      "?container=b&tailLines=-1",
      422,
      'PodLogOptions "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
  ])("refuses %s with %i", async (query, status, message) => {
    const api = await openApi();
    await withNode(api);
    const container = (name: string) => ({ name, image: "busybox" });
    const { json } = await api.create(
      pods,
      podObject("p", {
        nodeName: "n1",
        containers: [container("a"), container("b")],
        initContainers: [container("i")],
      }),
    );
    const waiting = {
      name: "a",
      state: { waiting: { reason: "ContainerCreating" } },
      ready: false,
      restartCount: 0,
      image: "",
      imageID: "",
    };
    await api.call("PUT", `${pods}/p/status`, { ...json, status: { ...json.status, containerStatuses: [waiting] } });
    const answer = await api.call("GET", `${pods}/p/log${query}`);
    expect([answer.status, answer.json.message]).toEqual([status, message]);
  });

  it("passes on the node's Status when it refuses", async () => {
    const api = await openApi();
    await withNode(api);
    await api.create(pods, podObject("p", { nodeName: "n1" }));
    const { status } = StatusError.badRequest("no such log");
    api.nodes.respond = () => ({ status: 400, headers: {}, body: new TextEncoder().encode(JSON.stringify(status)) });
    expect((await api.call("GET", `${pods}/p/log`)).json).toMatchObject({ code: 400, message: "no such log" });
  });
});

describe("connect()", () => {
  const websocket = { upgrade: "websocket", "sec-websocket-protocol": "v5.channel.k8s.io" };

  async function connect(api: TestApi, path: string, headers: Record<string, string> = websocket) {
    const answer = await api.handler.connect(
      { method: "GET", path, headers },
      { user: admin, signal: new AbortController().signal },
    );
    if (!("response" in answer)) return answer;
    return JSON.parse(new TextDecoder().decode(answer.response.body as Uint8Array));
  }

  it("opens the node's end before it accepts", async () => {
    const api = await openApi();
    await withNode(api);
    await api.create(pods, podObject("p", { nodeName: "n1" }));
    api.nodes.open = () => duplexPair()[0];
    const answer = await connect(
      api,
      `${pods}/p/exec?command=a%26b&command=c&stdout=true&stdin=true&tty=true&stderr=true`,
    );
    expect(answer).toMatchObject({
      choice: { transport: "websocket", protocol: "v5.channel.k8s.io" },
      target: { kind: "channels", stderr: false },
    });
    expect(api.nodes.paths).toEqual(["/exec/default/p/main?command=a%26b&command=c&stdin=true&stdout=true&tty=true"]);
  });

  it.each([
    ["/exec?command=a", websocket, 400, "you must specify at least 1 of stdin, stdout, stderr"],
    ["/exec?stdout=true", websocket, 422, 'PodExecOptions "" is invalid: command: Required value'],
    ["/exec?command=a&stdout=true&container=zz", websocket, 400, "container zz is not valid for pod p"],
    ["/exec?command=a&stdout=true", websocket, 400, "pod p does not have a host assigned"],
    ["/exec?command=a&stdout=true", {}, 400, "Upgrade request required"],
    ["/exec?command=a&stdout=true", { upgrade: "websocket", "sec-websocket-protocol": "v9" }, 403, undefined],
    [
      "/portforward?ports=22&ports=other.host:80",
      { upgrade: "websocket", "sec-websocket-protocol": "v4.channel.k8s.io" },
      400,
      undefined,
    ],
    ["/portforward", { upgrade: "SPDY/3.1" }, 400, "pod p does not have a host assigned"],
    ["/status", websocket, 400, "this path is not served over upgraded connections"],
    ["/log?container=zz", websocket, 400, "container zz is not valid for pod p"],
  ])("refuses %s", async (path, headers, code, message) => {
    const api = await openApi();
    await api.create(pods, podObject("p"));
    const answer = await connect(api, `${pods}/p${path}`, headers as Record<string, string>);
    expect(answer).toMatchObject({ kind: "Status", code });
    if (message) expect(answer.message).toBe(message);
  });

  it("asks for create on the subresource, whatever the method", async () => {
    const asked: unknown[] = [];
    const api = await openApi({
      authorizer: {
        async authorize(_user, attributes) {
          asked.push(attributes);
          return {
            allowed:
              attributes.verb !== "create" || (attributes.type === "resource" && attributes.subresource === undefined),
          };
        },
      },
    });
    await api.create(pods, podObject("p"));
    expect(await connect(api, `${pods}/p/exec?command=id&stdout=true`)).toMatchObject({ code: 403 });
    expect(asked.at(-1)).toMatchObject({ verb: "create", resource: "pods", subresource: "exec", name: "p" });
  });

  it("an ordinary request is told to upgrade", async () => {
    const api = await openApi();
    expect((await api.call("POST", `${pods}/p/exec?command=id`)).json).toMatchObject({
      code: 400,
      message: "Upgrade request required",
    });
  });
});
