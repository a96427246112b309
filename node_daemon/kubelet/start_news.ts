import type { MachineFacts } from "../../core/platform/machine.ts";
import type { ResolverConfig } from "../../core/platform/resolver_config.ts";
import type { NodeNews } from "./node_events.ts";
import { resolverLimits } from "./pod_dns.ts";

/** What {@linkcode startNews} goes by. */
export interface StartFacts {
  readonly machine: Pick<MachineFacts, "operatingSystem" | "kernelVersion" | "swapBytes">;
  /** What the node's `resolv.conf` says, and where that is; undefined: pods are to use nothing of it. */
  readonly resolver: { readonly path: string; readonly config: ResolverConfig } | undefined;
  /** Domain under which services are. */
  readonly domain: string;
}

/** What somebody should know of a node when its daemon starts. Pure. */
export function startNews({ machine, resolver, domain }: StartFacts): readonly NodeNews[] {
  const news: NodeNews[] = [{ type: "Normal", reason: "Starting", message: "Starting kubelet." }];
  if (machine.swapBytes > 0 && !keepsOffSwap(machine)) {
    const message =
      "The tmpfs noswap option is not supported. Memory-backed volumes (e.g. secrets, emptyDirs, etc.) might be swapped to disk and should no longer be considered secure.";
    news.push({ type: "Warning", reason: "PossibleMemoryBackedVolumesOnDisk", message });
  }
  const message = resolver && resolverLimits(resolver.config, { path: resolver.path, domain });
  if (message !== undefined) news.push({ type: "Warning", reason: "CheckLimitsForResolvConf", message });
  return news;
}

/** Whether file systems in memory can be kept from being swapped: since Linux 6.4. */
function keepsOffSwap({ operatingSystem, kernelVersion }: StartFacts["machine"]): boolean {
  if (operatingSystem !== "linux") return false;
  const [major = 0, minor = 0] = kernelVersion.split(/[.-]/, 2).map(Number);
  return major > 6 || (major === 6 && minor >= 4);
}
