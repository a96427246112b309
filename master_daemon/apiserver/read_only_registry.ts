import type { Kind } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { Registry, Stored } from "../registry/registry.ts";

const encoder = new TextEncoder();

/** A registry of objects that are found out when they are asked for: nothing of them is stored, watched or written. */
export function readOnlyRegistry<T extends KubeObject>(
  kind: Kind<T>,
  { get, list }: Pick<Registry<T>, "get" | "list">,
): Registry<T> {
  const refuse = () => {
    throw StatusError.methodNotAllowed();
  };
  return {
    kind,
    isEmpty: false,
    get,
    list,
    create: async () => refuse(),
    update: async () => refuse(),
    delete: async () => refuse(),
    watch: refuse,
  };
}

/** An object that is not stored, in the form of one that is. */
export function unstored<T extends KubeObject>(object: T): Stored<T> {
  const { name = "", namespace } = object.metadata;
  const key = namespace === undefined ? { name } : { namespace, name };
  let bytes: Uint8Array | undefined;
  const made = () => {
    bytes ??= encoder.encode(JSON.stringify(object));
    return bytes;
  };
  return {
    key,
    revision: 0,
    object,
    get bytes() {
      return made();
    },
    get byteLength() {
      return made().length;
    },
    copyTo(target, offset) {
      target.set(made(), offset);
      return offset + made().length;
    },
  };
}
