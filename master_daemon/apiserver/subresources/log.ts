import { type FieldError, fieldError, type Status, StatusError } from "../../../core/api/status.ts";
import { type ApiResponse, readBody } from "../../../core/client/transport.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import { linkSignals } from "../../../core/util/link_signals.ts";
import { booleanParameter, integerParameter } from "../query.ts";
import type { ResourceRequest } from "../services.ts";
import { containerOf, nodeOf, nodePath, podOf, statusOf } from "./pod_target.ts";

const maxErrorBytes = 64 * 1024;

/** GET on `/pods/NAME/log`: what a container wrote, from its node. */
export async function log(r: ResourceRequest): Promise<ApiResponse> {
  const parameters = logParameters(r.query);
  const pod = await podOf(r);
  const container = containerOf(pod, r.query.get("container"));
  const { namespace = "", name = "" } = pod.metadata;
  // A pod without a node has written nothing yet.
  if (!pod.spec.nodeName) return textStream(nothing());
  checkStarted(pod, container, booleanParameter(r.query, "previous"));
  const node = await nodeOf(r, pod);
  const path = nodePath(["containerLogs", namespace, name, container], parameters);
  const ending = linkSignals(r.signal, r.services.closing);
  const response = await r.services.nodes.request(node, path, { signal: ending.signal });
  if (response.status === 200) return textStream(untilClosed(response.body, r.services.closing, ending.release));
  ending.release();
  throw await refused(response);
}

/** Ends cleanly, not as an error, when the server closes. */
async function* untilClosed(
  body: ApiResponse["body"],
  closing: AbortSignal,
  release: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    if (body instanceof Uint8Array) yield body;
    else yield* body;
  } catch (error) {
    if (!closing.aborted) throw error;
  } finally {
    release();
  }
}

function textStream(body: ApiResponse["body"]): ApiResponse {
  return { status: 200, headers: { "content-type": "text/plain" }, body };
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {}

/** @throws StatusError BadRequest for a container whose log cannot exist yet */
function checkStarted(pod: Pod, container: string, previous: boolean): void {
  const status = statusOf(pod, container);
  const podName = pod.metadata.name ?? "";
  if (previous) {
    if (!status?.lastState?.terminated)
      throw StatusError.badRequest(
        `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(podName)} not found`,
      );
    return;
  }
  const waiting = status?.state?.waiting;
  // A crashed container that waits for its next start still has a log.
  if (!waiting || status?.lastState?.terminated) return;
  const what = `container ${JSON.stringify(container)} in pod ${JSON.stringify(podName)}`;
  if (waiting.reason === "ErrImagePull" || waiting.reason === "ImagePullBackOff")
    throw StatusError.badRequest(`${what} is waiting to start: image can't be pulled`);
  throw StatusError.badRequest(`${what} is waiting to start: ${waiting.reason ?? "ContainerCreating"}`);
}

/** The parameters that a node daemon understands. @throws StatusError Invalid, BadRequest */
function logParameters(query: URLSearchParams): readonly [string, string][] {
  const errors: FieldError[] = [];
  const parameters: [string, string][] = [];
  for (const name of ["follow", "previous", "timestamps"])
    if (booleanParameter(query, name)) parameters.push([name, "true"]);
  for (const [name, least] of [
    ["tailLines", 0],
    ["sinceSeconds", 1],
    ["limitBytes", 1],
  ] as const) {
    const value = integerParameter(query, name);
    if (value === undefined) continue;
    if (value < least)
      errors.push(
        fieldError.invalid(name, value, least === 0 ? "must be greater than or equal to 0" : "must be greater than 0"),
      );
    parameters.push([name, String(value)]);
  }
  const sinceTime = query.get("sinceTime");
  if (sinceTime) {
    if (query.has("sinceSeconds"))
      errors.push(
        fieldError.forbidden("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified"),
      );
    if (sinceTime.length > 64 || Number.isNaN(Date.parse(sinceTime)))
      throw StatusError.badRequest(`parsing time ${JSON.stringify(sinceTime.slice(0, 64))} as RFC 3339 failed`);
    parameters.push(["sinceTime", sinceTime]);
  }
  if (errors.length > 0) throw StatusError.invalid({ group: "", kind: "PodLogOptions" }, "", errors);
  return parameters;
}

/** What a node's refusal says. */
async function refused(response: ApiResponse): Promise<StatusError> {
  const bytes = await readBody(response.body, maxErrorBytes).catch(() => new Uint8Array());
  const text = new TextDecoder().decode(bytes);
  try {
    const status = JSON.parse(text) as Partial<Status>;
    if (status.kind === "Status" && typeof status.code === "number") return StatusError.from(status as Status);
  } catch {
    // Not a Status: its text is told below.
  }
  return StatusError.internal(text.trim() || `the node answered ${response.status}`);
}
