import type { Client } from "../core/client/client.ts";
import type { Impersonation } from "../core/client/http_transport.ts";
import type { PluginPolicy } from "../core/client/plugin_policy.ts";
import type { ResolvedContext } from "../core/client/resolve_context.ts";
import type { Transport } from "../core/client/transport.ts";
import { systemClock } from "../core/platform/clock.ts";
import { joinPath } from "../core/platform/files.ts";
import { environmentVariable, homeDirectory } from "../core/platform/process.ts";
import { currentPid } from "../core/platform/processes.ts";
import { systemRandom } from "../core/platform/random.ts";
import type { Terminal } from "../core/platform/terminal.ts";
import { version } from "../core/version.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

/** The values of the global flags, by their names in camel case. */
type GlobalValues = Readonly<Record<string, unknown>>;

/** What of the surroundings of a verb does not come from the global flags. */
export interface SystemEnvOptions {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Called with each warning of the server. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Which exec plug-ins may be run. Default: any. */
  readonly pluginPolicy?: PluginPolicy | undefined;
  /** What is to be noted in whatever is changed. */
  readonly changeCause?: string | undefined;
}

/** The surroundings of a verb on this machine, as the global flags want them. */
export function systemEnv(values: GlobalValues, options: SystemEnvOptions): CommandEnv {
  const { terminal, signal, changeCause } = options;
  // The kubeconfig is read, and the HTTP client loaded, only for verbs that ask for them.
  let resolved: Promise<ResolvedContext> | undefined;
  const context = () => {
    resolved ??= resolve(values, options.pluginPolicy);
    return resolved;
  };
  let client: Promise<Client> | undefined;
  return {
    terminal,
    clock: systemClock,
    random: systemRandom,
    signal,
    verbosity: verbosityOf(values),
    version,
    changeCause,
    // A wrong value is told by what connects.
    get requestTimeoutMs() {
      return requestTimeoutMs(textOf(values, "requestTimeout"));
    },
    kubeconfig: textOf(values, "kubeconfig"),
    kuberc: textOf(values, "kuberc"),
    namespaceGiven: textOf(values, "namespace") !== undefined,
    namespace: async () => (await context()).namespace,
    server: async () => (await context()).server,
    client(program = "wherry") {
      client ??= context().then((found) => connect(found, values, { ...options, program }));
      return client;
    },
  };
}

async function resolve(values: GlobalValues, pluginPolicy: PluginPolicy | undefined): Promise<ResolvedContext> {
  const { loadKubeconfig, resolveContext } = await import("../core/client/kubeconfig.ts");
  const text = (name: string) => textOf(values, name);
  return await resolveContext(await loadKubeconfig({ path: text("kubeconfig") }), {
    context: text("context"),
    cluster: text("cluster"),
    user: text("user"),
    namespace: text("namespace"),
    server: text("server"),
    token: text("token"),
    certificateAuthority: text("certificateAuthority"),
    clientCertificate: text("clientCertificate"),
    clientKey: text("clientKey"),
    tlsServerName: text("tlsServerName"),
    insecureSkipTlsVerify: values["insecureSkipTlsVerify"] === true ? true : undefined,
    username: text("username"),
    password: text("password"),
    requestTimeoutMs: requestTimeoutMs(text("requestTimeout")),
    impersonate: impersonation(values),
    pluginPolicy,
  });
}

/** @throws UsageError when no cluster is configured */
async function connect(
  { transport, server }: ResolvedContext,
  values: GlobalValues,
  { terminal, onWarning, changeCause, program }: SystemEnvOptions & { readonly program: string },
): Promise<Client> {
  if (!server)
    throw new UsageError(
      "no cluster is configured: start one with 'wherry up', or name a kubeconfig with --kubeconfig",
    );
  const [{ createClient }, { httpTransport }, { cacheFileName }, { keepDiscovery }] = await Promise.all([
    import("../core/client/create_client.ts"),
    import("../core/client/http_transport.ts"),
    import("../core/client/discovery_cache.ts"),
    import("./resource_args.ts"),
  ]);
  const cachePath = (ending: string) => joinPath(cacheFolder(values), "wherry", cacheFileName(server, ending));
  const reached = httpTransport({
    ...transport,
    userAgent: `${program}/${version}`,
    shortLived: true,
    sessionPath: cachePath("session"),
  });
  const made = createClient(await shown(reached, server, { terminal, verbosity: verbosityOf(values) }), {
    ...(onWarning ? { onWarning } : {}),
  });
  const client =
    changeCause === undefined ? made : (await import("./change_cause.ts")).recordingClient(made, changeCause);
  // What the server serves is kept below the folder where kubectl keeps it too.
  keepDiscovery(client, { path: cachePath("json"), clock: systemClock });
  return client;
}

/** A transport that shows its requests where that is wanted. */
async function shown(
  transport: Transport,
  server: string,
  { terminal, verbosity }: { readonly terminal: Terminal; readonly verbosity: number },
): Promise<Transport> {
  if (verbosity < 6) return transport;
  const { loggingTransport } = await import("../core/client/logging_transport.ts");
  const write = (line: string) => terminal.warn(line);
  return loggingTransport(transport, { level: verbosity, server, write, clock: systemClock, pid: currentPid() });
}

function textOf(values: GlobalValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

function verbosityOf(values: GlobalValues): number {
  return typeof values["v"] === "number" ? values["v"] : 0;
}

function cacheFolder(values: GlobalValues): string {
  return (
    textOf(values, "cacheDir") || environmentVariable("KUBECACHEDIR") || joinPath(homeDirectory(), ".kube", "cache")
  );
}

/** Undefined where nothing was said; 0 waits for ever. @throws UsageError with kubectl's words */
function requestTimeoutMs(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return Math.max(0, parseDuration(text));
  } catch {
    throw new UsageError(
      "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)",
    );
  }
}

/** Whom to act as; undefined where nothing is said of it. */
function impersonation(values: GlobalValues): Impersonation | undefined {
  const list = (name: string) => (Array.isArray(values[name]) ? values[name].map(String) : []);
  const groups = list("asGroup").flatMap((text) => text.split(","));
  const extra = new Map<string, string[]>();
  for (const pair of list("asUserExtra").flatMap((text) => text.split(","))) {
    const [key = "", ...rest] = pair.split("=");
    extra.set(key, [...(extra.get(key) ?? []), rest.join("=")]);
  }
  const user = typeof values["as"] === "string" ? values["as"] : "";
  const uid = typeof values["asUid"] === "string" ? values["asUid"] : undefined;
  if (!user && !uid && groups.length === 0 && extra.size === 0) return undefined;
  return { user, uid, groups, extra: Object.fromEntries(extra) };
}
