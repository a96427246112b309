import { defineKind, dnsLabelError, dnsSubdomainError, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import {
  check,
  checkImmutable,
  checkOptional,
  checkRequired,
  domainPrefixedPathErrors,
  type FieldErrors,
} from "./validators.ts";

/** Where the parameters of an ingress class stand. */
export interface IngressClassParameters {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly scope?: "Cluster" | "Namespace";
}

/** Which controller serves ingresses of a class. */
export interface IngressClass extends KubeObject {
  readonly spec?: { readonly controller?: string; readonly parameters?: IngressClassParameters };
}

const maxController = 250;

/** The kind IngressClass. */
export const ingressClass: Kind<IngressClass> = defineKind<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  namespaced: false,
  schema: "io.k8s.api.networking.v1.IngressClass",
  strategy: {
    applyDefaults: (object) => {
      const { spec } = object;
      if (!spec?.parameters || spec.parameters.scope) return object;
      return { ...object, spec: { ...spec, parameters: { ...spec.parameters, scope: "Cluster" } } };
    },
    validate: ({ spec = {} }) => [...checkController(spec.controller), ...checkParameters(spec.parameters)],
    validateUpdate: (next, previous) =>
      checkImmutable("spec.controller", next.spec?.controller, previous.spec?.controller),
  },
  columns: [
    nameColumn,
    {
      name: "Controller",
      type: "string",
      description: "Who serves ingresses of the class.",
      cell: ({ spec }) => spec?.controller ?? "",
    },
    {
      name: "Parameters",
      type: "string",
      description: "Where the controller's parameters stand.",
      cell: ({ spec }) => parametersText(spec?.parameters),
    },
    ageColumn,
  ],
});

function parametersText(parameters: IngressClassParameters | undefined): string {
  if (!parameters) return "<none>";
  const { apiGroup, kind, name } = parameters;
  return `${kind}${apiGroup ? `.${apiGroup}` : ""}/${name}`;
}

function checkController(controller = ""): FieldErrors {
  const field = "spec.controller";
  if (!controller) return [fieldError.required(field)];
  const errors: FieldError[] = controller.length > maxController ? [fieldError.tooLong(field, maxController)] : [];
  return [...errors, ...domainPrefixedPathErrors(field, controller)];
}

function checkParameters(parameters: IngressClassParameters | undefined): FieldErrors {
  if (!parameters) return [];
  const { apiGroup, kind, name, scope, namespace } = parameters;
  const field = "spec.parameters";
  return [
    ...(apiGroup === undefined ? [] : check(`${field}.apiGroup`, apiGroup, dnsSubdomainError(apiGroup))),
    ...checkRequired(`${field}.kind`, kind, pathSegmentError),
    ...checkRequired(`${field}.name`, name, pathSegmentError),
    ...checkScope(scope, namespace, field),
  ];
}

function checkScope(scope: string | undefined, namespace: string | undefined, field: string): FieldErrors {
  const at = `${field}.namespace`;
  if (!scope) return [fieldError.required(`${field}.scope`)];
  if (scope === "Namespace") {
    return namespace === undefined
      ? [fieldError.required(at, "`parameters.scope` is set to 'Namespace'")]
      : checkOptional(at, namespace, dnsLabelError);
  }
  if (scope !== "Cluster") return [fieldError.notSupported(`${field}.scope`, scope, ["Cluster", "Namespace"])];
  return namespace === undefined ? [] : [fieldError.forbidden(at, "`parameters.scope` is set to 'Cluster'")];
}
