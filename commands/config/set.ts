import type { Kubeconfig, KubeconfigSections } from "../../core/client/kubeconfig.ts";
import { base64ToBytes, toBase64 } from "../../core/util/base64.ts";
import { goBoolean } from "../../core/util/go_boolean.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { onlyWord } from "./_kubeconfig.ts";

/** Sets one property, named by its path. */
export const set: Verb = defineVerb({
  name: "set",
  group: "Settings",
  summary: "Set one property of the kubeconfig.",
  description: "The property is named by a path such as clusters.e2e.server; names may contain dots.",
  words: "[words...]",
  flags: {
    "set-raw-bytes": {
      type: "boolean",
      description: "The value of a ...-data property is not base64 but the data itself.",
    },
  },
  examples: [["A server's address", "wherry config set clusters.e2e.server https://1.2.3.4"]],
  async run({ flags, words, env }) {
    const [property, value] = words;
    if (property === undefined || value === undefined || words.length > 2)
      throw new UsageError(`unexpected args: [${words.join(" ")}]`);
    if (value === "") throw new UsageError("you cannot use set to unset a property");
    await change(env.kubeconfig, property, (type) => {
      if (type === "boolean") return boolean(value);
      return type === "bytes" ? bytes(value, flags["set-raw-bytes"]) : value;
    });
    await env.terminal.write(`Property "${property}" set.\n`);
    return 0;
  },
});

/** Takes one property, entry or section out. */
export const unset: Verb = defineVerb({
  name: "unset",
  group: "Settings",
  summary: "Unset one property of the kubeconfig.",
  words: "[name...]",
  flags: {},
  examples: [["The current context", "wherry config unset current-context"]],
  async run({ words, env }) {
    const property = onlyWord(words);
    await change(env.kubeconfig, property, undefined);
    await env.terminal.write(`Property "${property}" unset.\n`);
    return 0;
  },
});

type Type = "text" | "boolean" | "bytes";
type Value = (type: Type) => string | boolean;

/** Properties that can be set, by section. */
const properties: { readonly [S in keyof KubeconfigSections]: Readonly<Record<string, Type>> } = {
  clusters: {
    server: "text",
    "tls-server-name": "text",
    "insecure-skip-tls-verify": "boolean",
    "certificate-authority": "text",
    "certificate-authority-data": "bytes",
    "proxy-url": "text",
    "disable-compression": "boolean",
  },
  users: {
    "client-certificate": "text",
    "client-certificate-data": "bytes",
    "client-key": "text",
    "client-key-data": "bytes",
    token: "text",
    tokenFile: "text",
    "act-as": "text",
    "act-as-uid": "text",
    username: "text",
    password: "text",
  },
  contexts: { cluster: "text", user: "text", namespace: "text" },
};

/** kubectl's name inside of the program, and in the file. */
const spelled: Readonly<Record<string, string>> = { "act-as": "as", "act-as-uid": "as-uid" };

/** @param value undefined takes out what the path names */
async function change(kubeconfig: string | undefined, path: string, value: Value | undefined): Promise<void> {
  if (path === "") throw new UsageError("you must specify a property");
  const files = await import("../../core/client/kubeconfig.ts");
  const config = await files.loadKubeconfig({ path: kubeconfig, mayBeMissing: true });
  if (path === "current-context") return await files.changeCurrentContext(config, String(value?.("text") ?? ""));
  const { section, name, property } = steps(path);
  if (name === undefined) {
    if (value) throw mapError(config, section);
    for (const entry of config[section].keys()) await files.changeEntry(config, section, entry, undefined);
    return;
  }
  if (property === undefined) {
    if (value) throw mapError(config, section);
    if (config[section].has(name)) await files.changeEntry(config, section, name, undefined);
    return;
  }
  const present = config[section].get(name)?.value;
  if (!value && !present) throw new UsageError(`current map key \`${name}\` is invalid`);
  const { [spelled[property] ?? property]: _old, ...rest } = (present ?? {}) as Record<string, unknown>;
  const type = properties[section][property] ?? "text";
  await files.changeEntry(config, section, name, {
    ...rest,
    ...(value ? { [spelled[property] ?? property]: value(type) } : {}),
  });
}

function mapError(config: Kubeconfig, section: keyof KubeconfigSections): UsageError {
  return new UsageError(`can't set a map to a value: map[${[...config[section].keys()].sort().join(" ")}]`);
}

/** A name ends where a known property begins: names may contain dots. */
function steps(path: string): {
  readonly section: keyof KubeconfigSections;
  readonly name?: string;
  readonly property?: string;
} {
  const [section = "", ...parts] = path.split(".");
  if (!isSection(section)) throw new UsageError(`unable to parse ${path} after [] at api.Config`);
  if (parts.length === 0) return { section };
  const at = parts.findIndex((part, index) => index > 0 && Object.hasOwn(properties[section], part));
  if (at < 0) return { section, name: parts.join(".") };
  if (at < parts.length - 1) throw new UsageError(`unable to parse one or more field values of ${path}`);
  return { section, name: parts.slice(0, at).join("."), property: parts[at] ?? "" };
}

function isSection(word: string): word is keyof KubeconfigSections {
  return Object.hasOwn(properties, word);
}

function boolean(text: string): boolean {
  const value = goBoolean(text);
  if (value !== undefined) return value;
  throw new UsageError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function bytes(text: string, raw: boolean): string {
  if (raw) return toBase64(new TextEncoder().encode(text));
  try {
    return toBase64(base64ToBytes(text));
  } catch {
    const at = /[^A-Za-z0-9+/]/.exec(text)?.index ?? text.length - (text.length % 4);
    throw new UsageError(`error decoding input value: illegal base64 data at input byte ${at}`);
  }
}
