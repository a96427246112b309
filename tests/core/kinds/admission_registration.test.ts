import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import type {
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from "../../../core/kinds/mod.ts";
import {
  mutatingAdmissionPolicy,
  mutatingWebhookConfiguration,
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
} from "../../../core/kinds/mod.ts";
import { cellsOf, errorsOf } from "./fixtures.ts";

const apiVersion = "admissionregistration.k8s.io/v1";
const metadata = { name: "a", creationTimestamp: "2026-01-31T11:59:00Z" };
const rule = { apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"], operations: ["CREATE"] } as const;

describe("webhook configurations", () => {
  const good: JsonObject = {
    name: "a.example.com",
    clientConfig: { url: "https://example.com/check" },
    rules: [rule],
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const of = (change: JsonObject, ...more: JsonObject[]) =>
    ({
      apiVersion,
      kind: "MutatingWebhookConfiguration",
      metadata,
      webhooks: [{ ...good, ...change }, ...more],
    }) as unknown as MutatingWebhookConfiguration;

  it("applyDefaults() gives policies, selectors, a timeout, a port and scopes", () => {
    const service = { namespace: "x", name: "y" };
    const [webhook] =
      mutatingWebhookConfiguration.strategy.applyDefaults(of({ clientConfig: { service } })).webhooks ?? [];
    expect(webhook).toMatchObject({
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      reinvocationPolicy: "Never",
      clientConfig: { service: { ...service, port: 443 } },
      rules: [{ ...rule, scope: "*" }],
    });
  });

  it.each<[JsonObject, string[]]>([
    [{}, []],
    [
      { name: "short" },
      ['name: Invalid value: "short": should be a domain with at least three segments separated by dots'],
    ],
    [{ failurePolicy: "Maybe" }, ['failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"']],
    [{ sideEffects: "Some" }, ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
    [{ timeoutSeconds: 31 }, ["timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"]],
    [{ clientConfig: {} }, ["clientConfig: Required value: exactly one of url or service is required"]],
    [
      { clientConfig: { url: "http://user@/x?y#z" } },
      [
        `clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        'clientConfig.url: Invalid value: "": host must be provided; desired format: https://host[/path]',
        'clientConfig.url: Invalid value: "user": user information is not permitted in the URL',
        'clientConfig.url: Invalid value: "z": fragments are not permitted in the URL',
        'clientConfig.url: Invalid value: "y": query parameters are not permitted in the URL',
      ],
    ],
    [
      { clientConfig: { service: { namespace: "", name: "", path: "a//b" } } },
      [
        "clientConfig.service.name: Required value: service name is required",
        "clientConfig.service.namespace: Required value: service namespace is required",
        `clientConfig.service.path: Invalid value: "a//b": must start with a '/'`,
        'clientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty',
        'clientConfig.service.path: Invalid value: "a//b": segment[1] may not be empty',
      ],
    ],
    [{ admissionReviewVersions: [] }, ["admissionReviewVersions: Required value: must specify one of v1, v1beta1"]],
    [
      { admissionReviewVersions: ["v9"] },
      ['admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1'],
    ],
    [
      { rules: [{ ...rule, operations: ["*", "CREATE"], resources: ["*/*", "pods"] }] },
      [
        `rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
        `rules[0].resources: Invalid value: ["*/*","pods"]: if '*/*' is present, must not specify other resources`,
      ],
    ],
    [
      { rules: [{ ...rule, resources: ["pods/*", "pods/log"] }] },
      [`rules[0].resources[1]: Invalid value: "pods/log": if 'pods/*' is present, must not specify pods/log`],
    ],
    [{ matchConditions: [{ name: "x", expression: " " }] }, ["matchConditions[0].expression: Required value"]],
  ])("%j is checked", (change, errors) => {
    expect(errorsOf(mutatingWebhookConfiguration, of(change))).toEqual(errors.map((error) => `webhooks[0].${error}`));
  });

  it("names are unique; columns are kubectl's", () => {
    expect(errorsOf(mutatingWebhookConfiguration, of({}, good))).toEqual([
      'webhooks[1].name: Duplicate value: "a.example.com"',
    ]);
    expect(cellsOf(mutatingWebhookConfiguration, of({}))).toEqual({ Name: "a", Webhooks: 1, Age: "60s" });
  });
});

describe("admission policies", () => {
  const of = (more: JsonObject = {}) =>
    ({
      apiVersion,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }], ...more },
    }) as unknown as ValidatingAdmissionPolicy;

  it("applyDefaults() gives policies and selectors", () => {
    expect(validatingAdmissionPolicy.strategy.applyDefaults(of()).spec).toMatchObject({
      failurePolicy: "Fail",
      matchConstraints: { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} },
    });
  });

  it.each<[JsonObject, string[]]>([
    [{}, []],
    [{ matchConstraints: { resourceRules: [] } }, ["matchConstraints.resourceRules: Required value"]],
    [
      { validations: [] },
      [
        "validations: Required value: validations or auditAnnotations must contain at least one item",
        "auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
      ],
    ],
    [{ validations: [{ expression: "" }] }, ["validations[0].expression: Required value: expression is not specified"]],
    [
      { validations: [{ expression: "a", message: "a\nb", reason: "Why" }] },
      [
        'validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
        'validations[0].reason: Unsupported value: "Why": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"',
      ],
    ],
    [
      { variables: [{ name: "in", expression: "1" }] },
      ['variables[0].name: Invalid value: "in": name is not a valid CEL identifier'],
    ],
    [
      { paramKind: { apiVersion: "a/b/c", kind: "X" } },
      ['paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
    ],
    [
      {
        auditAnnotations: [
          { key: "k", valueExpression: "1" },
          { key: "k", valueExpression: "" },
        ],
      },
      [
        "auditAnnotations[1].valueExpression: Required value: valueExpression is not specified",
        'auditAnnotations[1].key: Duplicate value: "k"',
      ],
    ],
  ])("%j is checked", (change, errors) => {
    expect(errorsOf(validatingAdmissionPolicy, of(change))).toEqual(errors.map((error) => `spec.${error}`));
  });

  it("a status' conditions are checked", () => {
    const object = { ...of(), status: { conditions: [{ type: "Ready", status: "True" as const }] } };
    expect(
      validatingAdmissionPolicy.strategy
        .validateStatusUpdate(object, of(), { localRanges: [] })
        .map(({ field, message }) => `${field}: ${message}`),
    ).toEqual([
      "status.conditions[0].lastTransitionTime: Required value: must be set",
      "status.conditions[0].reason: Required value: must be set",
    ]);
  });

  it.each<[JsonObject, string[]]>([
    [{ policyName: "p", validationActions: ["Deny"] }, []],
    [
      { policyName: "p", validationActions: ["Deny", "Warn"] },
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      { policyName: "p", validationActions: [], paramRef: { name: "x", selector: {} } },
      [
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.parameterNotFoundAction: Required value",
        "spec.validationActions: Required value: at least one validation action is required",
      ],
    ],
  ])("the binding %j is checked", (spec, errors) => {
    const object = { apiVersion, kind: "ValidatingAdmissionPolicyBinding", metadata, spec };
    expect(errorsOf(validatingAdmissionPolicyBinding, object as unknown as ValidatingAdmissionPolicyBinding)).toEqual(
      errors,
    );
  });

  it("a mutation has the expression of its sort, and no other", () => {
    const object = {
      apiVersion,
      kind: "MutatingAdmissionPolicy",
      metadata,
      spec: {
        matchConstraints: { resourceRules: [rule] },
        reinvocationPolicy: "Never" as const,
        mutations: [{ patchType: "JSONPatch" as const, applyConfiguration: { expression: "x" } }],
      },
    };
    expect(errorsOf(mutatingAdmissionPolicy, object as never)).toEqual([
      "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
      'spec.mutations[0].applyConfiguration: Invalid value: "{}": must not be specified when patchType is JSONPatch',
    ]);
    expect(cellsOf(validatingAdmissionPolicy, of())).toEqual({
      Name: "a",
      Validations: 1,
      ParamKind: "<unset>",
      Age: "60s",
    });
  });
});
