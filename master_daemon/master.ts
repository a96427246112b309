import { loadSchema } from "../core/api/schema.ts";
import type { Client } from "../core/client/client.ts";
import { createClient } from "../core/client/create_client.ts";
import { inProcessTransport } from "../core/client/in_process_transport.ts";
import type { InformerFactory } from "../core/client/informer.ts";
import { createInformers } from "../core/client/informers.ts";
import type { Transport, UserInfo } from "../core/client/transport.ts";
import { kinds, storedKinds } from "../core/kinds/mod.ts";
import { readPackedAsset } from "../core/platform/assets.ts";
import { type CertificateAndKey, issueCertificate, signCertificateRequest } from "../core/platform/certificates.ts";
import { systemClock } from "../core/platform/clock.ts";
import { joinPath } from "../core/platform/files.ts";
import { primaryAddress } from "../core/platform/machine.ts";
import { randomUuid } from "../core/platform/uuid.ts";
import type { Clock } from "../core/util/clock.ts";
import { DisposalStack } from "../core/util/disposal_stack.ts";
import { errorMessage, type Logger } from "../core/util/log.ts";
import { onceAsync } from "../core/util/once.ts";
import { Tasks } from "../core/util/tasks.ts";
import { gitVersion } from "../core/version.ts";
import type { DefaultTolerationOptions } from "./admission/default_toleration_seconds.ts";
import {
  type AdmissionOptions,
  admissionPlugins,
  keepPolicyStatus,
  openWebhooks,
  readAdmissionConfiguration,
} from "./admission/mod.ts";
import { bootstrapNamespaceNames } from "./admission/namespace_lifecycle.ts";
import { openResourceQuota, type ResourceQuotaOptions } from "./admission/resource_quota.ts";
import { openServiceAddresses } from "./admission/service_addresses.ts";
import { startDefinitions } from "./apiextensions/definitions.ts";
import { startAggregator } from "./apiserver/aggregation/aggregator.ts";
import { type AuditOptions, openAudit } from "./apiserver/audit/mod.ts";
import {
  bootstrapClientAuthority,
  bootstrapDnsService,
  bootstrapFlowControl,
  bootstrapKubernetesService,
  bootstrapNamespaces,
  bootstrapPriorityClasses,
  bootstrapStorageClass,
  publishFrontProxy,
  writeKubernetesEndpoints,
} from "./apiserver/bootstrap.ts";
import { type InFlightOptions, totalSeats } from "./apiserver/filters/in_flight.ts";
import { openFlowControl } from "./apiserver/flow_control/mod.ts";
import { type ApiHandler, createApiHandler } from "./apiserver/handle.ts";
import { issuerDocuments } from "./apiserver/issuer_documents.ts";
import { type ApiListener, listenApi } from "./apiserver/listen.ts";
import { startMasterLeases } from "./apiserver/master_leases.ts";
import { type NodeConnector, tlsNodeConnector } from "./apiserver/node_connector.ts";
import type { OpenApiOptions } from "./apiserver/openapi/open_api.ts";
import type { OpenApiDocuments } from "./apiserver/paths.ts";
import { frontProxyClientName, openFrontProxy, openPki, type Pki } from "./apiserver/pki.ts";
import { serviceDialer } from "./apiserver/proxy/backends.ts";
import { type AuthenticationFlags, openAuthentication } from "./authentication/mod.ts";
import { reconcileBootstrapPolicy } from "./authorization/bootstrap/reconcile.ts";
import { type AuthorizationFlags, authorizersOf, openAuthorization } from "./authorization/mod.ts";
import { nodeUser } from "./authorization/node_identity.ts";
import { accountUser } from "./authorization/policy.ts";
import { type ControllersOptions, controllers, runControllers } from "./controllers/mod.ts";
import { type ElectionDurations, type RunAsLeaderOptions, runAsLeader } from "./leadership.ts";
import { runCompactor } from "./registry/compactor.ts";
import { openRegistries } from "./registry/registries.ts";
import type { Registries } from "./registry/registry.ts";
import { openReservations } from "./registry/reservations.ts";
import { runScheduler } from "./scheduler/mod.ts";
import type { EtcdOptions } from "./store/etcd.ts";
import { openStore } from "./store/mod.ts";
import { untilWritten } from "./until_written.ts";

/** Where a master is reached over the network. */
export interface MasterListenOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** 0: any free port. Default 6443. */
  readonly port?: number | undefined;
  /** Address that others reach it by. Default: `host`, or the machine's first address when that is `0.0.0.0`. */
  readonly advertiseAddress?: string | undefined;
  /** More names and addresses for the certificate. */
  readonly subjectAltNames?: readonly string[] | undefined;
}

/** Which admission plug-ins there are, and what they are to do. */
export interface MasterAdmissionOptions {
  /** Plug-ins that are off by default, by name. */
  readonly enable?: readonly string[] | undefined;
  readonly disable?: readonly string[] | undefined;
  /** Path of an AdmissionConfiguration. */
  readonly configFile?: string | undefined;
}

/** Options of {@linkcode startMaster}. */
export interface MasterOptions {
  /** Folder for everything that lasts: store and certificates. Absent: nothing lasts. */
  readonly dataDir?: string | undefined;
  /** URL of the store. Default: a log in `dataDir`, or memory without one. */
  readonly store?: string | undefined;
  /** How an etcd is reached that `store` names. */
  readonly etcd?: EtcdOptions | undefined;
  /** Path of an EncryptionConfiguration: how values are kept in the store. */
  readonly encryptionProviderConfig?: string | undefined;
  /** How masters on one etcd agree who runs controllers and scheduler; false: all do. */
  readonly leaderElection?: ElectionDurations | false | undefined;
  /** Absent: the API is reached in this process only. */
  readonly listen?: MasterListenOptions | undefined;
  /** How users are told. */
  readonly authentication?: AuthenticationFlags | undefined;
  /** Bearer tokens besides those of files. */
  readonly tokens?: ReadonlyMap<string, UserInfo> | undefined;
  /** Who may do what. Default: Node, then RBAC. */
  readonly authorization?: AuthorizationFlags | undefined;
  /**
   * A range of IPv4, and after a comma maybe one of IPv6. Default `127.96.0.0/16` for a master that only this machine
   * reaches, `10.96.0.0/16` for others.
   */
  readonly serviceClusterIpRange?: string | undefined;
  /** Default `30000-32767`. */
  readonly serviceNodePortRange?: string | undefined;
  readonly tolerations?: DefaultTolerationOptions | undefined;
  readonly admission?: MasterAdmissionOptions | undefined;
  readonly resourceQuota?: Pick<ResourceQuotaOptions, "syncPeriodMs"> | undefined;
  readonly limits?: InFlightOptions | undefined;
  /** False: `limits` alone bound how much is served at once. Default true. */
  readonly priorityAndFairness?: boolean | undefined;
  /** Absent: no audit log. */
  readonly audit?: AuditOptions | undefined;
  readonly minRequestTimeoutSeconds?: number | undefined;
  readonly controllers?: ControllersOptions | undefined;
  /** How node daemons are reached. Default: over TLS. */
  readonly nodes?: NodeConnector | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** What goes first, e.g. the nodes of the same process: default objects are written after it. Default: nothing. */
  readonly first?: Promise<unknown> | undefined;
  /** Gives up the start when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** A running master: API server, controllers and scheduler in one process. Disposing ends all of it, last started first. */
export interface Master extends AsyncDisposable {
  /** `https://HOST:PORT`; undefined when it does not listen. */
  readonly url: string | undefined;
  readonly port: number | undefined;
  /** PEM of the authority that clients must trust. Made on first use when the master does not listen. */
  ca(): Promise<string>;
  /** A certificate by which a client proves its name and groups. */
  issueClientCertificate(subject: {
    readonly commonName: string;
    readonly organizations?: readonly string[];
  }): Promise<CertificateAndKey>;
  readonly handler: ApiHandler;
  /** A client in this process, as an administrator. */
  readonly client: Client;
  /** A client for a node in this process, with the rights of that node. */
  nodeClient(nodeName: string): Client;
  /** A client in this process, as somebody else. */
  clientFor(user: UserInfo): Client;
  readonly informers: InformerFactory;
}

/** What a webhook that converts custom resources may take: it is given up to 500 of them at once. */
const conversionLimits = { timeoutSeconds: 30, maxBytes: 64 * 1024 * 1024 } as const;

/** Milliseconds before default objects are written in the process of nodes. */
const podsFirstMs = 200;
const authenticated = ["system:authenticated"];
const administrators = ["system:masters", ...authenticated];
const apiServer: UserInfo = { username: "system:apiserver", groups: administrators };

/** Starts a master: composition only. What was started is ended again when a later part fails. */
export async function startMaster(options: MasterOptions): Promise<Master> {
  const { clock, random, log, dataDir, signal = new AbortController().signal } = options;
  const parts = new DisposalStack();
  try {
    const authorizers = await authorizersOf(options.authorization ?? {});
    const listenHost = options.listen?.host ?? "127.0.0.1";
    const advertised = options.listen?.advertiseAddress ?? (isAny(listenHost) ? primaryAddress() : listenHost);

    const storeUrl = options.store ?? (dataDir === undefined ? "memory:" : `log:${joinPath(dataDir, "store")}`);
    const { etcd, encryptionProviderConfig } = options;
    const store = parts.use(await openStore(storeUrl, { clock, log, etcd, encryptionProviderConfig }));
    const isShared = store.mark !== undefined;
    // What tells this master from others, and from itself in an earlier life.
    const identity = `apiserver-${randomUuid()}`;
    const { serviceRange, podRange } = rangesOf(options, listenHost);
    // Where Kubernetes forbids loopback addresses, those of this cluster's own ranges are accepted.
    const localRanges = [...serviceRange.split(","), podRange].filter(isLoopback);
    const registries = parts.use(
      await openRegistries({ store, kinds, clock, random, log, localRanges, apiServerAddress: advertised }),
    );
    const serviceAddresses = parts.use(
      await openServiceAddresses({
        registries,
        clusterIpRange: serviceRange,
        nodePortRange: options.serviceNodePortRange ?? "30000-32767",
        reservations: isShared ? openReservations({ store, clock }) : undefined,
        clock,
        random,
        log,
      }),
    );
    signal.throwIfAborted();

    const pki = onceAsync(() =>
      openPki({
        folder: dataDir === undefined ? undefined : joinPath(dataDir, "pki"),
        ...certificateNames(options.listen, [advertised, serviceAddresses.firstAddress]),
        // Others judge the certificates by the machine's clock, whatever this cluster's clock says.
        clock: systemClock,
      }),
    );
    const [schema, authorization, authentication] = await Promise.all([
      loadSchema(readPackedAsset),
      openAuthorization({ authorizers, registries, clock, random, log }),
      openAuthentication({
        flags: options.authentication ?? {},
        tokens: options.tokens,
        authority: async () => (await pki()).authority.certificate,
        keyFolder: dataDir === undefined ? undefined : joinPath(dataDir, "pki"),
        registries,
        clock,
        random,
        log,
      }),
    ]);
    parts.use(authorization);
    parts.use(authentication);
    let ready = false;
    let hasRoles = false;
    let listener: ApiListener | undefined;
    const nodes = options.nodes ?? lazyNodeConnector(pki);
    const { authorizer } = authorization;
    const dialService = serviceDialer({ registries, nodes, random });
    const frontProxy = onceAsync(() =>
      openFrontProxy({ folder: dataDir === undefined ? undefined : joinPath(dataDir, "pki"), clock: systemClock }),
    );
    const aggregator = parts.use(
      await startAggregator({
        services: { registries, nodes, random },
        frontProxyClient: async () => (await frontProxy()).client,
        clock,
        log,
      }),
    );
    const webhooks = parts.use(openWebhooks({ registries, schema, authorizer, dialService, clock, log }));
    const admission = await admissionOf(options);
    const handler = createApiHandler({
      registries,
      admission: admissionPlugins({
        registries,
        serviceAddresses,
        authorizer,
        resourceQuotas: parts.use(
          openResourceQuota({
            registries,
            clock,
            log,
            ...options.resourceQuota,
            limited: admission.configuration?.limitedResources,
          }),
        ),
        webhooks,
        schema,
        tolerations: options.tolerations,
        ...admission,
        authorization,
        clock,
        random,
      }),
      schema,
      openApi: lazyOpenApi({ registries, schema, clock, remotes: () => aggregator.openApi() }),
      authenticators: authentication.authenticators,
      apiAudiences: authentication.audiences,
      // Whom nobody knows would otherwise be an administrator.
      allowsAnonymous: authorizers.some(({ type }) => type === "AlwaysAllow")
        ? undefined
        : authentication.allowsAnonymous,
      authorizer,
      tokens: {
        tokens: authentication.tokens,
        maxExpirationSeconds: secondsOf(options.authentication?.serviceAccountMaxTokenExpirationMs),
        extendExpiration: options.authentication?.serviceAccountExtendTokenExpiration ?? true,
      },
      issuerDocuments: issuerDocuments({
        tokens: authentication.tokens,
        jwksUri: () =>
          options.authentication?.serviceAccountJwksUri ??
          `https://${urlHost(advertised)}:${listener?.port ?? 443}/openid/v1/jwks`,
      }),
      nodes,
      aggregator,
      healthChecks: [
        // A server that cannot reach it is of no use now, but starting it anew would not help.
        { name: "etcd", live: false, check: () => registries.storeFailure },
        {
          name: "poststarthook/bootstrap-controller",
          live: false,
          check: () => (ready ? undefined : "not finished"),
        },
        {
          name: "poststarthook/rbac/bootstrap-roles",
          live: false,
          check: () => (hasRoles ? undefined : "not finished"),
        },
      ],
      clock,
      random,
      log,
      limits: options.limits,
      flowControl:
        options.priorityAndFairness === false
          ? undefined
          : parts.use(await openFlowControl({ registries, clock, log, totalSeats: totalSeats(options.limits) })),
      audit: options.audit && parts.use(await openAudit(options.audit, { clock, random, log })),
      minRequestTimeoutSeconds: options.minRequestTimeoutSeconds,
    });
    const clientFor = (
      user: UserInfo,
      program?: string,
      { wrap = (transport: Transport): Transport => transport, takesObjects = false } = {},
    ): Client =>
      createClient(
        wrap(
          inProcessTransport((request, context) => handler.handle(request, context), {
            user,
            userAgent: program && `${program}/${gitVersion}`,
            takesObjects,
            upgrade: (request, context) => handler.upgrade(request, context),
          }),
        ),
        { clock },
      );
    const ownClient = (username: string, program: string, groups = administrators) =>
      parts.use(clientFor({ username, groups }, program));
    parts.defer(() => handler.endStreams());
    const client = ownClient("system:apiserver", "kube-apiserver");
    // Before anybody is listened to: a kind must not vanish over a restart.
    parts.use(
      await startDefinitions({
        registries,
        clock,
        log,
        postReview: async (clientConfig, body) =>
          (await webhooks.services()).caller.post(clientConfig, { body, ...conversionLimits }),
      }),
    );
    await Promise.all([
      bootstrapNamespaces(client, { names: bootstrapNamespaceNames, signal }),
      bootstrapPriorityClasses(client, { signal }),
    ]);

    if (options.listen) {
      const { authority, server } = await pki();
      const tls = { ...server, clientAuthorities: [authority.certificate, ...authentication.clientAuthorities] };
      const port = options.listen.port ?? 6443;
      const ofUsers = [authority.certificate, ...authentication.userAuthorities];
      const userAuthorities = ofUsers.map((pem) => `${pem.trimEnd()}\n`).join("");
      await bootstrapClientAuthority(client, { authority: userAuthorities, signal });
      listener = parts.use(await listenApi({ handler, host: listenHost, port, tls, clock: systemClock, log }));
    }
    const endpoint = listener && { address: advertised, port: listener.port };
    await Promise.all([
      bootstrapKubernetesService(client, { clusterIp: serviceAddresses.firstAddress, endpoint, signal }),
      // Now, and not with the rest: the first pods are told of it.
      bootstrapDnsService(client, { clusterIp: serviceAddresses.dnsAddress, signal }),
    ]);
    if (endpoint && isShared) parts.use(await startMasterLeases({ client, identity, endpoint, clock, log }));
    else if (endpoint) await writeKubernetesEndpoints(client, { servers: [endpoint], signal });

    const issueToken = authentication.tokens.issueLegacy;
    const signCertificate: ControllersOptions["signCertificate"] = async (request, how) =>
      signCertificateRequest((await pki()).authority, request, { ...how, clock: systemClock });
    const rootCa = async () => (await pki()).authority.certificate;
    const informers = parts.use(
      createInformers({
        client: parts.use(
          clientFor({ username: "system:kube-controller-manager", groups: authenticated }, "kube-controller-manager", {
            takesObjects: true,
          }),
        ),
        clock,
        random,
        log,
      }),
    );
    const common = { informers, clock, random, log };
    const runLeading = (name: string, start: RunAsLeaderOptions["start"]) =>
      parts.use(
        runAsLeader({
          ...(options.leaderElection || {}),
          name,
          identity,
          isElected: isShared && options.leaderElection !== false,
          connect: ({ wrap, user = { username: `system:${name}`, groups: authenticated } }) =>
            clientFor(user, name, { wrap }),
          start,
          clock,
          random,
          log,
        }),
      );
    runLeading("kube-controller-manager", (_leader, connectAs) => {
      const running = new DisposalStack();
      if (isShared) running.use(runCompactor({ store, clock, log }));
      const all = controllers({
        kinds: storedKinds,
        ...options.controllers,
        clusterCidr: podRange,
        rootCa,
        issueToken,
        signCertificate,
      });
      const clientOf = (account: string) => running.use(connectAs(accountUser("kube-system", account)));
      running.use(runControllers(all, { ...common, client: running.use(connectAs(apiServer)), clientFor: clientOf }));
      return running;
    });
    runLeading("kube-scheduler", (leader) => runScheduler({ ...common, client: leader }));
    const onError = (error: unknown) => log.error("Cannot finish the bootstrap", { error: errorMessage(error) });
    const background = parts.use(new Tasks({ onError }));
    const bootstrapRoles = async (ending: AbortSignal) => {
      await reconcileBootstrapPolicy({ registries, user: apiServer, log, signal: ending });
      hasRoles = true;
    };
    const bootstrapOthers = async (ending: AbortSignal) => {
      if (options.priorityAndFairness !== false) await bootstrapFlowControl(client, { signal: ending });
      if (!options.listen) return;
      const { certificate } = (await frontProxy()).authority;
      await publishFrontProxy(client, {
        authority: certificate,
        allowedNames: [frontProxyClientName],
        signal: ending,
      });
    };
    const bootstrapStorage = (ending: AbortSignal) => bootstrapStorageClass(client, { signal: ending });
    background.run(async (ending) => {
      await settled(options.first, ending);
      // Roles are in force from the start, the rest is not needed at once: after the nodes, their first pods go first, too.
      if (options.first) await systemClock.sleep(podsFirstMs, { signal: ending });
      aggregator.keepLocal();
      await Promise.all(
        [bootstrapRoles, bootstrapOthers, bootstrapStorage].map((bootstrap) =>
          untilWritten(bootstrap, { clock: systemClock, log, signal: ending }).catch(onError),
        ),
      );
    });
    parts.use(keepPolicyStatus({ registries, schema, log }));
    signal.throwIfAborted();
    ready = true;
    return {
      url: listener?.url,
      port: listener?.port,
      ca: rootCa,
      issueClientCertificate: async (subject) =>
        issueCertificate((await pki()).authority, { ...subject, usage: "client", clock: systemClock }),
      handler,
      client: ownClient("system:admin", "wherry"),
      nodeClient: (name) => parts.use(clientFor(nodeUser(name), "kubelet", { takesObjects: true })),
      clientFor: (user) => parts.use(clientFor(user)),
      informers,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** The ranges that were asked for; by default ones that need no privilege, as long as only this machine has to reach them. */
function rangesOf(
  { serviceClusterIpRange, controllers: { clusterCidr } = {} }: MasterOptions,
  listenHost: string,
): { readonly serviceRange: string; readonly podRange: string } {
  const [serviceRange, podRange] = isLoopback(listenHost)
    ? ["127.96.0.0/16", "127.64.0.0/16"]
    : ["10.96.0.0/16", "10.244.0.0/16"];
  return { serviceRange: serviceClusterIpRange ?? serviceRange, podRange: clusterCidr ?? podRange };
}

async function admissionOf({ admission = {} }: MasterOptions): Promise<Partial<AdmissionOptions>> {
  const { enable, disable, configFile } = admission;
  return { enable, disable, configuration: configFile ? await readAdmissionConfiguration(configFile) : undefined };
}

function certificateNames(
  listen: MasterListenOptions | undefined,
  addresses: readonly string[],
): { readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] } {
  const { host = "127.0.0.1", subjectAltNames = [] } = listen ?? {};
  const service = "kubernetes.default.svc";
  const names = ["localhost", "kubernetes", "kubernetes.default", service, `${service}.cluster.local`];
  const all = new Set([...names, "127.0.0.1", ...addresses, ...(isAny(host) ? [] : [host]), ...subjectAltNames]);
  return { dnsNames: [...all].filter((name) => !isAddress(name)), ipAddresses: [...all].filter(isAddress) };
}

/** Nodes are reached with a certificate that is made when the first is. */
function lazyNodeConnector(pki: () => Promise<Pki>): NodeConnector {
  const connector = onceAsync(async () => tlsNodeConnector({ client: (await pki()).kubeletClient }));
  return {
    request: async (...args) => (await connector()).request(...args),
    upgrade: async (...args) => (await connector()).upgrade(...args),
  };
}

/** OpenAPI documents are large and seldom asked for: their code is loaded with the first request. */
function lazyOpenApi({
  registries,
  ...options
}: {
  readonly registries: Registries;
  readonly schema: Awaited<ReturnType<typeof loadSchema>>;
  readonly clock: Clock;
  readonly remotes: NonNullable<OpenApiOptions["remotes"]>;
}): OpenApiDocuments {
  const documents = onceAsync(async () => {
    const { openApi } = await import("./apiserver/openapi/open_api.ts");
    return openApi({ kinds: () => registries.kinds, version: gitVersion, ...options });
  });
  return { respond: async (path, headers) => (await documents()).respond(path, headers) };
}

/** Resolves when `first` has settled, one way or the other, or when `signal` is aborted. @throws the signal's reason */
async function settled(first: Promise<unknown> | undefined, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([first?.catch(() => {}), aborted]);
  signal.throwIfAborted();
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}

function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function isAny(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.");
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}
