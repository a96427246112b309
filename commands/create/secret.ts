import { goJson } from "../../core/api/go_json.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { certificateFitsKey } from "../../core/platform/certificates.ts";
import { readBytes } from "../../core/platform/files.ts";
import { toBase64 } from "../../core/util/base64.ts";
import { errorMessage } from "../../core/util/log.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { collectData, type DataWords, dataFlags, type NamedData } from "./data_sources.ts";
import { generatorVerb, split, textFlag } from "./generator.ts";
import { withHash } from "./hash.ts";

const words: DataWords = {
  badKey: (key, why) => `"${key}" is not valid key name for a Secret ${why}`,
  takenKey: (key) => `cannot add key ${key}, another key by that name already exists`,
  envFile: "secret",
};

const failure = "failed to create secret ";
const dockerConfigKey = ".dockerconfigjson";

const generic: Verb = generatorVerb({
  name: "generic",
  summary: "Create a secret out of files, folders or values.",
  flags: { ...dataFlags, type: textFlag("Type of the secret.", "type") },
  examples: [
    ["A value and a file", "wherry create secret generic login --from-literal=user=ann --from-file=password.txt"],
  ],
  namespaced: true,
  failure,
  make: async ({ name, flags }) =>
    secret(name, flags.type ?? "", await collectData(flags, words, { literalsFirst: true }), flags["append-hash"]),
});

const tls: Verb = generatorVerb({
  name: "tls",
  summary: "Create a secret with a certificate and its key.",
  flags: {
    "append-hash": dataFlags["append-hash"],
    cert: textFlag("File with the certificate, PEM.", "path"),
    key: textFlag("File with its private key, PEM.", "path"),
  },
  examples: [["For an ingress", "wherry create secret tls web-tls --cert=web.crt --key=web.key"]],
  namespaced: true,
  failure,
  async make({ name, flags }) {
    if (!flags.key || !flags.cert) throw new UsageError("key and cert must be specified");
    const [certificate, key] = [await readOrComplain(flags.cert), await readOrComplain(flags.key)];
    checkPair(new TextDecoder().decode(certificate), new TextDecoder().decode(key));
    const data = new Map([
      ["tls.crt", certificate],
      ["tls.key", key],
    ]);
    return secret(name, "kubernetes.io/tls", data, flags["append-hash"]);
  },
});

const dockerRegistry: Verb = generatorVerb({
  name: "docker-registry",
  summary: "Create a secret for pulling images.",
  flags: {
    "append-hash": dataFlags["append-hash"],
    "from-file": dataFlags["from-file"],
    "docker-username": textFlag("User at the registry.", "name"),
    "docker-password": textFlag("Password of the user.", "password"),
    "docker-email": textFlag("Mail address of the user.", "address"),
    "docker-server": {
      type: "string",
      default: "https://index.docker.io/v1/",
      placeholder: "server",
      description: "The registry.",
    },
  },
  examples: [
    [
      "A login for images",
      "wherry create secret docker-registry pulls --docker-server=registry.example.com --docker-username=ann --docker-password=secret",
    ],
  ],
  namespaced: true,
  failure,
  async make({ name, flags }) {
    const files = split(flags["from-file"]).map((file) => (file.includes("=") ? file : `${dockerConfigKey}=${file}`));
    const { "docker-username": username, "docker-password": password, "docker-email": email } = flags;
    const server = flags["docker-server"];
    if (files.length === 0 && !(username && password && server))
      throw new UsageError(
        "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
      );
    const entry = {
      username: username ?? "",
      password: password ?? "",
      ...(email ? { email } : {}),
      auth: toBase64(new TextEncoder().encode(`${username}:${password}`)),
    };
    const data =
      files.length > 0
        ? await collectData({ "from-file": files }, words)
        : new Map([[dockerConfigKey, new TextEncoder().encode(dockerConfig(server, entry))]]);
    return secret(name, "kubernetes.io/dockerconfigjson", data, flags["append-hash"]);
  },
});

/** Makes a secret; the types of secrets are verbs of their own. */
export const createSecret: Verb = defineVerb({
  name: "secret",
  group: "Change",
  summary: "Create a secret.",
  flags: {},
  verbs: [dockerRegistry, generic, tls],
});

function secret(name: string, type: string, found: NamedData, hashed: boolean): JsonObject {
  const data = Object.fromEntries([...found].map(([key, bytes]) => [key, toBase64(bytes)] as const));
  return {
    apiVersion: "v1",
    ...(found.size > 0 ? { data } : {}),
    kind: "Secret",
    metadata: { name: hashed ? withHash(name, { kind: "Secret", type, data }) : name },
    ...(type ? { type } : {}),
  };
}

/** The file that `docker login` writes; its members in Go's order, as the secret is compared byte for byte. */
function dockerConfig(server: string, entry: Readonly<Record<string, string>>): string {
  const members = Object.entries(entry).map(([name, value]) => `"${name}":${goJson(value)}`);
  return `{"auths":{${goJson(server)}:{${members.join(",")}}}}`;
}

async function readOrComplain(path: string): Promise<Uint8Array> {
  try {
    return await readBytes(path);
  } catch (error) {
    throw new UsageError(`Cannot read file ${path}, ${errorMessage(error)}`);
  }
}

/** @see https://pkg.go.dev/crypto/tls#X509KeyPair */
function checkPair(certificate: string, key: string): void {
  if (!certificate.includes("-----BEGIN CERTIFICATE-----"))
    throw new UsageError("tls: failed to find any PEM data in certificate input");
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key))
    throw new UsageError("tls: failed to find any PEM data in key input");
  if (!certificateFitsKey(certificate, key)) throw new UsageError("tls: private key does not match public key");
}
