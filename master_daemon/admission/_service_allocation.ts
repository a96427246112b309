import { type KubeObject, keyText } from "../../core/api/meta.ts";
import { type FieldError, fieldError, StatusError } from "../../core/api/status.ts";
import type { Service, ServiceSpec } from "../../core/kinds/service.ts";
import { checkAddresses } from "../../core/kinds/service_address_validation.ts";
import { needsHealthCheck } from "../../core/kinds/service_defaults.ts";
import { hasNodePorts, withAllocations } from "../../core/kinds/service_update.ts";
import type { AddressFamily, AddressPool, AddressPools, NumberPool } from "./_address_pool.ts";
import { familiesOf } from "./_service_families.ts";
import type { AdmissionRequest } from "./plugin.ts";

/** What services get addresses and node ports from. */
export interface ServicePools {
  readonly addresses: AddressPools;
  readonly ports: NumberPool;
}

/** Addresses and ports of a service, as the pools know them. */
export interface ServiceValues {
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

const kubernetesService = "default/kubernetes";

/** What a request's service is to be: pure, but for chance. */
export function allocate(
  request: AdmissionRequest & { readonly object: KubeObject },
  pools: ServicePools,
): { readonly service: Service; readonly key: string; readonly owner: string } {
  const object = request.object as Service;
  const previous = request.previous as Service | undefined;
  // A generated name is not known yet; the uid is not either. The request itself is owner until it is over.
  const name = object.metadata.name ?? "";
  const key = keyText({ namespace: request.key.namespace, name });
  const owner = name && request.operation === "UPDATE" ? key : `${key} ${nextRequest++}`;
  if (!object.spec) return { service: object, key, owner };
  // What the service of this name already holds is its own: creating it again fails for the name, not for the address.
  const owners = [owner, key];
  let spec = withAllocations(object, previous).spec ?? object.spec;
  // Nothing is looked for where what is asked for makes no sense.
  const errors: FieldError[] = [...checkAddresses(spec)];
  if (errors.length > 0) throw StatusError.invalid({ group: "", kind: "Service" }, name, errors);
  spec = allocateAddresses(spec, { previous: previous?.spec, key, owners, pools, errors });
  spec = allocatePorts(spec, { owners, pools, errors });
  if (errors.length > 0) throw StatusError.invalid({ group: "", kind: "Service" }, name, errors);
  spec = allocateHealthCheckPort(spec, { owners, pools });
  return { service: { ...object, spec }, key, owner };
}

let nextRequest = 0;

/** Whether a service of this type has an address and ports of its own. */
function needsAddress({ type = "ClusterIP", clusterIP }: ServiceSpec): boolean {
  return type !== "ExternalName" && clusterIP !== "None";
}

function needsPorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
}

function allocateAddresses(
  spec: ServiceSpec,
  {
    previous,
    errors,
    ...context
  }: {
    readonly previous: ServiceSpec | undefined;
    readonly key: string;
    readonly owners: readonly string[];
    readonly pools: ServicePools;
    readonly errors: FieldError[];
  },
): ServiceSpec {
  if (spec.type === "ExternalName") return spec;
  const { addresses } = context.pools;
  const families = familiesOf({ spec, previous, configured: addresses.families });
  if (!("ipFamilies" in families)) {
    errors.push(...families);
    return spec;
  }
  const { clusterIPs: asked } = families;
  if (asked[0] === "None") return { ...spec, ...families, clusterIP: "None", clusterIPs: ["None"] };
  const clusterIPs = families.ipFamilies.map((family, index) => {
    const address = asked[index];
    if (address === undefined) return picked(addresses, family);
    const reason = refusalOf(address, { ...context, pool: addresses.of(family) });
    if (reason)
      errors.push(fieldError.invalid("spec.clusterIPs", asked, `failed to allocate IP ${address}: ${reason}`));
    return address;
  });
  return { ...spec, ...families, clusterIP: clusterIPs[0] ?? "", clusterIPs };
}

/** @throws StatusError InternalError when all are taken */
function picked(addresses: AddressPools, family: AddressFamily): string {
  const pool = addresses.of(family);
  const value = pool?.numbers.pick();
  if (pool === undefined || value === undefined)
    throw StatusError.internal("failed to allocate a serviceIP: range is full");
  return pool.textOf(value);
}

/** Why a service cannot have the address that it asks for. */
function refusalOf(
  address: string,
  {
    pool,
    key,
    owners,
  }: { readonly pool: AddressPool | undefined; readonly key: string; readonly owners: readonly string[] },
): string | undefined {
  const value = pool?.numberOf(address);
  if (pool === undefined || value === undefined)
    return `the provided IP (${address}) is not in the valid range. The range of valid IPs is ${pool?.range}`;
  const isKept = pool.textOf(value) === pool.firstAddress && key !== kubernetesService;
  return isKept || pool.numbers.isTaken(value, owners) ? "provided IP is already allocated" : undefined;
}

function allocatePorts(
  spec: ServiceSpec,
  {
    owners,
    pools,
    errors,
  }: { readonly owners: readonly string[]; readonly pools: ServicePools; readonly errors: FieldError[] },
): ServiceSpec {
  if (!hasNodePorts(spec) || !spec.ports) return spec;
  const { ports: pool } = pools;
  // TCP and UDP of one service may share a node port; the same protocol may not have it twice.
  const mine = new Set<string>();
  const asked = new Set(spec.ports.map(({ nodePort }) => nodePort ?? 0));
  const ports = spec.ports.map((port, index) => {
    const { protocol = "TCP", nodePort } = port;
    const field = `spec.ports[${index}].nodePort`;
    if (nodePort) {
      if (!pool.has(nodePort))
        errors.push(
          fieldError.invalid(
            field,
            nodePort,
            `provided port is not in the valid range. The range of valid ports is ${pool.first}-${pool.last}`,
          ),
        );
      else if (pool.isTaken(nodePort, owners) || mine.has(`${protocol} ${nodePort}`))
        errors.push(fieldError.invalid(field, nodePort, "provided port is already allocated"));
      mine.add(`${protocol} ${nodePort}`);
      return port;
    }
    if (!needsPorts(spec)) return port;
    const picked = pool.pick(asked);
    if (picked === undefined) throw StatusError.internal("failed to allocate a nodePort: range is full");
    asked.add(picked);
    mine.add(`${protocol} ${picked}`);
    return { ...port, nodePort: picked };
  });
  return { ...spec, ports };
}

/** @see k8s.io/kubernetes/pkg/registry/core/service/storage/alloc.go, allocHealthCheckNodePort */
function allocateHealthCheckPort(
  spec: ServiceSpec,
  { owners, pools: { ports } }: { readonly owners: readonly string[]; readonly pools: ServicePools },
): ServiceSpec {
  if (!needsHealthCheck(spec)) return spec;
  const { healthCheckNodePort: asked } = spec;
  if (!asked) {
    const picked = ports.pick(new Set(spec.ports?.map(({ nodePort }) => nodePort ?? 0)));
    if (picked === undefined) throw StatusError.internal("failed to allocate a HealthCheck NodePort : range is full");
    return { ...spec, healthCheckNodePort: picked };
  }
  const reason = !ports.has(asked)
    ? `provided port is not in the valid range. The range of valid ports is ${ports.first}-${ports.last}`
    : ports.isTaken(asked, owners)
      ? "provided port is already allocated"
      : undefined;
  if (reason) throw StatusError.internal(`failed to allocate requested HealthCheck NodePort ${asked}: ${reason}`);
  return spec;
}

/** What a service holds of the pools. */
export function held(service: Service | undefined, { addresses, ports }: ServicePools): ServiceValues {
  const spec = service?.spec;
  if (!spec) return { addresses: [], ports: [] };
  const all = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ""];
  const nodePorts = hasNodePorts(spec) ? (spec.ports ?? []).flatMap(({ nodePort }) => nodePort ?? []) : [];
  return {
    addresses: needsAddress(spec) ? all.flatMap((address) => addresses.known(address) ?? []) : [],
    ports: [...new Set([...nodePorts, ...(spec.healthCheckNodePort ? [spec.healthCheckNodePort] : [])])].filter(
      (port) => ports.has(port),
    ),
  };
}
