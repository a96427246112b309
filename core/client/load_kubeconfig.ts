import { parseYaml } from "../api/yaml_reader.ts";
import { folderOf, joinPath, readSettings, resolvePath } from "../platform/files.ts";
import { environmentVariable, homeDirectory, pathListDelimiter } from "../platform/process.ts";

/** How to reach a cluster, in kubeconfig's own words. @see https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
export interface KubeconfigCluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  /** Base64. Wins over the file. */
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
  readonly "proxy-url"?: string;
}

/** Who to be there. */
export interface KubeconfigUser {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly "as-uid"?: string;
  readonly "as-groups"?: readonly string[];
  readonly "as-user-extra"?: Readonly<Record<string, readonly string[]>>;
  readonly exec?: ExecPlugin;
  readonly "auth-provider"?: { readonly name?: string; readonly config?: Readonly<Record<string, string>> | null };
}

/** A program that gives credentials. @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
export interface ExecPlugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  /** What to say when the program is not there. */
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  /** Whether it may use standard input: `Never`, `IfAvailable` or `Always`. */
  readonly interactiveMode?: string;
}

/** A cluster, a user and a namespace by one name. */
export interface KubeconfigContext {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** A kubeconfig file as it stands on disk. What is unknown here is kept. */
export interface KubeconfigFile {
  readonly "current-context"?: string;
  readonly clusters?: readonly { readonly name: string; readonly cluster: KubeconfigCluster }[];
  readonly users?: readonly { readonly name: string; readonly user: KubeconfigUser }[];
  readonly contexts?: readonly { readonly name: string; readonly context: KubeconfigContext }[];
}

/** An entry, and the folder that its relative paths mean. */
export interface KubeconfigEntry<T> {
  readonly value: T;
  /** File that it stands in. */
  readonly path: string;
}

/** Several kubeconfig files read as one. */
export interface Kubeconfig {
  /** The files that count, whether they exist or not: the first is where changes go that belong nowhere else. */
  readonly paths: readonly string[];
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, KubeconfigEntry<KubeconfigCluster>>;
  readonly users: ReadonlyMap<string, KubeconfigEntry<KubeconfigUser>>;
  readonly contexts: ReadonlyMap<string, KubeconfigEntry<KubeconfigContext>>;
}

/** A kubeconfig that cannot be used, and why. */
export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

/** Options of {@linkcode loadKubeconfig}. */
export interface LoadOptions {
  /** The one file to read (`--kubeconfig`); it must exist, unless `mayBeMissing`. */
  readonly path?: string | undefined;
  readonly mayBeMissing?: boolean;
  /** List of files. Default: the environment's KUBECONFIG. */
  readonly variable?: string | undefined;
  /** Folder that holds `.kube/config`, read when there is neither. Default: the user's home. */
  readonly home?: string | undefined;
}

/** The files that a kubeconfig is made of, in the order in which they count. */
export function kubeconfigPaths(options: LoadOptions = {}): readonly string[] {
  if (options.path) return [resolvePath(options.path)];
  const variable = options.variable ?? environmentVariable("KUBECONFIG") ?? "";
  const listed = variable.split(pathListDelimiter).filter((path) => path !== "");
  if (listed.length > 0) return [...new Set(listed.map((path) => resolvePath(path)))];
  return [joinPath(options.home ?? homeDirectory(), ".kube", "config")];
}

/**
 * Reads the kubeconfig as kubectl does: the file asked for, or those of KUBECONFIG merged (the first to say something
 * wins; missing files are passed over), or `~/.kube/config`.
 *
 * @throws KubeconfigError when a file is no kubeconfig, or the one asked for is missing
 * @see https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files
 */
export async function loadKubeconfig(options: LoadOptions = {}): Promise<Kubeconfig> {
  const paths = kubeconfigPaths(options);
  const merged = {
    paths,
    currentContext: undefined as string | undefined,
    clusters: new Map<string, KubeconfigEntry<KubeconfigCluster>>(),
    users: new Map<string, KubeconfigEntry<KubeconfigUser>>(),
    contexts: new Map<string, KubeconfigEntry<KubeconfigContext>>(),
  };
  for (const path of paths) {
    const text = readSettings(path);
    if (text === undefined) {
      if (options.path && !options.mayBeMissing)
        throw new KubeconfigError(`Cannot read the kubeconfig: there is no file ${path}`);
      continue;
    }
    const file = parseKubeconfig(text, path);
    merged.currentContext ??= file["current-context"] || undefined;
    for (const { name, cluster } of file.clusters ?? []) addFirst(merged.clusters, name, { value: cluster, path });
    for (const { name, user } of file.users ?? []) addFirst(merged.users, name, { value: user, path });
    for (const { name, context } of file.contexts ?? []) addFirst(merged.contexts, name, { value: context, path });
  }
  return merged;
}

function addFirst<V>(map: Map<string, V>, name: string, value: V): void {
  if (!map.has(name)) map.set(name, value);
}

const sections = { clusters: "cluster", users: "user", contexts: "context" } as const;

/**
 * A kubeconfig file's text. Empty text is an empty configuration.
 *
 * @throws KubeconfigError when it is something else
 */
export function parseKubeconfig(text: string, path: string): KubeconfigFile {
  let document: unknown;
  try {
    document = parseYaml(text, path);
  } catch (cause) {
    // One line: what follows may quote the file, which holds secrets. For the same reason it is not kept as a cause.
    const reason = cause instanceof Error ? cause.message.split("\n", 1)[0] : String(cause);
    throw new KubeconfigError(`Cannot read the kubeconfig: ${reason}`);
  }
  if (document === null || document === undefined) return {};
  if (!isObject(document) || (document["kind"] !== undefined && document["kind"] !== "Config"))
    throw new KubeconfigError(`Cannot read the kubeconfig ${path}: it is not of kind Config`);
  for (const [section, member] of Object.entries(sections)) {
    const entries = document[section] ?? [];
    const fits = Array.isArray(entries) && entries.every((entry) => isEntry(entry, member));
    if (!fits)
      throw new KubeconfigError(
        `Cannot read the kubeconfig ${path}: "${section}" must be a list of names, each with its "${member}"`,
      );
  }
  return withoutNulls(document) as KubeconfigFile;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEntry(entry: unknown, member: string): boolean {
  return isObject(entry) && typeof entry["name"] === "string" && (entry[member] == null || isObject(entry[member]));
}

/** kubectl writes `clusters: null` for none, and a name may stand without its part. */
function withoutNulls(document: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...document };
  for (const [section, member] of Object.entries(sections)) {
    const entries = (document[section] ?? []) as Record<string, unknown>[];
    result[section] = entries.map((entry) => ({ ...entry, [member]: entry[member] ?? {} }));
  }
  return result;
}

/** `path` as an entry of the file means it. */
export function relativeTo({ path: file }: KubeconfigEntry<unknown>, path: string): string {
  return resolvePath(path, folderOf(file));
}
