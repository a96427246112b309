import { asJson } from "../api/json_object.ts";
import { formatYaml } from "../api/yaml_writer.ts";
import { changePrivateFile, readTextFile } from "../platform/files.ts";
import {
  type Kubeconfig,
  type KubeconfigCluster,
  type KubeconfigContext,
  type KubeconfigFile,
  type KubeconfigUser,
  parseKubeconfig,
} from "./load_kubeconfig.ts";

/**
 * Changes one kubeconfig file: replaced as a whole or not at all, mode 0600, folder 0700. Keeps what it does not know.
 *
 * @throws KubeconfigError when the file is no kubeconfig: then it is left as it is
 */
export function editKubeconfig(path: string, change: (file: KubeconfigFile) => KubeconfigFile): Promise<void> {
  return changePrivateFile(path, (text) => {
    const file = change(parseKubeconfig(text ?? "", path));
    return formatYaml(
      asJson({
        apiVersion: "v1",
        kind: "Config",
        ...file,
        "current-context": file["current-context"] ?? "",
        clusters: sorted(file.clusters),
        contexts: sorted(file.contexts),
        users: sorted(file.users),
      }),
    );
  });
}

/** As kubectl writes them: by name. */
function sorted<E extends { readonly name: string }>(entries: readonly E[] = []): readonly E[] | null {
  if (entries.length === 0) return null;
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** What stands in the sections of a kubeconfig. */
export interface KubeconfigSections {
  readonly clusters: KubeconfigCluster;
  readonly users: KubeconfigUser;
  readonly contexts: KubeconfigContext;
}

/** What an entry of a section holds beside its name. */
const members = { clusters: "cluster", users: "user", contexts: "context" } as const;

/**
 * Puts an entry into the file where one of that name stands, else into the one that takes what is new; undefined takes it
 * out of the former.
 */
export async function changeEntry<S extends keyof KubeconfigSections>(
  config: Kubeconfig,
  section: S,
  name: string,
  value: KubeconfigSections[S] | undefined,
): Promise<void> {
  const path = config[section].get(name)?.path ?? (await fileForNew(config));
  await editKubeconfig(path, (file) => {
    const entries: readonly { readonly name: string }[] = file[section] ?? [];
    const next = value === undefined ? without(entries, name) : put(entries, { name, [members[section]]: value });
    return { ...file, [section]: next };
  });
}

/** Makes a context the current one; `""` makes none so. @see k8s.io/client-go/tools/clientcmd/config.go writeCurrentContext */
export async function changeCurrentContext(config: Kubeconfig, name: string): Promise<void> {
  const { currentContext = "" } = config;
  if (name === currentContext) return;
  const path = name === "" ? await fileThatSetsCurrent(config) : await fileForNew(config);
  if (path !== undefined) await editKubeconfig(path, (file) => ({ ...file, "current-context": name }));
}

/** The first file that there is, else the last of the list. */
export async function fileForNew({ paths }: Pick<Kubeconfig, "paths">): Promise<string> {
  for (const path of paths) if ((await readTextFile(path)) !== undefined) return path;
  return paths.at(-1) ?? "";
}

async function fileThatSetsCurrent({ paths }: Kubeconfig): Promise<string | undefined> {
  for (const path of paths) {
    const text = await readTextFile(path);
    if (text !== undefined && parseKubeconfig(text, path)["current-context"]) return path;
  }
  return undefined;
}

/** A cluster, a user and a context, all by one name. */
export interface NamedContext {
  readonly name: string;
  readonly cluster: KubeconfigCluster;
  readonly user: KubeconfigUser;
  readonly namespace?: string | undefined;
}

/** Adds a context with its cluster and user to a file, or replaces those of the same names. */
export function mergeContext(
  path: string,
  { name, cluster, user, namespace }: NamedContext,
  { setCurrent = false }: { readonly setCurrent?: boolean } = {},
): Promise<void> {
  const context: KubeconfigContext = { cluster: name, user: name, ...(namespace ? { namespace } : {}) };
  return editKubeconfig(path, (file) => ({
    ...file,
    ...(setCurrent ? { "current-context": name } : {}),
    clusters: put(file.clusters, { name, cluster }),
    contexts: put(file.contexts, { name, context }),
    users: put(file.users, { name, user }),
  }));
}

/** Takes a context out of a file, with the cluster and user of its name. It is current no more. */
export function removeContext(path: string, name: string): Promise<void> {
  return editKubeconfig(path, (file) => {
    const { "current-context": current, ...rest } = file;
    return {
      ...rest,
      ...(current !== undefined && current !== name ? { "current-context": current } : {}),
      clusters: without(file.clusters, name),
      contexts: without(file.contexts, name),
      users: without(file.users, name),
    };
  });
}

function put<E extends { readonly name: string }>(entries: readonly E[] = [], entry: E): readonly E[] {
  const present = entries.some(({ name }) => name === entry.name);
  return present ? entries.map((other) => (other.name === entry.name ? entry : other)) : [...entries, entry];
}

function without<E extends { readonly name: string }>(entries: readonly E[] = [], name: string): readonly E[] {
  return entries.filter((entry) => entry.name !== name);
}
