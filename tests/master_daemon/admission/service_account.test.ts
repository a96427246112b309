import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { openApi, podObject, type TestApi } from "../apiserver/_api.ts";

const accounts = "/api/v1/namespaces/default/serviceaccounts";
const pods = "/api/v1/namespaces/default/pods";

function account(name: string, more: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, ...metadata }, ...more };
}

async function openWith(...present: readonly JsonObject[]): Promise<TestApi> {
  const api = await openApi({ plugins: { disable: [] } });
  for (const one of present) expect((await api.create(accounts, one)).status).toBe(201);
  return api;
}

describe("ServiceAccount", () => {
  it("gives pods an account and a volume with a token, the authority and the namespace", async () => {
    const api = await openWith(account("default", { imagePullSecrets: [{ name: "registry" }] }));
    const { spec } = (await api.create(pods, podObject("web", { initContainers: [{ name: "i", image: "b" }] }))).json;
    expect(spec).toMatchObject({
      serviceAccountName: "default",
      serviceAccount: "default",
      imagePullSecrets: [{ name: "registry" }],
    });
    const [volume] = spec.volumes;
    expect(volume.name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(volume.projected).toEqual({
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    });
    const mount = { name: volume.name, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" };
    for (const container of [...spec.initContainers, ...spec.containers])
      expect(container.volumeMounts).toEqual([mount]);
  });

  it("mounts nothing where the pod or its account says so, or something else is in the place", async () => {
    const api = await openWith(account("default"), account("quiet", { automountServiceAccountToken: false }));
    const volumesOf = async (name: string, spec: JsonObject) =>
      (await api.create(pods, podObject(name, spec))).json.spec.volumes?.map((one: { name: string }) => one.name);
    expect(await volumesOf("a", { automountServiceAccountToken: false })).toBeUndefined();
    expect(await volumesOf("b", { serviceAccountName: "quiet" })).toBeUndefined();
    expect(await volumesOf("c", { serviceAccountName: "quiet", automountServiceAccountToken: true })).toHaveLength(1);
    const own = { name: "own", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" };
    const containers = [{ name: "main", image: "busybox", volumeMounts: [own] }];
    expect(await volumesOf("d", { containers, volumes: [{ name: "own", emptyDir: {} }] })).toEqual(["own"]);
  });

  it("refuses an account that is not there, the default one only after a while", async () => {
    const clock = new FakeClock();
    const api = await openApi({ plugins: { disable: [] }, clock });
    expect((await api.create(pods, podObject("a", { serviceAccountName: "missing" }))).json.message).toBe(
      'pods "a" is forbidden: error looking up service account default/missing: serviceaccount "missing" not found',
    );
    const waiting = api.create(pods, podObject("b"));
    await new Promise((resolve) => setImmediate(resolve));
    await api.create(accounts, account("default"));
    expect((await waiting).status).toBe(201);
    await api.call("DELETE", `${accounts}/default`);
    const late = api.create(pods, podObject("c"));
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(10_000);
    expect((await late).json.message).toContain('serviceaccount "default" not found');
  });

  it("holds pods to the secrets of an account that asks for it", async () => {
    const annotations = { "kubernetes.io/enforce-mountable-secrets": "true" };
    const api = await openWith(account("default", { secrets: [{ name: "good" }] }, { annotations }));
    const volume = (secretName: string) => ({ volumes: [{ name: "v", secret: { secretName } }] });
    expect((await api.create(pods, podObject("a", volume("good")))).status).toBe(201);
    expect((await api.create(pods, podObject("b", volume("bad")))).json.message).toBe(
      'pods "b" is forbidden: volume with secret.secretName="bad" is not allowed because service account default does not reference that secret',
    );
    const env = [{ name: "E", valueFrom: { secretKeyRef: { name: "bad", key: "k" } } }];
    const containers = [{ name: "main", image: "busybox", env }];
    expect((await api.create(pods, podObject("c", { containers }))).json.message).toContain(
      'container main with envVar E referencing secret.secretName="bad" is not allowed',
    );
  });

  it("leaves mirror pods as they are, and lets them refer to nothing secret", async () => {
    const api = await openWith(account("default"));
    const mirror = (spec: JsonObject) => ({
      ...podObject("static-node", { nodeName: "node", ...spec }),
      metadata: { name: "static-node", annotations: { "kubernetes.io/config.mirror": "hash" } },
    });
    const messageOf = async (spec: JsonObject) => (await api.create(pods, mirror(spec))).json.message;
    expect(await messageOf({ serviceAccountName: "default" })).toContain(
      "a mirror pod may not reference service accounts",
    );
    expect(await messageOf({ volumes: [{ name: "v", secret: { secretName: "s" } }] })).toContain(
      "a mirror pod may not reference secrets",
    );
    const { json } = await api.create(pods, mirror({}));
    expect([json.spec.serviceAccountName, json.spec.volumes]).toEqual([undefined, undefined]);
  });
});
