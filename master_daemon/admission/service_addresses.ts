import { type KubeObject, keyText } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { type Service, service as serviceKind } from "../../core/kinds/service.ts";
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import type { Registries } from "../registry/registry.ts";
import type { Reservations } from "../registry/reservations.ts";
import { AddressPools, NumberPool } from "./_address_pool.ts";
import { allocate, held, type ServicePools, type ServiceValues } from "./_service_allocation.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/** Options of {@linkcode openServiceAddresses}. */
export interface ServiceAddressesOptions {
  readonly registries: Registries;
  /** IPv4 range in CIDR form; with one of IPv6 after a comma services may have addresses of both families. */
  readonly clusterIpRange: string;
  /** `FIRST-LAST`. */
  readonly nodePortRange: string;
  /** Where there are other masters: what keeps them from handing out the same at the same time. */
  readonly reservations?: Reservations | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Hands out cluster IPs and node ports. */
export interface ServiceAddresses extends AsyncDisposable {
  readonly plugin: AdmissionPlugin;
  /** The address of the `kubernetes` service. */
  readonly firstAddress: string;
  /** The address that DNS is usually asked at; undefined in a range that is too small. */
  readonly dnsAddress: string | undefined;
}

/** What one service holds. */
interface Holding extends ServiceValues {
  readonly revision: number;
}

const maxGone = 1000;
/** Tries of what another master hands out at the same time, and milliseconds between them. */
const maxTries = 20;
const retryMs = 50;
/** Milliseconds before services are followed again when they cannot be read. */
const followAgainMs = 1_000;

/**
 * Opens the allocator: what is taken is read from the stored services and followed by a watch, so that nothing is lost
 * by a restart and nothing leaks. What a request was given counts as taken until the request is over.
 *
 * @throws RangeError for ranges that cannot be read
 */
export async function openServiceAddresses(options: ServiceAddressesOptions): Promise<ServiceAddresses> {
  const { registries, reservations, clock, random, log } = options;
  const pools: ServicePools = {
    addresses: new AddressPools(options.clusterIpRange, random),
    ports: portPool(options.nodePortRange, random),
  };
  const holdings = new Map<string, Holding>();
  const gone: string[] = [];

  function hold(owner: string, { addresses, ports }: ServiceValues): void {
    for (const value of addresses) pools.addresses.hold(value, owner);
    for (const value of ports) pools.ports.hold(value, owner);
  }
  function release(owner: string, { addresses, ports }: ServiceValues): void {
    for (const value of addresses) pools.addresses.release(value, owner);
    for (const value of ports) pools.ports.release(value, owner);
  }
  /** Notes what a service holds as of a revision; older news is ignored. */
  function note(owner: string, revision: number, service: Service | undefined): void {
    const previous = holdings.get(owner);
    if (previous && previous.revision >= revision) return;
    const next: Holding = { revision, ...held(service, pools) };
    hold(owner, next);
    if (previous) release(owner, previous);
    holdings.set(owner, next);
    if (service) return;
    // Remembered for a while: the news of its creation may arrive after that of its end.
    gone.push(owner);
    const oldest = gone.length > maxGone ? gone.shift() : undefined;
    const entry = oldest === undefined ? undefined : holdings.get(oldest);
    if (oldest !== undefined && entry?.addresses.length === 0 && entry.ports.length === 0) holdings.delete(oldest);
  }

  const registry = registries.for(serviceKind);
  /** Notes what every service holds now; returns the revision of that. */
  async function noteAll(): Promise<number> {
    const { items, revision } = await registry.list();
    const present = new Set(items.map(({ key }) => keyText(key)));
    for (const stored of items) note(keyText(stored.key), stored.revision, stored.object);
    for (const [owner, { addresses, ports }] of [...holdings])
      if (addresses.length + ports.length > 0 && !present.has(owner)) note(owner, revision, undefined);
    return revision;
  }
  let revision = await noteAll();

  const tasks = new Tasks({
    onError: (error) => log.error("Cannot follow services", { error: errorMessage(error) }),
  });
  tasks.run(async (signal) => {
    while (!signal.aborted) {
      try {
        for await (const events of registry.watch({ resourceVersion: String(revision), signal })) {
          for (const event of events) {
            if (event.type === "BOOKMARK") continue;
            const { key, revision, object } = event.stored;
            note(keyText(key), revision, event.type === "DELETED" ? undefined : object);
          }
        }
        // The cache lost track of its store: what was missed is read.
        await clock.sleep(retryMs, { signal });
        revision = await noteAll();
      } catch (error) {
        if (signal.aborted) return;
        log.warn("Cannot follow services", { error: errorMessage(error) });
        await clock.sleep(followAgainMs, { signal });
      }
    }
  });

  /** Whether no other master has, or is about to have, what a service is to be given. */
  async function isOurs(key: string, values: ServiceValues, names: readonly string[]): Promise<boolean> {
    if (!reservations || names.length === 0) return true;
    if (!(await reservations.reserve(names))) return false;
    // Whoever had a name until just now has written the service that it is for.
    const { items } = await registry.list();
    if (!items.some((stored) => keyText(stored.key) !== key && overlap(held(stored.object, pools), values)))
      return true;
    await reservations.release(names);
    return false;
  }

  /** Gives the service of a request what it lacks, for as long as the request goes on. */
  async function allocated(request: AdmissionRequest & { readonly object: KubeObject }): Promise<KubeObject> {
    for (let tried = 1; ; tried++) {
      const { service, key, owner } = allocate(request, pools);
      if (request.dryRun || !service.spec) return service;
      const values = held(service, pools);
      const names = namesOf(values, held(request.previous as Service | undefined, pools));
      hold(owner, values);
      try {
        if (await isOurs(key, values, names)) {
          request.onSettled((committed) => {
            if (committed) {
              const { metadata } = committed.object;
              const name = keyText({ namespace: metadata.namespace, name: metadata.name ?? "" });
              note(name, committed.revision, committed.object as Service);
            }
            release(owner, values);
            if (reservations) tasks.run(() => reservations.release(names));
          });
          return service;
        }
      } catch (error) {
        release(owner, values);
        throw error;
      }
      release(owner, values);
      if (tried >= maxTries) throw StatusError.timeout("another server hands out the same addresses; try again");
      await clock.sleep(retryMs, {});
    }
  }

  return {
    firstAddress: pools.addresses.firstAddress,
    dnsAddress: pools.addresses.dnsAddress,
    plugin: {
      name: "ServiceAddresses",
      reserves: true,
      operations: ["CREATE", "UPDATE"],
      async mutate(request) {
        const { kind, subresource } = request;
        if (kind.group !== "" || kind.plural !== "services" || subresource !== undefined) return request.object;
        return await allocated(request);
      },
    },
    [Symbol.asyncDispose]: () => tasks[Symbol.asyncDispose](),
  };
}

function overlap(a: ServiceValues, b: ServiceValues): boolean {
  return a.addresses.some((value) => b.addresses.includes(value)) || a.ports.some((value) => b.ports.includes(value));
}

/** Under which names values are reserved, but for those that the service has already. */
function namesOf(values: ServiceValues, before: ServiceValues): readonly string[] {
  return [
    ...values.addresses.filter((value) => !before.addresses.includes(value)).map((value) => `serviceips/${value}`),
    ...values.ports.filter((value) => !before.ports.includes(value)).map((value) => `servicenodeports/${value}`),
  ];
}

/** @throws RangeError when the text is no range of ports */
function portPool(range: string, random: Random): NumberPool {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(range) ?? [];
  if (
    first === undefined ||
    last === undefined ||
    Number(first) < 1 ||
    Number(first) > Number(last) ||
    Number(last) > 65535
  )
    throw new RangeError(`Cannot use --service-node-port-range=${range}: it must be FIRST-LAST, such as 30000-32767`);
  const size = Number(last) - Number(first) + 1;
  const reservedForStatic = size > 256 ? Math.min(Math.max(16, Math.floor(size / 32)), 128) : 0;
  return new NumberPool({
    first: Number(first),
    last: Number(last),
    dynamicFirst: Number(first) + reservedForStatic,
    random,
  });
}
