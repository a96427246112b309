import { isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { readTextFile } from "../../../core/platform/files.ts";
import { aescbc, aesgcm, type EncryptionKey, type EncryptionProvider, identity } from "./providers.ts";
import { type EncryptionRule, Transformer } from "./transformer.ts";

const providers: ReadonlyMap<string, (keys: readonly EncryptionKey[]) => EncryptionProvider> = new Map([
  ["aescbc", aescbc],
  ["aesgcm", aesgcm],
]);
/** What Kubernetes has and this does not. */
const missing: ReadonlyMap<string, string> = new Map([
  ["secretbox", "the platform's cryptography has no XSalsa20-Poly1305: use aescbc or aesgcm"],
  ["kms", "key management services are not supported: use aescbc or aesgcm"],
]);
const keyBytes = [16, 24, 32];
const resourcePattern = /^(\*|[a-z][a-z0-9-]*)(\.([a-z0-9.-]+|\*)?)?$/;

/** What seals and opens values as the file of `--encryption-provider-config` says. @throws as {@linkcode readEncryptionConfiguration} */
export async function openTransformer(path: string): Promise<Transformer> {
  return new Transformer(await readEncryptionConfiguration(path));
}

/**
 * Reads the file of `--encryption-provider-config`. What is wrong is said without anything of the keys.
 *
 * @throws Error naming the file and the field
 * @see https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
 */
export async function readEncryptionConfiguration(path: string): Promise<readonly EncryptionRule[]> {
  const text = await readTextFile(path);
  if (text === undefined) throw wrong(path, "it is not there");
  const { parseYaml } = await import("../../../core/api/yaml.ts");
  let document: Json;
  try {
    document = parseYaml(text, path);
  } catch {
    // What a parser says may quote the line, and with it a key.
    throw wrong(path, "it is no YAML");
  }
  try {
    return parseEncryptionConfiguration(document);
  } catch (error) {
    throw wrong(path, (error as Error).message);
  }
}

function wrong(path: string, reason: string): Error {
  return new Error(`Cannot use the encryption configuration ${path}: ${reason}`);
}

/** What an EncryptionConfiguration says. Pure. @throws Error naming the field */
export function parseEncryptionConfiguration(document: Json): readonly EncryptionRule[] {
  if (!isJsonObject(document) || document["kind"] !== "EncryptionConfiguration") {
    throw new Error("it is no EncryptionConfiguration");
  }
  if (document["apiVersion"] !== "apiserver.config.k8s.io/v1") {
    throw new Error(`its apiVersion is not apiserver.config.k8s.io/v1: ${JSON.stringify(document["apiVersion"])}`);
  }
  const rules = listOf(document, "resources", "resources").map((rule, index) => {
    const path = `resources[${index}]`;
    const resources = listOf(rule, "resources", `${path}.resources`).map((name, at) => {
      if (typeof name === "string" && resourcePattern.test(name) && name !== "*") return name;
      throw new Error(`${path}.resources[${at}]: no resource or wildcard (*.GROUP, *.*): ${JSON.stringify(name)}`);
    });
    const used = listOf(rule, "providers", `${path}.providers`).map((provider, at) =>
      providerOf(provider, `${path}.providers[${at}]`),
    );
    return { resources, providers: used };
  });
  const names = rules.flatMap(({ resources }) => resources);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`resources: ${twice} is named twice`);
  return rules;
}

function listOf(value: Json, name: string, path: string): readonly Json[] {
  const list = isJsonObject(value) ? value[name] : undefined;
  if (Array.isArray(list) && list.length > 0) return list;
  throw new Error(`${path}: Required value: at least one ${path} is required`);
}

function providerOf(value: Json, path: string): EncryptionProvider {
  const names = isJsonObject(value) ? Object.keys(value) : [];
  const [name = ""] = names;
  if (names.length > 1) {
    throw new Error(
      `${path}: more than one provider specified in a single element, should split into different list elements`,
    );
  }
  if (name === "identity") return identity;
  const reason = missing.get(name);
  if (reason !== undefined) throw new Error(`${path}.${name}: ${reason}`);
  const make = providers.get(name);
  if (!make)
    throw new Error(`${path}: provider does not contain any of the expected providers: AESGCM, AESCBC, Identity`);
  const keys = listOf((value as JsonObject)[name] ?? null, "keys", `${path}.${name}.keys`);
  return make(keys.map((key, index) => keyOf(key, `${path}.${name}.keys[${index}]`)));
}

function keyOf(value: Json, path: string): EncryptionKey {
  const { name, secret } = isJsonObject(value) ? value : {};
  if (typeof name !== "string" || name === "")
    throw new Error(`${path}.name: Required value: name is a mandatory field for a key`);
  if (name.includes(":")) throw new Error(`${path}.name: must not contain a colon`);
  if (typeof secret !== "string" || secret === "")
    throw new Error(`${path}.secret: Required value: secret is a mandatory field for a key`);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(secret))
    throw new Error(`${path}.secret: Invalid value: "REDACTED": secrets must be base64 encoded`);
  const bytes = Buffer.from(secret, "base64");
  if (!keyBytes.includes(bytes.length)) {
    throw new Error(
      `${path}.secret: Invalid value: "REDACTED": secret is not of the expected length, got ${bytes.length}, expected one of [${keyBytes.join(" ")}]`,
    );
  }
  return { name, secret: bytes };
}
