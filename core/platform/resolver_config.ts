import { readTextFile } from "./files.ts";

/** How programs of a machine, or of a pod, find names: what a `resolv.conf` says. */
export interface ResolverConfig {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** Where machines keep it. */
export const resolverFile = "/etc/resolv.conf";
/** Where systemd-resolved keeps the servers that it asks itself: others cannot reach the one on its loopback address. */
const systemdFile = "/run/systemd/resolve/resolv.conf";

/** More than any such file has. */
const maxLines = 1000;

/** Reads a `resolv.conf`. The last `search` and the last `options` line counts, as everywhere. */
export function parseResolverConfig(text: string): ResolverConfig {
  const nameservers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split("\n", maxLines)) {
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "nameserver" && words[0]) nameservers.push(words[0]);
    if (keyword === "search" || keyword === "domain") searches = words.map((word) => word.replace(/(.)\.$/, "$1"));
    if (keyword === "options") options = words;
  }
  return { nameservers, searches, options };
}

/** Writes a `resolv.conf`. */
export function formatResolverConfig({ nameservers, searches, options }: ResolverConfig): string {
  return [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}

/** What a `resolv.conf` says; that of the machine when no path is given. A file that is not there says nothing. */
export async function readResolverConfig(path?: string): Promise<ResolverConfig> {
  const config = parseResolverConfig((await readTextFile(path ?? resolverFile)) ?? "");
  if (path !== undefined || !config.nameservers.every((address) => address === "127.0.0.53")) return config;
  const text = await readTextFile(systemdFile);
  return text === undefined ? config : parseResolverConfig(text);
}
