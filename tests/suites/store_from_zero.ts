import type { KeyValue, Store, StoreEvent } from "../../master_daemon/store/store.ts";

/**
 * A store whose keys and revisions others use as well, as one of its own: revisions count from where it is now, and keys
 * need not begin with a slash. So one suite holds for stores that stand alone and for those that do not.
 */
export async function storeFromZero(store: Store): Promise<Store> {
  const { revision: base } = await store.get("");
  const keyValue = (kv: KeyValue): KeyValue => ({
    key: kv.key.slice(1),
    value: kv.value,
    createRevision: kv.createRevision - base,
    revision: kv.revision - base,
  });
  const event = (from: StoreEvent): StoreEvent => {
    const revision = from.revision - base;
    if (from.type === "delete") {
      return { type: "delete", revision, key: from.key.slice(1), previous: keyValue(from.previous) };
    }
    return { type: "put", revision, kv: keyValue(from.kv), previous: from.previous && keyValue(from.previous) };
  };
  return {
    async get(key, { revision } = {}) {
      const found = await store.get(key && `/${key}`, revision === undefined ? {} : { revision: revision + base });
      return { revision: found.revision - base, kv: found.kv && keyValue(found.kv) };
    },
    async list(prefix, { revision, after, limit } = {}) {
      const page = await store.list(`/${prefix}`, {
        ...(revision === undefined ? {} : { revision: revision + base }),
        ...(after === undefined ? {} : { after: `/${after}` }),
        ...(limit === undefined ? {} : { limit }),
      });
      return { revision: page.revision - base, items: page.items.map(keyValue), more: page.more };
    },
    async commit(key, value, { expected }) {
      const result = await store.commit(key && `/${key}`, value, { expected: expected && expected + base });
      if (result.ok) return { ok: true, revision: result.revision - base };
      return { ok: false, current: result.current && keyValue(result.current) };
    },
    async *watch(prefix, { after, until, signal }) {
      const range = { after: after + base, until: until === undefined ? undefined : until + base };
      for await (const batch of store.watch(`/${prefix}`, { ...range, signal })) yield batch.map(event);
    },
    compact: (revision) => store.compact(revision + base),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
