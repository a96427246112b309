import { type ApiSchema, loadSchema } from "../core/api/schema.ts";
import { kinds } from "../core/kinds/mod.ts";
import { readPackedAsset } from "../core/platform/assets.ts";
import { systemClock } from "../core/platform/clock.ts";
import { joinPath } from "../core/platform/files.ts";
import type { Clock } from "../core/util/clock.ts";
import type { DisposalStack } from "../core/util/disposal_stack.ts";
import { onceAsync } from "../core/util/once.ts";
import { gitVersion } from "../core/version.ts";
import { type AdmissionOptions, admissionPlugins, openWebhooks, readAdmissionConfiguration } from "./admission/mod.ts";
import { openResourceQuota } from "./admission/resource_quota.ts";
import { openServiceAddresses, type ServiceAddresses } from "./admission/service_addresses.ts";
import { type Aggregator, startAggregator } from "./apiserver/aggregation/aggregator.ts";
import { openAudit } from "./apiserver/audit/mod.ts";
import { totalSeats } from "./apiserver/filters/in_flight.ts";
import { openFlowControl } from "./apiserver/flow_control/mod.ts";
import { type ApiHandler, createApiHandler } from "./apiserver/handle.ts";
import { issuerDocuments } from "./apiserver/issuer_documents.ts";
import { type NodeConnector, tlsNodeConnector } from "./apiserver/node_connector.ts";
import type { OpenApiOptions } from "./apiserver/openapi/open_api.ts";
import type { OpenApiDocuments, PathsOptions } from "./apiserver/paths.ts";
import { openFrontProxy, openPki, type Pki } from "./apiserver/pki.ts";
import { serviceDialer } from "./apiserver/proxy/backends.ts";
import { type Authentication, openAuthentication } from "./authentication/mod.ts";
import { authorizersOf, openAuthorization } from "./authorization/mod.ts";
import { certificateNames, hostsOf, isLoopback, rangesOf, urlHost } from "./master_addresses.ts";
import type { MasterOptions } from "./master_options.ts";
import { openRegistries } from "./registry/registries.ts";
import type { Registries } from "./registry/registry.ts";
import { openReservations } from "./registry/reservations.ts";
import { openStore } from "./store/mod.ts";
import type { Store } from "./store/store.ts";

/** How far a master's start is: what its health checks and its documents tell. */
export interface StartProgress {
  isReady: boolean;
  hasRoles: boolean;
  /** That it listens on. */
  port: number | undefined;
  /** What the scheduler of this master did with a pod. Undefined while there is none. */
  explainScheduling: PathsOptions["explainScheduling"];
}

/** Everything behind the API, before anybody is listened to. */
export interface ApiServer {
  readonly handler: ApiHandler;
  readonly store: Store;
  readonly registries: Registries & AsyncDisposable;
  readonly serviceAddresses: ServiceAddresses;
  readonly schema: ApiSchema;
  readonly authentication: Authentication;
  readonly aggregator: Aggregator;
  readonly webhooks: ReturnType<typeof openWebhooks>;
  readonly pki: () => Promise<Pki>;
  readonly frontProxy: () => ReturnType<typeof openFrontProxy>;
  readonly listenHost: string;
  readonly advertised: string;
  readonly podRange: string;
  /** The range, or two, that services get addresses from. */
  readonly serviceRange: string;
}

/** Opens store, registries, authentication, admission and the handler of requests. What is opened goes to `parts`. */
export async function openApiServer(
  options: MasterOptions,
  { progress, parts }: { readonly progress: StartProgress; readonly parts: DisposalStack },
): Promise<ApiServer> {
  const { clock, random, log, dataDir, signal = new AbortController().signal } = options;
  const authorizers = await authorizersOf(options.authorization ?? {});
  const { listenHost, advertised } = hostsOf(options.listen);
  const { etcd, encryptionProviderConfig } = options;
  const given = options.store ?? (dataDir === undefined ? "memory:" : `log:${joinPath(dataDir, "store")}`);
  const store =
    typeof given === "string"
      ? parts.use(await openStore(given, { clock, log, etcd, encryptionProviderConfig, signal }))
      : given;
  const isShared = store.mark !== undefined;
  const { serviceRange, podRange } = rangesOf(options, listenHost);
  // Where Kubernetes forbids loopback addresses, those of this cluster's own ranges are accepted.
  const localRanges = [...serviceRange.split(","), podRange].filter(isLoopback);
  const registries = parts.use(
    await openRegistries({
      store,
      kinds,
      clock,
      random,
      uuid: options.uuid,
      log,
      localRanges,
      apiServerAddress: advertised,
    }),
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
        `https://${urlHost(advertised)}:${progress.port ?? 443}/openid/v1/jwks`,
    }),
    nodes,
    aggregator,
    explainScheduling: (key) => progress.explainScheduling?.(key),
    healthChecks: [
      // A server that cannot reach it is of no use now, but starting it anew would not help.
      { name: "etcd", live: false, check: () => registries.storeFailure },
      {
        name: "poststarthook/bootstrap-controller",
        live: false,
        check: () => (progress.isReady ? undefined : "not finished"),
      },
      {
        name: "poststarthook/rbac/bootstrap-roles",
        live: false,
        check: () => (progress.hasRoles ? undefined : "not finished"),
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
  return {
    handler,
    store,
    registries,
    serviceAddresses,
    schema,
    authentication,
    aggregator,
    webhooks,
    pki,
    frontProxy,
    listenHost,
    advertised,
    podRange,
    serviceRange,
  };
}

async function admissionOf({ admission = {} }: MasterOptions): Promise<Partial<AdmissionOptions>> {
  const { enable, disable, configFile } = admission;
  return { enable, disable, configuration: configFile ? await readAdmissionConfiguration(configFile) : undefined };
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

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
