import { expect, it } from "vitest";
import { openApi } from "./_api.ts";

it("whoever writes a MutatingAdmissionPolicy is told that nothing is changed by it", async () => {
  const api = await openApi();
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingAdmissionPolicy",
    metadata: { name: "p" },
    spec: {
      reinvocationPolicy: "Never",
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
      },
      mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: "[]" } }],
    },
  };
  const { status, headers } = await api.create(
    "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies",
    policy,
  );
  expect(status).toBe(201);
  expect(headers["warning"]).toEqual([expect.stringContaining("not enforced")]);
});
