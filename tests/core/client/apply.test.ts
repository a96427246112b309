import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { applyMergePatch, applyStrategicPatch } from "../../../core/api/patch/mod.ts";
import { StatusError } from "../../../core/api/status.ts";
import { apply } from "../../../core/client/apply.ts";
import { lastAppliedAnnotation } from "../../../core/client/mod.ts";
import { answer, deployment, fakeApi } from "./fake_api.ts";

const schema = "io.k8s.api.apps.v1.Deployment";

/** A server that keeps one object. */
function setUp(kind = deployment) {
  const state: { object: KubeObject | undefined; conflicts: number } = { object: undefined, conflicts: 0 };
  const { client, requests } = fakeApi(({ method, body, headers }) => {
    if (method === "GET")
      return state.object ? answer(200, state.object) : answer(404, StatusError.notFound(kind, "web").status);
    if (method === "POST") state.object = body;
    else if (state.conflicts-- > 0) return answer(409, StatusError.conflict(kind, "web").status);
    else if (headers["content-type"] === "application/strategic-merge-patch+json")
      state.object = applyStrategicPatch(state.object as never, body, schema) as never;
    else state.object = applyMergePatch(state.object as never, body) as never;
    return answer(200, state.object);
  });
  return { client, requests, state };
}

function web(containers: readonly object[], more: object = {}): KubeObject {
  return {
    kind: "Deployment",
    apiVersion: "apps/v1",
    metadata: { name: "web", namespace: "shop" },
    spec: { template: { spec: { containers } }, ...more },
  } as KubeObject;
}

describe("apply()", () => {
  it("creates what is missing, with kubectl's annotation", async () => {
    const { client, requests } = setUp();
    const { outcome, object } = await apply(client, deployment, web([{ name: "a", image: "<a&b>" }]), { dryRun: true });
    expect(outcome).toBe("created");
    expect(requests.map(({ method, query }) => `${method} ${query}`)).toEqual([
      "GET ",
      "POST dryRun=All&fieldManager=kubectl-client-side-apply",
    ]);
    expect(object.metadata.annotations?.[lastAppliedAnnotation]).toBe(
      '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{},"name":"web","namespace":"shop"},"spec":{"template":{"spec":{"containers":[{"image":"\\u003ca\\u0026b\\u003e","name":"a"}]}}}}\n',
    );
  });

  it("says unchanged and sends nothing when nothing changes", async () => {
    const { client, requests } = setUp();
    await apply(client, deployment, web([{ name: "a", image: "1" }]));
    const { outcome } = await apply(client, deployment, web([{ image: "1", name: "a" }]));
    expect(outcome).toBe("unchanged");
    expect(requests.map(({ method }) => method)).toEqual(["GET", "POST", "GET"]);
  });

  it("sets what changed, removes what is no longer said, keeps what others set", async () => {
    const { client, requests, state } = setUp();
    await apply(
      client,
      deployment,
      web(
        [
          { name: "a", image: "1" },
          { name: "b", image: "1" },
        ],
        { replicas: 3 },
      ),
    );
    state.object = applyStrategicPatch(
      state.object as never,
      { metadata: { labels: { other: "yes" } }, spec: { template: { spec: { containers: [{ name: "side" }] } } } },
      schema,
    ) as never;
    const { outcome, object } = await apply(client, deployment, web([{ name: "a", image: "2" }]));
    expect(outcome).toBe("configured");
    expect(requests.at(-1)?.headers["content-type"]).toBe("application/strategic-merge-patch+json");
    const { metadata, spec } = object as KubeObject & {
      spec: { replicas?: number; template: { spec: { containers: { name: string; image?: string }[] } } };
    };
    expect(metadata.labels).toEqual({ other: "yes" });
    expect(spec.replicas).toBeUndefined();
    const { containers } = spec.template.spec;
    expect(containers.map(({ name, image }) => [name, image]).sort()).toEqual([
      ["a", "2"],
      ["side", undefined],
    ]);
  });

  it("sends a merge patch for kinds that are not Kubernetes' own", async () => {
    const widget = { group: "example.com", version: "v1", kind: "Widget", plural: "widgets", namespaced: true };
    const { client, requests } = setUp(widget);
    await apply(client, widget, web([{ name: "a" }, { name: "b" }]));
    const { object } = await apply(client, widget, web([{ name: "c" }]));
    expect(requests.at(-1)?.headers["content-type"]).toBe("application/merge-patch+json");
    expect(object).toMatchObject({ spec: { template: { spec: { containers: [{ name: "c" }] } } } });
  });

  it("tries a conflict again, five times in all", async () => {
    const { client, requests, state } = setUp();
    await apply(client, deployment, web([]));
    state.conflicts = 4;
    expect((await apply(client, deployment, web([], { replicas: 2 }))).outcome).toBe("configured");
    expect(requests.filter(({ method }) => method === "PATCH")).toHaveLength(5);
    state.conflicts = 5;
    await expect(apply(client, deployment, web([], { replicas: 3 }))).rejects.toMatchObject({ reason: "Conflict" });
  });

  it("warns about an object that was not made by apply", async () => {
    const { client, state } = setUp();
    state.object = web([]);
    const warnings: string[] = [];
    await apply(client, deployment, web([]), { onWarning: (text) => warnings.push(text) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`resource deployments/web is missing the ${lastAppliedAnnotation} annotation`);
  });

  it("needs a name", async () => {
    const { client } = setUp();
    const nameless = { ...web([]), metadata: { generateName: "web-" } };
    await expect(apply(client, deployment, nameless)).rejects.toThrow("metadata.name must be given");
  });
});
