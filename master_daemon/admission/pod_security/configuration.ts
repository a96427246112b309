import { isJsonObject } from "../../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { isLevel, type LevelVersion, noPolicy, type Policy, parseVersion } from "./policy.ts";

/** What holds where namespaces say nothing, and who is let through. */
export interface PodSecurityOptions {
  readonly defaults: Policy;
  readonly exemptions: {
    readonly usernames: readonly string[];
    readonly runtimeClasses: readonly string[];
    readonly namespaces: readonly string[];
  };
}

/** Nothing is asked of anybody until a namespace does. */
export const defaultPodSecurity: PodSecurityOptions = {
  defaults: noPolicy,
  exemptions: { usernames: [], runtimeClasses: [], namespaces: [] },
};

/**
 * The options that a PodSecurityConfiguration stands for.
 *
 * @throws RangeError naming what is wrong
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
 */
export function parsePodSecurityConfiguration(configuration: JsonObject): PodSecurityOptions {
  const defaults = member(configuration, "defaults");
  const exemptions = member(configuration, "exemptions");
  const mode = (name: keyof Policy): LevelVersion => {
    const level = defaults[name] ?? "privileged";
    const text = defaults[`${name}-version`] ?? "latest";
    const version = typeof text === "string" ? parseVersion(text) : undefined;
    if (typeof level !== "string" || !isLevel(level)) throw wrong(`defaults.${name}`, level);
    if (version === undefined) throw wrong(`defaults.${name}-version`, text);
    return { level, version };
  };
  const names = (name: string): readonly string[] => {
    const list = exemptions[name] ?? [];
    if (!Array.isArray(list) || list.some((item) => typeof item !== "string")) throw wrong(`exemptions.${name}`, list);
    return list as readonly string[];
  };
  return {
    defaults: { enforce: mode("enforce"), audit: mode("audit"), warn: mode("warn") },
    exemptions: {
      usernames: names("usernames"),
      runtimeClasses: names("runtimeClasses"),
      namespaces: names("namespaces"),
    },
  };
}

function member(object: JsonObject, name: string): JsonObject {
  const value = object[name] ?? {};
  if (isJsonObject(value)) return value;
  throw wrong(name, value);
}

function wrong(field: string, value: Json): RangeError {
  return new RangeError(`Cannot use the PodSecurity configuration: ${field} is ${JSON.stringify(value)}`);
}
