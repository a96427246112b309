/**
 * Versions of groups that other servers have, behind services of the cluster.
 *
 * - APIServices are followed through the registry. One with a service has its requests sent on, with who asks in headers
 *   that the other server believes because of this one's client certificate.
 * - Whether it can be reached is checked when it or its service changes and every half minute, and stands in its status.
 * - What is served here has APIServices too; the server keeps them.
 *
 * @see https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
 */
import { type JsonObject, type KubeObject, keyOf, type ObjectKey, setCondition } from "../../../core/api/meta.ts";
import { ignoreReason, isReason } from "../../../core/api/status.ts";
import type { ApiRequest, ApiResponse, UserInfo } from "../../../core/client/transport.ts";
import { WorkQueue } from "../../../core/client/workqueue.ts";
import { type APIService, apiService as apiServiceKind } from "../../../core/kinds/api_service.ts";
import { endpoints as endpointsKind } from "../../../core/kinds/endpoints.ts";
import { semanticEqual } from "../../../core/kinds/semantic_equal.ts";
import { service as serviceKind } from "../../../core/kinds/service.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { DisposalStack } from "../../../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { Tasks } from "../../../core/util/tasks.ts";
import { followRegistry } from "../../registry/follow.ts";
import type { Registry } from "../../registry/registry.ts";
import type { RemoteVersion } from "../discovery.ts";
import { forward, openTunnel, type TunnelAnswer } from "../proxy/http_proxy.ts";
import { textResponse } from "../respond.ts";
import { virtualResources } from "../virtual/mod.ts";
import { availabilityOf } from "./availability.ts";
import { planLocalServices } from "./local_services.ts";
import { type BackendServices, remoteBackend, remoteUserHeaders } from "./remote_backend.ts";
import { discoverRemote } from "./remote_discovery.ts";
import { RemoteDocuments, type RemoteOpenApi } from "./remote_openapi.ts";

/** Options of {@linkcode startAggregator}. */
export interface AggregatorOptions extends BackendServices {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sends on what others serve. */
export interface Aggregator extends AsyncDisposable {
  /** Begins to keep the APIServices of what is served here. */
  keepLocal(): void;
  /** Whether another server has a version of a group. */
  isRemote(group: string, version: string): boolean;
  /** What others have, for discovery. */
  readonly remotes: readonly RemoteVersion[];
  /** What others say of what they have, for OpenAPI. */
  openApi(): Promise<readonly RemoteOpenApi[]>;
  /** Calls `listener` when `remotes` changes. */
  onChange(listener: () => void): void;
  /** Sends a request on, for a user who may make it. */
  forward(group: string, version: string, request: ApiRequest, context: RequestOf): Promise<ApiResponse>;
  /** Sends a request to upgrade on. */
  connect(group: string, version: string, request: ApiRequest, context: RequestOf): Promise<TunnelAnswer>;
}

interface RequestOf {
  readonly user: UserInfo;
  readonly signal: AbortSignal;
}

interface Remote {
  readonly apiService: APIService;
  available: boolean;
  resources: readonly JsonObject[];
}

const recheckMs = 30_000;
const retryMs = 2_000;
const self: UserInfo = { username: "system:kube-aggregator", groups: ["system:masters"] };

/** Follows APIServices until it is disposed. */
export async function startAggregator(options: AggregatorOptions): Promise<Aggregator> {
  const aggregator = new FollowingAggregator(options);
  await aggregator.start();
  return aggregator;
}

class FollowingAggregator implements Aggregator {
  readonly #options: AggregatorOptions;
  readonly #registry: Registry<APIService>;
  readonly #remotes = new Map<string, Remote>();
  readonly #listeners = new Set<() => void>();
  readonly #queue: WorkQueue;
  readonly #tasks: Tasks;
  readonly #parts = new DisposalStack();
  readonly #ended = new AbortController();
  readonly #documents: RemoteDocuments;
  #followingServices: Promise<void> | undefined;
  #unfollow = () => {};

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.#registry = options.services.registries.for(apiServiceKind);
    this.#queue = new WorkQueue({ clock: options.clock });
    this.#documents = new RemoteDocuments({ ...options, signal: this.#ended.signal });
    this.#tasks = new Tasks({
      onError: (error) => options.log.error("Cannot follow APIServices", { error: errorMessage(error) }),
    });
  }

  async start(): Promise<void> {
    const { clock, log } = this.#options;
    const follower = await followRegistry({
      registry: this.#registry,
      onPresent: ({ object }) => this.#note(object),
      onGone: ({ key }) => {
        this.#remotes.delete(key.name);
        this.#queue.add(localKey);
        this.#tell();
      },
      onRestart: () => this.#remotes.clear(),
      clock,
      log,
    });
    this.#parts.use(follower);
    this.#parts.use(this.#tasks);
    this.#tasks.run((signal) => this.#work(signal));
  }

  keepLocal(): void {
    this.#unfollow();
    this.#unfollow = this.#options.services.registries.onChange(() => this.#queue.add(localKey));
    this.#queue.add(localKey);
  }

  isRemote(group: string, version: string): boolean {
    return this.#remotes.has(`${version}.${group}`);
  }

  get remotes(): readonly RemoteVersion[] {
    return [...this.#remotes.values()].map(({ apiService: { spec }, available, resources }) => ({
      group: spec.group ?? "",
      version: spec.version ?? "",
      priority: { group: spec.groupPriorityMinimum ?? 0, version: spec.versionPriority ?? 0 },
      freshness: available ? "Current" : "Stale",
      resources,
    }));
  }

  openApi(): Promise<readonly RemoteOpenApi[]> {
    const available = [...this.#remotes.values()].filter((remote) => remote.available);
    return this.#documents.of(available.map(({ apiService }) => apiService));
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async forward(group: string, version: string, request: ApiRequest, context: RequestOf): Promise<ApiResponse> {
    const remote = this.#remotes.get(`${version}.${group}`);
    if (!remote?.available) return unavailable();
    const { user, signal } = context;
    try {
      const backend = await remoteBackend(this.#options, remote.apiService, signal);
      return await forward(backend, { request, path: request.path, headers: remoteUserHeaders(user), signal });
    } catch (error) {
      if (isReason(error, "ServiceUnavailable")) return textResponse(`${error.message}\n`, 503);
      throw error;
    }
  }

  async connect(group: string, version: string, request: ApiRequest, context: RequestOf): Promise<TunnelAnswer> {
    const remote = this.#remotes.get(`${version}.${group}`);
    if (!remote?.available) return { response: unavailable() };
    const { user, signal } = context;
    const backend = await remoteBackend(this.#options, remote.apiService, signal);
    return openTunnel(backend, { request, path: request.path, headers: remoteUserHeaders(user), signal });
  }

  #note(apiService: APIService): void {
    const name = apiService.metadata.name ?? "";
    if (!apiService.spec.service) {
      if (this.#remotes.delete(name)) this.#tell();
      return;
    }
    const known = this.#remotes.get(name);
    const condition = apiService.status?.conditions?.find(({ type }) => type === "Available");
    this.#remotes.set(name, {
      apiService,
      available: condition?.status === "True",
      resources: known?.resources ?? [],
    });
    this.#tell();
    this.#followingServices ??= this.#followServices().catch((error: unknown) =>
      this.#options.log.error("Cannot follow services", { error: errorMessage(error) }),
    );
    // A status that was only just written needs no other look.
    if (!semanticEqual(known?.apiService.spec, apiService.spec)) this.#queue.add(name);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Looks again at what is behind a service when its endpoints change. Begins with the first that is behind one. */
  async #followServices(): Promise<void> {
    const { clock, log, services } = this.#options;
    const recheck = ({ key }: { readonly key: ObjectKey }) => {
      for (const [name, { apiService }] of this.#remotes) {
        const { service } = apiService.spec;
        if (service?.name === key.name && service.namespace === key.namespace) this.#queue.add(name);
      }
    };
    const how = { onPresent: recheck, onGone: recheck, onRestart() {}, clock, log };
    for (const kind of [serviceKind, endpointsKind])
      this.#parts.use(await followRegistry<KubeObject>({ registry: services.registries.for(kind), ...how }));
  }

  async #work(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#queue.shutdown(), { once: true });
    for (let key = await this.#queue.get({ signal }); key !== undefined; key = await this.#queue.get({ signal })) {
      try {
        if (key === localKey) await this.#syncLocal();
        else await this.#check(key, signal);
        this.#queue.forget(key);
      } catch (error) {
        if (signal.aborted) return;
        if (!isReason(error, "Conflict") && !isReason(error, "NotFound"))
          this.#options.log.error("Cannot keep an APIService", { name: key, error: errorMessage(error) });
        this.#queue.addRateLimited(key);
      }
      this.#queue.done(key);
    }
  }

  /** Makes and removes the APIServices of what is served here. */
  async #syncLocal(): Promise<void> {
    const { registries } = this.#options.services;
    const { items } = await this.#registry.list();
    const { create, remove } = planLocalServices(
      [...registries.kinds, ...virtualResources],
      items.map(({ object }) => object),
    );
    // At once: they share a commit.
    await Promise.all([
      ...create.map((one) => this.#registry.create(one, { user: self }).catch(ignoreReason("AlreadyExists"))),
      ...remove.map((one) => this.#registry.delete(keyOf(one), { user: self })),
    ]);
  }

  /** Looks whether another server can be reached, and what it has. */
  async #check(name: string, signal: AbortSignal): Promise<void> {
    const remote = this.#remotes.get(name);
    if (!remote) return;
    const { apiService } = remote;
    const options = { ...this.#options, signal };
    const condition = await availabilityOf(apiService, options);
    remote.available = condition.status === "True";
    if (remote.available) remote.resources = await discoverRemote(apiService, options);
    this.#tell();
    await this.#registry.update(
      { name },
      (current) => ({
        ...current,
        status: { ...current.status, conditions: setCondition(current.status?.conditions ?? [], condition) },
      }),
      { user: self, subresource: "status" },
    );
    this.#queue.addAfter(name, remote.available ? recheckMs : retryMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unfollow();
    this.#ended.abort(new Error("the server ends"));
    await this.#followingServices;
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** The key of the work on all local APIServices; no APIService has this name. */
const localKey = "";

function unavailable(): ApiResponse {
  return textResponse("service unavailable\n", 503);
}
