import type { Client } from "../core/client/client.ts";
import type { Impersonation } from "../core/client/http_transport.ts";
import type { PluginPolicy } from "../core/client/plugin_policy.ts";
import { systemClock } from "../core/platform/clock.ts";
import { joinPath } from "../core/platform/files.ts";
import { environmentVariable, homeDirectory } from "../core/platform/process.ts";
import { currentPid } from "../core/platform/processes.ts";
import { systemRandom } from "../core/platform/random.ts";
import type { Terminal } from "../core/platform/terminal.ts";
import { version } from "../core/version.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { type FlagTable, UsageError } from "./verb.ts";

/** Flags that every verb has; kubectl's names. */
export const globalFlags: FlagTable = {
  namespace: { type: "string", short: "n", placeholder: "name", description: "Namespace to work in." },
  context: { type: "string", placeholder: "name", description: "Context of the kubeconfig to use." },
  cluster: { type: "string", placeholder: "name", description: "Cluster of the kubeconfig to use." },
  user: { type: "string", placeholder: "name", description: "User of the kubeconfig to use." },
  kubeconfig: {
    type: "string",
    placeholder: "path",
    description: "Kubeconfig file, in place of $KUBECONFIG and ~/.kube/config.",
  },
  kuberc: {
    type: "string",
    placeholder: "path",
    description:
      "File with your preferences, in place of $KUBERC and ~/.kube/kuberc; KUBERC=off or KUBECTL_KUBERC=false: none.",
  },
  server: { type: "string", short: "s", placeholder: "url", description: "Address of the API server." },
  token: { type: "string", placeholder: "token", description: "Bearer token for the API server." },
  "certificate-authority": {
    type: "string",
    placeholder: "path",
    description: "File with the authorities that the server's certificate is checked against.",
  },
  "client-certificate": { type: "string", placeholder: "path", description: "File with the client's certificate." },
  "client-key": { type: "string", placeholder: "path", description: "File with the client's private key." },
  "tls-server-name": {
    type: "string",
    placeholder: "name",
    description: "Name to expect in the server's certificate.",
  },
  "insecure-skip-tls-verify": { type: "boolean", description: "Do not check the server's certificate." },
  as: { type: "string", placeholder: "user", description: "User to act as." },
  "as-group": { type: "list", placeholder: "group", description: "Group to act as; may be repeated." },
  "as-uid": { type: "string", placeholder: "uid", description: "UID to act as." },
  "as-user-extra": { type: "list", placeholder: "pair", description: "More about the user to act as, as key=value." },
  username: { type: "string", placeholder: "name", description: "Name for basic authentication." },
  password: { type: "string", placeholder: "password", description: "Password for basic authentication." },
  "request-timeout": {
    type: "string",
    placeholder: "duration",
    description: "How long to wait for an answer, e.g. 1s, 2m or 3h; 0 is for ever.",
  },
  "cache-dir": {
    type: "string",
    placeholder: "path",
    description: "Folder that keeps what servers serve; default $KUBECACHEDIR, else ~/.kube/cache.",
  },
  "disable-compression": {
    type: "boolean",
    description: "Do not ask for compressed answers. This program never does; kubectl does without this.",
  },
  "match-server-version": { type: "boolean", description: "Refuse to work with a server of another version." },
  "warnings-as-errors": { type: "boolean", description: "End with exit code 1 when the server warned of something." },
  profile: {
    type: "string",
    default: "none",
    placeholder: "name",
    description: "Note what the program is busy with: cpu or heap, as files that Chrome's developer tools open.",
  },
  "profile-output": {
    type: "string",
    default: "profile.pprof",
    placeholder: "path",
    description: "File to write that to.",
  },
  "log-flush-frequency": {
    type: "string",
    default: "5s",
    placeholder: "duration",
    description: "How long kubectl may keep log lines back. This program keeps none back.",
  },
  vmodule: {
    type: "string",
    placeholder: "pairs",
    description: "Verbosity of single files of kubectl's. This program has one verbosity, -v.",
  },
  v: {
    type: "number",
    short: "v",
    placeholder: "level",
    description:
      "Verbosity: from 1 on errors show where they came from, from 6 on requests are shown, 9 with whole bodies.",
  },
};

/** Whether the global flags want something before or after a verb. */
export function wantsAround(globals: Readonly<Record<string, unknown>>): boolean {
  return globals["matchServerVersion"] === true || (globals["profile"] ?? "none") !== "none";
}

/** The surroundings of a verb on this machine, as the global flags want them. */
export function systemEnv(
  values: Readonly<Record<string, unknown>>,
  {
    terminal,
    signal,
    onWarning,
    pluginPolicy,
    changeCause,
  }: {
    readonly terminal: Terminal;
    readonly signal: AbortSignal;
    /** Called with each warning of the server. */
    readonly onWarning?: (text: string) => void;
    /** Which exec plug-ins may be run. Default: any. */
    readonly pluginPolicy?: PluginPolicy | undefined;
    /** What is to be noted in whatever is changed. */
    readonly changeCause?: string | undefined;
  },
): CommandEnv {
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  // The kubeconfig is read, and the HTTP client loaded, only for verbs that ask for them.
  let resolved: ReturnType<typeof resolve> | undefined;
  const resolve = async () => {
    const { loadKubeconfig, resolveContext } = await import("../core/client/kubeconfig.ts");
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
  };
  const context = () => {
    resolved ??= resolve();
    return resolved;
  };
  const cacheFolder = () =>
    text("cacheDir") || environmentVariable("KUBECACHEDIR") || joinPath(homeDirectory(), ".kube", "cache");
  const verbosity = typeof values["v"] === "number" ? values["v"] : 0;
  let client: Promise<Client> | undefined;
  return {
    terminal,
    clock: systemClock,
    random: systemRandom,
    signal,
    verbosity,
    version,
    changeCause,
    // A wrong value is told by what connects.
    get requestTimeoutMs() {
      return requestTimeoutMs(text("requestTimeout"));
    },
    kubeconfig: text("kubeconfig"),
    kuberc: text("kuberc"),
    namespaceGiven: text("namespace") !== undefined,
    namespace: async () => (await context()).namespace,
    server: async () => (await context()).server,
    client(program = "wherry") {
      client ??= (async () => {
        const { transport, server } = await context();
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
        const cachePath = (ending: string) => joinPath(cacheFolder(), "wherry", cacheFileName(server, ending));
        // What the server serves is kept below the folder where kubectl keeps it too.
        const withCache = (made: Client) => {
          keepDiscovery(made, { path: cachePath("json"), clock: systemClock });
          return made;
        };
        const reached = httpTransport({
          ...transport,
          userAgent: `${program}/${version}`,
          shortLived: true,
          sessionPath: cachePath("session"),
        });
        const options = onWarning ? { onWarning } : {};
        const recorded = async (made: Client) =>
          changeCause === undefined ? made : (await import("./change_cause.ts")).recordingClient(made, changeCause);
        if (verbosity < 6) return withCache(await recorded(createClient(reached, options)));
        const { loggingTransport } = await import("../core/client/logging_transport.ts");
        const write = (line: string) => terminal.warn(line);
        const logged = loggingTransport(reached, {
          level: verbosity,
          server,
          write,
          clock: systemClock,
          pid: currentPid(),
        });
        return withCache(await recorded(createClient(logged, options)));
      })();
      return client;
    },
  };
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
function impersonation(values: Readonly<Record<string, unknown>>): Impersonation | undefined {
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
