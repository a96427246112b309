import type { ApiRequest, ApiResponse } from "../../core/client/transport.ts";
import { gzip, gzipStream } from "../../core/platform/gzip.ts";

/** Shorter answers are not worth compressing. */
const gzipAboveBytes = 128 * 1024;

/** Puts on what every answer carries. */
export async function finish(
  response: ApiResponse,
  {
    request,
    auditId,
    warnings,
  }: { readonly request: ApiRequest; readonly auditId: string; readonly warnings: readonly string[] },
): Promise<ApiResponse> {
  const headers: Record<string, string | readonly string[]> = {
    "audit-id": auditId,
    "cache-control": "no-cache, private",
    ...response.headers,
  };
  if (warnings.length > 0)
    headers["warning"] = [...new Set(warnings)].slice(0, 100).map((text) => `299 - ${JSON.stringify(printable(text))}`);
  const body = response.body;
  const isLarge =
    body instanceof Uint8Array
      ? body.length > gzipAboveBytes
      : headers["content-type"] === "application/json" && !isWatch(request);
  if (!isLarge || headers["content-encoding"] || !/\bgzip\b/.test(request.headers["accept-encoding"] ?? ""))
    return { status: response.status, headers, body };
  headers["content-encoding"] = "gzip";
  headers["vary"] = "Accept-Encoding";
  return {
    status: response.status,
    headers,
    body: body instanceof Uint8Array ? await gzip(body) : gzipStream(body),
  };
}

function isWatch({ path }: ApiRequest): boolean {
  return /[?&]watch=/.test(path);
}

/** Header values are ASCII without line ends. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 512);
}
