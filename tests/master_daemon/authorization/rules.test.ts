import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { uncoveredRules } from "../../../core/kinds/rbac_rules.ts";
import type { Attributes } from "../../../master_daemon/authorization/authorizer.ts";
import type { PolicyRule } from "../../../master_daemon/authorization/policy.ts";
import { compactRules, ruleAllows, ruleText } from "../../../master_daemon/authorization/rules.ts";

const resource = (verb: string, full: string, more: { group?: string; name?: string } = {}): Attributes => {
  const [plural = "", subresource] = full.split("/");
  const { group = "", name } = more;
  return { type: "resource", verb, group, version: "v1", resource: plural, subresource, namespace: "n", name };
};
const path = (verb: string, url: string): Attributes => ({ type: "path", verb, path: url });

describe("ruleAllows()", () => {
  const rule = (more: Partial<PolicyRule>): PolicyRule => ({ verbs: ["get"], apiGroups: [""], ...more });

  it.each<[string, PolicyRule, Attributes, boolean]>([
    ["a resource that is named", rule({ resources: ["pods"] }), resource("get", "pods"), true],
    ["another verb", rule({ resources: ["pods"] }), resource("list", "pods"), false],
    ["any verb", rule({ verbs: ["*"], resources: ["pods"] }), resource("list", "pods"), true],
    ["another group", rule({ resources: ["pods"] }), resource("get", "pods", { group: "apps" }), false],
    ["any group", rule({ apiGroups: ["*"], resources: ["pods"] }), resource("get", "pods", { group: "apps" }), true],
    ["a subresource of what is named", rule({ resources: ["pods"] }), resource("get", "pods/log"), false],
    ["a subresource that is named", rule({ resources: ["pods/log"] }), resource("get", "pods/log"), true],
    ["a subresource of anything", rule({ resources: ["*/scale"] }), resource("get", "deployments/scale"), true],
    ["another subresource of anything", rule({ resources: ["*/scale"] }), resource("get", "pods/log"), false],
    [
      "anything itself, where a subresource is named",
      rule({ resources: ["*/scale"] }),
      resource("get", "scale"),
      false,
    ],
    ["every subresource: that is no pattern", rule({ resources: ["pods/*"] }), resource("get", "pods/log"), false],
    ["everything", rule({ resources: ["*"] }), resource("get", "pods/exec"), true],
    ["a name", rule({ resources: ["pods"], resourceNames: ["a"] }), resource("get", "pods", { name: "a" }), true],
    [
      "another name",
      rule({ resources: ["pods"], resourceNames: ["a"] }),
      resource("get", "pods", { name: "b" }),
      false,
    ],
    [
      "no name, where some are named",
      rule({ resources: ["pods"], resourceNames: ["a"] }),
      resource("get", "pods"),
      false,
    ],
    ["a path", rule({ nonResourceURLs: ["/healthz"] }), path("get", "/healthz"), true],
    ["a path below it", rule({ nonResourceURLs: ["/healthz"] }), path("get", "/healthz/x"), false],
    ["a path below a pattern", rule({ nonResourceURLs: ["/healthz/*"] }), path("get", "/healthz/x"), true],
    ["the folder of a pattern itself", rule({ nonResourceURLs: ["/healthz/*"] }), path("get", "/healthz"), false],
    ["any path", rule({ nonResourceURLs: ["*"] }), path("get", "/anything"), true],
    ["a path, where resources are named", rule({ resources: ["*"] }), path("get", "/anything"), false],
  ])("decides on %s", (_what, policyRule, attributes, expected) => {
    expect(ruleAllows(policyRule, attributes)).toBe(expected);
  });
});

const few = <T>(...values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });
const anyRule: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: few("get", "list", "*"),
    apiGroups: few("", "apps", "*"),
    resources: few("pods", "pods/log", "*/log", "*"),
    resourceNames: fc.uniqueArray(fc.constantFrom("a", "b"), { maxLength: 2 }),
  }),
  fc.record({ verbs: few("get", "list", "*"), nonResourceURLs: few("/a", "/a/*", "/a/b", "*") }),
);

/** Everything that can be asked with the words of {@linkcode anyRule}, and one of each besides. */
const questions: readonly Attributes[] = [
  ...["get", "list", "other"].flatMap((verb) => [
    ...["", "apps", "other"].flatMap((group) =>
      ["pods", "pods/log", "other/log", "other"].flatMap((full) =>
        ["a", "b", "c", undefined].map((name) => resource(verb, full, { group, ...(name ? { name } : {}) })),
      ),
    ),
    ...["/a", "/a/b", "/a/c", "/d"].map((url) => path(verb, url)),
  ]),
];

describe("uncoveredRules()", () => {
  it("is empty only if nothing is allowed by the wanted rules that is not allowed by the owned ones", () => {
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 3 }), fc.array(anyRule, { maxLength: 2 }), (owned, wanted) => {
        const missing = uncoveredRules(owned, wanted);
        for (const question of questions) {
          const isWanted = wanted.some((rule) => ruleAllows(rule, question));
          const isOwned = owned.some((rule) => ruleAllows(rule, question));
          if (missing.length === 0 && isWanted) expect(isOwned).toBe(true);
          // What is missing is what has to be added, and is nothing that was not asked for.
          if (isWanted) expect(isOwned || missing.some((rule) => ruleAllows(rule, question))).toBe(true);
          if (missing.some((rule) => ruleAllows(rule, question))) expect(isWanted).toBe(true);
        }
      }),
    );
  });

  it("refuses to take rules apart that combine to too many", () => {
    const many = Array.from({ length: 400 }, (_, index) => `r${index}`);
    expect(() => uncoveredRules([], [{ verbs: many, apiGroups: many, resources: many }])).toThrow(/64000000/);
  });
});

describe("compactRules()", () => {
  it("joins the verbs of one resource, and shows rules as Kubernetes does", () => {
    const missing = uncoveredRules(
      [],
      [
        { verbs: ["get", "list"], apiGroups: ["apps"], resources: ["deployments"], resourceNames: ["a"] },
        { verbs: ["get"], nonResourceURLs: ["/metrics"] },
      ],
    );
    expect(compactRules(missing).map(ruleText)).toEqual([
      '{APIGroups:["apps"], Resources:["deployments"], ResourceNames:["a"], Verbs:["get" "list"]}',
      '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    ]);
  });
});
