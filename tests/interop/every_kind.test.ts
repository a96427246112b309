import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { samples } from "../core/kinds/samples.ts";
import { kubectl } from "../e2e/harness.ts";
import { missing } from "../require.ts";
import { dialects, type Interop, startInterop } from "./_kubectl.ts";

/** What kubectl shows of a kind: nothing of these is to start anything. */
const kinds = [
  "apps/v1/ControllerRevision",
  "apps/v1/DaemonSet",
  "apps/v1/StatefulSet",
  "autoscaling/v2/HorizontalPodAutoscaler",
  "batch/v1/CronJob",
  "batch/v1/Job",
  "policy/v1/PodDisruptionBudget",
  "v1/LimitRange",
  "v1/PersistentVolumeClaim",
  "v1/PodTemplate",
  "v1/ReplicationController",
  "v1/ResourceQuota",
  "v1/Service",
];

/** kubectl's way through the kinds of workloads, core and scaling, by each version that speaks differently. */
describe.skipIf(missing("kubectl", kubectl))("kubectl", () => {
  let cluster: Interop;
  beforeAll(async () => {
    cluster = await startInterop();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(dialects)("$name applies, shows, describes, scales and deletes every kind", async (client) => {
    const namespace = await cluster.namespace(`kinds-${client.name.replaceAll(".", "-")}`);
    const ns = { namespace, client };
    const known = kinds.filter((name) => client.minor >= 23 || !/\/v2\/|^policy|CronJob$/.test(name));
    const items = known.map((name): JsonObject => {
      const at = name.lastIndexOf("/");
      const spec = samples.get(name)?.body["spec"];
      return {
        apiVersion: name.slice(0, at),
        kind: name.slice(at + 1),
        metadata: { name: "one", namespace },
        ...samples.get(name)?.body,
        ...(name === "v1/ReplicationController" ? { spec: { ...(spec as JsonObject), replicas: 0 } } : {}),
      };
    });
    const input = { apiVersion: "v1", kind: "List", items };
    const created = await cluster.ok(["apply", "-f", "-"], { ...ns, input });
    expect(created.trim().split("\n")).toHaveLength(items.length);
    expect(created.match(/ created$/gm)).toHaveLength(items.length);
    const resources = items.map(({ kind }) => String(kind).toLowerCase());
    const shown = await cluster.ok(["get", resources.join(","), "-o", "wide"], ns);
    for (const resource of resources) expect(shown).toMatch(new RegExp(`^${resource}(\\.\\S+)?/one `, "m"));
    const described = await cluster.ok(["describe", resources.join(","), "one"], ns);
    expect(described.match(/^Name: +one$/gm)).toHaveLength(items.length);
    const scaled = ["scale", "statefulset/one", "replicationcontroller/one", "--replicas=0"];
    expect(await cluster.ok(scaled, ns)).toMatch(/ scaled\n.* scaled$/m);
    const deleted = await cluster.ok(["delete", "--wait=false", "-f", "-"], { ...ns, input });
    expect(deleted.trim().split("\n")).toHaveLength(items.length);
  });

  it("explains every kind", async () => {
    const explained = await Promise.all(
      kinds.map((name) => cluster.ok(["explain", name.slice(name.lastIndexOf("/") + 1).toLowerCase()])),
    );
    for (const [index, text] of explained.entries()) expect(text, kinds[index]).toMatch(/^DESCRIPTION:/m);
  });

  it("debugs a pod, and is told what is wrong with one", async () => {
    const namespace = await cluster.namespace("kinds-debug");
    const ns = { namespace };
    const pod = (spec: object) => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "one" }, spec });
    const main = { name: "main", image: "a" };
    const held = pod({ schedulingGates: [{ name: "example.com/held" }], containers: [main] });
    const refused = await cluster.fails(["create", "-f", "-"], {
      ...ns,
      input: pod({ containers: [{ ...main, securityContext: { privileged: true, allowPrivilegeEscalation: false } }] }),
    });
    expect(refused).toContain("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    await cluster.ok(["create", "-f", "-"], { ...ns, input: held });
    await cluster.ok(["debug", "one", "--image=b", "--container=look", "--", "true"], ns);
    const named = ["get", "pod", "one", "-o", "jsonpath={.spec.ephemeralContainers[*].name}"];
    expect(await cluster.ok(named, ns)).toBe("look");
  });
});
