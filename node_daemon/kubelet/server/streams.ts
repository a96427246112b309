import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { StatusError } from "../../../core/api/status.ts";
import { bytesProtocol, channelsProtocol } from "../../../core/client/channel_frames.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { errorMessage } from "../../../core/util/log.ts";
import type { ContainerRuntime } from "../../runtime/runtime.ts";
import { serveChannels } from "./channels.ts";
import { findRunningContainer } from "./find_container.ts";
import { podOf, type ServedPods } from "./pods.ts";
import { booleanParameter, type ContainerRoute, integerParameter, type Route } from "./route.ts";

/** A request to upgrade a connection. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Aborted when the server closes. */
  readonly signal: AbortSignal;
}

/** What streams are opened with. */
export interface StreamOptions {
  readonly pods: ServedPods;
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
}

const maxCommandWords = 4096;
const keepAliveMs = 30_000;
const connectMs = 10_000;

/** Exec and attach. @throws StatusError before the connection is upgraded */
export async function upgradeToChannels(
  { verb, namespace, pod: podName, container: name, query }: ContainerRoute,
  { request, socket, signal: closing }: UpgradeRequest,
  { pods, runtime }: StreamOptions,
): Promise<void> {
  const pod = podOf(pods, namespace, podName);
  requireProtocol(request, channelsProtocol);
  const command = query.getAll("command");
  if (verb === "exec" && (command.length === 0 || command[0] === "")) {
    throw StatusError.badRequest("you must specify at least 1 of stdin, stdout, stderr and a command");
  }
  if (command.length > maxCommandWords) throw StatusError.badRequest("the command has too many words");
  const tty = booleanParameter(query, "tty");
  const streams = {
    stdin: booleanParameter(query, "stdin"),
    stdout: booleanParameter(query, "stdout"),
    stderr: booleanParameter(query, "stderr") && !tty,
    tty,
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr) {
    throw StatusError.badRequest("you must specify at least 1 of stdin, stdout, stderr");
  }
  const containers = await runtime.listContainers({ podUid: pod.metadata.uid ?? "", signal: closing });
  const { id } = findRunningContainer({ pod, name, containers });
  switchProtocols(socket, channelsProtocol);
  const { stdin } = streams;
  await serveChannels({
    socket,
    streams,
    reportExitCode: verb === "exec",
    open: (signal) =>
      verb === "exec" ? runtime.exec(id, { command, stdin, tty, signal }) : runtime.attach(id, { stdin, tty, signal }),
  });
}

/** Connects a stream with a port of a pod, until either ends. @throws StatusError before the connection is upgraded */
export async function upgradeToPort(
  { namespace, pod: podName, query }: Extract<Route, { readonly verb: "portForward" }>,
  { request, socket, signal: closing }: UpgradeRequest,
  { pods, runtime, clock }: StreamOptions,
): Promise<void> {
  const pod = podOf(pods, namespace, podName);
  requireProtocol(request, bytesProtocol);
  const port = integerParameter(query, "port", 1);
  if (port === undefined || port > 65_535 || query.getAll("port").length !== 1) {
    throw StatusError.badRequest("port must be one number between 1 and 65535");
  }
  const sandboxes = await runtime.listSandboxes({ podUid: pod.metadata.uid ?? "", signal: closing });
  const sandbox = sandboxes.filter(({ ready }) => ready).sort((first, second) => second.attempt - first.attempt)[0];
  if (!sandbox) throw StatusError.badRequest(`pod ${podName} is not running`);
  const target = connect({ ...runtime.portAddress(sandbox, port), allowHalfOpen: true, noDelay: true });
  const cancel = clock.schedule(connectMs, () => target.destroy(new Error("the connection timed out")));
  try {
    await once(target, "connect", { signal: closing });
  } catch (error) {
    target.destroy();
    throw StatusError.internal(
      `error forwarding port ${port} to pod ${podName}, uid ${pod.metadata.uid}: ${errorMessage(error)}`,
    );
  } finally {
    cancel();
  }
  switchProtocols(socket, bytesProtocol);
  await join(socket, target);
}

function requireProtocol(request: IncomingMessage, protocol: string): void {
  if (request.headers.upgrade !== protocol) throw StatusError.badRequest(`expected an upgrade to ${protocol}`);
}

function switchProtocols(socket: Duplex, protocol: string): void {
  const { setTimeout: setIdleTimeout, setKeepAlive } = socket as Partial<Socket>;
  setIdleTimeout?.call(socket as Socket, 0);
  setKeepAlive?.call(socket as Socket, true, keepAliveMs);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
}

/** Copies both ways, each way to its own end; a break of one side breaks the other. */
async function join(first: Duplex, second: Duplex): Promise<void> {
  const closed = [first, second].map((stream) => new Promise<void>((resolve) => stream.once("close", () => resolve())));
  first.on("error", () => second.destroy());
  second.on("error", () => first.destroy());
  first.once("close", () => second.destroy());
  // What the target still has to say is sent before the end.
  second.once("close", () => (second.readableEnded ? first.end() : first.destroy()));
  first.pipe(second);
  second.pipe(first);
  await Promise.all(closed);
}
