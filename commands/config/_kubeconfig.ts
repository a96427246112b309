import type {
  Kubeconfig,
  KubeconfigCluster,
  KubeconfigSections,
  KubeconfigUser,
} from "../../core/client/kubeconfig.ts";

import { folderOf, readBytes, relativePath, resolvePath } from "../../core/platform/files.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { CommandEnv } from "../env.ts";
import { UsageError } from "../verb.ts";

/** The code that reads and writes kubeconfigs, and the one at hand. A missing file is an empty one. */
export async function openKubeconfig(
  env: CommandEnv,
): Promise<{ readonly config: Kubeconfig; readonly files: typeof import("../../core/client/kubeconfig.ts") }> {
  const files = await import("../../core/client/kubeconfig.ts");
  return { config: await files.loadKubeconfig({ path: env.kubeconfig, mayBeMissing: true }), files };
}

/** The file that kubectl names in messages. */
export function mainFile(config: Kubeconfig, env: CommandEnv): Promise<string> {
  return import("../../core/client/kubeconfig.ts").then(({ fileForNew }) => env.kubeconfig ?? fileForNew(config));
}

/** The one word that a verb takes. @throws UsageError with kubectl's words for none or several */
export function onlyWord(words: readonly string[], complaint = "unexpected args"): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw new UsageError(`${complaint}: [${words.join(" ")}]`);
  return word;
}

/** Entries of a section by name, as kubectl sorts them. */
export function sortedNames(entries: ReadonlyMap<string, unknown>): readonly string[] {
  return [...entries.keys()].sort();
}

/** Which members of an entry are paths. */
const paths: { readonly [S in keyof KubeconfigSections]: readonly string[] } = {
  clusters: ["certificate-authority"],
  users: ["client-certificate", "client-key", "tokenFile"],
  contexts: [],
};

/** An entry with its paths as they are meant, not as they stand in the file. */
export function withWholePaths<T extends object>(section: keyof KubeconfigSections, value: T, file: string): T {
  return withPaths(section, value, (path) => resolvePath(path, folderOf(file)));
}

/** An entry with those of its paths that lie below the file's folder as seen from there. */
export function withRelativePaths<T extends object>(section: keyof KubeconfigSections, value: T, file: string): T {
  const folder = folderOf(resolvePath(file));
  return withPaths(section, value, (path) => {
    const near = relativePath(folder, resolvePath(path, folder));
    return near.startsWith("../") ? path : near;
  });
}

function withPaths<T extends object>(section: keyof KubeconfigSections, value: T, change: (path: string) => string): T {
  const members = Object.entries(value).map(([key, member]) => [
    key,
    paths[section].includes(key) && typeof member === "string" && member ? change(member) : member,
  ]);
  return Object.fromEntries(members) as T;
}

/**
 * What a file flag (`--certificate-authority`, `--client-key` …) puts into an entry: the path, or with `embed` the content.
 *
 * @throws UsageError when the file to embed is not there
 */
export async function fileMembers(
  member: "certificate-authority" | "client-certificate" | "client-key",
  path: string,
  embed: boolean,
): Promise<KubeconfigCluster & KubeconfigUser> {
  if (!embed) return { [member]: path === "" ? undefined : resolvePath(path), [`${member}-data`]: undefined };
  const bytes = await readBytes(path).catch((error: unknown) => {
    throw new UsageError(`could not stat ${member} file ${path}: ${errorMessage(error).replace(/^open /, "stat ")}`);
  });
  return { [member]: undefined, [`${member}-data`]: toBase64(bytes) };
}
