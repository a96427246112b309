import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { StatusError } from "../../../core/api/status.ts";
import { errorMessage } from "../../../core/util/log.ts";
import { metricsContentType } from "../../../core/util/prometheus.ts";

/** The error that the peer is told of. */
export function statusOf(error: unknown): StatusError {
  return error instanceof StatusError ? error : StatusError.internal(errorMessage(error));
}

/** Answers with a Status. */
export function sendStatus(response: ServerResponse, { status }: StatusError): void {
  sendJson(response, status.code, status);
}

/** Answers a request to upgrade with a Status, and ends the connection. */
export function refuseUpgrade(socket: Duplex, { status }: StatusError): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Answers with metrics, in Prometheus' text format. */
export function sendMetrics(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": metricsContentType, "content-length": Buffer.byteLength(text) }).end(text);
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  code: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  const own = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response.writeHead(code, { ...own, ...headers }).end(body);
}
