import { toBase64 } from "../../core/util/base64.ts";
import type { Verb } from "../verb.ts";
import { collectData, dataFlags } from "./data_sources.ts";
import { generatorVerb } from "./generator.ts";
import { withHash } from "./hash.ts";

/** Makes a config map. */
export const createConfigMap: Verb = generatorVerb({
  name: "configmap",
  aliases: ["cm"],
  summary: "Create a config map out of files, folders or values.",
  flags: dataFlags,
  examples: [["One value", "wherry create configmap web --from-literal=colour=blue"]],
  namespaced: true,
  failure: "failed to create configmap: ",
  async make({ name, flags }) {
    const found = await collectData(flags, {
      badKey: (key, why) => `"${key}" is not a valid key name for a ConfigMap: ${why}`,
      takenKey: (key) =>
        `cannot add key "${key}", another key by that name already exists in Data for ConfigMap "${name}"`,
      envFile: "config",
    });
    const texts: [string, string][] = [];
    const binaries: [string, string][] = [];
    for (const [key, bytes] of found) {
      const text = textOf(bytes);
      if (text === undefined) binaries.push([key, toBase64(bytes)]);
      else texts.push([key, text]);
    }
    const data = Object.fromEntries(texts);
    const binaryData = binaries.length > 0 ? { binaryData: Object.fromEntries(binaries) } : {};
    const own = flags["append-hash"] ? withHash(name, { kind: "ConfigMap", data, ...binaryData }) : name;
    return {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: own },
      ...binaryData,
      ...(texts.length > 0 ? { data } : {}),
    };
  },
});

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
