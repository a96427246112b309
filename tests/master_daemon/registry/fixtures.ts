import { defineKind, type Kind } from "../../../core/api/kind.ts";
import type { KubeObject, StringMap } from "../../../core/api/meta.ts";
import { fieldError } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { type Namespace, namespace } from "../../../core/kinds/namespace.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openRegistries } from "../../../master_daemon/registry/registries.ts";
import type {
  Registries,
  RegistriesOptions,
  Registry,
  RegistryEvent,
  RegistryWatchOptions,
} from "../../../master_daemon/registry/registry.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import type { Store } from "../../../master_daemon/store/store.ts";

/** A kind with everything that the registry treats in a way of its own. */
export interface Widget extends KubeObject {
  readonly spec: { readonly size?: number; readonly color?: string; readonly slow?: boolean };
  readonly status?: { readonly phase?: string };
}

export const widget: Kind<Widget> = defineKind<Widget>({
  group: "example.com",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
  namespaced: true,
  schema: "",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: { ...object.spec, size: object.spec.size ?? 1 } }),
    prepareForCreate: (object) => ({ ...object, status: { phase: "New" } }),
    validate: ({ spec }) =>
      (spec.size ?? 0) < 0 ? [fieldError.invalid("spec.size", spec.size, "must not be negative")] : [],
    validateUpdate: (next, previous) =>
      next.spec.color === previous.spec.color
        ? []
        : [fieldError.invalid("spec.color", next.spec.color, "field is immutable")],
    validateStatusUpdate: ({ status }) => (status?.phase === "" ? [fieldError.required("status.phase")] : []),
    gracePeriodSeconds: ({ spec }, requested) => (spec.slow ? (requested ?? 30) : undefined),
  },
  columns: [],
});

/** A kind without spec, status or namespace. */
export interface Plain extends KubeObject {
  readonly data?: StringMap;
}

export const plain: Kind<Plain> = defineKind<Plain>({
  group: "",
  version: "v1",
  kind: "Plain",
  plural: "plains",
  namespaced: false,
  schema: "",
  columns: [],
});

export const user: UserInfo = { username: "tester", groups: [] };

/** Registries of the fixture kinds over a memory store (default). */
export async function openFixture(options: Partial<RegistriesOptions> & { readonly clock?: FakeClock } = {}): Promise<
  AsyncDisposable & {
    readonly clock: FakeClock;
    readonly store: Store;
    readonly registries: Registries;
    readonly widgets: Registry<Widget>;
    readonly plains: Registry<Plain>;
    readonly namespaces: Registry<Namespace>;
    readonly revision: number;
  }
> {
  const clock = options.clock ?? new FakeClock();
  const store = options.store ?? openMemoryStore({ clock });
  const registries = await openRegistries({
    store,
    kinds: [widget, plain, namespace],
    clock,
    random: seededRandom(1),
    log: silentLogger,
    localRanges: [],
    ...options,
  });
  return {
    clock,
    store,
    registries,
    widgets: registries.for(widget),
    plains: registries.for(plain),
    namespaces: registries.for(namespace),
    get revision() {
      return registries.revision;
    },
    async [Symbol.asyncDispose]() {
      await registries[Symbol.asyncDispose]();
      if (!options.store) await store[Symbol.asyncDispose]();
    },
  };
}

/** A widget named `name` in namespace `default` or the one given. */
export function aWidget(name: string, spec: Widget["spec"] = {}, metadata: Partial<Widget["metadata"]> = {}): Widget {
  return { apiVersion: "example.com/v1", kind: "Widget", metadata: { name, namespace: "default", ...metadata }, spec };
}

/** An event in short. */
export function shortEvent(event: RegistryEvent): string {
  if (event.type === "BOOKMARK") return `BOOKMARK@${event.revision}${event.initialEventsEnd ? " end" : ""}`;
  const { object, revision } = event.stored;
  return `${event.type} ${object.metadata.name}@${revision}`;
}

/** Watches in the background, collecting what it sees in short. Await `until` to have seen so many events. */
export function follow<T extends KubeObject>(
  registry: Registry<T>,
  options: Omit<RegistryWatchOptions, "signal"> = {},
): { readonly seen: string[]; readonly stop: () => void; readonly ended: Promise<unknown> } {
  const controller = new AbortController();
  const seen: string[] = [];
  const ended = (async () => {
    for await (const batch of registry.watch({ ...options, signal: controller.signal })) {
      seen.push(...batch.map((event) => shortEvent(event)));
    }
  })().catch((error: unknown) => error);
  return { seen, stop: () => controller.abort(), ended };
}

/** Lets everything that is ready run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
