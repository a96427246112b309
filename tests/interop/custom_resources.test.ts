import { ApiextensionsV1Api, CustomObjectsApi, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, startInterop } from "./_kubectl.ts";

const group = "stable.example.com";
const apiVersion = `${group}/v1`;

/** The example of Kubernetes' documentation, and what else a definition may say. */
function definition(plural: string, kind: string): object {
  const spec = {
    type: "object",
    description: "What is wanted.",
    required: ["cronSpec"],
    properties: {
      cronSpec: { type: "string", pattern: "^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$" },
      image: { type: "string", description: "Image to run." },
      replicas: { type: "integer", minimum: 1, maximum: 10, default: 1 },
    },
    "x-kubernetes-validations": [{ rule: "self.replicas != 7", message: "not seven" }],
  };
  const status = { type: "object", properties: { replicas: { type: "integer" }, labelSelector: { type: "string" } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: {
        plural,
        singular: kind.toLowerCase(),
        kind,
        shortNames: [`${plural.slice(0, 2)}x`],
        categories: ["all"],
      },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          additionalPrinterColumns: [
            { name: "Spec", type: "string", jsonPath: ".spec.cronSpec" },
            { name: "Replicas", type: "integer", jsonPath: ".spec.replicas" },
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.labelSelector",
            },
          },
          selectableFields: [{ jsonPath: ".spec.image" }],
          schema: { openAPIV3Schema: { type: "object", properties: { spec, status } } },
        },
      ],
    },
  };
}

let cluster: Interop;
beforeAll(async () => {
  cluster = await startInterop();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe.skipIf(missing("kubectl", kubectl))("custom resources with kubectl", () => {
  it.each(dialects)("$name defines, explains, applies, scales, edits and deletes them", async (client) => {
    const plural = `crontabs${Number.isFinite(client.minor) ? client.minor : ""}`;
    const kind = `CronTab${plural.slice("crontabs".length)}`;
    const crontab = (spec: object): object => ({ apiVersion, kind, metadata: { name: "my" }, spec });
    const ok = (args: readonly string[], input?: object) => cluster.ok(args, { client, ...(input ? { input } : {}) });
    const fails = (args: readonly string[], input?: object) =>
      cluster.fails(args, { client, ...(input ? { input } : {}) });

    await ok(["create", "-f", "-"], definition(plural, kind));
    await ok(["wait", "--for=condition=Established", `crd/${plural}.${group}`, "--timeout=60s"]);
    expect(await ok(["explain", `${plural}.spec`])).toContain("What is wanted.");
    await ok(["create", "-f", "-"], crontab({ cronSpec: "* * * * */5", image: "a" }));
    expect(await ok(["get", plural])).toMatch(/^NAME +SPEC +REPLICAS +AGE\nmy +\* \* \* \* \*\/5 +1 +\d+s\n$/);
    expect(await ok(["get", plural, "--field-selector", "spec.image=b", "-o", "name"])).toBe("");

    await ok(
      ["apply", "--server-side", "--force-conflicts", "-f", "-"],
      crontab({ cronSpec: "* * * * */5", image: "b" }),
    );
    await ok(["apply", "-f", "-"], crontab({ cronSpec: "* * * * */5", image: "c" }));
    expect(await ok(["get", plural, "my", "-o", "jsonpath={.spec.image}"])).toBe("c");
    expect(await fails(["apply", "-f", "-"], crontab({ cronSpec: "* * * * */5", colour: "red" }))).toMatch(
      /unknown field/,
    );
    expect(await fails(["apply", "-f", "-"], crontab({ cronSpec: "often" }))).toContain(
      "spec.cronSpec in body should match",
    );

    const applied = { client, env: { KUBE_EDITOR: "sed -i s/image:.*/image:\\ d/" } };
    await cluster.ok(["apply", "edit-last-applied", `${plural}/my`], applied);
    expect(await ok(["apply", "view-last-applied", `${plural}/my`])).toContain("image: d");
    expect(await ok(["get", plural, "my", "-o", "jsonpath={.spec.image}"])).toBe("c");

    await ok(["scale", "--replicas=3", `${plural}/my`]);
    expect(await fails(["scale", "--replicas=7", `${plural}/my`])).toContain("not seven");
    const edit = { client, env: { KUBE_EDITOR: "sed -i s/image:.*/image:\\ edited/" } };
    await cluster.ok(["edit", plural, "my"], edit);
    expect(await ok(["get", plural, "my", "-o", "jsonpath={.spec.image} {.spec.replicas}"])).toBe("edited 3");
    expect(await fails(["patch", plural, "my", "-p", '{"spec":{"replicas":2}}'])).toMatch(
      // What older ones say of it.
      /strategic-merge-patch\+json|UnsupportedMediaType/,
    );
    await ok(["patch", plural, "my", "--type=merge", "-p", '{"spec":{"replicas":2}}']);

    await ok(["delete", "crd", `${plural}.${group}`, "--timeout=60s"]);
    expect(await fails(["get", plural])).toMatch(/doesn't have a resource type|could not find the requested resource/);
  });
});

describe("custom resources with @kubernetes/client-node", () => {
  it("are defined, written, listed and followed by an informer", async () => {
    const config = new KubeConfig();
    config.loadFromFile(cluster.env["KUBECONFIG"] ?? "");
    const definitions = config.makeApiClient(ApiextensionsV1Api);
    const api = config.makeApiClient(CustomObjectsApi);
    // Its typed schemas call some members otherwise: `_default`, `x_kubernetes_validations`.
    await api.createClusterCustomObject({
      group: "apiextensions.k8s.io",
      version: "v1",
      plural: "customresourcedefinitions",
      body: definition("jobsx", "JobX"),
    });
    await eventually("its kind was established", async () => {
      const { status } = await definitions.readCustomResourceDefinition({ name: `jobsx.${group}` });
      return status?.conditions?.find(({ type, status: is }) => type === "Established" && is === "True");
    });
    const place = { group, version: "v1", namespace: "default", plural: "jobsx" };
    const seen: string[] = [];
    const informer = makeInformer(config, `/apis/${group}/v1/namespaces/default/jobsx`, () =>
      api.listNamespacedCustomObject(place),
    );
    informer.on("add", ({ metadata }) => seen.push(`add ${metadata?.name}`));
    informer.on("update", ({ metadata }) => seen.push(`update ${metadata?.name}`));
    informer.on("delete", ({ metadata }) => seen.push(`delete ${metadata?.name}`));
    await informer.start();
    const body = { apiVersion, kind: "JobX", metadata: { name: "a" }, spec: { cronSpec: "* * * * *" } };
    const created = await api.createNamespacedCustomObject({ ...place, body });
    expect(created.spec).toEqual({ cronSpec: "* * * * *", replicas: 1 });
    const status = { ...created, status: { replicas: 1 } };
    await api.replaceNamespacedCustomObjectStatus({ ...place, name: "a", body: status });
    const scale = await api.getNamespacedCustomObjectScale({ ...place, name: "a" });
    expect(scale).toMatchObject({ kind: "Scale", spec: { replicas: 1 }, status: { replicas: 1 } });
    await api.deleteNamespacedCustomObject({ ...place, name: "a" });
    await expect.poll(() => seen).toContain("delete a");
    await informer.stop();
    expect(seen).toEqual(["add a", "update a", "delete a"]);
    await definitions.deleteCustomResourceDefinition({ name: `jobsx.${group}` });
  });
});
