import { dnsLabelError, dnsSubdomainError } from "../api/kind.ts";
import { qualifiedNameErrors, validateLabels } from "../api/label_validation.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { addressError, checkEndpointAddress, parseAddress, parseRange } from "./addresses.ts";
import type { Service, ServicePort, ServiceSpec } from "./service.ts";
import { checkAddresses, checkAddressesUpdate } from "./service_address_validation.ts";
import { isExternallyAccessible, needsHealthCheck } from "./service_defaults.ts";
import {
  check,
  checkAll,
  checkOneOf,
  checkOptional,
  checkPortNumber,
  checkPortNumberOrName,
  checkRequired,
  checkRequiredOneOf,
  checkUnique,
  type FieldErrors,
} from "./validators.ts";

const maxAffinitySeconds = 86_400;
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const sourceRangesKey = "service.beta.kubernetes.io/load-balancer-source-ranges";
const topologyModeKey = "service.kubernetes.io/topology-mode";
const topologyHintsKey = "service.kubernetes.io/topology-aware-hints";
const trafficPolicies = ["Cluster", "Local"];

/** What is wrong with a service. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateService */
export function validateService(object: Service): FieldErrors {
  const spec = object.spec ?? {};
  const ports = spec.ports ?? [];
  return [
    ...checkTopology(object),
    ...(ports.length === 0 && spec.clusterIP !== "None" && spec.type !== "ExternalName"
      ? [fieldError.required("spec.ports")]
      : []),
    ...checkForType(spec),
    ...ports.flatMap((port, index) => checkPort(port, `spec.ports[${index}]`, ports.length > 1)),
    ...checkUnique(
      ports.map((port) => port.name),
      (index) => `spec.ports[${index}].name`,
    ),
    ...validateLabels(spec.selector, "spec.selector"),
    ...checkAffinity(spec),
    ...checkAddresses(spec),
    ...(spec.externalIPs ?? []).flatMap((address, index) =>
      // The cluster's own ranges are no outside.
      addressError(address) === undefined
        ? checkEndpointAddress(`spec.externalIPs[${index}]`, address, [])
        : check(`spec.externalIPs[${index}]`, address, addressError(address)),
    ),
    ...checkRequiredOneOf("spec.type", spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ...checkNodePorts(spec),
    ...checkPortsDiffer(ports),
    ...checkLoadBalancer(object),
    ...checkTraffic(spec),
  ];
}

/** What may not change in a service. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateServiceUpdate */
export function validateServiceUpdate(next: Service, previous: Service): FieldErrors {
  const [spec, old] = [next.spec ?? {}, previous.spec ?? {}];
  const errors: FieldError[] = [...checkAddressesUpdate(spec, old)];
  const { loadBalancerClass } = spec;
  const stays = spec.type === "LoadBalancer" && old.type === "LoadBalancer";
  if (stays && loadBalancerClass !== old.loadBalancerClass)
    errors.push(fieldError.invalid("spec.loadBalancerClass", loadBalancerClass ?? null, "may not change once set"));
  if (needsHealthCheck(old) && needsHealthCheck(spec) && spec.healthCheckNodePort !== old.healthCheckNodePort)
    errors.push(fieldError.forbidden("spec.healthCheckNodePort", "field is immutable"));
  return errors;
}

/** What is wrong with a service's status. @see k8s.io/kubernetes/pkg/apis/core/validation, ValidateLoadBalancerStatus */
export function validateServiceStatus({ spec, status }: Service): FieldErrors {
  const field = "status.loadBalancer.ingress";
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (spec?.type !== "LoadBalancer" && ingress.length > 0)
    return [fieldError.forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")];
  return ingress.flatMap(({ ip, ipMode, hostname }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [...checkOptional(`${at}.ip`, ip, addressError)];
    if (ipMode !== undefined && !ip)
      errors.push(fieldError.forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set"));
    else errors.push(...checkOneOf(`${at}.ipMode`, ipMode, ["Proxy", "VIP"]));
    if (!hostname) return errors;
    errors.push(...check(`${at}.hostname`, hostname, dnsSubdomainError(hostname)));
    if (parseAddress(hostname))
      errors.push(fieldError.invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
    return errors;
  });
}

function checkTopology({ metadata: { annotations = {} } }: Service): FieldErrors {
  const [mode, hints] = [annotations[topologyModeKey], annotations[topologyHintsKey]];
  if (mode === undefined || hints === undefined || mode === hints) return [];
  const detail = `must match annotations[${topologyHintsKey}] when both are specified`;
  return [fieldError.invalid(`metadata.annotations[${topologyModeKey}]`, mode, detail)];
}

function checkForType(spec: ServiceSpec): FieldErrors {
  const { type = "", clusterIP } = spec;
  if (type === "LoadBalancer" || type === "NodePort") {
    const detail = `may not be set to 'None' for ${type} services`;
    return clusterIP === "None" ? [fieldError.invalid("spec.clusterIPs[0]", "None", detail)] : [];
  }
  if (type !== "ExternalName") return [];
  const set = {
    clusterIPs: clusterIP || spec.clusterIPs?.length,
    ipFamilies: spec.ipFamilies?.length,
    ipFamilyPolicy: spec.ipFamilyPolicy,
  };
  return [
    ...Object.entries(set).flatMap(([name, value]) =>
      value ? [fieldError.forbidden(`spec.${name}`, "may not be set for ExternalName services")] : [],
    ),
    ...checkRequired("spec.externalName", spec.externalName?.replace(/\.$/, ""), dnsSubdomainError),
  ];
}

function checkPort(port: ServicePort, field: string, nameRequired: boolean): FieldErrors {
  return [
    ...(port.name
      ? check(`${field}.name`, port.name, dnsLabelError(port.name))
      : nameRequired
        ? [fieldError.required(`${field}.name`)]
        : []),
    ...checkPortNumber(`${field}.port`, port.port),
    ...checkRequiredOneOf(`${field}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]),
    ...checkPortNumberOrName(`${field}.targetPort`, port.targetPort),
    ...(port.appProtocol === undefined
      ? []
      : checkAll(`${field}.appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol))),
  ];
}

function checkNodePorts({ type, ports = [] }: ServiceSpec): FieldErrors {
  const seen = new Set<string>();
  return ports.flatMap(({ protocol, nodePort }, index) => {
    if (!nodePort) return [];
    const field = `spec.ports[${index}].nodePort`;
    const errors: FieldError[] = [];
    if (type === "ClusterIP") errors.push(fieldError.forbidden(field, "may not be used when `type` is 'ClusterIP'"));
    if (seen.has(`${protocol}/${nodePort}`)) errors.push(fieldError.duplicate(field, nodePort));
    seen.add(`${protocol}/${nodePort}`);
    return errors;
  });
}

function checkPortsDiffer(ports: readonly ServicePort[]): FieldErrors {
  const seen = new Set<string>();
  return ports.flatMap(({ protocol = "TCP", port }, index) => {
    const key = `${protocol}/${port}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    // The value is shown as Kubernetes shows it: a whole port with only these two fields set.
    const value = { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    return [fieldError.duplicate(`spec.ports[${index}]`, value)];
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

function checkLoadBalancer({ metadata, spec = {} }: Service): FieldErrors {
  const { type, loadBalancerSourceRanges: ranges = [], loadBalancerClass } = spec;
  const inAnnotation = metadata.annotations?.[sourceRangesKey];
  const isLoadBalancer = type === "LoadBalancer";
  const forbidden = (field: string) => (isLoadBalancer ? [] : [fieldError.forbidden(field, onlyLoadBalancer)]);
  const errors: FieldError[] = [];
  if (ranges.length > 0) {
    // Kubernetes writes this field's name with a capital.
    const field = "spec.LoadBalancerSourceRanges";
    errors.push(...forbidden(field), ...ranges.flatMap((range, index) => checkRange(`${field}[${index}]`, range)));
  } else if (inAnnotation !== undefined) {
    const field = `metadata.annotations[${sourceRangesKey}]`;
    const listed = inAnnotation.trim() === "" ? [] : inAnnotation.split(",");
    errors.push(...forbidden(field), ...listed.flatMap((range) => checkRange(field, range)));
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined) errors.push(...forbidden("spec.allocateLoadBalancerNodePorts"));
  if (loadBalancerClass === undefined) return errors;
  const field = "spec.loadBalancerClass";
  return [
    ...errors,
    ...forbidden(field),
    ...(isLoadBalancer ? checkAll(field, loadBalancerClass, qualifiedNameErrors(loadBalancerClass)) : []),
  ];
}

function checkRange(field: string, text: string): FieldErrors {
  const range = text.trim();
  const detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  return check(field, range, parseRange(range) ? undefined : detail);
}

function checkTraffic(spec: ServiceSpec): FieldErrors {
  const { externalTrafficPolicy, healthCheckNodePort } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec))
    errors.push(...checkRequiredOneOf("spec.externalTrafficPolicy", externalTrafficPolicy, trafficPolicies));
  else if (externalTrafficPolicy) {
    const detail = "may only be set for externally-accessible services";
    errors.push(fieldError.invalid("spec.externalTrafficPolicy", externalTrafficPolicy, detail));
  }
  if (needsHealthCheck(spec)) errors.push(...checkHealthCheckPort(healthCheckNodePort));
  else if (healthCheckNodePort) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(fieldError.invalid("spec.healthCheckNodePort", healthCheckNodePort, detail));
  }
  return [
    ...errors,
    ...checkOneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, trafficPolicies),
    ...checkOneOf("spec.trafficDistribution", spec.trafficDistribution, [
      "PreferClose",
      "PreferSameZone",
      "PreferSameNode",
    ]),
  ];
}

function checkHealthCheckPort(port: number | undefined): FieldErrors {
  return port ? checkPortNumber("spec.healthCheckNodePort", port) : [fieldError.required("spec.healthCheckNodePort")];
}
