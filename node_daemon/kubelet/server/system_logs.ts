import type { Stats } from "node:fs";
import { constants } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { basename, join, normalize } from "node:path";
import { StatusError } from "../../../core/api/status.ts";
import { isCode } from "../volumes/files.ts";
import { write } from "./write.ts";

/** Where machines keep their logs. */
export const systemLogFolder = "/var/log";

const chunkBytes = 64 * 1024;

/**
 * Answers with a file of the machine's logs, or with the names in one of their folders. Links are followed inside the folder of
 * the logs only: what may write there is not to show the rest of the machine.
 *
 * @param path as it stands in the address, behind `/logs/`
 * @throws StatusError NotFound
 */
export async function sendSystemLog(
  path: string,
  {
    folder,
    response,
    signal,
  }: { readonly folder: string; readonly response: ServerResponse; readonly signal: AbortSignal },
): Promise<void> {
  const root = await realpath(folder).catch(() => folder);
  const found = await realpath(join(root, normalize(`/${decoded(path)}`))).catch(notFound);
  if (found !== root && !found.startsWith(`${root}/`)) notFound();
  // Non-blocking: opening a pipe would wait for its writer.
  const file = await open(found, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(notFound);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) {
      await sendFolder(path, found, response);
    } else if (stat.isFile()) {
      response.writeHead(200, headersOf(found, stat));
      // As long as it was: a log that is written to has no end.
      for (let at = 0; at < stat.size && !signal.aborted; ) {
        const length = Math.min(chunkBytes, stat.size - at);
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
        if (bytesRead === 0) throw new Error("the file was cut while it was read");
        await write(response, buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      response.end();
    } else {
      notFound();
    }
  } finally {
    await file.close();
  }
}

async function sendFolder(path: string, folder: string, response: ServerResponse): Promise<void> {
  if (path !== "" && !path.endsWith("/")) {
    // So that the names in it are relative to it.
    response.writeHead(301, { location: `${encodeURIComponent(basename(folder))}/` }).end();
    return;
  }
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? "/" : ""}`).sort();
  const links = names.map((name) => `<a href="${escapeHtml(encodeURI(name))}">${escapeHtml(name)}</a>\n`);
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(`<pre>\n${links.join("")}</pre>\n`);
}

function headersOf(path: string, { size, mtime }: Stats): Readonly<Record<string, string | number>> {
  const type = path.endsWith(".gz") ? "application/gzip" : "text/plain; charset=utf-8";
  return { "content-type": type, "content-length": size, "last-modified": mtime.toUTCString() };
}

function decoded(path: string): string {
  try {
    const text = decodeURIComponent(path);
    if (!text.includes("\0")) return text;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  return notFound();
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&#34;")
    .replaceAll("'", "&#39;");
}

function notFound(error?: unknown): never {
  if (error !== undefined && !isCode(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "EPERM", "ENXIO", "ENAMETOOLONG"))
    throw error;
  throw new StatusError(404, "NotFound", "the server could not find the requested resource");
}
