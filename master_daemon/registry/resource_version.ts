import { StatusError } from "../../core/api/status.ts";
import type { WatchCache } from "./watch_cache.ts";

/** Milliseconds that a read waits for a version that is yet to come. @see k8s.io/apiserver/pkg/storage/cacher, blockTimeout */
export const waitMs = 3_000;

/** The number in a resourceVersion; 0 for none. @throws StatusError BadRequest when it is not one */
export function parseResourceVersion(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  const number = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  const shown = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
  throw StatusError.badRequest(
    `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`,
  );
}

/** Waits a little for a version that is yet to come. @throws StatusError Timeout when it does not */
export async function waitForVersion(cache: WatchCache, revision: number): Promise<void> {
  if (await cache.reach(revision, { timeoutMs: waitMs })) return;
  throw StatusError.timeout(`Too large resource version: ${revision}, current: ${cache.revision}`, 1, [
    { reason: "ResourceVersionTooLarge", message: "Too large resource version" },
  ]);
}
