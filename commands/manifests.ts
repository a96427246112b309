import { asObject } from "../core/api/json_object.ts";
import { jsonText } from "../core/api/json_text.ts";
import type { JsonObject, KubeObject } from "../core/api/meta.ts";
import { iterateManifests } from "../core/api/yaml.ts";
import { connectionError } from "../core/client/connection_error.ts";
import { readBody } from "../core/client/transport.ts";
import { listFiles, readTextFile } from "../core/platform/files.ts";
import { errorMessage } from "../core/util/log.ts";
import type { CommandEnv } from "./env.ts";
import { type Flag, UsageError } from "./verb.ts";

/** The flags of verbs that read manifests. */
export const manifestFlags: {
  readonly filename: Flag & { type: "list" };
  readonly kustomize: Flag & { type: "string" };
  readonly recursive: Flag & { type: "boolean" };
} = {
  filename: {
    type: "list",
    short: "f",
    placeholder: "path",
    description: "File, folder or URL with manifests; - reads standard input.",
  },
  kustomize: { type: "string", short: "k", placeholder: "folder", description: "Folder with a kustomization." },
  recursive: { type: "boolean", short: "R", description: "Read folders below the folder too." },
};

/** Where manifests are. */
export interface ManifestSources {
  readonly filename: readonly string[];
  readonly kustomize?: string | undefined;
  readonly recursive: boolean;
}

/** An object, and the file, folder or URL that it stands in. */
export interface Manifest {
  readonly object: KubeObject;
  readonly source: string;
}

/** A file, folder or URL that cannot be read, or not from here on, and why. */
export interface UnreadManifest {
  readonly error: unknown;
  readonly source: string;
}

/** What stands for the file of what is read from standard input. */
export const standardInput = "STDIN";

const maxManifestBytes = 64 * 1024 * 1024;
const fetchAttempts = 3;
const fetchPauseMs = 1000;
const extensions = [".json", ".yaml", ".yml"];

/** Whether manifests are named. */
export function namesManifests({ filename, kustomize }: Pick<ManifestSources, "filename" | "kustomize">): boolean {
  return filename.length > 0 || Boolean(kustomize);
}

/** The objects of files, folders and standard input, in order. @throws UsageError, SyntaxError naming file and line */
export async function readManifests(sources: ManifestSources, env: CommandEnv): Promise<readonly KubeObject[]> {
  const objects = (await loadManifests(sources, env)).map((manifest) => {
    if ("error" in manifest) throw manifest.error;
    return manifest.object;
  });
  if (objects.length === 0) throw new UsageError("no objects passed");
  return objects;
}

/**
 * The objects of files, folders (`.yaml`, `.yml`, `.json`), URLs, a kustomization and standard input, in order, each with
 * where it stands. May be none. What is wrong in one of them stands at its place, so that the others can be used.
 *
 * @param options.checkTypes complain of a missing apiVersion or kind as kubectl's validation does. Default true
 * @throws UsageError for what is named and not there
 */
export async function loadManifests(
  { filename, kustomize, recursive }: ManifestSources,
  env: CommandEnv,
  { checkTypes = true }: { readonly checkTypes?: boolean } = {},
): Promise<readonly (Manifest | UnreadManifest)[]> {
  const paths = filename.flatMap((text) => text.split(","));
  if (kustomize && paths.length > 0) throw new UsageError("only one of -f or -k can be specified");
  if (kustomize && recursive) throw new UsageError("the -k flag can't be used with -f or -R");
  if (paths.filter((path) => path === "-").length > 1)
    throw new UsageError("standard input cannot be used for multiple arguments");
  const manifests: (Manifest | UnreadManifest)[] = [];
  const add = async (source: string, read: () => Promise<string>) => {
    try {
      for (const object of iterateManifests(await read(), source))
        manifests.push({ object: checked(object, source, checkTypes), source });
    } catch (error) {
      env.signal.throwIfAborted();
      manifests.push({ error, source });
    }
  };
  for (const path of paths) {
    if (path === "-")
      await add(standardInput, async () =>
        new TextDecoder().decode(await readBody(env.terminal.input, maxManifestBytes)),
      );
    else if (/^https?:\/\//.test(path)) await add(path, () => fetchText(path, env));
    else
      for (const file of await filesNamed(path, recursive))
        await add(file, async () => (await readTextFile(file)) ?? "");
  }
  if (kustomize) {
    const { buildKustomization } = await import("./kustomization.ts");
    await add(kustomize, () => buildKustomization([kustomize], env));
  }
  return manifests;
}

/** The files of a path, or of those that it is a pattern for. */
async function filesNamed(path: string, recursive: boolean): Promise<readonly string[]> {
  const files = await filesAt(path, recursive);
  if (files) return files;
  const { matchingPaths } = await import("../core/platform/matching_paths.ts");
  const paths = await matchingPaths(path).catch((error: unknown) => {
    throw new UsageError(`pattern "${path}" is not valid: ${errorMessage(error)}`);
  });
  const found = await Promise.all(paths.map((path) => filesAt(path, recursive)));
  if (found.length === 0) throw new UsageError(`the path "${path}" does not exist`);
  return found.flatMap((files) => files ?? []);
}

async function filesAt(path: string, recursive: boolean): Promise<readonly string[] | undefined> {
  const files = await listFiles(path, { recursive, extensions });
  if (!files) return undefined;
  if (files.length === 0)
    throw new UsageError(`error reading [${path}]: recognized file extensions are [${extensions.join(" ")}]`);
  return files;
}

async function fetchText(url: string, { signal, clock }: CommandEnv): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    let problem: string;
    let final = attempt === fetchAttempts;
    try {
      const response = await fetch(url, { signal });
      if (response.ok) return await response.text();
      await response.body?.cancel();
      const { status, statusText } = response;
      problem = `unable to read URL "${url}", server reported ${status} ${statusText}, status code=${status}`;
      final ||= status < 500;
    } catch (error) {
      signal.throwIfAborted();
      const failure = connectionError(new URL(url).host, error);
      if (failure.code === "ECONNREFUSED") throw failure;
      problem = `Get "${url}": ${causeOf(error)}`;
    }
    if (final) throw new UsageError(problem);
    await clock.sleep(fetchPauseMs, { signal });
  }
}

function causeOf(error: unknown): string {
  const { cause = error } = error as { cause?: unknown };
  return cause instanceof Error ? cause.message : String(cause);
}

/** @see k8s.io/kubectl/pkg/validation/schema.go */
function checked(object: JsonObject, source: string, checkTypes: boolean): KubeObject {
  const problems = (["apiVersion", "kind"] as const).flatMap((field) => {
    const value = Object.hasOwn(object, field) ? object[field] : undefined;
    if (value === undefined || value === null || value === "") return [`${field} not set`];
    return typeof value === "string" ? [] : [`${field} isn't string type`];
  });
  if (problems.length > 0) {
    const list = problems.length > 1 ? `[${problems.join(", ")}]` : problems[0];
    throw new UsageError(
      checkTypes
        ? `error validating "${source}": error validating data: ${list}; if you choose to ignore these errors, turn validation off with --validate=false`
        : `unable to decode "${source}": Object '${problems[0]?.startsWith("apiVersion") && problems.length === 1 ? "apiVersion" : "Kind"}' is missing in '${jsonText(object)}'`,
    );
  }
  const metadata = Object.hasOwn(object, "metadata") ? object["metadata"] : undefined;
  if (metadata === undefined || metadata === null) return asObject({ ...object, metadata: {} });
  if (typeof metadata !== "object" || Array.isArray(metadata))
    throw new UsageError(`unable to decode "${source}": metadata must be an object`);
  return asObject(object);
}
