import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { type ApiSchema, definitionOf, loadSchema, noSchema } from "../../../core/api/schema.ts";
import { decodeErrorText, strictErrorText, validateAndPrune } from "../../../core/api/validate_and_prune.ts";
import { kinds } from "../../../core/kinds/mod.ts";
import { apiDefinitions, formatSchema } from "../../../tools/gen_schema.mjs";

const schema = apiDefinitions() as unknown as ApiSchema;
const deploymentId = "io.k8s.api.apps.v1.Deployment";
const podId = "io.k8s.api.core.v1.Pod";

describe("apiDefinitions()", () => {
  it("knows every kind and its list, and everything that they refer to", () => {
    // Versions that are there for old clients only are described by what they are stored as, or not at all.
    for (const { schema: id, group, version, kind } of kinds.filter(({ hidden }) => !hidden)) {
      expect(definitionOf(schema, id)?.["x-kubernetes-group-version-kind"]).toEqual([{ group, version, kind }]);
      expect(definitionOf(schema, `${id}List`)?.properties?.["items"]?.type).toBe("array");
    }
    for (const match of JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g))
      expect(definitionOf(schema, match[1] ?? "")).toBeDefined();
  });

  it("has the expected number of types and fields, nearly all described", () => {
    // Upstream does not describe JSON schema's own words.
    const described = Object.entries(schema.definitions).filter(([id]) => !id.endsWith(".JSONSchemaProps"));
    const fields = described.flatMap(([, { properties = {} }]) => Object.values(properties));
    expect(described.length).toBeGreaterThan(550);
    expect(fields.length).toBeGreaterThan(2300);
    expect(fields.filter((field) => field.description).length).toBeGreaterThan(fields.length - 10);
  });

  it.each([
    ["io.k8s.api.core.v1.PodSpec", "terminationGracePeriodSeconds", { type: "integer", format: "int64" }],
    ["io.k8s.api.core.v1.ContainerPort", "containerPort", { type: "integer", format: "int32" }],
    [
      "io.k8s.api.core.v1.PodSecurityContext",
      "supplementalGroups",
      { type: "array", items: { type: "integer", format: "int64" } },
    ],
    ["io.k8s.api.core.v1.Secret", "data", { type: "object", additionalProperties: { type: "string", format: "byte" } }],
    ["io.k8s.api.core.v1.ServicePort", "targetPort", { $ref: "io.k8s.apimachinery.pkg.util.intstr.IntOrString" }],
    [
      "io.k8s.api.core.v1.ResourceRequirements",
      "limits",
      { type: "object", additionalProperties: { $ref: "io.k8s.apimachinery.pkg.api.resource.Quantity" } },
    ],
    ["io.k8s.api.core.v1.PodSpec", "securityContext", { $ref: "io.k8s.api.core.v1.PodSecurityContext", default: {} }],
    ["io.k8s.api.apps.v1.DeploymentStatus", "observedGeneration", { type: "integer", format: "int64" }],
    [
      "io.k8s.api.apps.v1.StatefulSetSpec",
      "volumeClaimTemplates",
      { type: "array", items: { $ref: "io.k8s.api.core.v1.PersistentVolumeClaim" } },
    ],
    [
      "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
      "maximum",
      { type: "number", format: "double" },
    ],
    ["io.k8s.api.certificates.v1.CertificateSigningRequestSpec", "request", { type: "string", format: "byte" }],
  ])("%s.%s is as Kubernetes has it", (id, field, expected) => {
    const { description: _description, ...node } = definitionOf(schema, id)?.properties?.[field] ?? {};
    expect(node).toEqual(expected);
  });

  it("required fields are those of Kubernetes", () => {
    expect(definitionOf(schema, "io.k8s.api.core.v1.PodSpec")?.required).toEqual(["containers"]);
    expect(definitionOf(schema, "io.k8s.api.apps.v1.DeploymentSpec")?.required).toEqual(["selector", "template"]);
  });
});

describe("loadSchema()", () => {
  it("reads the packaged file, and knows nothing without it", async () => {
    expect(await loadSchema(async () => '{"definitions":{}}')).toEqual({ definitions: {} });
    expect(await loadSchema(async () => undefined)).toBe(noSchema);
  });

  it("gives what was packaged, definition by definition", async () => {
    const loaded = await loadSchema(async () => formatSchema(schema));
    expect(loaded).toEqual(JSON.parse(JSON.stringify(schema)));
    expect(definitionOf(loaded, podId)).toBe(definitionOf(loaded, podId));
    expect(JSON.parse(formatSchema(schema))).toEqual(JSON.parse(JSON.stringify(schema)));
  });
});

const deployment = (spec: JsonObject): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "a" },
  spec,
});
const prune = (object: JsonObject, id = deploymentId) => validateAndPrune(schema, id, object);

describe("validateAndPrune()", () => {
  it("drops unknown fields and says where they were", () => {
    const object = deployment({ replica: 1, template: { spec: { containers: [{ name: "a", imagePulPolicy: "x" }] } } });
    expect(prune(object)).toEqual({
      object: deployment({ template: { spec: { containers: [{ name: "a" }] } } }),
      unknownFields: ["spec.replica", "spec.template.spec.containers[0].imagePulPolicy"],
    });
  });

  it("drops nulls, but reads null labels as empty and null items as zero", () => {
    const object = {
      metadata: { name: "a", creationTimestamp: null, labels: { a: null } },
      spec: { containers: [null], nodeName: null },
      status: null,
    };
    expect(prune(object, podId).object).toEqual({
      metadata: { name: "a", labels: { a: "" } },
      spec: { containers: [{}] },
    });
  });

  it.each<[JsonObject, string]>([
    [
      { replicas: "3" },
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      { replicas: 1.5 },
      "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      { replicas: 2 ** 31 },
      "json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [{ paused: "yes" }, "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool"],
    [
      { template: { spec: { containers: {} } } },
      "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
    ],
    [
      { template: { spec: [] } },
      "json: cannot unmarshal array into Go struct field PodTemplateSpec.spec.template.spec of type v1.PodSpec",
    ],
    [
      { template: { spec: { containers: [{ env: [{ name: "A", value: 1 }] }] } } },
      "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
    ],
    [
      { template: { metadata: { labels: { a: true } } } },
      "json: cannot unmarshal bool into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
    ],
    [{ strategy: { rollingUpdate: { maxSurge: true } } }, "json: cannot unmarshal bool into Go value of type int32"],
    [
      { template: { spec: { containers: [{ resources: { limits: { cpu: "1 core" } } }] } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { template: { metadata: { creationTimestamp: "yesterday" } } },
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
  ])("finds the wrong type in %j", (spec, error) => {
    expect(prune(deployment(spec)).typeError).toBe(error);
  });

  it("finds broken base64 and reads good base64", () => {
    const secret = (data: JsonObject) => prune({ data }, "io.k8s.api.core.v1.Secret").typeError;
    expect(secret({ a: "YWJj" })).toBeUndefined();
    expect(secret({ a: "YW?j" })).toBe("illegal base64 data at input byte 2");
    expect(secret({ a: "YWJ" })).toBe("illegal base64 data at input byte 0");
  });

  it("turns times into UTC", () => {
    const of = (creationTimestamp: string) => prune({ metadata: { creationTimestamp } }, podId).object;
    expect(of("2026-01-31T12:00:00+01:00")).toEqual({ metadata: { creationTimestamp: "2026-01-31T11:00:00Z" } });
    expect(of("2026-01-31T12:00:00Z")).toEqual({ metadata: { creationTimestamp: "2026-01-31T12:00:00Z" } });
  });

  it("free-form objects stay whole", () => {
    const managedFields = [{ manager: "m", fieldsV1: { "f:metadata": { ".": {} } } }];
    expect(prune({ metadata: { managedFields } }, podId)).toEqual({
      object: { metadata: { managedFields } },
      unknownFields: [],
    });
  });

  it("a key called __proto__ is unknown as a field and a key like any other in a map", () => {
    const object = JSON.parse('{"__proto__":{"polluted":1},"data":{"__proto__":"x"}}') as JsonObject;
    const { object: pruned, unknownFields } = prune(object, "io.k8s.api.core.v1.ConfigMap");
    expect(unknownFields).toEqual(["__proto__"]);
    expect(JSON.stringify(pruned)).toBe('{"data":{"__proto__":"x"}}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it("lets objects of unknown definitions pass", () => {
    expect(validateAndPrune(noSchema, podId, { anything: 1 })).toEqual({ object: { anything: 1 }, unknownFields: [] });
  });

  it("messages are those of Kubernetes", () => {
    const kind = { kind: "Deployment", version: "v1" };
    expect(decodeErrorText(kind, strictErrorText(['unknown field "a"', 'unknown field "b"']))).toBe(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "a", unknown field "b"',
    );
  });
});
