import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { type Attributes, type Authorizer, alwaysAllow } from "../../../master_daemon/authorization/authorizer.ts";
import { openApi } from "./_api.ts";

/** Allows everything, and tells what it was asked. */
function listening(): { readonly authorizer: Authorizer; readonly asked: Attributes[] } {
  const asked: Attributes[] = [];
  return {
    asked,
    authorizer: {
      ...alwaysAllow,
      async authorize(_user, attributes) {
        asked.push(attributes);
        return { allowed: true };
      },
    },
  };
}

const requirement = (key: string, operator: string, values?: readonly string[]): JsonObject => ({
  key,
  operator,
  ...(values ? { values } : {}),
});

describe("selectors that authorizers are told of", () => {
  it("are those of lists and watches, as the request spells them", async () => {
    const { authorizer, asked } = listening();
    const api = await openApi({ authorizer });
    await api.call("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1&labelSelector=app%20in%20(a,b)");
    expect(asked.at(-1)).toMatchObject({
      verb: "list",
      fieldSelector: "spec.nodeName=n1",
      labelSelector: "app in (a,b)",
    });
  });

  it.each<[JsonObject, object]>([
    [
      { fieldSelector: { rawSelector: "spec.nodeName=n1" }, labelSelector: { rawSelector: "a=b" } },
      { fieldSelector: "spec.nodeName=n1", labelSelector: "a=b" },
    ],
    [
      {
        fieldSelector: { requirements: [requirement("a", "In", ["x,=y"]), requirement("b", "NotIn", ["z"])] },
        labelSelector: {
          requirements: [
            requirement("a", "In", ["b", "c"]),
            requirement("d", "NotIn", ["e"]),
            requirement("f", "Exists"),
            requirement("g", "DoesNotExist"),
          ],
        },
      },
      { fieldSelector: "a=x\\,\\=y,b!=z", labelSelector: "a in (b,c),d notin (e),f,!g" },
    ],
  ])("are those of a SubjectAccessReview: %j", async (selectors, attributes) => {
    const { authorizer, asked } = listening();
    const api = await openApi({ authorizer });
    const answer = await api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user: "bob", resourceAttributes: { verb: "list", resource: "pods", ...selectors } },
    });
    expect(answer.json.status).toMatchObject({ allowed: true });
    expect(asked.at(-1)).toMatchObject(attributes);
  });

  it("are those of a policy's question", async () => {
    const { authorizer, asked } = listening();
    const api = await openApi({ authorizer });
    const group = "/apis/admissionregistration.k8s.io/v1";
    const apiVersion = "admissionregistration.k8s.io/v1";
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
    const pods = "authorizer.group('').resource('pods').fieldSelector('a=b').labelSelector('c=d')";
    await api.create(`${group}/validatingadmissionpolicies`, {
      apiVersion,
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "p" },
      spec: {
        matchConstraints: { resourceRules: [rule] },
        validations: [{ expression: `${pods}.check('list').allowed()` }],
      },
    });
    await api.create(`${group}/validatingadmissionpolicybindings`, {
      apiVersion,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: { name: "b" },
      spec: { policyName: "p", validationActions: ["Deny"] },
    });
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
    expect((await api.create("/api/v1/namespaces/default/configmaps", object)).status).toBe(201);
    const question = { verb: "list", group: "", resource: "pods", fieldSelector: "a=b", labelSelector: "c=d" };
    expect(asked).toContainEqual(expect.objectContaining({ type: "resource", version: "*", ...question }));
  });
});
