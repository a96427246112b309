import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors, validateLabels } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError, checkEndpointAddress, parseRange } from "./addresses.ts";
import type { Service, ServicePort, ServiceSpec } from "./service.ts";
import { isExternallyAccessible } from "./service_defaults.ts";
import {
  check,
  checkAll,
  checkOneOf,
  checkPortNumber,
  checkPortNumberOrName,
  checkRequired,
  checkRequiredOneOf,
  checkUnique,
  type FieldErrors,
} from "./validators.ts";

const maxAffinitySeconds = 86_400;

/** What is wrong with a service. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateService */
export function validateService(object: Service): FieldErrors {
  const spec = object.spec ?? {};
  const ports = spec.ports ?? [];
  const errors: FieldError[] = [];
  if (ports.length === 0 && spec.clusterIP !== "None" && spec.type !== "ExternalName")
    errors.push(fieldError.required("spec.ports"));
  return [
    ...errors,
    ...checkType(spec),
    ...ports.flatMap((port, index) => checkPort(port, spec, `spec.ports[${index}]`, ports.length > 1)),
    ...checkUnique(
      ports.map((port) => port.name),
      (index) => `spec.ports[${index}].name`,
    ),
    ...checkPortsDiffer(ports),
    ...validateLabels(spec.selector, "spec.selector"),
    ...checkAffinity(spec),
    ...checkAddresses(spec),
    ...(spec.externalIPs ?? []).flatMap((address, index) =>
      // The cluster's own ranges are no outside.
      checkEndpointAddress(`spec.externalIPs[${index}]`, address, []),
    ),
    ...checkTraffic(spec),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, index) =>
      check(
        `spec.loadBalancerSourceRanges[${index}]`,
        range,
        parseRange(range.trim()) ? undefined : "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      ),
    ),
  ];
}

/** What may not change in a service: the cluster IP that it was given. */
export function validateServiceUpdate(next: Service, previous: Service): FieldErrors {
  const old = previous.spec ?? {};
  const spec = next.spec ?? {};
  if (old.type === "ExternalName" || spec.type === "ExternalName" || !old.clusterIP) return [];
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  if (!spec.clusterIP)
    return [fieldError.invalid("spec.clusterIPs[0]", addresses, "primary clusterIP can not be unset")];
  return spec.clusterIP === old.clusterIP
    ? []
    : [fieldError.invalid("spec.clusterIPs[0]", addresses, "may not change once set")];
}

function checkType(spec: ServiceSpec): FieldErrors {
  const errors: FieldError[] = [
    ...checkRequiredOneOf("spec.type", spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
  ];
  if (spec.type === "ExternalName") {
    errors.push(
      ...checkRequired("spec.externalName", spec.externalName, (name) => dnsSubdomainError(name.replace(/\.$/, ""))),
    );
    if (spec.clusterIP)
      errors.push(fieldError.forbidden("spec.clusterIPs", "may not be set when type is 'ExternalName'"));
  } else if (spec.clusterIP === "None" && spec.type !== "ClusterIP") {
    const detail = `may not be set to 'None' for ${spec.type} services`;
    errors.push(fieldError.invalid("spec.clusterIPs[0]", "None", detail));
  }
  return errors;
}

function checkPort(port: ServicePort, { type }: ServiceSpec, field: string, nameRequired: boolean): FieldErrors {
  const errors: FieldError[] = [
    ...(port.name
      ? check(`${field}.name`, port.name, dnsLabelError(port.name))
      : nameRequired
        ? [fieldError.required(`${field}.name`)]
        : []),
    ...checkPortNumber(`${field}.port`, port.port),
    ...checkRequiredOneOf(`${field}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]),
    ...checkPortNumberOrName(`${field}.targetPort`, port.targetPort),
    ...(port.appProtocol
      ? checkAll(`${field}.appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol))
      : []),
  ];
  if (!port.nodePort) return errors;
  if (type === "ClusterIP" || type === "ExternalName")
    return [...errors, fieldError.forbidden(`${field}.nodePort`, `may not be used when \`type\` is '${type}'`)];
  return [...errors, ...checkPortNumber(`${field}.nodePort`, port.nodePort)];
}

function checkPortsDiffer(ports: readonly ServicePort[]): FieldErrors {
  const seen = new Set<string>();
  const nodePorts = new Set<string>();
  return ports.flatMap(({ protocol = "TCP", port, nodePort }, index) => {
    const errors: FieldError[] = [];
    if (seen.has(`${protocol}/${port}`)) {
      // The value is shown as Kubernetes shows it: a whole port with only these two fields set.
      const value = { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
      errors.push(fieldError.duplicate(`spec.ports[${index}]`, value));
    }
    if (nodePort && nodePorts.has(`${protocol}/${nodePort}`))
      errors.push(fieldError.duplicate(`spec.ports[${index}].nodePort`, nodePort));
    seen.add(`${protocol}/${port}`);
    nodePorts.add(`${protocol}/${nodePort}`);
    return errors;
  });
}

function checkAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): FieldErrors {
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const errors: FieldError[] = [...checkRequiredOneOf("spec.sessionAffinity", sessionAffinity, ["ClientIP", "None"])];
  if (sessionAffinity === "ClientIP" && seconds !== undefined && (seconds <= 0 || seconds > maxAffinitySeconds)) {
    const detail = `must be greater than 0 and less than ${maxAffinitySeconds}`;
    errors.push(fieldError.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, detail));
  }
  return errors;
}

function checkAddresses({ clusterIP, clusterIPs = [] }: ServiceSpec): FieldErrors {
  const errors: FieldError[] = [];
  if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0])
    errors.push(fieldError.invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`"));
  if (clusterIPs.length > 2)
    errors.push(fieldError.invalid("spec.clusterIPs", clusterIPs, "may only hold up to 2 values"));
  if (clusterIP === "None") {
    if (clusterIPs.length > 1)
      errors.push(fieldError.invalid("spec.clusterIPs", clusterIPs, "'None' must be the first and only value"));
    return errors;
  }
  const all = clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  return [
    ...errors,
    ...all.flatMap((address, index) => check(`spec.clusterIPs[${index}]`, address, addressError(address))),
  ];
}

function checkTraffic(spec: ServiceSpec): FieldErrors {
  const policies = ["Cluster", "Local"];
  const errors: FieldError[] = [
    ...checkOneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, policies),
    ...checkOneOf("spec.externalTrafficPolicy", spec.externalTrafficPolicy, policies),
  ];
  if (spec.externalTrafficPolicy && !isExternallyAccessible(spec)) {
    const detail = "may only be set for externally-accessible services";
    errors.push(fieldError.invalid("spec.externalTrafficPolicy", spec.externalTrafficPolicy, detail));
  }
  return errors;
}
