import type { Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyText } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { Compacted } from "../store/store.ts";
import { decodeContinueToken, encodeContinueToken } from "./continue_token.ts";
import type { KindCache } from "./kind_cache.ts";
import type { RegistryListOptions, RegistryPage } from "./registry.ts";
import { parseResourceVersion, waitForVersion, waitMs } from "./resource_version.ts";
import type { ServedVersion } from "./served_version.ts";
import type { StoredObject } from "./stored_object.ts";
import type { WatchCache } from "./watch_cache.ts";

/** Objects tested against a selection between two turns of the event loop. */
const matchSlice = 500;

const listTooOld = "The resourceVersion for the provided list is too old.";
const continueTooOld =
  "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.";

/** Where lists are read from. */
export interface ListSource {
  readonly kind: Kind;
  readonly cache: WatchCache;
  readonly objects: KindCache;
  readonly served: ServedVersion;
}

/** Lists of one kind, page by page: all pages of a list show one revision. */
export class ListPages {
  readonly #source: ListSource;

  constructor(source: ListSource) {
    this.#source = source;
  }

  /** @throws StatusError BadRequest for options that do not go together, Expired for a revision that is no longer known */
  async list(options: RegistryListOptions): Promise<RegistryPage<KubeObject>> {
    const { cache } = this.#source;
    const { resourceVersion, resourceVersionMatch: match, limit } = options;
    if (options.continue) {
      if (resourceVersion && resourceVersion !== "0") {
        throw StatusError.badRequest("specifying resource version is not allowed when using continue");
      }
      const { revision, after } = decodeContinueToken(options.continue);
      // The page before may be another master's.
      if (cache.isShared) await cache.reach(revision, { timeoutMs: waitMs });
      return await this.#page(options, { revision, after, tooOld: continueTooOld });
    }
    const version = parseResourceVersion(resourceVersion);
    if (match && !resourceVersion) {
      throw StatusError.badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided");
    }
    if (match === "Exact" && version === 0) {
      throw StatusError.badRequest(`resourceVersionMatch "Exact" is forbidden for resourceVersion "0"`);
    }
    if (version > 0) await waitForVersion(cache, version);
    else if (resourceVersion !== "0" && cache.isShared) await cache.catchUp();
    const isExact = match === "Exact" || (!match && version > 0 && limit !== undefined && limit > 0);
    return await this.#page(options, { revision: isExact ? version : cache.revision, tooOld: listTooOld });
  }

  /** One page of what the kind was at a revision, after the object `after`. */
  async #page(
    { namespace, matches, limit }: RegistryListOptions,
    start: { readonly revision: number; readonly after?: string; readonly tooOld: string },
  ): Promise<RegistryPage<KubeObject>> {
    const { kind, cache, objects, served } = this.#source;
    const { revision, after = "", tooOld } = start;
    if (revision > cache.revision) throw StatusError.badRequest("continue key is not valid: from the future");
    const prefix = namespace === undefined || !kind.namespaced ? "" : `${namespace}/`;
    const max = limit !== undefined && limit > 0 ? limit : Number.POSITIVE_INFINITY;
    const { items: present, lastChanged } = objects;
    const isPresent = revision >= lastChanged;
    if (isPresent && !matches) {
      const items = present.slice(prefix, after, max);
      const last = items[items.length - 1];
      const remaining = last ? present.count(prefix, keyText(last.key)) : 0;
      return pageOf(await served.all(items), revision, remaining, true);
    }
    const stored = isPresent
      ? present.slice(prefix, after)
      : await cache.listAt(objects, revision, { prefix, after }).catch((error: unknown) => {
          throw error instanceof Compacted ? StatusError.expired(tooOld) : error;
        });
    if (!matches) {
      const items = await served.all(stored.slice(0, max));
      return pageOf(items, revision, Math.max(0, stored.length - max), true);
    }
    const all = await served.all(stored);
    const items: StoredObject[] = [];
    for (const [index, stored] of all.entries()) {
      if (index % matchSlice === matchSlice - 1) await new Promise((resolve) => setImmediate(resolve));
      if (!matches(stored)) continue;
      if (items.length >= max) return pageOf(items, revision, 1, false);
      items.push(stored);
    }
    return pageOf(items, revision, 0, false);
  }
}

/** @param remaining how many objects come after the page; only told when `isCounted` */
function pageOf(
  items: readonly StoredObject[],
  revision: number,
  remaining: number,
  isCounted: boolean,
): RegistryPage<KubeObject> {
  const last = items[items.length - 1];
  if (!last || remaining === 0) return { revision, items };
  return {
    revision,
    items,
    continue: encodeContinueToken({ revision, after: keyText(last.key) }),
    ...(isCounted ? { remainingItemCount: remaining } : {}),
  };
}
