import type { Client } from "../core/client/client.ts";
import { systemClock } from "../core/platform/clock.ts";
import { systemRandom } from "../core/platform/random.ts";
import type { Terminal } from "../core/platform/terminal.ts";
import { version } from "../core/version.ts";
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
  v: {
    type: "number",
    short: "v",
    placeholder: "level",
    implied: "1",
    description: "Verbosity; from 1 on errors show where they came from.",
  },
};

/** The surroundings of a verb on this machine, as the global flags want them. */
export function systemEnv(
  values: Readonly<Record<string, unknown>>,
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): CommandEnv {
  const text = (name: string) => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  // The kubeconfig is read, and the HTTP client loaded, only for verbs that ask for them.
  let resolved: ReturnType<typeof resolve> | undefined;
  const resolve = async () => {
    const { loadKubeconfig, resolveContext } = await import("../core/client/kubeconfig.ts");
    const groups = values["asGroup"];
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
      impersonate: text("as")
        ? { user: text("as") ?? "", groups: Array.isArray(groups) ? groups.map(String) : [] }
        : undefined,
    });
  };
  const context = () => {
    resolved ??= resolve();
    return resolved;
  };
  let client: Promise<Client> | undefined;
  return {
    terminal,
    clock: systemClock,
    random: systemRandom,
    signal,
    verbosity: typeof values["v"] === "number" ? values["v"] : 0,
    version,
    kubeconfig: text("kubeconfig"),
    namespaceGiven: text("namespace") !== undefined,
    namespace: async () => (await context()).namespace,
    client(program = "wherry") {
      client ??= (async () => {
        const { transport, server } = await context();
        if (!server)
          throw new UsageError(
            "no cluster is configured: start one with 'wherry up', or name a kubeconfig with --kubeconfig",
          );
        const [{ createClient }, { httpTransport }] = await Promise.all([
          import("../core/client/create_client.ts"),
          import("../core/client/http_transport.ts"),
        ]);
        return createClient(httpTransport({ ...transport, userAgent: `${program}/${version}` }));
      })();
      return client;
    },
  };
}
