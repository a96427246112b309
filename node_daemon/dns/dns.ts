import { addressText, parseAddress } from "../../core/api/ip_address.ts";
import { keyText } from "../../core/api/meta.ts";
import type { InformerFactory } from "../../core/client/informer.ts";
import { type EndpointSlice, endpointSlice, serviceKeysOf } from "../../core/kinds/endpoint_slice.ts";
import { type Service, service } from "../../core/kinds/service.ts";
import type { LocalRoutes } from "../../core/platform/local_routes.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Logger } from "../../core/util/log.ts";
import type { ClusterView } from "./cluster_names.ts";
import { DnsListeners } from "./dns_listeners.ts";
import { Forwarder } from "./forwarder.ts";
import { lowerCase, nameOf } from "./message.ts";
import { createResponder } from "./responder.ts";

/** Options of {@linkcode startDns}. */
export interface DnsOptions {
  readonly informers: InformerFactory;
  /** E.g. `cluster.local`. */
  readonly clusterDomain: string;
  /** Addresses of the servers that know other names. Asked for each such name. */
  resolvers(): Promise<readonly string[]>;
  readonly localRoutes?: LocalRoutes | undefined;
  /** Default 53, which is where programs ask. */
  readonly port?: number | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** DNS on this node. */
export interface Dns extends AsyncDisposable {
  /** Addresses at which pods of this node can ask now: the service's, where somebody answers there. */
  readonly addresses: readonly string[];
}

/** The Service whose address pods ask. */
const dnsService = { namespace: "kube-system", name: "kube-dns" };

const dnsPort = 53;

/**
 * Answers this node's pods at the address of the Service `kube-dns`, from what informers know: goes on while the API is
 * away. A service with a selector is answered for by the pods that it selects.
 */
export async function startDns(options: DnsOptions): Promise<Dns> {
  const { informers, clusterDomain, port = dnsPort, localRoutes, clock, random, log, signal } = options;
  const parts = new DisposalStack();
  const services = informers.informer(service, { indexes: { clusterIP: clusterIPsOf } });
  const slices = informers.informer(endpointSlice, { indexes: { service: serviceKeysOf, address: addressesOf } });
  const wait = signal ? { signal } : {};
  await Promise.all([services.synced(wait), slices.synced(wait)]);
  const view: ClusterView = {
    service: (namespace, name) => services.get({ namespace, name }),
    hasServices: (namespace) => services.list(namespace).length > 0,
    slices: (namespace, name) => slices.byIndex("service", keyText({ namespace, name })),
    servicesAt: (address) => services.byIndex("clusterIP", address),
    slicesAt: (address) => slices.byIndex("address", address),
  };
  const domain = nameOf(lowerCase(clusterDomain));
  const forwarder = parts.use(
    new Forwarder({
      // Never ourselves.
      servers: async () =>
        (await options.resolvers())
          .filter((address) => !listeners.wanted.includes(address))
          .map((address) => ({ address, port: dnsPort })),
      clock,
      random,
      log,
    }),
  );
  const respond = createResponder({ view, domain, servers: () => listeners.wanted, forwarder, clock, random });
  const listeners: DnsListeners = parts.use(
    new DnsListeners({ port, domain, respond, localRoutes, clock, random, log }),
  );
  const follow = (found: Service | undefined) =>
    isOurs(found) ? listeners.set(clusterIPsOf(found)) : listeners.set([]);
  await follow(services.get(dnsService));
  parts.defer(
    services.onChange(({ type, object }) => {
      const { namespace, name } = object.metadata;
      if (namespace !== dnsService.namespace || name !== dnsService.name) return;
      void follow(type === "deleted" ? undefined : object);
    }),
  );
  return {
    get addresses() {
      const found = services.get(dnsService);
      return found && !isOurs(found) ? clusterIPsOf(found) : listeners.answered;
    },
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

/** Whether nobody else is meant to answer. */
function isOurs(found: Service | undefined): found is Service {
  return found !== undefined && Object.keys(found.spec?.selector ?? {}).length === 0;
}

function clusterIPsOf({ spec }: Service): readonly string[] {
  const all = spec?.clusterIPs ?? [spec?.clusterIP ?? ""];
  return all.flatMap((text) => plainAddress(text) ?? []);
}

function addressesOf({ addressType, endpoints }: EndpointSlice): readonly string[] {
  if (addressType === "FQDN") return [];
  return [...new Set(endpoints.flatMap(({ addresses }) => addresses.flatMap((text) => plainAddress(text) ?? [])))];
}

/** An address in the one form that it is looked up in. */
function plainAddress(text: string): string | undefined {
  const bytes = parseAddress(text);
  return bytes && addressText(bytes);
}
