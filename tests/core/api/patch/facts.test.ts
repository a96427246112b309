import { describe, expect, it } from "vitest";
import { mergeFacts } from "../../../../core/api/patch/facts_table.ts";
import { type FieldFacts, factsOf, fieldFacts, listKeyDefault } from "../../../../core/api/patch/mod.ts";

function walk(type: string, path: string): FieldFacts {
  let facts: FieldFacts = { type };
  for (const field of path.split(".")) facts = fieldFacts(facts.type, field);
  return facts;
}

describe("fieldFacts()", () => {
  it.each<[string, string, FieldFacts]>([
    [
      "io.k8s.api.apps.v1.Deployment",
      "spec.template.spec.containers.env",
      { strategy: "merge", mergeKey: "name", list: "map", listKeys: ["name"], type: "core.v1.EnvVar" },
    ],
    ["io.k8s.api.apps.v1.Deployment", "spec.strategy", { retainKeys: true }],
    ["io.k8s.api.apps.v1.Deployment", "spec.selector", { atomic: true }],
    ["io.k8s.api.core.v1.Pod", "metadata.finalizers", { strategy: "merge", list: "set" }],
    [
      "io.k8s.api.core.v1.Pod",
      "metadata.ownerReferences",
      { strategy: "merge", mergeKey: "uid", list: "map", listKeys: ["uid"], atomicItems: true },
    ],
    [
      "io.k8s.api.batch.v1.CronJob",
      "spec.jobTemplate.spec.template.metadata.finalizers",
      { strategy: "merge", list: "set" },
    ],
    [
      "io.k8s.api.core.v1.Service",
      "spec.ports",
      { strategy: "merge", mergeKey: "port", list: "map", listKeys: ["port", "protocol"] },
    ],
    ["io.k8s.api.core.v1.Service", "spec.selector", { atomic: true }],
    [
      "io.k8s.api.core.v1.Pod",
      "spec.volumes",
      {
        strategy: "merge",
        mergeKey: "name",
        retainKeys: true,
        list: "map",
        listKeys: ["name"],
        type: "core.v1.Volume",
      },
    ],
    ["io.k8s.api.core.v1.Pod", "spec.tolerations", {}],
    ["io.k8s.api.policy.v1.PodDisruptionBudget", "spec.selector", { strategy: "replace", atomic: true }],
    [
      "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
      "status.conditions",
      { strategy: "merge", mergeKey: "type", list: "map", listKeys: ["type"] },
    ],
    ["com.example.v1.Widget", "spec.constructor", {}],
    ["com.example.v1.Widget", "metadata", { type: "meta.v1.ObjectMeta" }],
  ])("%s %s", (type, path, expected) => {
    expect(walk(type, path)).toEqual(expected);
  });

  it("leads only to types that the table has", () => {
    const types = mergeFacts.split("\n").filter((line) => /^\S/.test(line));
    expect(types.length).toBeGreaterThan(100);
    for (const type of types)
      for (const { type: next } of factsOf(type).values()) if (next) expect(types).toContain(next);
  });

  it("knows the default of the protocol, which is part of the keys of ports", () => {
    expect(listKeyDefault("protocol")).toBe("TCP");
    expect(listKeyDefault("port")).toBeUndefined();
  });
});
