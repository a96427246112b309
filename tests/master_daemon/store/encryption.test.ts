import { createDecipheriv } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secret } from "../../../core/kinds/secret.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { systemRandom } from "../../../core/platform/random.ts";
import { createLogger } from "../../../core/util/log.ts";
import { type Master, startMaster } from "../../../master_daemon/master.ts";
import { exportStore } from "../../../master_daemon/store/backup.ts";
import {
  parseEncryptionConfiguration,
  readEncryptionConfiguration,
} from "../../../master_daemon/store/encryption/configuration.ts";
import { encryptedStore } from "../../../master_daemon/store/encryption/encrypted_store.ts";
import { Transformer } from "../../../master_daemon/store/encryption/transformer.ts";
import { openMemoryStore } from "../../../master_daemon/store/memory.ts";
import { storeSuite } from "../../suites/store_suite.ts";

const keyOne = Buffer.alloc(32, 1).toString("base64");
const keyTwo = Buffer.alloc(32, 2).toString("base64");
const storeKey = "/registry/core/secrets/default/one";
const plain = Buffer.from('{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}');

/** The configuration of one rule. */
function configuration(resources: readonly string[], ...providers: readonly object[]) {
  const rule = { resources, providers };
  return JSON.parse(
    JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources: [rule] }),
  );
}

const provider = (type: string, ...names: readonly string[]) => ({
  [type]: { keys: names.map((name) => ({ name, secret: name === "one" ? keyOne : keyTwo })) },
});

const transformer = (...providers: readonly object[]) =>
  new Transformer(parseEncryptionConfiguration(configuration(["secrets"], ...providers)));

storeSuite("memory, encrypted", async () =>
  encryptedStore(
    openMemoryStore({ clock: systemClock }),
    new Transformer(parseEncryptionConfiguration(configuration(["*.*"], provider("aesgcm", "one")))),
  ),
);

describe("Transformer", () => {
  it("writes aescbc as Kubernetes does: prefix, key name, initialisation vector, padded blocks", () => {
    const sealed = Buffer.from(transformer(provider("aescbc", "one")).seal(storeKey, plain));
    const head = "k8s:enc:aescbc:v1:one:";
    expect(sealed.subarray(0, head.length).toString()).toBe(head);
    const data = sealed.subarray(head.length);
    expect(data.length).toBe(16 + Math.ceil((plain.length + 1) / 16) * 16);
    const decipher = createDecipheriv("aes-256-cbc", Buffer.from(keyOne, "base64"), data.subarray(0, 16));
    expect(Buffer.concat([decipher.update(data.subarray(16)), decipher.final()])).toEqual(plain);
  });

  it("writes aesgcm as Kubernetes does: nonce, ciphertext, tag, with the store's key authenticated", () => {
    const sealed = Buffer.from(transformer(provider("aesgcm", "one")).seal(storeKey, plain));
    const head = "k8s:enc:aesgcm:v1:one:";
    expect(sealed.subarray(0, head.length).toString()).toBe(head);
    const data = sealed.subarray(head.length);
    expect(data.length).toBe(12 + plain.length + 16);
    const decipher = createDecipheriv("aes-256-gcm", Buffer.from(keyOne, "base64"), data.subarray(0, 12));
    decipher.setAAD(Buffer.from(storeKey));
    decipher.setAuthTag(data.subarray(-16));
    expect(Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()])).toEqual(plain);
  });

  it.each([["aescbc"], ["aesgcm"]])(
    "%s never makes the same of a value twice, and reads what any of its keys wrote",
    (type) => {
      const old = transformer(provider(type, "one"));
      const rotated = transformer(provider(type, "two", "one"));
      const sealed = old.seal(storeKey, plain);
      expect(Buffer.from(old.seal(storeKey, plain)).equals(sealed)).toBe(false);
      expect(Buffer.from(old.open(storeKey, sealed).value)).toEqual(plain);
      expect(old.open(storeKey, sealed).isStale).toBe(false);
      expect(rotated.open(storeKey, sealed)).toMatchObject({ isStale: true });
      expect(rotated.open(storeKey, rotated.seal(storeKey, plain))).toMatchObject({ isStale: false });
      expect(() => transformer(provider(type, "two")).open(storeKey, sealed)).toThrow(
        `unable to transform key "${storeKey}": no matching key was found for the provided AES transformer`,
      );
    },
  );

  it("aesgcm refuses any changed byte, and a value that was moved to another key", () => {
    const one = transformer(provider("aesgcm", "one"));
    const sealed = one.seal(storeKey, plain);
    for (let at = 22; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => one.open(storeKey, changed)).toThrow("message authentication failed");
    }
    expect(() => one.open("/registry/core/secrets/default/other", sealed)).toThrow("message authentication failed");
  });

  it("goes from plain to encrypted and back: what was written before is read, and is stale", () => {
    const encrypting = transformer(provider("aesgcm", "one"), { identity: {} });
    expect(encrypting.open(storeKey, plain)).toEqual({ value: plain, isStale: true });
    const decrypting = transformer({ identity: {} }, provider("aesgcm", "one"));
    expect(decrypting.seal(storeKey, plain)).toBe(plain);
    expect(() => transformer({ identity: {} }).open(storeKey, encrypting.seal(storeKey, plain))).toThrow(
      "identity transformer tried to read encrypted data",
    );
    expect(() => transformer(provider("aesgcm", "one")).open(storeKey, plain)).toThrow("no matching prefix found");
  });

  it("chooses by the resource, then by its group, then by the wildcard of everything", () => {
    const rules = parseEncryptionConfiguration({
      ...configuration(["*.*"], provider("aesgcm", "one")),
      resources: [
        ...configuration(["*.*"], provider("aesgcm", "one")).resources,
        ...configuration(["*.apps"], provider("aescbc", "one")).resources,
        ...configuration(["secrets", "deployments.apps"], { identity: {} }).resources,
      ],
    });
    const head = (key: string) => Buffer.from(new Transformer(rules).seal(key, plain)).toString("latin1", 0, 14);
    expect(head("/registry/core/pods/a/b")).toBe("k8s:enc:aesgcm");
    expect(head("/registry/apps/replicasets/a/b")).toBe("k8s:enc:aescbc");
    expect(head("/registry/apps/deployments/a/b")).toBe('{"kind":"Secre');
    expect(head("/registry/core/secrets/a/b")).toBe('{"kind":"Secre');
    expect(head("/registry/example.com/secrets/a/b")).toBe("k8s:enc:aesgcm");
  });
});

describe("parseEncryptionConfiguration()", () => {
  it.each([
    [[{ secretbox: { keys: [] } }], "resources[0].providers[0].secretbox: the platform's cryptography has no"],
    [[{ identity: {} }, { kms: {} }], "resources[0].providers[1].kms: key management services are not supported"],
    [[{ identity: {}, aescbc: {} }], "more than one provider specified in a single element"],
    [[{ rot13: {} }], "provider does not contain any of the expected providers"],
    [[{ aescbc: { keys: [{ name: "a", secret: "c2hvcnQ=" }] } }], "got 5, expected one of [16 24 32]"],
    [[{ aescbc: { keys: [{ name: "a", secret: "not base64!" }] } }], "secrets must be base64 encoded"],
    [[{ aescbc: { keys: [{ secret: keyOne }] } }], "keys[0].name: Required value"],
    [[{ aesgcm: { keys: [] } }], "at least one resources[0].providers[0].aesgcm.keys is required"],
    [[], "at least one resources[0].providers is required"],
  ])("refuses %j", (providers, message) => {
    expect(() => parseEncryptionConfiguration(configuration(["secrets"], ...providers))).toThrow(message);
  });

  it.each([["*"], ["Secrets"], [""], ["a/b"]])("refuses the resource %j", (name) => {
    expect(() => parseEncryptionConfiguration(configuration([name], { identity: {} }))).toThrow("resources[0]");
  });
});

describe("a master with --encryption-provider-config", () => {
  let root = "";
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line), clock: systemClock, level: "debug" });
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "wherry-encryption-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const words = "correct-horse-battery-staple";
  const stringData = { password: words };
  const dataDir = () => join(root, "data");
  const file = () => join(root, "encryption.yaml");
  async function start(...providers: readonly object[]): Promise<Master> {
    await writeFile(file(), JSON.stringify(configuration(["secrets"], ...providers)));
    const options = { dataDir: dataDir(), encryptionProviderConfig: file() };
    return await startMaster({ ...options, clock: systemClock, random: systemRandom, log });
  }
  const make = (master: Master, name: string) =>
    master.client.create(secret, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "default" },
      stringData,
    });

  /** Everything in the store's files, as one text. */
  async function onDisk(): Promise<string> {
    const folder = join(dataDir(), "store");
    const files = (await readdir(folder)).filter((name) => !name.startsWith("LOCK"));
    return (await Promise.all(files.map((name) => readFile(join(folder, name), "latin1")))).join("");
  }

  const base64 = Buffer.from(words).toString("base64");

  it("keeps no secret in the clear, in no file, snapshot or line of the log, and serves them as they were", async () => {
    {
      await using master = await start(provider("aesgcm", "one"));
      for (let index = 0; index < 5; index++) await make(master, `secret-${index}`);
      const { data } = await master.client.get(secret, { namespace: "default", name: "secret-3" });
      expect(data?.["password"]).toBe(base64);
      await exportStore(dataDir(), join(root, "snapshot"));
    }
    const snapshot = await readFile(join(root, "snapshot"), "latin1");
    for (const text of [await onDisk(), snapshot, lines.join("\n")]) {
      expect(text).not.toContain(base64);
      expect(text).not.toContain(words);
      expect(text).not.toContain(keyOne);
    }
    expect(snapshot).toContain("k8s:enc:aesgcm:v1:one:");
    expect(snapshot).toContain("secret-3");
  });

  it("reads what an older key wrote; an update that changes nothing writes it with the new one", async () => {
    await using master = await start(provider("aescbc", "two"), provider("aesgcm", "one"));
    const { items } = await master.client.list(secret, { namespace: "default" });
    expect(items.filter(({ data }) => data?.["password"] === base64)).toHaveLength(5);
    const [first] = items;
    if (!first) throw new Error("no secret");
    const written = await master.client.update(secret, first);
    expect(written.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    expect(await onDisk()).toContain("k8s:enc:aescbc:v1:two:");
    // Written by the present key, it is not written again.
    const again = await master.client.update(secret, written);
    expect(again.metadata.resourceVersion).toBe(written.metadata.resourceVersion);
  });

  it("without the key refuses what it cannot read, by name, and serves everything else", async () => {
    await using master = await start(provider("aescbc", "two"));
    const { client } = master;
    const key = { namespace: "default", name: "secret-4" };
    await expect(client.get(secret, key)).rejects.toThrow(
      'Internal error occurred: unable to transform key "/registry/core/secrets/default/secret-4": no matching prefix found',
    );
    await expect(client.list(secret, { namespace: "default" })).rejects.toThrow("unable to transform key");
    const [readable] = (await client.list(secret, { namespace: "kube-system" })).items;
    expect(readable).toBeUndefined();
    await make(master, "new");
    expect((await client.get(secret, { namespace: "default", name: "new" })).data?.["password"]).toBe(base64);
  });

  it("says which file and field is wrong, and nothing of a key", async () => {
    await writeFile(file(), `resources: [{ secret: ${keyOne}`);
    const failure = await readEncryptionConfiguration(file()).catch((error: Error) => error.message);
    expect(failure).toBe(`Cannot use the encryption configuration ${file()}: it is no YAML`);
    await expect(start({ aescbc: { keys: [{ name: "a", secret: `${keyOne}x` }] } })).rejects.toThrow(
      /Cannot use the encryption configuration .*encryption\.yaml: resources\[0\]\.providers\[0\]\.aescbc\.keys\[0\]\.secret/,
    );
    await expect(readEncryptionConfiguration(join(root, "none"))).rejects.toThrow("it is not there");
  });
});
