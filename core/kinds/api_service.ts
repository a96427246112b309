import { defineKind, dnsSubdomainError, type Kind } from "../api/kind.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { check, checkUnique, dns1035LabelError, type FieldErrors, portNumberError } from "./validators.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** Who serves a version of a group: this server, or another one behind a service. */
export interface APIService extends KubeObject {
  readonly spec: {
    /** Absent: served here. */
    readonly service?: { readonly namespace?: string; readonly name?: string; readonly port?: number };
    readonly group?: string;
    readonly version?: string;
    readonly insecureSkipTLSVerify?: boolean;
    /** PEM in base64. */
    readonly caBundle?: string;
    readonly groupPriorityMinimum: number;
    readonly versionPriority: number;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const maxGroupPriority = 20_000;
const maxVersionPriority = 1000;

/** The kind APIService. */
export const apiService: Kind<APIService> = defineKind<APIService>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  namespaced: false,
  categories: ["api-extensions"],
  schema: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  subresources: { status: true },
  generation: "none",
  conditionalUpdate: true,
  statusKeepsMetadata: true,
  validateName: () => undefined,
  strategy: {
    applyDefaults: (object) => {
      const service = object.spec?.service;
      if (!service) return object;
      return { ...object, spec: { ...object.spec, service: { ...service, port: service.port ?? 443 } } };
    },
    prepareForCreate: withoutStatus,
    stamp: (object, { now }) => (object.spec.service ? object : { ...object, status: { conditions: [local(now)] } }),
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: ({ metadata, spec }) => checkService(metadata.name ?? "", spec ?? {}),
    validateStatusUpdate: ({ status = {} }) =>
      checkUnique(
        (status.conditions ?? []).map(({ type }) => type),
        (index) => `status.conditions[${index}].type`,
      ),
  },
  columns: [
    nameColumn,
    {
      name: "Service",
      type: "string",
      description: "The service behind which it is served; Local: served here.",
      cell: ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : "Local"),
    },
    {
      name: "Available",
      type: "string",
      description: "Whether it can be reached.",
      cell: ({ status }) => {
        const found = status?.conditions?.find(({ type }) => type === "Available");
        if (!found) return "Unknown";
        return found.status !== "True" && found.reason ? `${found.status} (${found.reason})` : found.status;
      },
    },
    ageColumn,
  ],
});

function local(now: number): Condition {
  return {
    type: "Available",
    status: "True",
    lastTransitionTime: `${new Date(now).toISOString().slice(0, 19)}Z`,
    reason: "Local",
    message: "Local APIServices are always available",
  };
}

function checkService(name: string, spec: Partial<APIService["spec"]>): FieldErrors {
  const { group = "", version = "", groupPriorityMinimum = 0, versionPriority = 0 } = spec;
  const wanted = `${version}.${group}`;
  const errors: FieldError[] = [];
  if (name !== wanted) {
    const detail = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`;
    errors.push(fieldError.invalid("metadata.name", name, detail));
  }
  if (group === "" && version !== "v1")
    errors.push(fieldError.required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (group) errors.push(...check("spec.group", group, dnsSubdomainError(group)));
  errors.push(...check("spec.version", version, dns1035LabelError(version)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > maxGroupPriority) {
    const detail = `must be positive and less than ${maxGroupPriority}`;
    errors.push(fieldError.invalid("spec.groupPriorityMinimum", groupPriorityMinimum, detail));
  }
  if (versionPriority <= 0 || versionPriority > maxVersionPriority) {
    const detail = `must be positive and less than ${maxVersionPriority}`;
    errors.push(fieldError.invalid("spec.versionPriority", versionPriority, detail));
  }
  return [...errors, ...checkConnection(spec)];
}

function checkConnection({ service, caBundle = "", insecureSkipTLSVerify }: Partial<APIService["spec"]>): FieldErrors {
  const errors: FieldError[] = [];
  const skip = "spec.insecureSkipTLSVerify";
  if (!service) {
    const size = `${Math.floor((caBundle.replace(/=+$/, "").length * 3) / 4)} bytes`;
    if (caBundle) errors.push(fieldError.invalid("spec.caBundle", size, "local APIServices may not have a caBundle"));
    if (insecureSkipTLSVerify)
      errors.push(fieldError.invalid(skip, true, "local APIServices may not have insecureSkipTLSVerify"));
    return errors;
  }
  if (!service.namespace) errors.push(fieldError.required("spec.service.namespace"));
  if (!service.name) errors.push(fieldError.required("spec.service.name"));
  const reason = portNumberError(service.port ?? 0);
  if (reason !== undefined)
    errors.push(fieldError.invalid("spec.service.port", service.port ?? 0, `port is not valid: ${reason}`));
  if (insecureSkipTLSVerify && caBundle)
    errors.push(fieldError.invalid(skip, true, "may not be true if caBundle is present"));
  return errors;
}
