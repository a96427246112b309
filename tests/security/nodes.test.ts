import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { openMaster, podObject, type Target } from "./_master.ts";

/** What a node's own credentials reach: itself, its pods and what these refer to. */

const pods = "/api/v1/namespaces/default/pods";
const nodes = "/api/v1/nodes";
let target: Target;

/** Asks as the node `a`. */
const asNode = (method: string, path: string, body?: JsonObject, type?: string) =>
  target.ask(method, path, {
    headers: { "impersonate-user": "system:node:a", "impersonate-group": "system:nodes" },
    ...(body ? { body } : {}),
    ...(type ? { type } : {}),
  });
const root = (method: string, path: string, body?: JsonObject) => target.ask(method, path, body ? { body } : {});
const merge = "application/merge-patch+json";
const node = (name: string, metadata: JsonObject = {}, spec: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, ...metadata },
  spec,
});

beforeAll(async () => {
  let close = async () => {};
  target = await openMaster({}, (end) => {
    close = end;
  });
  await asNode("POST", nodes, node("a"));
  await root("POST", nodes, node("b"));
  for (const name of ["mounted", "other"]) {
    await root("POST", "/api/v1/namespaces/default/secrets", { apiVersion: "v1", kind: "Secret", metadata: { name } });
    await root("POST", "/api/v1/namespaces/default/configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name },
    });
    await root("POST", "/api/v1/namespaces/default/serviceaccounts", {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name },
    });
  }
  const volumes = [
    { name: "s", secret: { secretName: "mounted" } },
    { name: "c", configMap: { name: "mounted" } },
  ];
  await root(
    "POST",
    pods,
    podObject("mine", { nodeName: "a", volumes, serviceAccountName: "mounted", automountServiceAccountToken: false }),
  );
  await root(
    "POST",
    pods,
    podObject("theirs", { nodeName: "b", serviceAccountName: "other", automountServiceAccountToken: false }),
  );
  return close;
});

describe("a node", () => {
  it("reads the secrets and config maps that its pods refer to, one by one, and no others", async () => {
    for (const plural of ["secrets", "configmaps"]) {
      const path = `/api/v1/namespaces/default/${plural}`;
      expect((await asNode("GET", `${path}/mounted`)).status).toBe(200);
      expect((await asNode("GET", `${path}?fieldSelector=metadata.name%3Dmounted`)).status).toBe(200);
      expect((await asNode("GET", `${path}/other`)).json.message).toBe(
        `${plural} "other" is forbidden: User "system:node:a" cannot get resource "${plural}" in API group "" in the namespace "default": no relationship found between node 'a' and this object`,
      );
      expect((await asNode("GET", path)).status).toBe(403);
      expect((await asNode("GET", `/api/v1/${plural}`)).status).toBe(403);
      expect((await asNode("DELETE", `${path}/mounted`)).status).toBe(403);
    }
  });

  it("loses what a pod needed with the pod", async () => {
    await root(
      "POST",
      pods,
      podObject("short", { nodeName: "a", volumes: [{ name: "s", secret: { secretName: "other" } }] }),
    );
    expect((await asNode("GET", "/api/v1/namespaces/default/secrets/other")).status).toBe(200);
    await root("DELETE", `${pods}/short?gracePeriodSeconds=0`);
    expect((await asNode("GET", "/api/v1/namespaces/default/secrets/other")).status).toBe(403);
  });

  it("sees its own pods only", async () => {
    expect((await asNode("GET", `${pods}?fieldSelector=spec.nodeName%3Da`)).status).toBe(200);
    expect((await asNode("GET", `${pods}?fieldSelector=spec.nodeName%3Db`)).status).toBe(403);
    expect((await asNode("GET", pods)).status).toBe(403);
    expect((await asNode("GET", `${pods}/mine`)).status).toBe(200);
    expect((await asNode("GET", `${pods}/theirs`)).status).toBe(403);
  });

  it.each<[string, string, string, JsonObject | undefined, string | undefined]>([
    [
      "another Node",
      "PATCH",
      `${nodes}/b`,
      { metadata: { labels: { a: "b" } } },
      'node "a" is not allowed to modify node "b"',
    ],
    [
      "another Node's status",
      "PATCH",
      `${nodes}/b/status`,
      { status: { phase: "x" } },
      'node "a" is not allowed to modify node "b"',
    ],
    ["itself away", "DELETE", `${nodes}/a`, undefined, undefined],
    [
      "its taints",
      "PATCH",
      `${nodes}/a`,
      { spec: { taints: [{ key: "k", effect: "NoSchedule" }] } },
      'node "a" is not allowed to modify taints',
    ],
    [
      "its owner",
      "PATCH",
      `${nodes}/a`,
      { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "x" }] } },
      'node "a" is not allowed to modify ownerReferences',
    ],
    [
      "restricted labels",
      "PATCH",
      `${nodes}/a`,
      { metadata: { labels: { "node-restriction.kubernetes.io/x": "y" } } },
      "is not allowed to modify labels: node-restriction.kubernetes.io/x",
    ],
    [
      "Kubernetes' own labels",
      "PATCH",
      `${nodes}/a`,
      { metadata: { labels: { "node-role.kubernetes.io/x": "y" } } },
      "is not allowed to modify labels: node-role.kubernetes.io/x",
    ],
    [
      "the status of another's pod",
      "PATCH",
      `${pods}/theirs/status`,
      { status: { message: "x" } },
      'node "a" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      "another's pod away",
      "DELETE",
      `${pods}/theirs`,
      undefined,
      'node "a" can only delete pods with spec.nodeName set to itself',
    ],
    ["its pod's labels", "PATCH", `${pods}/mine`, { metadata: { labels: { a: "b" } } }, undefined],
  ])("does not change %s", async (_what, method, path, body, message) => {
    const answer = await asNode(method, path, body, merge);
    expect(answer.status).toBe(403);
    if (message) expect(answer.json.message).toContain(message);
  });

  it("changes what it has to", async () => {
    const labels = { metadata: { labels: { "topology.kubernetes.io/zone": "z", "example.com/x": "y" } } };
    expect((await asNode("PATCH", `${nodes}/a`, labels, merge)).status).toBe(200);
    expect((await asNode("PATCH", `${pods}/mine/status`, { status: { message: "x" } }, merge)).status).toBe(200);
    const lease = (name: string) => ({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name },
      spec: {},
    });
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    expect((await asNode("POST", leases, lease("a"))).status).toBe(201);
    expect((await asNode("POST", leases, lease("b"))).status).toBe(403);
  });

  it("makes no pods but mirrors of its own files, which refer to nothing", async () => {
    const { uid } = (await root("GET", `${nodes}/a`)).json.metadata;
    const owner = { apiVersion: "v1", kind: "Node", name: "a", uid, controller: true };
    const mirror = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
      ...podObject("mirror", { nodeName: "a", ...spec }),
      metadata: {
        name: "mirror",
        annotations: { "kubernetes.io/config.mirror": "x" },
        ownerReferences: [owner],
        ...metadata,
      },
    });
    const refused = async (pod: JsonObject) => (await asNode("POST", pods, pod)).json.message;
    expect(await refused(podObject("plain", { nodeName: "a" }))).toContain('node "a" can only create mirror pods');
    expect(await refused(mirror({ nodeName: "b" }))).toContain("spec.nodeName set to itself");
    expect(await refused(mirror({}, { ownerReferences: [] }))).toContain("an owner reference set to itself");
    expect(await refused(mirror({}, { ownerReferences: [{ ...owner, uid: "x" }] }))).toContain("UID mismatch");
    expect(await refused(mirror({ volumes: [{ name: "s", secret: { secretName: "other" } }] }))).toContain(
      "a mirror pod may not reference secrets",
    );
  });

  it("gets tokens for its pods' accounts, bound to the pods", async () => {
    const token = async (account: string, ref?: JsonObject) =>
      asNode("POST", `/api/v1/namespaces/default/serviceaccounts/${account}/token`, {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: ref ? { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...ref } } : {},
      });
    const uidOf = async (name: string) => (await root("GET", `${pods}/${name}`)).json.metadata.uid;
    expect((await token("mounted", { name: "mine", uid: await uidOf("mine") })).status).toBe(201);
    expect((await token("mounted")).json.message).toContain("node requested token not bound to a pod");
    expect((await token("mounted", { name: "mine" })).json.message).toContain("without a uid");
    expect((await token("other", { name: "theirs", uid: await uidOf("theirs") })).status).toBe(403);
  });
});
