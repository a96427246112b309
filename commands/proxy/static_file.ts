import { joinPath, readBytes, realPathOf, relativePath } from "../../core/platform/files.ts";
import type { OutgoingResponse } from "../../core/platform/http_server.ts";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  txt: "text/plain; charset=utf-8",
};

/** A file below the folder, links followed only where they stay there. */
export async function staticFile(folder: string, path: string): Promise<OutgoingResponse> {
  const missing = {
    status: 404,
    headers: { "content-type": "text/plain" },
    body: new TextEncoder().encode("404 page not found\n"),
  };
  try {
    const name = decodeURIComponent(path.split("?", 1)[0] ?? "") || "index.html";
    const root = await realPathOf(folder);
    const file = await realPathOf(joinPath(root, name));
    if (/^\.\.([/\\]|$)/.test(relativePath(root, file))) return missing;
    const type = types[/\.(\w+)$/.exec(file)?.[1] ?? ""] ?? "application/octet-stream";
    return { status: 200, headers: { "content-type": type }, body: await readBytes(file) };
  } catch {
    return missing;
  }
}
