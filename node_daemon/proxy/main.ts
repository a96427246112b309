import type { Client } from "../../core/client/client.ts";
import { createInformers } from "../../core/client/informers.ts";
import { LocalRoutes } from "../../core/platform/local_routes.ts";
import { localAddresses } from "../../core/platform/network.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import { startFileProxy } from "./file_source.ts";
import type { ProxierOptions } from "./proxier.ts";
import { startProxy } from "./proxy.ts";

/** Options of {@linkcode startProxyDaemon}. */
export interface ProxyDaemonOptions extends ProxierOptions {
  /** What says where traffic goes: the API, or a file (see `parseProxyFile`). */
  readonly source: { readonly client: Client } | { readonly file: string };
  /** Name of the node it serves; decides what is local for `externalTrafficPolicy: Local`. */
  readonly nodeName: string;
  /** Ranges of this machine's addresses on which node ports are served. */
  readonly nodePortRanges: readonly string[];
  readonly signal: AbortSignal;
}

/** The service proxy as a daemon of its own. */
export async function startProxyDaemon(options: ProxyDaemonOptions): Promise<AsyncDisposable> {
  const { source, nodePortRanges, ...rest } = options;
  if ("file" in source) return await startFileProxy({ ...rest, path: source.file });
  const parts = new DisposalStack();
  try {
    parts.use(source.client);
    const informers = parts.use(createInformers({ ...rest, client: source.client }));
    const localRoutes = parts.use(new LocalRoutes());
    parts.use(await startProxy({ ...rest, localRoutes, informers, nodePortAddresses: localAddresses(nodePortRanges) }));
    return parts;
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}
