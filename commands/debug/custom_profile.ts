import { isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject } from "../../core/api/meta.ts";
import { applyStrategicPatch } from "../../core/api/patch/mod.ts";
import { parseYaml } from "../../core/api/yaml.ts";
import { readTextFile } from "../../core/platform/files.ts";
import { errorMessage } from "../../core/util/log.ts";
import { UsageError } from "../verb.ts";

/** What of a container is the command line's own. */
const fixed = ["name", "command", "image", "lifecycle", "volumeDevices"] as const;

/**
 * The part of a container that a file has: it is merged over what the profile makes of the container that debugs.
 *
 * @throws UsageError with kubectl's words for a file that is not there or has something else
 */
export async function readCustomProfile(path: string): Promise<JsonObject> {
  const text = await readTextFile(path).catch((error: unknown) => {
    throw new UsageError(`must pass a container spec json file for custom profile: ${errorMessage(error)}`);
  });
  if (text === undefined)
    throw new UsageError(
      `must pass a container spec json file for custom profile: open ${path}: no such file or directory`,
    );
  const custom = parse(text, path);
  const isSet = (name: string) => {
    const value = Object.hasOwn(custom, name) ? custom[name] : undefined;
    return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
  };
  if (fixed.some(isSet))
    throw new UsageError("name, command, image, lifecycle and volume devices are not modifiable via custom profile");
  return custom;
}

function parse(text: string, path: string): JsonObject {
  try {
    const value = parseYaml(text, path);
    if (value === null) return {};
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw new UsageError(`${path} does not contain a valid container spec: ${errorMessage(error)}`);
  }
  throw new UsageError(`${path} does not contain a valid container spec: it is no object`);
}

/** The container with that part merged over it, by the merge keys of its lists. */
export function customized<C extends object>(container: C, custom: JsonObject | undefined): C {
  if (!custom) return container;
  return applyStrategicPatch(container as JsonObject, custom, "io.k8s.api.core.v1.Container") as C;
}
