import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** A key of a provider. */
export interface EncryptionKey {
  readonly name: string;
  readonly secret: Uint8Array;
}

/** One way to keep values. Its stored form begins with a prefix, by which it is known again. */
export interface EncryptionProvider {
  /** What a value of this provider begins with; empty: it is kept as it is. */
  readonly prefix: string;
  /** In the order in which they are tried; the first one encrypts. */
  readonly keys: readonly EncryptionKey[];
  /** @param key the value's own key in the store: a value that was moved to another is not decrypted */
  seal(value: Uint8Array, secret: Uint8Array, key: string): Uint8Array;
  /** @throws Error when it was not sealed with this secret, or is damaged */
  open(data: Uint8Array, secret: Uint8Array, key: string): Uint8Array;
}

/** What everything that a provider made begins with. */
export const encryptedPrefix = "k8s:enc:";

const blockBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

/** Keeps values as they are. */
export const identity: EncryptionProvider = {
  prefix: "",
  keys: [],
  seal: (value) => value,
  open(data) {
    if (Buffer.from(data.subarray(0, encryptedPrefix.length)).toString("latin1") === encryptedPrefix) {
      throw new Error("identity transformer tried to read encrypted data");
    }
    return data;
  },
};

/** AES-CBC with PKCS#7 padding. @see k8s.io/apiserver/pkg/storage/value/encrypt/aes */
export function aescbc(keys: readonly EncryptionKey[]): EncryptionProvider {
  return {
    prefix: `${encryptedPrefix}aescbc:v1:`,
    keys,
    seal(value, secret) {
      const iv = randomBytes(blockBytes);
      const cipher = createCipheriv(`aes-${secret.length * 8}-cbc`, secret, iv);
      return Buffer.concat([iv, cipher.update(value), cipher.final()]);
    },
    open(data, secret) {
      if (data.length < blockBytes) throw new Error("the stored data was shorter than the required size");
      if (data.length % blockBytes !== 0) throw new Error("the stored data is not a multiple of the block size");
      const decipher = createDecipheriv(`aes-${secret.length * 8}-cbc`, secret, data.subarray(0, blockBytes));
      try {
        return Buffer.concat([decipher.update(data.subarray(blockBytes)), decipher.final()]);
      } catch (cause) {
        throw new Error("invalid padding on input", { cause });
      }
    },
  };
}

/** AES-GCM with a random nonce; the store's key is authenticated, too. @see k8s.io/apiserver/pkg/storage/value/encrypt/aes */
export function aesgcm(keys: readonly EncryptionKey[]): EncryptionProvider {
  return {
    prefix: `${encryptedPrefix}aesgcm:v1:`,
    keys,
    seal(value, secret, key) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(gcm(secret), secret, nonce, { authTagLength: tagBytes });
      cipher.setAAD(Buffer.from(key));
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
    },
    open(data, secret, key) {
      if (data.length < nonceBytes + tagBytes) throw new Error("the stored data was shorter than the required size");
      const decipher = createDecipheriv(gcm(secret), secret, data.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(key));
      decipher.setAuthTag(data.subarray(data.length - tagBytes));
      try {
        return Buffer.concat([decipher.update(data.subarray(nonceBytes, -tagBytes)), decipher.final()]);
      } catch (cause) {
        throw new Error("cipher: message authentication failed", { cause });
      }
    },
  };
}

function gcm(secret: Uint8Array): "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" {
  return `aes-${(secret.length * 8) as 128 | 192 | 256}-gcm`;
}
