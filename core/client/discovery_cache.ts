import { readSettings, replacePrivateFile } from "../platform/files.ts";
import type { Clock } from "../util/clock.ts";
import type { Client } from "./client.ts";
import { type DiscoveredResource, discover } from "./discovery.ts";

/** Where a server's discovery is kept. */
export interface DiscoveryCache {
  /** A file of mode 0600; folders are made as they are needed, with mode 0700. */
  readonly path: string;
  readonly clock: Pick<Clock, "now">;
}

/** So long what is on disk counts: that of kubectl was ten minutes for years. */
const maxAgeMs = 10 * 60_000;

/** What is kept; `version` is of this form. */
interface Kept {
  readonly version: 1;
  readonly at: number;
  readonly resources: readonly DiscoveredResource[];
}

/** What the server served at most ten minutes ago, as far as that is on disk; undefined otherwise. */
export async function readDiscovery({
  path,
  clock,
}: DiscoveryCache): Promise<readonly DiscoveredResource[] | undefined> {
  try {
    const kept = JSON.parse(readSettings(path) ?? "null") as Kept | null;
    const age = clock.now() - (kept?.at ?? 0);
    return kept?.version === 1 && age >= 0 && age < maxAgeMs && Array.isArray(kept.resources)
      ? kept.resources
      : undefined;
  } catch {
    // A file that cannot be read is none: the server is asked.
    return undefined;
  }
}

/** Asks the server, and keeps on disk what it says, where that may be written and the answer is whole. */
export async function refreshDiscovery(
  client: Client,
  { path, clock }: DiscoveryCache,
): Promise<readonly DiscoveredResource[]> {
  let whole = true;
  const resources = await discover(client, {
    onFailure: () => {
      whole = false;
    },
  });
  const kept: Kept = { version: 1, at: clock.now(), resources };
  if (whole) await replacePrivateFile(path, JSON.stringify(kept)).catch(() => {});
  return resources;
}

/** The name of a server's file: its host and port, without what file names should not have. */
export function cacheFileName(server: string, ending = "json"): string {
  return `${server.replace(/^https?:\/\//, "").replace(/[^\w.-]/g, "_")}.${ending}`;
}
