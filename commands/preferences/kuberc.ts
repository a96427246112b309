import { isJsonObject } from "../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { parseManifests } from "../../core/api/yaml_reader.ts";
import { checkPluginPolicy, type PluginPolicy } from "../../core/client/plugin_policy.ts";

/** A flag that has another value than its own default. */
export interface PreferredOption {
  readonly name: string;
  readonly default: string;
}

/** A command's flags that have other values than their own defaults. */
export interface PreferredDefaults {
  readonly command: string;
  readonly options?: readonly PreferredOption[] | undefined;
}

/** A name for a command with words and flags. */
export interface PreferredAlias extends PreferredDefaults {
  readonly name: string;
  readonly prependArgs?: readonly string[] | undefined;
  readonly appendArgs?: readonly string[] | undefined;
}

/**
 * What a kuberc file says, of any version.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kuberc.v1beta1/
 */
export interface Preference {
  readonly defaults?: readonly PreferredDefaults[] | undefined;
  readonly aliases?: readonly PreferredAlias[] | undefined;
  readonly credentialPluginPolicy?: string | undefined;
  readonly credentialPluginAllowlist?: readonly { readonly command: string }[] | undefined;
}

/** A file's preference, and what it says besides. */
export interface ReadPreference {
  readonly preference: Preference;
  /** Paths of fields that are none. */
  readonly unknown: readonly string[];
  /** How many documents the file has. */
  readonly documents: number;
}

/** The group of the kind Preference. */
export const kubercGroup = "kubectl.config.k8s.io";

type Shape = "text" | readonly [Shape] | { readonly [name: string]: Shape };

const options: Shape = [{ name: "text", default: "text" }];
const alias = { name: "text", command: "text", prependArgs: ["text"], appendArgs: ["text"] } as const;
const head = { kind: "text", apiVersion: "text" } as const;
const shapes: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  [
    `${kubercGroup}/v1beta1`,
    {
      ...head,
      defaults: [{ command: "text", options }],
      aliases: [{ ...alias, options }],
      credentialPluginPolicy: "text",
      credentialPluginAllowlist: [{ command: "text", name: "text" }],
    },
  ],
  [
    `${kubercGroup}/v1alpha1`,
    { ...head, overrides: [{ command: "text", flags: options }], aliases: [{ ...alias, flags: options }] },
  ],
]);

/**
 * The first document of a kuberc file that is a Preference; undefined for an empty file.
 *
 * @throws Error when there are documents, and none of them is one
 */
export function readPreference(text: string, path: string): ReadPreference | undefined {
  let documents: readonly JsonObject[] | undefined;
  try {
    documents = parseManifests(text, path);
  } catch {
    // Below: there is none that could be read.
  }
  for (const document of documents ?? []) {
    const shape = shapes.get(String(document["apiVersion"]));
    const unknown: string[] = [];
    if (document["kind"] === "Preference" && shape && fits(document, shape, "", unknown))
      return { preference: preferenceOf(document), unknown: unknown.sort(), documents: documents?.length ?? 0 };
  }
  if (documents?.length === 0) return undefined;
  throw new Error(`no valid preferences found in ${path}, use --v=5 to see details`);
}

/** Whether the value can be read as the shape says; adds the paths of members that it does not know. */
function fits(value: Json, shape: Shape, path: string, unknown: string[]): boolean {
  if (value === null) return true;
  if (shape === "text") return typeof value === "string";
  if (isShapeOfItems(shape)) {
    if (!Array.isArray(value)) return false;
    return (value as readonly Json[]).every((item, index) => fits(item, shape[0], `${path}[${index}]`, unknown));
  }
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(([name, member]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const known = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (known) return fits(member, known, at, unknown);
    unknown.push(at);
    return true;
  });
}

function isShapeOfItems(shape: Exclude<Shape, "text">): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** As the newest version says it. The document fits one of the shapes. */
function preferenceOf(document: JsonObject): Preference {
  const allowlist = document["credentialPluginAllowlist"];
  const policy = textOf(document["credentialPluginPolicy"]);
  return {
    defaults: objectsOf(document["defaults"] ?? document["overrides"])?.map((one) => ({
      command: textOf(one["command"]),
      options: optionsOf(one),
    })),
    aliases: objectsOf(document["aliases"])?.map((one) => ({
      name: textOf(one["name"]),
      command: textOf(one["command"]),
      prependArgs: textsOf(one["prependArgs"]),
      appendArgs: textsOf(one["appendArgs"]),
      options: optionsOf(one),
    })),
    credentialPluginPolicy: policy === "" ? undefined : policy,
    credentialPluginAllowlist: objectsOf(allowlist)?.map((entry) => ({
      // What the field was called at first.
      command: textOf(entry["command"]) || textOf(entry["name"]),
    })),
  };
}

function optionsOf(value: JsonObject): readonly PreferredOption[] | undefined {
  return objectsOf(value["options"] ?? value["flags"])?.map((option) => ({
    name: textOf(option["name"]),
    default: textOf(option["default"]),
  }));
}

function objectsOf(value: Json | undefined): readonly JsonObject[] | undefined {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : undefined;
}

function textsOf(value: Json | undefined): readonly string[] | undefined {
  return Array.isArray(value) ? (value as readonly Json[]).map(textOf) : undefined;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The policy on exec plug-ins. */
export function pluginPolicyOf({ credentialPluginPolicy, credentialPluginAllowlist }: Preference): PluginPolicy {
  return {
    policy: credentialPluginPolicy ?? "",
    allowlist: credentialPluginAllowlist?.map(({ command }) => command),
  };
}

/** Says what is wrong with names and the policy. @throws Error with kubectl's words */
export function checkPreference(preference: Preference): void {
  const { aliases = [], defaults = [] } = preference;
  const names = new Set<string>();
  for (const { name, options = [] } of aliases) {
    if (!/^[a-zA-Z]+$/.test(name)) throw new Error("invalid alias name, can only include alphabetical characters");
    checkOptions(options);
    if (names.has(name)) throw new Error(`duplicate alias name ${name}`);
    names.add(name);
  }
  for (const { options = [] } of defaults) checkOptions(options);
  checkPluginPolicy(pluginPolicyOf(preference));
}

function checkOptions(options: readonly PreferredOption[]): void {
  for (const { name } of options)
    if (name.startsWith("-")) throw new Error(`flag name ${name} should be in long form without dashes`);
}
