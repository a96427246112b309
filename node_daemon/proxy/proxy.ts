import { keyOf, keyText, parseKey } from "../../core/api/meta.ts";
import type { Informer, InformerFactory } from "../../core/client/informer.ts";
import { type EndpointSlice, endpointSlice, serviceKeysOf } from "../../core/kinds/endpoint_slice.ts";
import { type Node, node } from "../../core/kinds/node.ts";
import { type Service, service } from "../../core/kinds/service.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { Proxier, type ProxierOptions } from "./proxier.ts";
import { type RuleOptions, serviceRules } from "./rules.ts";

/** Options of {@linkcode startProxy}. */
export interface ProxyOptions extends ProxierOptions, RuleOptions {
  readonly informers: InformerFactory;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Serves the cluster's services on this machine, as the API describes them: looks at a service again when it or one of
 * its slices changed, at nothing else. Goes on with what it knows while the API is away.
 */
export async function startProxy(options: ProxyOptions): Promise<AsyncDisposable> {
  const parts = new DisposalStack();
  const proxier = parts.use(new Proxier(options));
  const services = options.informers.informer(service);
  const slices = options.informers.informer(endpointSlice, { indexes: { service: serviceKeysOf } });
  // The kubelet watches the same; what is near depends on the node's zone.
  const nodes = options.informers.informer(node, { fieldSelector: `metadata.name=${options.nodeName}` });
  const wait = options.signal ? { signal: options.signal } : {};
  await Promise.all([services.synced(wait), slices.synced(wait)]);
  let zone = zoneOf(nodes.get({ name: options.nodeName }));

  const sync = (key: string) => {
    const rules = rulesFor(key, services, slices, { ...options, zone });
    proxier
      .apply(key, rules)
      .catch((error: unknown) => options.log.error("Cannot serve a service", { service: key, error: String(error) }));
  };
  parts.defer(services.onChange(({ object }) => sync(keyText(keyOf(object)))));
  parts.defer(
    slices.onChange((change) => {
      const keys = new Set(serviceKeysOf(change.object));
      if (change.type === "updated") for (const key of serviceKeysOf(change.previous)) keys.add(key);
      for (const key of keys) sync(key);
    }),
  );
  parts.defer(
    nodes.onChange(({ type, object }) => {
      const next = type === "deleted" ? undefined : zoneOf(object);
      if (next === zone) return;
      zone = next;
      for (const one of services.list()) sync(keyText(keyOf(one)));
    }),
  );
  return parts;
}

function zoneOf(object: Node | undefined): string | undefined {
  return object?.metadata.labels?.["topology.kubernetes.io/zone"];
}

function rulesFor(key: string, services: Informer<Service>, slices: Informer<EndpointSlice>, options: RuleOptions) {
  const found = services.get(parseKey(key));
  return found && !found.metadata.deletionTimestamp ? serviceRules(found, slices.byIndex("service", key), options) : [];
}
