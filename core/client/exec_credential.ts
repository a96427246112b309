import { folderOf, resolvePath } from "../platform/files.ts";
import { captureProgram, findProgram } from "../platform/programs.ts";
import type { Clock } from "../util/clock.ts";
import { compact } from "../util/compact.ts";
import { errorMessage } from "../util/log.ts";
import type { ExecPlugin, KubeconfigCluster } from "./load_kubeconfig.ts";
import { checkPermitted, type PluginPolicy } from "./plugin_policy.ts";

/** What a plug-in answered. */
export interface ExecCredentials {
  readonly token?: string;
  /** PEM. */
  readonly cert?: string;
  /** PEM. */
  readonly key?: string;
  /** Milliseconds since 1970 after which it must be asked again. */
  readonly expiresAt?: number;
}

/** Options of {@linkcode execCredentials}. */
export interface ExecCredentialOptions {
  /** The kubeconfig file: a command with a slash is found from its folder. */
  readonly path: string;
  /** Told to plug-ins that ask for it. */
  readonly cluster: KubeconfigCluster | undefined;
  /** PEM. */
  readonly ca?: string | undefined;
  readonly clock: Clock;
  /** Whether a person can be asked. */
  readonly inputIsTerminal: boolean;
  /** Which programs may be run. Default: any. */
  readonly policy?: PluginPolicy | undefined;
}

/** Credentials of a user that a program gives: kept until they expire, or the server refuses them. */
export interface ExecCredentialSource {
  /** @throws Error saying what is wrong with the plug-in */
  current(): Promise<ExecCredentials>;
  /** Makes the next {@linkcode current} ask the plug-in again. */
  forget(): void;
}

const versions: ReadonlySet<string> = new Set([
  "client.authentication.k8s.io/v1",
  "client.authentication.k8s.io/v1beta1",
]);
const maxAnswerBytes = 1024 * 1024;

/**
 * Credentials from an exec plug-in.
 *
 * @throws Error when the plug-in is not described rightly
 * @see k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go
 */
export function execCredentials(plugin: ExecPlugin, options: ExecCredentialOptions): ExecCredentialSource {
  const { apiVersion = "", command = "" } = plugin;
  if (command === "") throw new Error("invalid configuration: exec plugin: command must be specified");
  if (!versions.has(apiVersion)) throw new Error(`exec plugin: invalid apiVersion "${apiVersion}"`);
  const interactive = mayInteract(plugin, options);
  let kept: Promise<ExecCredentials> | undefined;
  let expiresAt: number | undefined;
  return {
    async current() {
      if (expiresAt !== undefined && options.clock.now() >= expiresAt) kept = undefined;
      kept ??= ask(plugin, options, interactive).then((credentials) => {
        ({ expiresAt } = credentials);
        return credentials;
      });
      // A failure is not kept: the plug-in may do better the next time.
      kept.catch(() => {
        kept = undefined;
      });
      return await kept;
    },
    forget() {
      kept = undefined;
    },
  };
}

function mayInteract({ apiVersion, interactiveMode }: ExecPlugin, { inputIsTerminal }: ExecCredentialOptions): boolean {
  const mode = interactiveMode ?? (apiVersion?.endsWith("/v1beta1") ? "IfAvailable" : "");
  if (mode === "Never") return false;
  if (mode === "IfAvailable") return inputIsTerminal;
  if (mode !== "Always")
    throw new Error(`exec plugin: invalid interactiveMode "${mode}": use Never, IfAvailable or Always`);
  if (!inputIsTerminal)
    throw new Error("exec plugin cannot support interactive mode: standard input is not a terminal");
  return true;
}

async function ask(plugin: ExecPlugin, options: ExecCredentialOptions, interactive: boolean): Promise<ExecCredentials> {
  const { apiVersion = "", command = "", args, env, installHint } = plugin;
  const path = /[\\/]/.test(command) ? resolvePath(command, folderOf(options.path)) : command;
  const program = await findProgram(path);
  if (program === undefined)
    throw new Error(
      `getting credentials: exec: executable ${command} not found${installHint ? `\n\n${installHint.trimEnd()}` : ""}`,
    );
  if (options.policy)
    await checkPermitted(options.policy, { command: path, program }).catch((error: unknown) => {
      throw new Error(`getting credentials: ${errorMessage(error)}`);
    });
  const { code, stdout } = await captureProgram(program, args ?? [], {
    env: {
      ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify({
        kind: "ExecCredential",
        apiVersion,
        spec: { interactive, ...(plugin.provideClusterInfo ? { cluster: clusterInfo(options) } : {}) },
      }),
    },
    ...(interactive ? { input: "inherit" as const } : {}),
    limitBytes: maxAnswerBytes,
  });
  if (code !== 0) throw new Error(`getting credentials: exec: executable ${command} failed with exit code ${code}`);
  return readAnswer(new TextDecoder().decode(stdout), apiVersion);
}

function clusterInfo({ cluster = {}, ca }: ExecCredentialOptions): object {
  return compact({
    server: cluster.server,
    "tls-server-name": cluster["tls-server-name"],
    "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"],
    "certificate-authority-data": ca === undefined ? undefined : btoa(ca),
    "proxy-url": cluster["proxy-url"],
    config: null,
  });
}

interface Answer {
  readonly kind?: unknown;
  readonly apiVersion?: unknown;
  readonly status?: {
    readonly token?: unknown;
    readonly clientCertificateData?: unknown;
    readonly clientKeyData?: unknown;
    readonly expirationTimestamp?: unknown;
  } | null;
}

/** What the plug-in wrote is never quoted: it holds secrets. */
function readAnswer(text: string, wanted: string): ExecCredentials {
  let answer: Answer | null;
  try {
    answer = JSON.parse(text) as Answer | null;
  } catch {
    throw new Error("getting credentials: decoding stdout: it is not JSON");
  }
  if (answer?.kind !== "ExecCredential")
    throw new Error("getting credentials: decoding stdout: it is not of kind ExecCredential");
  if (answer.apiVersion !== wanted)
    throw new Error(
      `getting credentials: exec plugin is configured to use API version ${wanted}, plugin returned version ${String(answer.apiVersion).slice(0, 100)}`,
    );
  const { status } = answer;
  if (!status) throw new Error("getting credentials: exec plugin didn't return a status field");
  const token = nonEmptyText(status.token);
  const cert = nonEmptyText(status.clientCertificateData);
  const key = nonEmptyText(status.clientKeyData);
  if (!token && !cert && !key)
    throw new Error("getting credentials: exec plugin didn't return a token or cert/key pair");
  if (Boolean(cert) !== Boolean(key))
    throw new Error("getting credentials: exec plugin returned only certificate or key, not both");
  const expiresAt = Date.parse(nonEmptyText(status.expirationTimestamp) ?? "");
  return compact<ExecCredentials>({ token, cert, key, expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt });
}

function nonEmptyText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
