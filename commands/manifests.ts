import { asObject } from "../core/api/json_object.ts";
import type { KubeObject } from "../core/api/meta.ts";
import { parseManifests } from "../core/api/yaml.ts";
import { readBody } from "../core/client/transport.ts";
import { listFiles, readTextFile } from "../core/platform/files.ts";
import type { CommandEnv } from "./env.ts";
import { type Flag, UsageError } from "./verb.ts";

/** The flags of verbs that read manifests. */
export const manifestFlags: {
  readonly filename: Flag & { type: "list" };
  readonly recursive: Flag & { type: "boolean" };
} = {
  filename: {
    type: "list",
    short: "f",
    placeholder: "path",
    description: "File or folder with manifests; - reads standard input.",
  },
  recursive: { type: "boolean", short: "R", description: "Read folders below the folder too." },
};

const maxManifestBytes = 64 * 1024 * 1024;

/** The objects of files, folders (`.yaml`, `.yml`, `.json`) and standard input, in order. @throws UsageError, SyntaxError naming file and line */
export async function readManifests(
  { filename, recursive }: { readonly filename: readonly string[]; readonly recursive: boolean },
  env: CommandEnv,
): Promise<readonly KubeObject[]> {
  const objects: KubeObject[] = [];
  for (const path of filename.flatMap((text) => text.split(","))) {
    if (path === "-") {
      const text = new TextDecoder().decode(await readBody(env.terminal.input, maxManifestBytes));
      objects.push(...checked(text, "STDIN"));
      continue;
    }
    if (/^https?:\/\//.test(path)) throw new UsageError(`cannot read ${path}: fetch it and pipe it to -f -`);
    const files = await listFiles(path, { recursive, extensions: [".yaml", ".yml", ".json"] });
    if (!files) throw new UsageError(`the path "${path}" does not exist`);
    for (const file of files) objects.push(...checked((await readTextFile(file)) ?? "", file));
  }
  if (objects.length === 0) throw new UsageError("no objects passed");
  return objects;
}

function checked(text: string, source: string): readonly KubeObject[] {
  return parseManifests(text, source).map((object, index) => {
    const { apiVersion, kind, metadata } = object;
    for (const [field, value] of [
      ["apiVersion", apiVersion],
      ["kind", kind],
    ] as const) {
      if (typeof value !== "string" || value === "")
        throw new UsageError(`error validating "${source}": document ${index + 1}: ${field} not set`);
    }
    if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
      throw new UsageError(`error validating "${source}": document ${index + 1}: metadata not set`);
    }
    return asObject(object);
  });
}
