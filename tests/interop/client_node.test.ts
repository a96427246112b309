import { PassThrough } from "node:stream";
import {
  AppsV1Api,
  AuthenticationV1Api,
  BatchV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  type V1Status,
  VersionApi,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../e2e/harness.ts";
import { type Interop, sayAndStay, shellDeployment, shellPod, startInterop } from "./_kubectl.ts";

/** The clients that Kubernetes' authors made for JavaScript, as they are: typed, watching, informed. */

let cluster: Interop;
const config = new KubeConfig();
let core: CoreV1Api;
const namespace = "client-node";

beforeAll(async () => {
  cluster = await startInterop();
  config.loadFromFile(cluster.env["KUBECONFIG"] ?? "");
  core = config.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name: namespace } } });
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe("@kubernetes/client-node", () => {
  it("creates, reads, replaces, patches and deletes through the typed API", async () => {
    const body: V1ConfigMap = { metadata: { name: "typed", labels: { a: "b" } }, data: { key: "1" } };
    const created = await core.createNamespacedConfigMap({ namespace, body });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const read = await core.readNamespacedConfigMap({ namespace, name: "typed" });
    await core.replaceNamespacedConfigMap({ namespace, name: "typed", body: { ...read, data: { key: "2" } } });
    await expect(
      core.replaceNamespacedConfigMap({ namespace, name: "typed", body: { ...read, data: { key: "3" } } }),
    ).rejects.toMatchObject({ code: 409 });
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name: "typed", body: { data: { other: "x" } } },
      setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
    );
    expect(patched.data).toEqual({ key: "2", other: "x" });
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: "a=b" });
    expect(list.items.map(({ metadata }) => metadata?.name)).toEqual(["typed"]);
    await core.deleteNamespacedConfigMap({ namespace, name: "typed" });
    await expect(core.readNamespacedConfigMap({ namespace, name: "typed" })).rejects.toMatchObject({ code: 404 });
  });

  it("tells its version and discovers groups", async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toMatch(/^v1\./);
    expect((await config.makeApiClient(AppsV1Api).getAPIResources()).resources.map(({ name }) => name)).toContain(
      "deployments",
    );
  });

  it("applies any object by its kind, on the server", async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "generic", namespace }, data: { a: "1" } };
    await objects.create(object);
    const read = await objects.read<V1ConfigMap>({ ...object, metadata: { name: "generic", namespace } });
    expect(read.data).toEqual({ a: "1" });
    const applied = await objects.patch(
      { ...object, data: { a: "2" } },
      undefined,
      undefined,
      "client-node",
      true,
      PatchStrategy.ServerSideApply,
    );
    expect((applied as V1ConfigMap).data).toEqual({ a: "2" });
    await objects.delete(object);
  });

  it("watches, and resumes from a version", async () => {
    const seen: string[] = [];
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const watch = new Watch(config);
    const labels = { watched: "yes" };
    const request = await watch.watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true, labelSelector: "watched=yes" },
      (phase: string, object: V1ConfigMap) => seen.push(`${phase} ${object.metadata?.name}`),
      () => {},
    );
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "watched", labels } } });
    await core.deleteNamespacedConfigMap({ namespace, name: "watched" });
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(2);
    request.abort();
    expect(seen).toEqual(["ADDED watched", "DELETED watched"]);
  });

  it("keeps an informer's cache", async () => {
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
      core.listNamespacedConfigMap({ namespace }),
    );
    const seen: string[] = [];
    informer.on("add", ({ metadata }) => seen.push(`add ${metadata?.name}`));
    informer.on("update", ({ data }) => seen.push(`update ${data?.["a"]}`));
    informer.on("delete", ({ metadata }) => seen.push(`delete ${metadata?.name}`));
    await informer.start();
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: "informed" }, data: { a: "1" } } });
    await core.patchNamespacedConfigMap(
      { namespace, name: "informed", body: { data: { a: "2" } } },
      setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
    );
    await core.deleteNamespacedConfigMap({ namespace, name: "informed" });
    await expect.poll(() => seen).toContain("delete informed");
    await informer.stop();
    // The cluster writes one of its own when it gets round to it.
    expect(seen.filter((text) => !text.includes("kube-root-ca.crt"))).toEqual([
      "add informed",
      "update 2",
      "delete informed",
    ]);
  });

  it("runs a Deployment, reads a pod's log and executes a command", async () => {
    const apps = config.makeApiClient(AppsV1Api);
    await apps.createNamespacedDeployment({ namespace, body: shellDeployment("web", sayAndStay("hello"), 1) });
    const pod = await eventually("a pod ran", async () => {
      const { items } = await core.listNamespacedPod({ namespace, labelSelector: "app=web" });
      return items.find(({ status }) => status?.phase === "Running");
    });
    const name = pod.metadata?.name ?? "";
    const said = async () => {
      const written = new PassThrough();
      await new Log(config).log(namespace, name, "main", written, { follow: false });
      return await text(written);
    };
    await expect.poll(said).toContain("hello");
    const output = new PassThrough();
    const status = await new Promise<V1Status>((resolve, reject) => {
      const command = ["sh", "-c", "echo out; exit 3"];
      new Exec(config).exec(namespace, name, "main", command, output, null, null, false, resolve).catch(reject);
    });
    expect(status).toMatchObject({ status: "Failure", reason: "NonZeroExitCode" });
    output.end();
    expect(await text(output)).toBe("out\n");
    await apps.replaceNamespacedDeploymentScale({
      namespace,
      name: "web",
      body: { metadata: { name: "web", namespace }, spec: { replicas: 2 } },
    });
    await expect
      .poll(async () => (await apps.readNamespacedDeployment({ namespace, name: "web" })).status?.readyReplicas)
      .toBe(2);
  });

  it("is told what is wrong in a Status", async () => {
    const failure = await core
      .createNamespacedPod({ namespace, body: shellPod("No_Name", "true") })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 422 });
    expect(JSON.parse((failure as { body: string }).body)).toMatchObject({ kind: "Status", reason: "Invalid" });
  });

  it("creates jobs, asks who it is, and uses custom objects' paths for any resource", async () => {
    const batch = config.makeApiClient(BatchV1Api);
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "shell:1" }] } };
    const job = await batch.createNamespacedJob({ namespace, body: { metadata: { name: "job" }, spec: { template } } });
    expect(job.spec?.backoffLimit).toBe(6);
    const review = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
    expect(review.status?.userInfo?.groups).toContain("system:authenticated");
    const leases = await config.makeApiClient(CustomObjectsApi).listNamespacedCustomObject({
      group: "coordination.k8s.io",
      version: "v1",
      namespace: "kube-node-lease",
      plural: "leases",
    });
    expect(leases).toMatchObject({ kind: "LeaseList" });
  });
});

async function text(stream: PassThrough): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += String(chunk);
  return all;
}
