import type { Kind, ResourceType } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import { GenericRegistry } from "./generic_registry.ts";
import type { Registries, RegistriesOptions, Registry } from "./registry.ts";
import { resourcePath } from "./stored_object.ts";
import { openWatchCache } from "./watch_cache.ts";

/** Opens a registry for every kind over one store. The store stays the caller's: close it afterwards. */
export async function openRegistries(options: RegistriesOptions): Promise<Registries> {
  const { store, clock, random, log, localRanges, apiServerAddress, uuid = randomUuid } = options;
  const { watcherBudgetBytes } = options;
  const storedKinds = options.kinds.map(storedKindOf);
  const cache = await openWatchCache({ store, kinds: storedKinds, clock, log, watcherBudgetBytes });
  const context = { localRanges, apiServerAddress };
  const open = (kind: Kind): GenericRegistry => new GenericRegistry({ kind, cache, clock, random, uuid, context });
  const registries = new Map<string, Registry>(options.kinds.map((kind) => [servedPath(kind), open(kind)]));
  const listeners = new Set<() => void>();
  let kinds = options.kinds;

  function change(next: readonly Kind[]): void {
    kinds = next;
    for (const listener of [...listeners]) listener();
  }

  return {
    get kinds() {
      return kinds;
    },
    async serve(kind) {
      const path = servedPath(kind);
      const known = kinds.findIndex((other) => servedPath(other) === path);
      if (known >= 0) cache.endWatches(storedKindOf(kind));
      await cache.add(storedKindOf(kind));
      registries.set(path, open(kind));
      change(known < 0 ? [...kinds, kind] : kinds.with(known, kind));
    },
    withdraw(type) {
      const path = servedPath(type);
      const kind = kinds.find((other) => servedPath(other) === path);
      if (!kind) return;
      const rest = kinds.filter((other) => other !== kind);
      const stored = storedKindOf(kind);
      registries.delete(path);
      // Other versions may still show the same objects.
      if (rest.some((other) => resourcePath(storedKindOf(other)) === resourcePath(stored))) cache.endWatches(stored);
      else cache.remove(stored);
      change(rest);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    for<T extends KubeObject>(kind: ResourceType<T>): Registry<T> {
      const registry = registries.get(servedPath(kind));
      if (!registry) throw new RangeError(`Cannot find the registry: kind is not served: ${servedPath(kind)}`);
      // One implementation serves all kinds; the caller's type says which objects this one holds.
      return registry as unknown as Registry<T>;
    },
    get revision() {
      return cache.revision;
    },
    get storeFailure() {
      return cache.storeFailure;
    },
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}

/** The kind whose objects are in the store. */
function storedKindOf(kind: Kind): Kind {
  return kind.storedAs?.kind ?? kind;
}

/** What tells apart what is served: versions of one kind too. */
function servedPath({ group, version, plural }: ResourceType): string {
  return `${group}/${version}/${plural}`;
}
