import { goQuote } from "../../core/api/go_value.ts";
import type { FlagOf } from "../../core/flags/flag.ts";
import { dataKeyError } from "../../core/kinds/validators.ts";
import { isFolder, joinPath, listRegularFiles, nameOf, readBytes } from "../../core/platform/files.ts";
import { environmentVariable } from "../../core/platform/process.ts";
import { errorMessage } from "../../core/util/log.ts";
import { variableNameError } from "../variable_names.ts";
import { UsageError } from "../verb.ts";
import { listFlag, split } from "./generator.ts";

/** The flags that say where data comes from. */
export const dataFlags: {
  readonly "from-file": FlagOf<"list">;
  readonly "from-literal": FlagOf<"list">;
  readonly "from-env-file": FlagOf<"list">;
  readonly "append-hash": FlagOf<"boolean">;
} = {
  "from-file": listFlag("File, KEY=FILE, or folder whose files to take.", "path"),
  "from-literal": listFlag("KEY=VALUE.", "pair"),
  "from-env-file": listFlag("File with lines KEY=VALUE.", "path"),
  "append-hash": { type: "boolean", description: "Put a hash of the data behind the name." },
};

/** Data by its keys, in the order in which it was found. */
export type NamedData = ReadonlyMap<string, Uint8Array>;

/** How a kind speaks of its keys. */
export interface DataWords {
  /** Complaint of a key that is none. */
  badKey(key: string, why: string): string;
  /** Complaint of a key that is there twice. */
  takenKey(key: string): string;
  /** What an env file is for. */
  readonly envFile: string;
}

/** The values of the flags that say where data comes from. */
export interface DataValues {
  readonly "from-file": readonly string[];
  readonly "from-literal"?: readonly string[];
  readonly "from-env-file"?: readonly string[];
}

/** Reads what the flags name: files, literals, lines of files. @throws UsageError with kubectl's words */
export async function collectData(
  { "from-file": files, "from-literal": literals = [], "from-env-file": envFiles = [] }: DataValues,
  words: DataWords,
  { literalsFirst = false }: { readonly literalsFirst?: boolean } = {},
): Promise<NamedData> {
  if (envFiles.length > 0 && files.length + literals.length > 0)
    throw new UsageError("from-env-file cannot be combined with from-file or from-literal");
  const data = new Map<string, Uint8Array>();
  const add = (key: string, bytes: Uint8Array) => {
    const why = dataKeyError(key);
    if (why !== undefined) throw new UsageError(words.badKey(key, why));
    if (data.has(key)) throw new UsageError(words.takenKey(key));
    data.set(key, bytes);
  };
  const addLiterals = () => {
    for (const literal of literals) {
      const equals = literal.indexOf("=");
      if (equals < 1) throw new UsageError(`invalid literal source ${literal}, expected key=value`);
      add(literal.slice(0, equals), new TextEncoder().encode(literal.slice(equals + 1)));
    }
  };
  if (literalsFirst) addLiterals();
  for (const source of split(files)) await addFile(source, add);
  if (!literalsFirst) addLiterals();
  for (const path of split(envFiles)) await addEnvFile(path, words, add);
  return data;
}

type Add = (key: string, bytes: Uint8Array) => void;

async function addFile(source: string, add: Add): Promise<void> {
  const parts = source.split("=");
  if (parts.length > 2) throw new UsageError("key names or file paths cannot contain '='");
  const [key = "", path = source] = parts.length === 2 ? parts : [nameOf(source), source];
  if (key === "") throw new UsageError(`key name for file path ${path} missing`);
  if (path === "") throw new UsageError(`file path for key name ${key} missing`);
  if (await folderAt(path)) {
    if (parts.length === 2) throw new UsageError("cannot give a key name for a directory path");
    for (const name of await listRegularFiles(path)) add(name, await readBytes(joinPath(path, name)));
  } else add(key, await readBytes(path));
}

async function folderAt(path: string): Promise<boolean> {
  const folder = await isFolder(path);
  if (folder === undefined) throw new UsageError(`error reading ${path}: no such file or directory`);
  return folder;
}

async function addEnvFile(path: string, { envFile }: DataWords, add: Add): Promise<void> {
  if (await folderAt(path)) throw new UsageError(`env ${envFile} file cannot be a directory`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readBytes(path));
  } catch (error) {
    throw new UsageError(`env file ${path} contains invalid utf8 bytes: ${errorMessage(error)}`);
  }
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimStart();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const equals = trimmed.indexOf("=");
    const key = equals < 0 ? trimmed : trimmed.slice(0, equals);
    const why = variableNameError(key);
    if (why !== undefined) throw new UsageError(`${goQuote(key)} is not a valid key name: ${why}`);
    // A name alone means the variable of this environment.
    const value = equals < 0 ? (environmentVariable(key) ?? "") : trimmed.slice(equals + 1);
    add(key, new TextEncoder().encode(value));
  }
}
