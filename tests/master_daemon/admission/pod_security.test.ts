import { writeFile } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { joinPath, temporaryFolder } from "../../../core/platform/files.ts";
import { readAdmissionConfiguration } from "../../../master_daemon/admission/mod.ts";
import { openApi, podObject, type TestApi } from "../apiserver/_api.ts";

const prefix = "pod-security.kubernetes.io";
const pods = "/api/v1/namespaces/strict/pods";

function namespace(name: string, labels: Readonly<Record<string, string>>): JsonObject {
  const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`${prefix}/${key}`, value]));
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: prefixed } };
}

async function openStrict(labels: Readonly<Record<string, string>>): Promise<TestApi> {
  const api = await openApi();
  await api.create("/api/v1/namespaces", namespace("strict", labels));
  return api;
}

function deploymentOf(pod: JsonObject): JsonObject {
  const template = { metadata: { labels: { app: "web" } }, spec: pod["spec"] ?? {} };
  const spec = { selector: { matchLabels: { app: "web" } }, template };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec };
}

describe("PodSecurity", () => {
  it("refuses pods that violate what the namespace enforces, in Kubernetes' words", async () => {
    const api = await openStrict({ enforce: "baseline" });
    const answer = await api.create(pods, podObject("bad", { hostNetwork: true }));
    expect(answer.json).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message: 'pods "bad" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
    });
    expect((await api.create(pods, podObject("good"))).status).toBe(201);
  });

  it("only warns of workloads, whose pods are refused later", async () => {
    const api = await openStrict({ enforce: "restricted", "enforce-version": "v1.30" });
    const path = "/apis/apps/v1/namespaces/strict/deployments";
    const answer = await api.create(path, deploymentOf(podObject("web")));
    expect(answer.status).toBe(201);
    expect(String(answer.headers["warning"])).toContain('would violate PodSecurity \\"restricted:v1.30\\": ');
  });

  it("warns of pods that are let in", async () => {
    const api = await openStrict({ warn: "baseline" });
    const answer = await api.create(pods, podObject("web", { hostPID: true }));
    expect(answer.status).toBe(201);
    expect(answer.headers["warning"]).toEqual([
      '299 - "would violate PodSecurity \\"baseline:latest\\": host namespaces (hostPID=true)"',
    ]);
  });

  it("lets changes through that bring in no other program", async () => {
    const api = await openStrict({});
    await api.create(pods, podObject("web", { hostPID: true }));
    await api.call(
      "PATCH",
      "/api/v1/namespaces/strict",
      { metadata: { labels: { [`${prefix}/enforce`]: "baseline" } } },
      {
        "content-type": "application/merge-patch+json",
      },
    );
    const merge = { "content-type": "application/merge-patch+json" };
    const labelled = await api.call("PATCH", `${pods}/web`, { metadata: { labels: { a: "b" } } }, merge);
    expect(labelled.status).toBe(200);
    const image = { spec: { containers: [{ name: "main", image: "other" }] } };
    const strategic = { "content-type": "application/strategic-merge-patch+json" };
    const other = await api.call("PATCH", `${pods}/web`, image, strategic);
    expect(other.json.message).toContain('pods "web" is forbidden: violates PodSecurity "baseline:latest"');
  });

  it("tells which present pods a stricter label would have refused", async () => {
    const api = await openStrict({});
    for (const name of ["b", "a"]) await api.create(pods, podObject(name, { hostPID: true }));
    await api.create(pods, podObject("c", { hostNetwork: true }));
    await api.create(pods, podObject("fine"));
    const answer = await api.call(
      "PATCH",
      "/api/v1/namespaces/strict",
      { metadata: { labels: { [`${prefix}/enforce`]: "baseline" } } },
      { "content-type": "application/merge-patch+json" },
    );
    expect(answer.headers["warning"]).toEqual([
      '299 - "existing pods in namespace \\"strict\\" violate the new PodSecurity enforce level \\"baseline:latest\\""',
      '299 - "a (and 2 other pods): host namespaces"',
    ]);
  });

  it("refuses labels that make no sense", async () => {
    const api = await openApi();
    const answer = await api.create("/api/v1/namespaces", namespace("odd", { enforce: "strict" }));
    expect(answer.json).toMatchObject({
      code: 422,
      message:
        'Namespace "odd" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    });
  });

  it("has defaults and exemptions from a file", async () => {
    const folder = await temporaryFolder("wherry-admission-");
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const path = joinPath(folder.path, "admission.yaml");
    await writeFile(
      path,
      `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: { enforce: baseline }
    exemptions: { namespaces: [free] }
`,
    );
    const api = await openApi({ plugins: { configuration: await readAdmissionConfiguration(path) } });
    for (const name of ["free", "strict"]) await api.create("/api/v1/namespaces", namespace(name, {}));
    const wide = podObject("web", { hostPID: true });
    expect((await api.create("/api/v1/namespaces/free/pods", wide)).status).toBe(201);
    expect((await api.create(pods, wide)).status).toBe(403);
  });
});
