import { type Answer as DecodedAnswer, type DecodedPacket, decode, encode, type Packet } from "dns-packet";
import { keyOf, keyText } from "../../../core/api/meta.ts";
import { type EndpointSlice, serviceKeysOf } from "../../../core/kinds/endpoint_slice.ts";
import type { Service, ServiceSpec } from "../../../core/kinds/service.ts";
import type { ClusterView } from "../../../node_daemon/dns/cluster_names.ts";

/** A service of the namespace `shop`. */
export function serviceOf(name: string, spec: ServiceSpec): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { namespace: "shop", name }, spec };
}

/** A slice of a service in `shop`. */
export function sliceOf(
  name: string,
  slice: Pick<EndpointSlice, "endpoints" | "ports"> & Partial<EndpointSlice>,
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ...slice,
  };
}

/** What a DNS knows that sees these objects. */
export function viewOf(services: readonly Service[], slices: readonly EndpointSlice[] = []): ClusterView {
  return {
    service: (namespace, name) => services.find((one) => keyText(keyOf(one)) === `${namespace}/${name}`),
    hasServices: (namespace) => services.some(({ metadata }) => metadata.namespace === namespace),
    slices: (namespace, name) => slices.filter((slice) => serviceKeysOf(slice).includes(`${namespace}/${name}`)),
    servicesAt: (address) => services.filter(({ spec }) => (spec?.clusterIPs ?? [spec?.clusterIP]).includes(address)),
    slicesAt: (address) =>
      slices.filter(({ endpoints }) => endpoints.some(({ addresses }) => addresses.includes(address))),
  };
}

/** A question as the kept library writes it. */
export function question(name: string, type: string, packet: Partial<Packet> = {}): Uint8Array {
  const flags = 0x0100;
  return encode({ type: "query", id: 4711, flags, questions: [{ name, type: type as "A", class: "IN" }], ...packet });
}

/** An answer as the kept library reads it, but for what `DecodedPacket` leaves out. */
export type Decoded = DecodedPacket & { readonly rcode: string };

/** Reads an answer. */
export function read(bytes: Uint8Array | undefined): Decoded {
  if (!bytes) throw new Error("no answer came");
  return decode(Buffer.from(bytes)) as Decoded;
}

/** Records as lines, in order of the text. */
export function lines(records: readonly DecodedAnswer[] = []): readonly string[] {
  return records
    .filter(({ type }) => type !== "OPT")
    .map((record) => {
      const { type, name } = record;
      const data = "data" in record ? record.data : "";
      if (record.type === "SRV") {
        const { priority, weight, port, target } = record.data;
        return `${name} SRV ${priority} ${weight} ${port} ${target}`;
      }
      if (record.type === "SOA") return `${name} SOA ${record.data.mname} ${record.data.minimum}`;
      return `${name} ${type} ${Array.isArray(data) ? data.map(String).join("") : String(data)}`;
    })
    .sort();
}
