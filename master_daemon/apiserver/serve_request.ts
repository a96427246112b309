import type { ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Writable } from "node:stream";
import type { ApiResponse } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { ApiHandler } from "./handle.ts";
import { credentialsOf, hasOneHost, type IncomingRequest, toApiRequest } from "./incoming_request.ts";

/** How long a client gets to take its answer before the rest of its upload is cut. */
const lingerMs = 1000;

/** The response to an {@linkcode IncomingRequest}. */
export type OutgoingResponse = ServerResponse | Http2ServerResponse;

/** What {@linkcode serveRequest} works with. */
export interface ServeOptions {
  readonly handler: ApiHandler;
  readonly clock: Clock;
  /** Milliseconds within which the request must have arrived, body included. */
  readonly requestTimeoutMs: number;
  /** Milliseconds that a client may leave JSON unread. */
  readonly stallTimeoutMs: number;
  readonly log: Logger;
}

/** Answers one request. Never rejects: what goes wrong on the way is logged, and the connection cut. */
export async function serveRequest(
  request: IncomingRequest,
  response: OutgoingResponse,
  { handler, clock, requestTimeoutMs, stallTimeoutMs, log }: ServeOptions,
): Promise<void> {
  const aborted = new AbortController();
  let isSent = false;
  const onSent = () => {
    isSent = true;
  };
  response.once("close", () => {
    if (!isSent) aborted.abort(new DOMException("The client went away", "AbortError"));
  });
  request.on("error", () => {});
  response.on("error", () => {});
  // Over HTTP/1.1 the server does this by itself.
  const cancelDeadline =
    "stream" in request
      ? clock.schedule(requestTimeoutMs, () => {
          if (!request.complete) request.stream.close(constants.NGHTTP2_CANCEL);
        })
      : () => {};
  try {
    if (!hasOneHost(request)) return await refuseHost(request, response);
    const apiRequest = toApiRequest(request);
    const answer = await handler.handle(apiRequest, {
      remoteAddress: request.socket.remoteAddress,
      credentials: credentialsOf(request),
      signal: aborted.signal,
    });
    if (aborted.signal.aborted) {
      if (!(answer.body instanceof Uint8Array)) await answer.body[Symbol.asyncIterator]().return?.();
      return;
    }
    const onStall = () => cut(response);
    const stall = isJson(answer) ? { schedule: () => clock.schedule(stallTimeoutMs, onStall) } : undefined;
    await send(answer, { request, response, signal: aborted.signal, stall, onSent });
    if ("stream" in request && !request.complete) endUpload(request, clock);
  } catch (error) {
    if (!aborted.signal.aborted) log.warn("Cannot answer a request", { error: errorMessage(error) });
    cut(response);
  } finally {
    cancelDeadline();
  }
}

/** Logs may stand still for as long as somebody reads them page by page; lists and watches are read by programs. */
function isJson({ headers }: ApiResponse): boolean {
  return headers["content-type"] === "application/json";
}

async function refuseHost(request: IncomingRequest, response: OutgoingResponse): Promise<void> {
  const body = new TextEncoder().encode("400 Bad Request: expected one Host header\n");
  const headers = { "content-type": "text/plain; charset=utf-8", connection: "close" };
  await send({ status: 400, headers, body }, { request, response, signal: new AbortController().signal });
}

/** @param to.signal aborted once the response is closed: nothing that it would still emit can be waited for then */
async function send(
  answer: ApiResponse,
  {
    request,
    response,
    signal,
    stall,
    onSent,
  }: {
    readonly request: IncomingRequest;
    readonly response: OutgoingResponse;
    readonly signal: AbortSignal;
    /** Sets the time by which what waits must be read; gives back how to call it off. */
    readonly stall?: { schedule(): () => void } | undefined;
    /** Called once all is handed over, before the response is closed. */
    readonly onSent?: () => void;
  },
): Promise<void> {
  const isHttp1 = request.httpVersionMajor === 1;
  // What is left of a refused body is not worth reading: the connection goes with it.
  const unread = !request.complete && request.method !== "GET" && request.method !== "HEAD";
  const headers: Record<string, string | string[]> = {};
  for (const name of Object.keys(answer.headers)) {
    const value = answer.headers[name];
    if (value !== undefined) headers[name] = typeof value === "string" ? value : [...value];
  }
  if (answer.body instanceof Uint8Array && answer.status !== 304)
    headers["content-length"] = String(answer.body.length);
  if (unread && isHttp1) headers["connection"] = "close";
  (response as ServerResponse).writeHead(answer.status, headers);
  if (request.method === "HEAD") {
    if (!(answer.body instanceof Uint8Array)) await answer.body[Symbol.asyncIterator]().return?.();
    await end(response, undefined, onSent);
  } else if (answer.body instanceof Uint8Array) {
    await end(response, answer.body, onSent);
  } else {
    (response as ServerResponse).flushHeaders();
    for await (const chunk of answer.body) {
      if (signal.aborted) return;
      if ((response as ServerResponse).write(chunk)) continue;
      const cancelStall = stall?.schedule();
      await drained(response, signal);
      cancelStall?.();
    }
    if (signal.aborted) return;
    await end(response, undefined, onSent);
  }
  if (unread && isHttp1 && !request.complete) request.socket.destroy();
}

/** Ends an upload that nobody wants. Not at once: a reset would overtake the answer, and Go's clients would never see it. */
function endUpload({ stream }: Http2ServerRequest, clock: Clock): void {
  if (stream.closed) return;
  stream.once(
    "close",
    clock.schedule(lingerMs, () => stream.close(constants.NGHTTP2_NO_ERROR)),
  );
}

function end(
  response: OutgoingResponse,
  body: Uint8Array | undefined,
  onSent: (() => void) | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    response.once("close", resolve);
    (response as ServerResponse).end(body, () => {
      onSent?.();
      resolve();
    });
  });
}

function drained(response: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

/** Ends an answer that cannot be finished so that the client sees it is cut. */
function cut(response: OutgoingResponse): void {
  if ("stream" in response && response.stream) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}
