import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { FileKeySelector } from "../../core/kinds/pod.ts";
import { isCode } from "./volumes/files.ts";
import { openSubPath } from "./volumes/sub_path.ts";
import type { MountedVolume } from "./volumes/volume.ts";

/** More than all variables of a container may be. */
const maxFileBytes = 512 * 1024;
const maxValueBytes = 32 * 1024;
const maxKeyLength = 128;

/**
 * The value of a variable in a file of lines `NAME='value'`, which a POSIX shell would read alike; empty where it has none. A
 * value may be of several lines; nothing in it stands for something else. Blank lines and comments (`#`) count for nothing,
 * also after a value.
 *
 * @throws SyntaxError naming the line, for what comes before the variable
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-via-file/
 */
export function variableInFile(text: string, name: string): string {
  for (let at = 0; at < text.length; ) {
    const fail = (what: string): never => {
      const line = text.slice(0, at).split("\n").length;
      throw new SyntaxError(`invalid environment variable format at line ${line}: ${what}`);
    };
    const end = endOfLine(text, at);
    const line = text.slice(at, end).trimStart();
    if (line === "" || line.startsWith("#")) {
      at = end + 1;
      continue;
    }
    const equals = line.indexOf("=");
    if (equals <= 0) fail("no variable is set");
    const key = line.slice(0, equals);
    if (/\s$/.test(key)) fail("whitespace before '=' is not allowed");
    if (line[equals + 1] !== "'") fail("value must be enclosed in single quotes");
    const from = end - line.length + equals + 2;
    const closing = text.indexOf("'", from);
    if (closing < 0) fail("unclosed single quote");
    const after = endOfLine(text, closing);
    // As in a shell, a comment begins after a space only.
    if (!/^\s*$|^\s+#/.test(text.slice(closing + 1, after))) fail("unexpected content after closing quote");
    if (key === name) return text.slice(from, closing);
    at = after + 1;
  }
  return "";
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/**
 * The value of a variable that a file of a volume gives; undefined where it gives none, and that is fine.
 *
 * @throws Error with Kubernetes' text
 */
export async function fileVariable(
  { volumeName, path, key, optional = false }: FileKeySelector,
  volumes: ReadonlyMap<string, MountedVolume>,
): Promise<string | undefined> {
  const quoted = JSON.stringify(key);
  const volume = volumes.get(volumeName);
  if (!volume) throw new Error(`cannot find the volume ${JSON.stringify(volumeName)} referenced by FileKeyRef`);
  if (key.length > maxKeyLength)
    throw new Error(`environment variable key ${quoted} exceeds maximum length of ${maxKeyLength} characters`);
  const text = await readInside(volume.path, path).catch((error: unknown) => {
    if (optional && isCode(error, "ENOENT", "ENOTDIR")) return "";
    throw new Error("couldn't parse env file", { cause: error });
  });
  let value: string;
  try {
    value = variableInFile(text, key);
  } catch (error) {
    throw new Error("couldn't parse env file", { cause: error });
  }
  if (Buffer.byteLength(value) > maxValueBytes)
    throw new Error(`environment variable value for key ${quoted} exceeds maximum size of 32KB`);
  if (value !== "") return value;
  if (optional) return undefined;
  throw new Error(`environment variable key ${quoted} not found in file "${join(volume.path, path)}"`);
}

/** Text of a plain file of a volume. Containers write there: no link is followed out, and what is no file is not waited for. */
async function readInside(root: string, path: string): Promise<string> {
  await using opened = await openSubPath(root, path, { isMade: false });
  const file = await open(opened.descriptor ?? opened.path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > maxFileBytes) throw new Error("not a file of variables");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
