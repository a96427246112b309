import type { ApiRequest, ApiResponse } from "../../core/client/transport.ts";
import { gzip, gzipStream } from "../../core/platform/gzip.ts";
import type { FlowDecision } from "./flow_control/mod.ts";

/** Shorter answers are not worth compressing. */
const gzipAboveBytes = 128 * 1024;

/** Puts on what every answer carries. */
export async function finish(
  response: ApiResponse,
  {
    request,
    auditId,
    warnings,
    flow,
    asIs = false,
  }: {
    readonly request: ApiRequest;
    readonly auditId: string;
    readonly warnings: readonly string[];
    /** Told, so that people can find out why they wait. */
    readonly flow?: FlowDecision | undefined;
    /** The body is somebody else's: it is passed on as it comes. */
    readonly asIs?: boolean;
  },
): Promise<ApiResponse> {
  const headers: Record<string, string | readonly string[]> = {
    "audit-id": auditId,
    "cache-control": "no-cache, private",
    ...response.headers,
  };
  if (flow) {
    headers["x-kubernetes-pf-flowschema-uid"] = flow.schema.metadata.uid ?? "";
    headers["x-kubernetes-pf-prioritylevel-uid"] = flow.level.uid;
  }
  if (warnings.length > 0) headers["warning"] = fitting(warnings).map((text) => `299 - ${JSON.stringify(text)}`);
  const { body } = response;
  if (asIs) return { status: response.status, headers, body };
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

const maxWarningsLength = 4096;
const maxCutLength = 256;

/**
 * Warnings as headers can carry them: each once, in ASCII without line ends; long ones are cut when there are too many.
 *
 * @see k8s.io/apiserver/pkg/endpoints/filters/warning.go
 */
function fitting(warnings: readonly string[]): readonly string[] {
  const texts = [...new Set(warnings.map((text) => text.slice(0, maxWarningsLength).replace(/[^\x20-\x7e]/g, "?")))];
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length <= maxWarningsLength) return texts;
  let left = maxWarningsLength;
  const fits = (text: string) => {
    left -= text.length;
    return left >= 0;
  };
  return texts.map((text) => text.slice(0, maxCutLength)).filter(fits);
}
