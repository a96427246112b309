import { type EncryptionProvider, encryptedPrefix, identity } from "./providers.ts";

/** How the values of some resources are kept. */
export interface EncryptionRule {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group) or `*.*`. */
  readonly resources: readonly string[];
  /** The first one writes; all of them read. */
  readonly providers: readonly EncryptionProvider[];
}

/** A value that was read. */
export interface OpenedValue {
  readonly value: Uint8Array;
  /** Whether it would be written otherwise now. */
  readonly isStale: boolean;
}

/** Seals and opens the values of a store by the resource that their key names. */
export class Transformer {
  readonly #rules: readonly EncryptionRule[];
  /** By group and resource as keys spell them. */
  readonly #known = new Map<string, readonly EncryptionProvider[]>();

  constructor(rules: readonly EncryptionRule[]) {
    this.#rules = rules;
  }

  /** The form in which a value is stored. */
  seal(key: string, value: Uint8Array): Uint8Array {
    const [provider = identity] = this.#providersOf(key);
    const [first] = provider.keys;
    if (!first) return provider.seal(value, value, key);
    const head = Buffer.from(`${provider.prefix}${first.name}:`);
    return Buffer.concat([head, provider.seal(value, first.secret, key)]);
  }

  /** @throws Error naming key and cause when nothing that is configured can open it */
  open(key: string, stored: Uint8Array): OpenedValue {
    try {
      return this.#open(key, stored);
    } catch (cause) {
      throw new Error(`unable to transform key "${key}": ${(cause as Error).message}`, { cause });
    }
  }

  #open(key: string, stored: Uint8Array): OpenedValue {
    const providers = this.#providersOf(key);
    for (const [index, provider] of providers.entries()) {
      if (provider.keys.length === 0) return { value: provider.open(stored, stored, key), isStale: index > 0 };
      const data = withoutPrefix(stored, provider.prefix);
      if (!data) continue;
      let failure: unknown = new Error("no matching key was found for the provided AES transformer");
      for (const [position, { name, secret }] of provider.keys.entries()) {
        const sealed = withoutPrefix(data, `${name}:`);
        if (!sealed) continue;
        try {
          return { value: provider.open(sealed, secret, key), isStale: index + position > 0 };
        } catch (error) {
          // Another key may have the same name.
          failure = error;
        }
      }
      throw failure;
    }
    throw new Error("no matching prefix found");
  }

  #providersOf(key: string): readonly EncryptionProvider[] {
    const [, , group = "", plural = ""] = key.split("/", 4);
    const path = `${group}/${plural}`;
    let providers = this.#known.get(path);
    if (!providers) {
      providers = this.#choose(group === "core" ? "" : group, plural);
      this.#known.set(path, providers);
    }
    return providers;
  }

  /** What names the resource itself counts before what names its group, and that before what names everything. */
  #choose(group: string, plural: string): readonly EncryptionProvider[] {
    for (const name of [group === "" ? plural : `${plural}.${group}`, `*.${group}`, "*.*"]) {
      const matching = this.#rules.filter(({ resources }) => resources.includes(name));
      if (matching.length > 0) return matching.flatMap(({ providers }) => providers);
    }
    return [identity];
  }
}

function withoutPrefix(data: Uint8Array, prefix: string): Uint8Array | undefined {
  const length = Buffer.byteLength(prefix);
  const head = Buffer.from(data.buffer, data.byteOffset, Math.min(length, data.byteLength));
  return head.toString("utf8") === prefix ? data.subarray(length) : undefined;
}

/** Whether a value was sealed by some provider. */
export function isSealed(value: Uint8Array): boolean {
  return value[0] === encryptedPrefix.charCodeAt(0) && withoutPrefix(value, encryptedPrefix) !== undefined;
}
