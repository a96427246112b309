import type { ObjectKey } from "../api/meta.ts";
import { type Status, StatusError } from "../api/status.ts";
import { channel } from "./channel_frames.ts";
import type { CallOptions, Client } from "./client.ts";
import { ConnectionError } from "./connection_error.ts";
import { resourcePath } from "./paths.ts";
import { isRefusedUpgrade } from "./refused_upgrade.ts";
import { podResource } from "./resources.ts";
import { spdyMessages, type WantedStreams } from "./spdy_messages.ts";
import type { MessageStream } from "./transport.ts";

/** Size of a terminal in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Options of {@linkcode attach}. */
export interface AttachOptions extends CallOptions {
  /** Default: the pod's only container, or its default one. */
  readonly container?: string | undefined;
  /** What the command reads. Its end is the end of the command's input. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  /** Takes what the command writes; the next piece comes when the promise is resolved. */
  readonly stdout?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  /** With `tty` everything comes on `stdout`. */
  readonly stderr?: ((bytes: Uint8Array) => void | Promise<void>) | undefined;
  readonly tty?: boolean | undefined;
  /** The terminal's sizes, first and after each change. */
  readonly resize?: AsyncIterable<TerminalSize> | undefined;
}

/** Options of {@linkcode exec}. */
export interface ExecOptions extends AttachOptions {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
}

/** The command could not be run, as the node says. */
export class CommandError extends StatusError {
  /** By its class, where a StatusError is told by its shape: a refused request is no command that could not start. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(CommandError, value);
  }

  constructor({ code = 500, reason = "InternalError", message = "", details }: Partial<Status>) {
    super(code, reason, message, details);
  }
}

const protocol = "v5.channel.k8s.io";
const spdyProtocol = "v4.channel.k8s.io";

/**
 * Runs a command in a container.
 *
 * @returns the command's exit code
 * @throws StatusError when the server refuses, CommandError when the node could not start it, ConnectionError when the connection ended before the command did
 */
export function exec(client: Client, key: ObjectKey, options: ExecOptions): Promise<number> {
  return stream(client, key, "exec", { command: options.command }, options);
}

/**
 * Connects to what a container runs already. Resolves when that has ended.
 *
 * @returns its exit code
 * @throws StatusError and ConnectionError as {@linkcode exec}
 */
export function attach(client: Client, key: ObjectKey, options: AttachOptions): Promise<number> {
  return stream(client, key, "attach", {}, options);
}

async function stream(
  client: Client,
  { namespace = "default", name }: ObjectKey,
  subresource: "exec" | "attach",
  query: { readonly command?: readonly string[] },
  options: AttachOptions,
): Promise<number> {
  const { container, stdin, stdout, stderr, tty, signal } = options;
  const path = resourcePath(podResource, {
    namespace,
    name,
    subresource,
    query: {
      ...query,
      container,
      // Only what is true is sent.
      stdin: stdin ? true : undefined,
      stdout: stdout ? true : undefined,
      stderr: stderr && !tty ? true : undefined,
      tty: tty ? true : undefined,
    },
  });
  const messages = await open(client, path, {
    signal,
    wanted: {
      stdin: stdin !== undefined,
      stdout: stdout !== undefined,
      stderr: stderr !== undefined && !tty,
      resize: tty === true,
    },
  });
  const sending = Promise.all([
    options.resize ? sendSizes(messages, options.resize) : undefined,
    stdin ? sendInput(messages, stdin) : undefined,
  ]);
  // The command may end before its input does: then nobody waits for the rest. A lost connection is told by reading;
  // a failing `stdin` ends the stream, and is what the caller hears.
  let inputError: { readonly reason: unknown } | undefined;
  sending.catch((reason: unknown) => {
    inputError = { reason };
    messages.close();
  });
  try {
    return await receive(messages, { stdout, stderr });
  } catch (error) {
    signal?.throwIfAborted();
    if (inputError && error instanceof ConnectionError) throw inputError.reason;
    throw error;
  } finally {
    messages.close();
  }
}

/** Over a WebSocket or, where the server does not speak that protocol yet (before 1.30), over SPDY. */
async function open(
  client: Client,
  path: string,
  { signal, wanted }: { readonly signal: AbortSignal | undefined; readonly wanted: WantedStreams },
): Promise<MessageStream> {
  try {
    return await client.upgrade(path, { protocols: [protocol], signal });
  } catch (error) {
    if (!isRefusedUpgrade(error)) throw error;
    const streams = await client.spdy(path, { protocols: [spdyProtocol], signal });
    if (!streams) throw error;
    return await spdyMessages(streams, wanted);
  }
}

async function sendInput(messages: MessageStream, stdin: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const bytes of stdin) if (bytes.length > 0) await messages.send(message(channel.stdin, bytes));
  await messages.send(Uint8Array.of(channel.closeInput, channel.stdin));
}

async function sendSizes(messages: MessageStream, sizes: AsyncIterable<TerminalSize>): Promise<void> {
  for await (const { width, height } of sizes) {
    const bytes = new TextEncoder().encode(JSON.stringify({ Width: width, Height: height }));
    await messages.send(message(channel.resize, bytes));
  }
}

function message(number: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + payload.length);
  bytes[0] = number;
  bytes.set(payload, 1);
  return bytes;
}

async function receive(
  messages: MessageStream,
  { stdout, stderr }: Pick<AttachOptions, "stdout" | "stderr">,
): Promise<number> {
  for await (const bytes of messages) {
    const payload = bytes.subarray(1);
    if (bytes[0] === channel.status) return exitCode(JSON.parse(new TextDecoder().decode(payload)) as Status);
    if (payload.length === 0) continue;
    if (bytes[0] === channel.stdout) await stdout?.(payload);
    else if (bytes[0] === channel.stderr) await stderr?.(payload);
  }
  throw new ConnectionError("", "ECONNRESET", "The connection ended before the command did");
}

/** @see k8s.io/apimachinery/pkg/util/remotecommand: exit codes travel as a cause of a Status */
function exitCode(status: Status): number {
  if (status.status === "Success") return 0;
  if ((status.reason as string) === "NonZeroExitCode") {
    const code = Number(status.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message);
    if (Number.isInteger(code)) return code;
  }
  throw new CommandError(status);
}
