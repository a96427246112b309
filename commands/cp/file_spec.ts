import { UsageError } from "../verb.ts";

/** A file of this machine or, with `pod`, of a container. */
export interface FileSpec {
  readonly pod?: PodName;
  readonly path: string;
}

/** A pod as the command line names it. */
export interface PodName {
  /** Undefined: that of the command line. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Reads `[[namespace/]pod:]path`. A slash at the end is dropped. @throws UsageError with kubectl's words */
export function parseFileSpec(text: string): FileSpec {
  const colon = text.indexOf(":");
  const path = withoutSlash(text.slice(colon + 1));
  if (colon < 0) return { path };
  const pieces = text.slice(0, colon).split("/");
  if (colon === 0 || pieces.length > 2)
    throw new UsageError("filespec must match the canonical format: [[namespace/]pod:]file/path");
  const name = pieces.at(-1) ?? "";
  // As kubectl takes it, what names no pod is a file of this machine.
  if (name === "") return { path };
  return { pod: { namespace: pieces.length === 2 ? pieces[0] : undefined, name }, path };
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** A path of a container without what is needless in it: `a/./b//../c` is `a/c`. */
export function cleanRemotePath(path: string): string {
  const parts: string[] = [];
  const absolute = path.startsWith("/");
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!absolute) parts.push(part);
  }
  return `${absolute ? "/" : ""}${parts.join("/")}` || ".";
}

/** What tar puts before the names of what it was told to pack: the path without the ways up at its beginning. */
export function archivePrefix(path: string): string {
  return cleanRemotePath(path.replace(/^\/+/, ""))
    .split("/")
    .filter((part) => part !== ".." && part !== ".")
    .join("/");
}
