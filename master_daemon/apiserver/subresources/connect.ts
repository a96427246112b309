import { fieldError, StatusError } from "../../../core/api/status.ts";
import { bytesProtocol, channelsProtocol } from "../../../core/client/channel_frames.ts";
import { booleanParameter } from "../query.ts";
import type { ResourceRequest } from "../services.ts";
import { parsePort } from "../streaming/port_forward.ts";
import type { StreamTarget } from "../streaming/target.ts";
import { containerOf, nodeOf, nodePath, podOf, statusOf } from "./pod_target.ts";

/** Subresources of pods that are upgraded to a stream. */
export const connectSubresources: readonly string[] = ["exec", "attach", "portforward"];

const maxPorts = 64;

/**
 * Checks a request for exec, attach or port-forward and opens the node's end of it. Everything that can be refused is
 * refused here, before the connection is upgraded.
 *
 * @throws StatusError
 */
export function connectPod(r: Omit<ResourceRequest, "kind" | "registry" | "form">): Promise<StreamTarget> {
  return r.route.subresource === "portforward" ? portForward(r) : exec(r);
}

async function exec(r: Omit<ResourceRequest, "kind" | "registry" | "form">): Promise<StreamTarget> {
  const { query, route, services, signal } = r;
  const isExec = route.subresource === "exec";
  const command = query.getAll("command");
  if (isExec && command.every((word) => word === ""))
    throw StatusError.invalid({ group: "", kind: "PodExecOptions" }, "", [fieldError.required("command")]);
  const options = {
    stdin: booleanParameter(query, "stdin"),
    stdout: booleanParameter(query, "stdout"),
    stderr: booleanParameter(query, "stderr"),
    tty: booleanParameter(query, "tty"),
  };
  if (options.tty && options.stderr) options.stderr = false;
  if (!options.stdin && !options.stdout && !options.stderr)
    throw StatusError.badRequest("you must specify at least 1 of stdin, stdout, stderr");
  const pod = await podOf(r);
  const container = containerOf(pod, query.get("container"));
  const { namespace = "", name = "" } = pod.metadata;
  const { phase } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed")
    throw StatusError.badRequest(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  const node = await nodeOf(r, pod);
  const waiting = statusOf(pod, container)?.state?.waiting;
  if (waiting)
    throw StatusError.badRequest(
      `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${waiting.reason ?? "ContainerCreating"}`,
    );
  const flags = Object.entries(options).filter(([, wanted]) => wanted);
  const path = nodePath(
    [isExec ? "exec" : "attach", namespace, name, container],
    [
      ...(isExec ? command.map((word): [string, string] => ["command", word]) : []),
      ...flags.map(([flag]): [string, string] => [flag, "true"]),
    ],
  );
  const connection = await services.nodes.upgrade(node, path, channelsProtocol, { signal });
  return { kind: "channels", node: connection, ...options };
}

async function portForward(r: Omit<ResourceRequest, "kind" | "registry" | "form">): Promise<StreamTarget> {
  const { query, services, signal } = r;
  const ports = query
    .getAll("ports")
    .flatMap((text) => text.split(","))
    .map((text) => {
      const port = parsePort(text);
      if (port === undefined)
        throw StatusError.badRequest(
          `invalid port ${JSON.stringify(text.slice(0, 64))}: must be a number from 1 to 65535`,
        );
      return port;
    });
  if (ports.length > maxPorts) throw StatusError.badRequest(`at most ${maxPorts} ports may be forwarded at once`);
  const pod = await podOf(r);
  const node = await nodeOf(r, pod);
  const { namespace = "", name = "", uid = "" } = pod.metadata;
  return {
    kind: "portforward",
    ports,
    pod: `pod ${name}, uid ${uid}`,
    dial: (port) =>
      services.nodes.upgrade(
        node,
        nodePath(["portForward", namespace, name], [["port", String(port)]]),
        bytesProtocol,
        {
          signal,
        },
      ),
  };
}
