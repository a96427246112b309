import { isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { folderOf, joinPath, readTextFile } from "../../core/platform/files.ts";
import { type PodSecurityOptions, parsePodSecurityConfiguration } from "./pod_security/configuration.ts";
import { type LimitedResource, parseLimitedResources } from "./resource_quota/limited.ts";

/** What a file of configuration says to the plug-ins. */
export interface AdmissionConfiguration {
  readonly podSecurity?: PodSecurityOptions | undefined;
  /** Of which resources nobody may have anything where no quota says how much. */
  readonly limitedResources?: readonly LimitedResource[] | undefined;
}

/**
 * Reads the file of `--admission-control-config-file`, and those that it names, relative to its own folder.
 *
 * @throws RangeError naming what is wrong; SyntaxError for what is no YAML
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AdmissionConfiguration
 */
export async function readAdmissionConfiguration(path: string): Promise<AdmissionConfiguration> {
  const plugins = await pluginConfigurations(path);
  const podSecurity = plugins.get("PodSecurity");
  const quota = plugins.get("ResourceQuota");
  return {
    podSecurity: podSecurity && parsePodSecurityConfiguration(podSecurity),
    limitedResources: quota && parseLimitedResources(quota),
  };
}

async function pluginConfigurations(path: string): Promise<ReadonlyMap<string, JsonObject>> {
  const document = await readYaml(path);
  const plugins = document["kind"] === "AdmissionConfiguration" ? (document["plugins"] ?? []) : undefined;
  if (!Array.isArray(plugins)) throw wrong(path, "it is no AdmissionConfiguration with plugins");
  const configurations = new Map<string, JsonObject>();
  for (const plugin of plugins) {
    const name = isJsonObject(plugin) ? plugin["name"] : undefined;
    if (!isJsonObject(plugin) || typeof name !== "string") throw wrong(path, "a plug-in has no name");
    const { path: file, configuration } = plugin;
    const isInFile = typeof file === "string" && file !== "";
    const value = isInFile
      ? await readYaml(file.startsWith("/") ? file : joinPath(folderOf(path), file))
      : configuration;
    if (!isJsonObject(value)) throw wrong(path, `that of ${name} is no object`);
    configurations.set(name, value);
  }
  return configurations;
}

async function readYaml(path: string): Promise<JsonObject> {
  const text = await readTextFile(path);
  if (text === undefined) throw wrong(path, "it is not there");
  // Seldom needed, and its library takes a while to load.
  const { parseYaml } = await import("../../core/api/yaml.ts");
  const document = parseYaml(text, path);
  if (!isJsonObject(document)) throw wrong(path, "it is no object");
  return document;
}

function wrong(path: string, why: string): RangeError {
  return new RangeError(`Cannot use the admission configuration ${path}: ${why}`);
}
