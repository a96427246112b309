import { changePrivateFile, joinPath, readTextFile } from "../../core/platform/files.ts";
import {
  generateSigningKey,
  type PublicKey,
  readPublicKeys,
  readSigningKey,
  type SigningKey,
} from "../../core/platform/keys.ts";

/** The keys of ServiceAccount tokens. */
export interface ServiceAccountKeys {
  readonly signing: SigningKey;
  /** Those that are believed, the signing key's public half among them. */
  readonly trusted: readonly PublicKey[];
}

/** Options of {@linkcode openServiceAccountKeys}. */
export interface ServiceAccountKeyOptions {
  /** `--service-account-signing-key-file`. Absent: `sa.key` in `folder`, which is made when it is missing. */
  readonly signingKeyFile?: string | undefined;
  /** `--service-account-key-file`: more keys whose tokens are believed. */
  readonly keyFiles?: readonly string[] | undefined;
  /** Folder of the cluster's certificates; absent: the key lasts as long as the process. */
  readonly folder?: string | undefined;
}

/** Reads the keys, and makes one where there is none. @throws Error that names the file that cannot be read */
export async function openServiceAccountKeys(options: ServiceAccountKeyOptions): Promise<ServiceAccountKeys> {
  const { signingKeyFile, keyFiles = [], folder } = options;
  const own = folder === undefined ? undefined : joinPath(folder, "sa.key");
  const signing =
    signingKeyFile === undefined
      ? await keptKey(own)
      : readKey(signingKeyFile, await readTextFile(signingKeyFile), readSigningKey);
  const others = await Promise.all(
    keyFiles.map(async (path) => readKey(path, await readTextFile(path), readPublicKeys)),
  );
  const trusted = [signing, ...others.flat()];
  return { signing, trusted: trusted.filter(({ id }, index) => trusted.findIndex((one) => one.id === id) === index) };
}

function readKey<T>(path: string, text: string | undefined, read: (pem: string) => T): T {
  if (text === undefined) throw new Error(`Cannot read the key of ServiceAccount tokens: there is no file ${path}`);
  try {
    return read(text);
  } catch (cause) {
    throw new Error(`Cannot read the key of ServiceAccount tokens: ${path} holds none`, { cause });
  }
}

async function keptKey(path: string | undefined): Promise<SigningKey> {
  if (path === undefined) return generateSigningKey();
  let kept: string | undefined;
  await changePrivateFile(path, async (text) => {
    kept = text ?? (await generateSigningKey()).pkcs8;
    return kept;
  });
  return readKey(path, kept, readSigningKey);
}
