import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { randomUuid } from "../../core/platform/uuid.ts";
import { GenericRegistry } from "./generic_registry.ts";
import type { Registries, RegistriesOptions, Registry } from "./registry.ts";
import { resourcePath } from "./stored_object.ts";
import { openWatchCache } from "./watch_cache.ts";

/** Opens a registry for every kind over one store. The store stays the caller's: close it afterwards. */
export async function openRegistries(options: RegistriesOptions): Promise<Registries> {
  const { store, kinds, clock, random, log, localRanges, apiServerAddress, uuid = randomUuid } = options;
  const { watcherBudgetBytes } = options;
  const cache = await openWatchCache({ store, kinds, clock, log, watcherBudgetBytes });
  const context = { localRanges, apiServerAddress };
  const registries = new Map<string, Registry>(
    kinds.map((kind) => [resourcePath(kind), new GenericRegistry({ kind, cache, clock, random, uuid, context })]),
  );
  return {
    kinds,
    for<T extends KubeObject>(kind: ResourceType<T>): Registry<T> {
      const registry = registries.get(resourcePath(kind));
      if (!registry) throw new RangeError(`Cannot find the registry: kind is not served: ${resourcePath(kind)}`);
      // One implementation serves all kinds; the caller's type says which objects this one holds.
      return registry as unknown as Registry<T>;
    },
    get revision() {
      return cache.revision;
    },
    [Symbol.asyncDispose]: () => cache[Symbol.asyncDispose](),
  };
}
