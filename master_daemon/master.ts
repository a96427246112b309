import type { Client } from "../core/client/client.ts";
import { createClient } from "../core/client/create_client.ts";
import { type InProcessTransportOptions, inProcessTransport } from "../core/client/in_process_transport.ts";
import type { InformerFactory } from "../core/client/informer.ts";
import { createInformers } from "../core/client/informers.ts";
import type { Transport, UserInfo } from "../core/client/transport.ts";
import { storedKinds } from "../core/kinds/mod.ts";
import { type CertificateAndKey, issueCertificate, signCertificateRequest } from "../core/platform/certificates.ts";
import { systemClock } from "../core/platform/clock.ts";
import { randomUuid } from "../core/platform/uuid.ts";
import { DisposalStack } from "../core/util/disposal_stack.ts";
import { errorMessage } from "../core/util/log.ts";
import { Tasks } from "../core/util/tasks.ts";
import { gitVersion } from "../core/version.ts";
import { keepPolicyStatus } from "./admission/mod.ts";
import { bootstrapNamespaceNames } from "./admission/namespace_lifecycle.ts";
import { openApiServer, type StartProgress } from "./api_server.ts";
import { startDefinitions } from "./apiextensions/definitions.ts";
import { bootstrapClientAuthority, publishFrontProxy } from "./apiserver/authentication_config.ts";
import {
  bootstrapDnsService,
  bootstrapFlowControl,
  bootstrapNamespaces,
  bootstrapPriorityClasses,
  bootstrapServiceCidr,
  bootstrapStorageClass,
  bootstrapTokenTracking,
} from "./apiserver/bootstrap.ts";
import type { ApiHandler } from "./apiserver/handle.ts";
import { bootstrapKubernetesService, writeKubernetesEndpoints } from "./apiserver/kubernetes_service.ts";
import { type ApiListener, listenApi } from "./apiserver/listen.ts";
import { startMasterLeases } from "./apiserver/master_leases.ts";
import { frontProxyClientName } from "./apiserver/pki.ts";
import { reconcileBootstrapPolicy } from "./authorization/bootstrap/reconcile.ts";
import { nodeUser } from "./authorization/node_identity.ts";
import { accountUser } from "./authorization/policy.ts";
import { type ControllersOptions, controllers, runControllers } from "./controllers/mod.ts";
import { type RunAsLeaderOptions, runAsLeader } from "./leadership.ts";
import type { MasterOptions } from "./master_options.ts";
import { runCompactor } from "./registry/compactor.ts";
import { runScheduler, type SchedulerConfiguration } from "./scheduler/mod.ts";
import { untilWritten } from "./until_written.ts";

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
  clientFor(user: UserInfo, options?: Pick<InProcessTransportOptions, "takesObjects">): Client;
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
  const { clock, random, log, signal = new AbortController().signal } = options;
  const parts = new DisposalStack();
  try {
    // What is wrong with it is told before anything is opened.
    const schedulerConfiguration = await schedulerConfigurationOf(options);
    const progress: StartProgress = {
      isReady: false,
      hasRoles: false,
      port: undefined,
      explainScheduling: undefined,
    };
    const { handler, registries, store, schema, pki, frontProxy, webhooks, ...server } = await openApiServer(options, {
      progress,
      parts,
    });
    const { aggregator, authentication, serviceAddresses, advertised, listenHost, podRange, serviceRange } = server;
    const isShared = store.mark !== undefined;
    // What tells this master from others, and from itself in an earlier life.
    const identity = `apiserver-${randomUuid()}`;
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

    let listener: ApiListener | undefined;
    if (options.listen) {
      const { authority, server: ownCertificate } = await pki();
      const tls = {
        ...ownCertificate,
        clientAuthorities: [authority.certificate, ...authentication.clientAuthorities],
      };
      const port = options.listen.port ?? 6443;
      const ofUsers = [authority.certificate, ...authentication.userAuthorities];
      const userAuthorities = ofUsers.map((pem) => `${pem.trimEnd()}\n`).join("");
      await bootstrapClientAuthority(client, { authority: userAuthorities, signal });
      listener = parts.use(await listenApi({ handler, host: listenHost, port, tls, clock: systemClock, log }));
    }
    progress.port = listener?.port;
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
    const runLeading = (name: string, start: RunAsLeaderOptions["start"]) => {
      if (options.apiServerOnly) return;
      parts.use(
        runAsLeader({
          ...(options.leaderElection || {}),
          name,
          identity,
          isElected: isShared && options.leaderElection !== false,
          connect: ({ wrap, user = { username: `system:${name}`, groups: authenticated } }) =>
            clientFor(user, name, { wrap, takesObjects: true }),
          start,
          clock,
          random,
          log,
        }),
      );
    };
    runLeading("kube-controller-manager", (_leader, connectAs) => {
      const running = new DisposalStack();
      if (isShared) running.use(runCompactor({ store, clock, log }));
      const all = controllers({
        kinds: storedKinds,
        ...options.controllers,
        clusterCidr: podRange,
        serviceClusterIpRange: serviceRange,
        rootCa,
        issueToken,
        signCertificate,
      });
      const clientOf = (account: string) => running.use(connectAs(accountUser("kube-system", account)));
      running.use(runControllers(all, { ...common, client: running.use(connectAs(apiServer)), clientFor: clientOf }));
      return running;
    });
    runLeading("kube-scheduler", (leader) => {
      const scheduler = runScheduler({ ...common, client: leader, configuration: schedulerConfiguration });
      progress.explainScheduling = (key) => scheduler.explain(key);
      return scheduler;
    });
    const onError = (error: unknown) => log.error("Cannot finish the bootstrap", { error: errorMessage(error) });
    const background = parts.use(new Tasks({ onError }));
    const bootstrapRoles = async (ending: AbortSignal) => {
      await reconcileBootstrapPolicy({ registries, user: apiServer, log, signal: ending });
      progress.hasRoles = true;
    };
    const bootstrapOthers = async (ending: AbortSignal) => {
      await bootstrapTokenTracking(client, { clock: systemClock, signal: ending });
      await bootstrapServiceCidr(client, { ranges: serviceRange, signal: ending });
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
    progress.isReady = true;
    return {
      url: listener?.url,
      port: listener?.port,
      ca: rootCa,
      issueClientCertificate: async (subject) =>
        issueCertificate((await pki()).authority, { ...subject, usage: "client", clock: systemClock }),
      handler,
      client: ownClient("system:admin", "wherry"),
      nodeClient: (name) => parts.use(clientFor(nodeUser(name), "kubelet", { takesObjects: true })),
      clientFor: (user, options) => parts.use(clientFor(user, undefined, options)),
      informers,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

/** Seldom given: its reader is loaded then. @throws SyntaxError for a file that cannot be used */
async function schedulerConfigurationOf({
  schedulerConfig,
}: MasterOptions): Promise<SchedulerConfiguration | undefined> {
  if (!schedulerConfig) return undefined;
  const { readSchedulerConfiguration } = await import("./scheduler/configuration.ts");
  return readSchedulerConfiguration(schedulerConfig);
}

/** Resolves when `first` has settled, one way or the other, or when `signal` is aborted. @throws the signal's reason */
async function settled(first: Promise<unknown> | undefined, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([first?.catch(() => {}), aborted]);
  signal.throwIfAborted();
}
