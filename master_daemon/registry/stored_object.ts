import { jsonText, readJsonText } from "../../core/api/json_text.ts";
import { apiVersionOf, type Kind } from "../../core/api/kind.ts";
import { type KubeObject, keyText, type ObjectKey, type ObjectMeta } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { Stored } from "./registry.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** How one kind's objects are laid out in the store: under which keys, and beginning with which bytes. */
export class StorageLayout {
  readonly kind: Kind;
  /** What the keys of all objects of the kind begin with. */
  readonly prefix: string;
  readonly #head: string;
  readonly #headBytes: Uint8Array;

  constructor(kind: Kind) {
    this.kind = kind;
    this.prefix = `/registry/${resourcePath(kind)}/`;
    const [kindText, versionText] = [JSON.stringify(kind.kind), JSON.stringify(apiVersionOf(kind))];
    this.#head = `{"kind":${kindText},"apiVersion":${versionText},"metadata":{`;
    this.#headBytes = encoder.encode(this.#head);
  }

  /** The key in the store. */
  keyOf(key: ObjectKey): string {
    return this.prefix + keyText(key);
  }

  /** The bytes to store: JSON without resourceVersion, which only the commit decides. */
  encode(object: KubeObject): Uint8Array {
    const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object;
    const { resourceVersion: _resourceVersion, ...kept } = metadata;
    const others = jsonText(rest);
    const end = others === "{}" ? "}" : `,${others.slice(1)}`;
    return encoder.encode(this.#head + jsonText(kept).slice(1) + end);
  }

  /** The object that stored bytes stand for, still without resourceVersion. */
  decode(value: Uint8Array): KubeObject {
    return readJsonText(decoder.decode(value)) as unknown as KubeObject;
  }

  /** `value` as this program lays it out: another program or version may have written it. */
  laidOut(value: Uint8Array): Uint8Array {
    return startsWith(value, this.#headBytes) ? value : this.encode(this.decode(value));
  }

  /** Length of the bytes to serve of a value that is {@linkcode laidOut}. */
  lengthOf(value: Uint8Array, revision: number): number {
    return revision === 0 ? value.length : value.length + versionText(revision).length;
  }

  /** Copies the bytes to serve into `target`: a value that is {@linkcode laidOut} with its resourceVersion put in. Returns where they end. */
  copy(value: Uint8Array, revision: number, target: Buffer, offset: number): number {
    if (revision === 0) {
      target.set(value, offset);
      return offset + value.length;
    }
    const at = this.#headBytes.length;
    target.set(this.#headBytes, offset);
    const rest = offset + at + target.write(versionText(revision), offset + at, "latin1");
    target.set(value.subarray(at), rest);
    return rest + value.length - at;
  }
}

function versionText(revision: number): string {
  return `"resourceVersion":"${revision}",`;
}

/** `core/pods`, `apps/deployments`: what tells kinds apart in keys. */
export function resourcePath({ group, plural }: { readonly group: string; readonly plural: string }): string {
  return `${group || "core"}/${plural}`;
}

function startsWith(value: Uint8Array, head: Uint8Array): boolean {
  if (value.length < head.length) return false;
  for (let index = 0; index < head.length; index++) if (value[index] !== head[index]) return false;
  return true;
}

/** Options of {@linkcode StoredObject}. */
export interface StoredObjectOptions {
  readonly layout: StorageLayout;
  readonly key: ObjectKey;
  /** 0: not committed (dry run), served without resourceVersion. */
  readonly revision: number;
  /** The bytes in the store. */
  readonly value: Uint8Array;
  /** See {@linkcode KeyValue}. */
  readonly isStale?: boolean | undefined;
  /** See {@linkcode KeyValue}. */
  readonly unreadable?: string | undefined;
  /** What `value` stands for, when it is at hand; else it is parsed when first asked for. */
  readonly object?: KubeObject | undefined;
}

/**
 * An object of the store. Its parsed form is made once, when first asked for, and shared by all readers, but for kinds that
 * are seldom read; the bytes to serve are put together anew: copying them costs less than holding every object's twice.
 */
export class StoredObject implements Stored {
  readonly key: ObjectKey;
  readonly revision: number;
  readonly value: Uint8Array;
  /** Whether writing it again, unchanged, changes how it is stored. */
  readonly isStale: boolean;
  readonly #unreadable: string | undefined;
  readonly #layout: StorageLayout;
  /** What was given, or parsed. */
  #object: KubeObject | undefined;
  #hasVersion = false;
  /** The value laid out as we do: the value itself, but for what another program has written. */
  #own: Uint8Array | undefined;

  constructor({ layout, key, revision, value, object, isStale = false, unreadable }: StoredObjectOptions) {
    this.key = key;
    this.revision = revision;
    this.value = value;
    this.isStale = isStale;
    this.#unreadable = unreadable;
    this.#layout = layout;
    this.#object = object;
  }

  get bytes(): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(this.byteLength);
    this.copyTo(bytes, 0);
    return bytes;
  }

  get byteLength(): number {
    this.#check();
    return this.#layout.lengthOf(this.#laidOut, this.revision);
  }

  copyTo(target: Buffer, offset: number): number {
    this.#check();
    return this.#layout.copy(this.#laidOut, this.revision, target, offset);
  }

  get #laidOut(): Uint8Array {
    this.#own ??= this.#layout.laidOut(this.value);
    return this.#own;
  }

  get object(): KubeObject {
    this.#check();
    if (this.#object !== undefined && this.#hasVersion) return this.#object;
    const object = withResourceVersion(this.#object ?? this.#layout.decode(this.value), this.revision);
    this.#object = this.#layout.kind.seldomRead ? undefined : object;
    this.#hasVersion = true;
    return object;
  }

  /** @throws StatusError InternalError when the value cannot be read */
  #check(): void {
    if (this.#unreadable !== undefined) throw StatusError.internal(this.#unreadable);
  }

  /** The same content as of another revision: what a DELETED event carries. */
  at(revision: number): StoredObject {
    return new StoredObject({
      layout: this.#layout,
      key: this.key,
      revision,
      value: this.value,
      object: this.#object,
      unreadable: this.#unreadable,
    });
  }
}

function withResourceVersion(object: KubeObject, revision: number): KubeObject {
  const { resourceVersion: _resourceVersion, ...metadata } = object.metadata;
  const version: ObjectMeta = revision === 0 ? {} : { resourceVersion: String(revision) };
  return { ...object, metadata: { ...metadata, ...version } };
}
