import { keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { type Lease, lease as leaseKind } from "../../core/kinds/lease.ts";
import { type Clock, microTimestamp } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import { Tasks } from "../../core/util/tasks.ts";
import { type ApiEndpoint, writeKubernetesEndpoints } from "./kubernetes_service.ts";

/** Options of {@linkcode startMasterLeases}. */
export interface MasterLeasesOptions {
  readonly client: Client;
  /** What tells this master from all others. */
  readonly identity: string;
  /** Where it serves the API. */
  readonly endpoint: ApiEndpoint;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds between two renewals. @see k8s.io/kubernetes/pkg/controlplane/reconcilers */
const renewMs = 10_000;
const leaseSeconds = 15;
const namespace = "kube-system";
const label = { "apiserver.kubernetes.io/identity": "kube-apiserver" };
const labelSelector = "apiserver.kubernetes.io/identity=kube-apiserver";
/** Where a master says how it is reached. */
const endpointAnnotation = "wherry.dev/api-endpoint";
/** Milliseconds after which the lease of a master that is gone is removed. */
const forgetMs = 60_000;

/**
 * Keeps the service `kubernetes` pointed to every master that lives: each renews a Lease of its own, and all write down
 * whose leases are renewed. A master that ends takes itself off at once, one that vanishes is taken off by the others.
 *
 * Resolves when this master is among them.
 */
export async function startMasterLeases(options: MasterLeasesOptions): Promise<AsyncDisposable> {
  const leases = new MasterLeases(options);
  await leases.renew(new AbortController().signal);
  return leases;
}

class MasterLeases implements AsyncDisposable {
  readonly #options: MasterLeasesOptions;
  /** When a lease was seen to change, on this machine's monotonic clock: others' clocks say nothing. */
  readonly #seen = new Map<string, { readonly version: string; readonly at: number }>();
  readonly #tasks: Tasks;

  constructor(options: MasterLeasesOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#tasks = new Tasks({ onError: (error) => log.error("Master leases failed", { error: errorMessage(error) }) });
    this.#tasks.run(async (signal) => {
      for (;;) {
        await clock.sleep(renewMs, { signal });
        await this.renew(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn("Cannot renew the master's lease", { error: errorMessage(error) });
        });
      }
    });
  }

  async renew(signal: AbortSignal): Promise<void> {
    await this.#renewOwn(signal);
    await this.#writeEndpoints(signal);
  }

  async #renewOwn(signal: AbortSignal): Promise<void> {
    const { client, clock, identity, endpoint } = this.#options;
    const { address, port } = endpoint;
    const own: Lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: identity,
        namespace,
        labels: label,
        annotations: { [endpointAnnotation]: JSON.stringify({ address, port }) },
      },
      spec: { holderIdentity: identity, leaseDurationSeconds: leaseSeconds, renewTime: microTimestamp(clock) },
    };
    // A patch need not know which version is there.
    const body = { metadata: { labels: label, annotations: own.metadata.annotations ?? {} }, spec: { ...own.spec } };
    await client.patch(leaseKind, keyOf(own), { type: "merge", body }, { signal }).catch(async (error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
      await client.create(leaseKind, own, { signal });
    });
  }

  async #writeEndpoints(signal: AbortSignal): Promise<void> {
    const { client, clock, log } = this.#options;
    const { items } = await client.list(leaseKind, { namespace, labelSelector, signal });
    const now = clock.monotonic();
    const servers: ApiEndpoint[] = [];
    for (const found of items) {
      const { name = "", resourceVersion: version = "" } = found.metadata;
      const before = this.#seen.get(name);
      const { at } = before?.version === version ? before : { at: now };
      this.#seen.set(name, { version, at });
      const server = endpointOf(found);
      if (server && now - at < leaseSeconds * 1000) servers.push(server);
      else if (now - at >= forgetMs) {
        log.info("A master is gone", { lease: name });
        this.#seen.delete(name);
        await client
          .delete(leaseKind, keyOf(found), { preconditions: { resourceVersion: version }, signal })
          .catch(() => {});
      }
    }
    if (servers.length > 0) await writeKubernetesEndpoints(client, { servers, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { client, clock, identity, log } = this.#options;
    await this.#tasks[Symbol.asyncDispose]();
    const late = new AbortController();
    const cancel = clock.schedule(2_000, () => late.abort(new Error("no answer")));
    try {
      await client.delete(leaseKind, { namespace, name: identity }, { signal: late.signal });
      await this.#writeEndpoints(late.signal);
    } catch (error) {
      log.debug("Cannot take the master off the endpoints", { error: errorMessage(error) });
    } finally {
      cancel();
    }
  }
}

/** Where the master of a lease serves the API; undefined when it does not say. */
function endpointOf({ metadata }: Lease): ApiEndpoint | undefined {
  try {
    const value: unknown = JSON.parse(metadata.annotations?.[endpointAnnotation] ?? "");
    const { address, port } = value as { address?: unknown; port?: unknown };
    return typeof address === "string" && typeof port === "number" ? { address, port } : undefined;
  } catch {
    return undefined;
  }
}
