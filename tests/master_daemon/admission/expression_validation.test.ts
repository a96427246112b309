import { expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi } from "../apiserver/_api.ts";

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

const definition = (rule: string, description = ""): JsonObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            description,
            properties: {
              spec: {
                type: "object",
                properties: { size: { type: "integer" } },
                "x-kubernetes-validations": [{ rule }],
              },
            },
          },
        },
      },
    ],
  },
});

it("refuses a definition whose rules do not compile", async () => {
  const api = await openApi();
  const answer = await api.create(definitions, definition("self.sise > 1"));
  expect([answer.status, answer.json.reason]).toEqual([422, "Invalid"]);
  expect(answer.json.message).toContain(
    "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:",
  );
  expect(answer.json.message).toContain(
    "compilation failed: ERROR: <input>:1:5: undefined field 'sise'\n | self.sise > 1\n | ....^",
  );
  expect((await api.create(definitions, definition("self.size > 1"))).status).toBe(201);
});

it("refuses a webhook whose conditions do not compile", async () => {
  const api = await openApi();
  const answer = await api.create("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "w" },
    webhooks: [
      {
        name: "w.example.com",
        clientConfig: { url: "https://127.0.0.1:1/" },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        matchConditions: [{ name: "c", expression: "object.metadata.name ==" }],
      },
    ],
  });
  expect(answer.status).toBe(422);
  expect(answer.json.message).toContain(
    'webhooks[0].matchConditions[0].expression: Invalid value: "object.metadata.name ==": compilation failed: ERROR: <input>:1:24: Syntax error',
  );
});
