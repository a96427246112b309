import { systemClock } from "../platform/clock.ts";
import { readTextFile } from "../platform/files.ts";
import { environmentVariable } from "../platform/process.ts";
import { systemTerminal } from "../platform/terminal.ts";
import { compact } from "../util/compact.ts";
import type { HttpTransportOptions, Impersonation } from "./http_transport.ts";
import {
  type ExecPlugin,
  type Kubeconfig,
  type KubeconfigCluster,
  type KubeconfigContext,
  type KubeconfigEntry,
  KubeconfigError,
  type KubeconfigUser,
  relativeTo,
} from "./load_kubeconfig.ts";
import type { PluginPolicy } from "./plugin_policy.ts";
import { proxyOf, proxyUrl } from "./proxy_settings.ts";

/** What was said on the command line: it wins over the kubeconfig. */
export interface ContextOverrides {
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly namespace?: string | undefined;
  readonly server?: string | undefined;
  /** File. */
  readonly certificateAuthority?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  readonly token?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** File. */
  readonly clientCertificate?: string | undefined;
  /** File. */
  readonly clientKey?: string | undefined;
  readonly impersonate?: Impersonation | undefined;
  readonly requestTimeoutMs?: number | undefined;
  /** Which exec plug-ins may be run. Default: any. */
  readonly pluginPolicy?: PluginPolicy | undefined;
  /** Where a pod has the credentials of its service account. Default: where Kubernetes puts them. */
  readonly serviceAccountFolder?: string | undefined;
}

/** Where to connect, as whom, and in which namespace. */
export interface ResolvedContext {
  /** Undefined when everything was said on the command line. */
  readonly context: string | undefined;
  readonly server: string;
  /** `default` unless the context or the command line names one. */
  readonly namespace: string;
  /** For `httpTransport()`, which may be given more. */
  readonly transport: HttpTransportOptions;
}

/**
 * What a context of the kubeconfig stands for, files read.
 *
 * @throws KubeconfigError when something is named that is not there, or cannot be used
 */
export async function resolveContext(config: Kubeconfig, overrides: ContextOverrides = {}): Promise<ResolvedContext> {
  const name = overrides.context || config.currentContext;
  const context: KubeconfigContext = name === undefined ? {} : contextOf(config, name, overrides);
  const cluster = named(config.clusters, overrides.cluster || context.cluster, "cluster");
  const user = named(config.users, overrides.user || context.user, "user");
  const server = overrides.server || cluster?.value.server;
  if (overrides.impersonate && !overrides.impersonate.user)
    throw new KubeconfigError(
      `requesting uid, groups or user-extra for ${overrides.user || context.user || ""} without impersonating a user`,
    );
  if (!server) {
    const inside = config.contexts.size === 0 ? await inCluster(overrides) : undefined;
    if (inside) return inside;
    throw new KubeconfigError(noServer(config, name, overrides.cluster || context.cluster));
  }
  checkMethods(user?.value ?? {}, overrides, overrides.user || context.user || "");
  const trusted = await trust(cluster, overrides);
  return {
    context: name,
    server,
    namespace: overrides.namespace || context.namespace || "default",
    transport: compact<HttpTransportOptions>({
      server,
      proxy: proxy(server, cluster?.value),
      requestTimeoutMs: overrides.requestTimeoutMs,
      ...trusted,
      ...(await credentials(user, { ...overrides, cluster: cluster?.value, ca: trusted.ca })),
      impersonate: impersonation(user?.value ?? {}, overrides),
    }),
  };
}

function contextOf({ contexts }: Kubeconfig, name: string, overrides: ContextOverrides): KubeconfigContext {
  const found = contexts.get(name);
  if (found) return found.value;
  // A stale current-context does not matter to who says where to connect.
  if (!overrides.context && (overrides.server || overrides.cluster)) return {};
  throw new KubeconfigError(`context "${name}" does not exist${available(contexts)}`);
}

function named<T>(
  entries: ReadonlyMap<string, KubeconfigEntry<T>>,
  name: string | undefined,
  what: string,
): KubeconfigEntry<T> | undefined {
  if (!name) return undefined;
  const found = entries.get(name);
  if (found) return found;
  throw new KubeconfigError(`${what} "${name}" does not exist${available(entries)}`);
}

function available(entries: ReadonlyMap<string, unknown>): string {
  if (entries.size === 0) return "";
  const names = [...entries.keys()];
  return `; there is ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""}`;
}

function noServer({ paths, contexts }: Kubeconfig, context: string | undefined, cluster: string | undefined): string {
  if (cluster) return `cluster "${cluster}" has no server`;
  if (context) return `context "${context}" names no cluster`;
  if (contexts.size > 0) return `no context is current${available(contexts)} - choose one with --context`;
  return `no cluster is configured in ${paths.join(", ")} - start one with "wherry up", or pass --kubeconfig or --server`;
}

type Trust = Pick<HttpTransportOptions, "ca" | "insecureSkipTlsVerify" | "tlsServerName">;

async function trust(
  entry: KubeconfigEntry<KubeconfigCluster> | undefined,
  overrides: ContextOverrides,
): Promise<Trust> {
  const cluster = entry?.value ?? {};
  const tlsServerName = overrides.tlsServerName || cluster["tls-server-name"];
  // What the command line says about trust replaces what the cluster says about it.
  if (overrides.insecureSkipTlsVerify) return { insecureSkipTlsVerify: true, tlsServerName };
  if (overrides.certificateAuthority)
    return { ca: await readPem(overrides.certificateAuthority, "certificate authority"), tlsServerName };
  const ca = await inlineOrFile(
    cluster["certificate-authority-data"],
    entry && cluster["certificate-authority"] && relativeTo(entry, cluster["certificate-authority"]),
    "certificate-authority",
  );
  const insecureSkipTlsVerify = cluster["insecure-skip-tls-verify"];
  if (ca !== undefined && insecureSkipTlsVerify)
    throw new KubeconfigError("specifying a root certificates file with the insecure flag is not allowed");
  return { ca, insecureSkipTlsVerify, tlsServerName };
}

/** @throws KubeconfigError for a token beside a name or password: who asks is told in one way. */
function checkMethods(user: KubeconfigUser, said: ContextOverrides, name: string): void {
  const token = said.token || user.token || user.tokenFile;
  const basic = said.username || said.password || user.username || user.password;
  if (token && basic)
    throw new KubeconfigError(
      `more than one authentication method found for ${name}; found [token basicAuth], only one is allowed`,
    );
}

type Credentials = Pick<HttpTransportOptions, "cert" | "key" | "token" | "username" | "password" | "onUnauthorized">;

/** What a plug-in may be told. */
interface ForPlugins {
  readonly pluginPolicy?: PluginPolicy | undefined;
  readonly cluster: KubeconfigCluster | undefined;
  readonly ca: HttpTransportOptions["ca"];
}

async function credentials(
  entry: KubeconfigEntry<KubeconfigUser> | undefined,
  overrides: Omit<ContextOverrides, "cluster"> & ForPlugins,
): Promise<Credentials> {
  const user = entry?.value ?? {};
  const said = overrides.token || overrides.username || overrides.clientCertificate;
  if (user["auth-provider"] && !said)
    throw new KubeconfigError(
      `the user's credentials come from the auth provider "${user["auth-provider"].name ?? ""}", which kubectl gave up too - use an exec plug-in, a token or a client certificate`,
    );
  if (entry && user.exec && !said && !user.token && !user.tokenFile)
    return await fromPlugin(user.exec, entry.path, overrides);
  const file = (path: string | undefined) => (entry && path ? relativeTo(entry, path) : undefined);
  const [cert, key] = await Promise.all([
    overrides.clientCertificate
      ? readPem(overrides.clientCertificate, "client certificate")
      : inlineOrFile(user["client-certificate-data"], file(user["client-certificate"]), "client-certificate"),
    overrides.clientKey
      ? readPem(overrides.clientKey, "client key")
      : inlineOrFile(user["client-key-data"], file(user["client-key"]), "client-key"),
  ]);
  if (overrides.username) return { cert, key, username: overrides.username, password: overrides.password };
  if (overrides.token) return { cert, key, token: overrides.token };
  const tokenFile = file(user.tokenFile);
  // Read each time: whoever issued a token renews it in place.
  const token = tokenFile ? async () => (await readPem(tokenFile, "token")).trim() : user.token;
  return { cert, key, token, username: user.username, password: user.password };
}

/** A certificate is asked for once; a token again when it expires or is refused. */
async function fromPlugin(
  plugin: ExecPlugin,
  path: string,
  { cluster, ca, pluginPolicy }: ForPlugins,
): Promise<Credentials> {
  const { execCredentials } = await import("./exec_credential.ts");
  try {
    const source = execCredentials(plugin, {
      path,
      cluster,
      ca: typeof ca === "string" ? ca : undefined,
      clock: systemClock,
      inputIsTerminal: systemTerminal.inputIsTerminal,
      policy: pluginPolicy,
    });
    const { cert, key } = await source.current();
    const token = async () => (await source.current()).token ?? "";
    return { cert, key, token, onUnauthorized: () => source.forget() };
  } catch (error) {
    throw new KubeconfigError((error as Error).message);
  }
}

function proxy(server: string, cluster: KubeconfigCluster | undefined): URL | undefined {
  try {
    if (cluster?.["proxy-url"]) return proxyUrl(cluster["proxy-url"]);
    const url = server.includes("://") ? server : `https://${server}`;
    return URL.canParse(url) ? proxyOf(new URL(url), environmentVariable) : undefined;
  } catch (error) {
    throw new KubeconfigError((error as Error).message);
  }
}

const defaultServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** How a pod reaches the API that it is run by; undefined outside of a pod. @see k8s.io/client-go/rest InClusterConfig */
async function inCluster(overrides: ContextOverrides): Promise<ResolvedContext | undefined> {
  const host = environmentVariable("KUBERNETES_SERVICE_HOST");
  const port = environmentVariable("KUBERNETES_SERVICE_PORT");
  const folder = overrides.serviceAccountFolder ?? defaultServiceAccountFolder;
  const [token, ca, namespace] = await Promise.all(
    ["token", "ca.crt", "namespace"].map((name) => readTextFile(`${folder}/${name}`)),
  );
  if (!host || !port || token === undefined) return undefined;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    context: undefined,
    server,
    namespace: overrides.namespace || namespace?.trim() || "default",
    transport: compact<HttpTransportOptions>({
      server,
      ca,
      token: overrides.token ?? (async () => (await readPem(`${folder}/token`, "token")).trim()),
      impersonate: overrides.impersonate,
      requestTimeoutMs: overrides.requestTimeoutMs,
    }),
  };
}

function impersonation(user: KubeconfigUser, overrides: ContextOverrides): Impersonation | undefined {
  if (overrides.impersonate) return overrides.impersonate;
  if (!user.as) return undefined;
  return compact<Impersonation>({
    user: user.as,
    uid: user["as-uid"],
    groups: user["as-groups"],
    extra: user["as-user-extra"],
  });
}

async function inlineOrFile(
  data: string | undefined,
  path: string | undefined,
  what: string,
): Promise<string | undefined> {
  if (data) return decodeBase64(data, `${what}-data`);
  return path ? readPem(path, what) : undefined;
}

async function readPem(path: string, what: string): Promise<string> {
  const text = await readTextFile(path);
  if (text === undefined) throw new KubeconfigError(`Cannot read the ${what}: there is no file ${path}`);
  return text;
}

function decodeBase64(data: string, field: string): string {
  try {
    const bytes = Uint8Array.from(atob(data.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch (cause) {
    throw new KubeconfigError(`Cannot read ${field}: it is not base64`, { cause });
  }
}
