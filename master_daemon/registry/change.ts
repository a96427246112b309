import type { KubeObject, ObjectKey } from "../../core/api/meta.ts";
import type { RegistryEvent, Selection } from "./registry.ts";
import type { StoredObject } from "./stored_object.ts";

type ObjectEvent = Exclude<RegistryEvent<KubeObject>, { readonly type: "BOOKMARK" }>;

/** One commit to an object. The events that it makes are made once and shared by all watchers. */
export class Change {
  readonly key: ObjectKey;
  readonly revision: number;
  /** Undefined: deleted. */
  readonly next: StoredObject | undefined;
  /** Undefined: created. */
  readonly previous: StoredObject | undefined;
  readonly #events = new Map<ObjectEvent["type"], ObjectEvent>();

  constructor(options: Pick<Change, "key" | "revision" | "next" | "previous">) {
    this.key = options.key;
    this.revision = options.revision;
    this.next = options.next;
    this.previous = options.previous;
  }

  /** Bytes that waiting for delivery keeps in memory, roughly. */
  get size(): number {
    return 256 + (this.next?.value.length ?? 0) + (this.previous?.value.length ?? 0);
  }

  /** The event that a watcher of a selection sees, if any: starting to match is ADDED, no longer matching DELETED. */
  eventFor({ namespace, matches }: Selection): ObjectEvent | undefined {
    if (namespace !== undefined && this.key.namespace !== namespace) return undefined;
    const isIn = this.next !== undefined && (!matches || matches(this.next));
    const wasIn = this.previous !== undefined && (!matches || matches(this.previous));
    if (isIn) return this.#event(wasIn ? "MODIFIED" : "ADDED");
    return wasIn ? this.#event("DELETED") : undefined;
  }

  #event(type: ObjectEvent["type"]): ObjectEvent {
    const known = this.#events.get(type);
    if (known) return known;
    // What goes is shown as it last was, at the revision of its going.
    const stored = (type === "DELETED" ? this.previous?.at(this.revision) : this.next) as StoredObject;
    const event: ObjectEvent =
      type === "MODIFIED" ? { type, stored, previous: this.previous as StoredObject } : { type, stored };
    this.#events.set(type, event);
    return event;
  }
}
