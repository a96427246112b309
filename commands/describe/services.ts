import { type EndpointSlice, endpointSlice } from "../../core/kinds/endpoint_slice.ts";
import type { Endpoints } from "../../core/kinds/endpoints.ts";
import type { Ingress, IngressBackend } from "../../core/kinds/ingress.ts";
import type { LoadBalancerIngress, Service } from "../../core/kinds/service.ts";
import { service } from "../../core/kinds/service.ts";
import { errorMessage } from "../../core/util/log.ts";
import { labelsText } from "../output/table.ts";
import {
  annotationLines,
  type DescribeContext,
  type Describer,
  labelLines,
  metadataLines,
  nameLines,
} from "./common.ts";
import { describeEvents } from "./events.ts";

async function slicesOf(
  name: string,
  namespace: string | undefined,
  { client, signal }: DescribeContext,
): Promise<readonly EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`;
  return (await client.list(endpointSlice, { namespace, labelSelector, signal })).items;
}

/** Addresses that are shown; of more it is said how many. */
const maxAddresses = 3;

/** `10.0.0.1:80,10.0.0.2:80 + 3 more...`: the ready addresses of a port. */
function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  const addresses = slices.flatMap(({ endpoints = [], ports }) => {
    const ready = endpoints
      .filter(({ conditions }) => conditions?.ready !== false)
      .map(({ addresses }) => addresses[0] ?? "");
    if (!ports || ports.length === 0) return ready;
    return ports
      .filter(({ name }) => (name ?? "") === portName)
      .flatMap(({ port }) =>
        ready.map((address) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`)),
      );
  });
  const shown = addresses.slice(0, maxAddresses).join(",");
  return addresses.length > maxAddresses ? `${shown} + ${addresses.length - maxAddresses} more...` : shown;
}

/** A service with its ports and who answers on them. */
export const describeService: Describer = async (object, page, context) => {
  const { metadata, spec = {}, status } = object as Service;
  nameLines(page, object);
  metadataLines(page, object);
  page.line(0, `Selector:\t${labelsText(spec.selector)}`);
  page.line(0, `Type:\t${spec.type ?? ""}`);
  if (spec.ipFamilyPolicy) page.line(0, `IP Family Policy:\t${spec.ipFamilyPolicy}`);
  page.line(0, `IP Families:\t${spec.ipFamilies?.join(",") || "<none>"}`);
  page.line(0, `IP:\t${spec.clusterIP ?? ""}`);
  page.line(0, `IPs:\t${spec.clusterIPs?.join(",") || "<none>"}`);
  if (spec.externalIPs?.length) page.line(0, `External IPs:\t${spec.externalIPs.join(",")}`);
  if (spec.loadBalancerIP) page.line(0, `Desired LoadBalancer IP:\t${spec.loadBalancerIP}`);
  if (spec.externalName) page.line(0, `External Name:\t${spec.externalName}`);
  const ingress = status?.loadBalancer?.ingress ?? [];
  if (ingress.length > 0) page.line(0, `LoadBalancer Ingress:\t${ingress.map(ingressText).join(", ")}`);
  const slices = await slicesOf(metadata.name ?? "", metadata.namespace, context);
  for (const port of spec.ports ?? []) {
    const { name = "", protocol = "TCP" } = port;
    page.line(0, `Port:\t${name || "<unset>"}\t${port.port}/${protocol}`);
    page.line(0, `TargetPort:\t${port.targetPort ?? 0}/${protocol}`);
    if (port.appProtocol) page.line(0, `AppProtocol:\t${port.appProtocol}`);
    if (port.nodePort) page.line(0, `NodePort:\t${name || "<unset>"}\t${port.nodePort}/${protocol}`);
    page.line(0, `Endpoints:\t${slices.length === 0 ? "<none>" : endpointsText(slices, name)}`);
  }
  page.line(0, `Session Affinity:\t${spec.sessionAffinity ?? ""}`);
  if (spec.externalTrafficPolicy) page.line(0, `External Traffic Policy:\t${spec.externalTrafficPolicy}`);
  if (spec.internalTrafficPolicy) page.line(0, `Internal Traffic Policy:\t${spec.internalTrafficPolicy}`);
  if (spec.healthCheckNodePort) page.line(0, `HealthCheck NodePort:\t${spec.healthCheckNodePort}`);
  if (spec.loadBalancerSourceRanges?.length)
    page.line(0, `LoadBalancer Source Ranges:\t${spec.loadBalancerSourceRanges.join(",")}`);
  if (spec.trafficDistribution) page.line(0, `Traffic Distribution:\t${spec.trafficDistribution}`);
  await describeEvents(page, object, context);
};

function ingressText({ ip, ipMode, hostname = "" }: LoadBalancerIngress): string {
  return ip ? `${ip}${ipMode ? ` (${ipMode})` : ""}` : hostname;
}

/** The endpoints of a service, the older way. */
export const describeEndpoints: Describer = async (object, page, context) => {
  nameLines(page, object);
  metadataLines(page, object);
  page.line(0, "Subsets:");
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of (object as Endpoints).subsets ?? []) {
    page.line(1, `Addresses:\t${addresses.map(({ ip }) => ip).join(",") || "<none>"}`);
    page.line(1, `NotReadyAddresses:\t${notReadyAddresses.map(({ ip }) => ip).join(",") || "<none>"}`);
    if (ports.length > 0) {
      page.line(1, "Ports:");
      page.line(2, "Name\tPort\tProtocol");
      page.line(2, "----\t----\t--------");
      for (const { name, port, protocol = "TCP" } of ports) page.line(2, `${name || "<unset>"}\t${port}\t${protocol}`);
    }
    page.line(0, "");
  }
  await describeEvents(page, object, context);
};

/** Some of the endpoints of a service. */
export const describeEndpointSlice: Describer = async (object, page, context) => {
  const { addressType, ports = [], endpoints = [] } = object as EndpointSlice;
  nameLines(page, object);
  metadataLines(page, object);
  page.line(0, `AddressType:\t${addressType}`);
  page.line(0, ports.length === 0 ? "Ports: <unset>" : "Ports:");
  if (ports.length > 0) {
    page.line(1, "Name\tPort\tProtocol");
    page.line(1, "----\t----\t--------");
    for (const { name, port, protocol = "TCP" } of ports)
      page.line(1, `${name || "<unset>"}\t${port ?? "<unset>"}\t${protocol}`);
  }
  page.line(0, endpoints.length === 0 ? "Endpoints: <none>" : "Endpoints:");
  for (const { addresses, conditions, hostname, targetRef, nodeName, zone } of endpoints) {
    page.line(1, `- Addresses:\t${addresses.join(", ") || "<none>"}`);
    page.line(2, "Conditions:");
    page.line(3, `Ready:\t${conditions?.ready ?? "<unset>"}`);
    page.line(2, `Hostname:\t${hostname ?? "<unset>"}`);
    if (targetRef) page.line(2, `TargetRef:\t${targetRef.kind}/${targetRef.name}`);
    page.line(2, `NodeName:\t${nodeName ?? "<unset>"}`);
    page.line(2, `Zone:\t${zone ?? "<unset>"}`);
  }
  await describeEvents(page, object, context);
};

/** An ingress with its rules and who is behind them. */
export const describeIngress: Describer = async (object, page, context) => {
  const { metadata, spec = {}, status } = object as Ingress;
  const backend = (one: IngressBackend) => backendText(one, metadata.namespace, context);
  page.line(0, `Name:\t${metadata.name}`);
  labelLines(page, "Labels", metadata.labels);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).filter(Boolean);
  page.line(0, `Address:\t${addresses.sort().join(",")}`);
  page.line(0, `Ingress Class:\t${spec.ingressClassName ?? "<none>"}`);
  const fallback = spec.defaultBackend ? await backend(spec.defaultBackend) : "<default>";
  page.line(0, `Default backend:\t${fallback}`);
  if (spec.tls?.length) {
    page.line(0, "TLS:");
    for (const { hosts = [], secretName } of spec.tls)
      page.line(1, secretName ? `${secretName} terminates ${hosts.join(",")}` : `SNI routes ${hosts.join(",")}`);
  }
  page.line(0, "Rules:\n  Host\tPath\tBackends");
  page.line(1, "----\t----\t--------");
  const rules = (spec.rules ?? []).filter(({ http }) => http);
  for (const { host, http } of rules) {
    page.line(1, `${host || "*"}\t`);
    for (const one of http?.paths ?? []) page.line(2, `\t${one.path ?? ""} \t${await backend(one.backend)}`);
  }
  if (rules.length === 0) page.line(1, `*\t*\t${fallback}`);
  annotationLines(page, "Annotations", metadata.annotations);
  await describeEvents(page, object, context);
};

async function backendText(
  { service: target, resource }: IngressBackend,
  namespace: string | undefined,
  context: DescribeContext,
): Promise<string> {
  if (resource) return `APIGroup: ${resource.apiGroup ?? "<none>"}, Kind: ${resource.kind}, Name: ${resource.name}`;
  if (!target) return "";
  const { name, port = {} } = target;
  const text = `${name}:${port.number ? port.number : (port.name ?? "")}`;
  try {
    const slices = await slicesOf(name, namespace, context);
    const found = await context.client.get(service, { namespace, name }, { signal: context.signal });
    const own = (found.spec?.ports ?? []).find((one) =>
      port.number ? one.port === port.number : one.name === port.name,
    );
    return `${text} (${slices.length === 0 ? "<none>" : endpointsText(slices, own?.name ?? "")})`;
  } catch (error) {
    if (context.signal.aborted) throw error;
    return `${text} (<error: ${errorMessage(error)}>)`;
  }
}
