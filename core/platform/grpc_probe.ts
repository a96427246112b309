import { connect, constants } from "node:http2";

/** Whom to ask about which service (`""`: the server as a whole). */
export interface GrpcProbeRequest {
  readonly host: string;
  readonly port: number;
  readonly service: string;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

/** Answers of the health protocol by their number. */
const servingStatus: readonly string[] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/** Names of codes as Go words them; others are told as numbers. @see https://grpc.io/docs/guides/status-codes/ */
const codeNames: ReadonlyMap<number, string> = new Map([
  [1, "Canceled"],
  [2, "Unknown"],
  [3, "InvalidArgument"],
  [4, "DeadlineExceeded"],
  [5, "NotFound"],
  [7, "PermissionDenied"],
  [8, "ResourceExhausted"],
  [12, "Unimplemented"],
  [13, "Internal"],
  [14, "Unavailable"],
  [16, "Unauthenticated"],
]);
/** The code of a server that has no such service. */
export const unimplemented = 12;

/** A server answered that the call failed. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  readonly description: string;

  constructor(code: number, description: string) {
    super(`rpc error: code = ${codeNames.get(code) ?? `Code(${code})`} desc = ${description}`);
    this.code = code;
    this.description = description;
  }
}

const maxAnswerBytes = 64 * 1024;

/**
 * Asks a gRPC server for its health, without TLS; returns the name of the serving status.
 *
 * @throws GrpcError when the call fails, Error when there is no answer, or `signal.reason`
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function grpcProbe({ host, port, service, userAgent, signal }: GrpcProbeRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const session = connect(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
    const settle = (result: () => void) => {
      signal.removeEventListener("abort", onAbort);
      session.destroy();
      result();
    };
    const fail = (error: Error) => settle(() => reject(error));
    const onAbort = () => settle(() => reject(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    session.on("error", fail);

    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: "/grpc.health.v1.Health/Check",
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
      [constants.HTTP2_HEADER_USER_AGENT]: userAgent,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let grpcStatus: string | undefined;
    let grpcMessage = "";
    const note = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] === undefined) return;
      grpcStatus = String(headers["grpc-status"]);
      grpcMessage = decode(String(headers["grpc-message"] ?? ""));
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxAnswerBytes) fail(new Error("the answer of the health service is too long"));
      else chunks.push(chunk);
    });
    stream.on("error", fail);
    stream.on("end", () => {
      if (grpcStatus !== undefined && grpcStatus !== "0") return fail(new GrpcError(Number(grpcStatus), grpcMessage));
      const value = servingValue(Buffer.concat(chunks));
      settle(() => resolve(servingStatus[value] ?? String(value)));
    });
    stream.end(checkRequest(service));
  });
}

/** A length-prefixed HealthCheckRequest: field 1 is the service's name. */
function checkRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Field 1 of a HealthCheckResponse; 0 when it is left out. */
function servingValue(frame: Buffer): number {
  const message = frame.subarray(5);
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
