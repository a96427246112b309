import type { Duplex } from "node:stream";
import type { Status } from "../../../core/api/status.ts";
import { StatusError } from "../../../core/api/status.ts";
import { channel, decodeFrames, encodeFrame } from "../../../core/client/channel_frames.ts";
import { errorMessage } from "../../../core/util/log.ts";
import type { ExecSession } from "../../runtime/runtime.ts";
import { write } from "./write.ts";

/** Which streams the peer wants. */
export interface WantedStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Options of {@linkcode serveChannels}. */
export interface ServeChannelsOptions {
  readonly socket: Duplex;
  readonly streams: WantedStreams;
  /** Opens the session; the signal is aborted when the peer has gone. */
  open(signal: AbortSignal): Promise<ExecSession>;
  /** Whether the exit code is the peer's business: of exec it is, of attach not. */
  readonly reportExitCode: boolean;
}

const maxTerminalSize = 65_535;

/** Connects a session with the peer by channel frames, both ways with back-pressure, and tells the peer how it ended. */
export async function serveChannels(options: ServeChannelsOptions): Promise<void> {
  const { socket, open } = options;
  const gone = new AbortController();
  const leave = () => gone.abort(new DOMException("The peer has gone", "AbortError"));
  socket.on("error", leave).on("close", leave).on("end", leave);
  let session: ExecSession | undefined;
  try {
    session = await open(gone.signal);
    // Nothing waits for input to end: the session ends with its output.
    receive(socket, session, options.streams).catch(leave);
    await sendOutput(socket, session, { ...options.streams, signal: gone.signal });
    const code = await session.exitCode;
    if (!gone.signal.aborted) await sendStatus(socket, options.reportExitCode ? exitStatus(code) : exitStatus(0));
  } catch (error) {
    if (!gone.signal.aborted) await sendStatus(socket, failureStatus(error));
  } finally {
    session?.kill();
    socket.end();
  }
}

/** The Status that ends an exec. @see https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/exec.go */
function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: "Success" };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
    code: 500,
  };
}

function failureStatus(error: unknown): Status {
  if (error instanceof StatusError) return error.status;
  return StatusError.internal(`error executing command in container: ${errorMessage(error)}`).status;
}

async function sendOutput(
  socket: Duplex,
  session: ExecSession,
  { stdout, stderr, signal }: WantedStreams & { readonly signal: AbortSignal },
): Promise<void> {
  const wanted = { stdout, stderr };
  for await (const { stream, data } of session.output) {
    if (signal.aborted) return;
    if (wanted[stream]) await write(socket, encodeFrame({ channel: channel[stream], payload: data }));
  }
}

async function receive(socket: Duplex, session: ExecSession, { stdin }: WantedStreams): Promise<void> {
  for await (const frame of decodeFrames(socket.iterator({ destroyOnReturn: false }))) {
    if (frame.channel === channel.stdin && stdin) await session.write(frame.payload);
    else if (frame.channel === channel.closeInput && stdin) session.closeInput();
    else if (frame.channel === channel.resize) await resize(session, frame.payload);
  }
}

async function resize(session: ExecSession, payload: Uint8Array): Promise<void> {
  const size: unknown = JSON.parse(new TextDecoder().decode(payload.subarray(0, 1024)));
  if (typeof size !== "object" || size === null) return;
  const { Width: width, Height: height } = size as { readonly Width?: unknown; readonly Height?: unknown };
  if (isTerminalSize(width) && isTerminalSize(height)) await session.resize({ width, height });
}

function isTerminalSize(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= maxTerminalSize;
}

function sendStatus(socket: Duplex, status: object): Promise<void> {
  const payload = new TextEncoder().encode(JSON.stringify(status));
  return write(socket, encodeFrame({ channel: channel.status, payload }));
}
