import { asJson } from "../api/json_object.ts";
import { formatYaml } from "../api/yaml_writer.ts";
import { changePrivateFile } from "../platform/files.ts";
import {
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
        clusters: file.clusters ?? [],
        contexts: file.contexts ?? [],
        users: file.users ?? [],
      }),
    );
  });
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
