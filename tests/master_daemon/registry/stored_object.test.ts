import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { configMap, event } from "../../../core/kinds/mod.ts";
import { StorageLayout, StoredObject } from "../../../master_daemon/registry/stored_object.ts";

const metadata = { name: "a", namespace: "n" };

describe("StoredObject", () => {
  it("holds the parsed form of what it was asked for, but not of kinds that are seldom read", () => {
    for (const kind of [configMap, event]) {
      const layout = new StorageLayout(kind);
      const written: KubeObject = { apiVersion: "v1", kind: kind.kind, metadata };
      const stored = new StoredObject({
        layout,
        key: metadata,
        revision: 7,
        value: layout.encode(written),
        object: written,
      });
      const first = stored.object;
      expect(first).toEqual({ ...written, metadata: { ...metadata, resourceVersion: "7" } });
      expect(stored.object).toEqual(first);
      expect(stored.object === first).toBe(kind === configMap);
    }
  });
});
