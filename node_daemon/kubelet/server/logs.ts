import type { ServerResponse } from "node:http";
import { StatusError } from "../../../core/api/status.ts";
import { findLoggedContainer } from "./find_container.ts";
import { podOf } from "./pods.ts";
import { booleanParameter, type ContainerRoute, integerParameter } from "./route.ts";
import type { StreamOptions } from "./streams.ts";
import { write } from "./write.ts";

/** Answers with a container's log, until its end or until the peer goes. @throws StatusError */
export async function sendLogs(
  { namespace, pod: podName, container: name, query }: ContainerRoute,
  { response, signal }: { readonly response: ServerResponse; readonly signal: AbortSignal },
  { pods, runtime, clock }: StreamOptions,
): Promise<void> {
  const pod = podOf(pods, namespace, podName);
  const previous = booleanParameter(query, "previous");
  const options = {
    follow: booleanParameter(query, "follow"),
    timestamps: booleanParameter(query, "timestamps"),
    tailLines: integerParameter(query, "tailLines", 0),
    limitBytes: integerParameter(query, "limitBytes", 1),
    sinceMs: sinceMs(query, clock.now()),
    signal,
  };
  const containers = await runtime.listContainers({ podUid: pod.metadata.uid ?? "", signal });
  const { id } = findLoggedContainer({ pod, name, containers, previous });
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" });
  // A follower of a silent program learns at once that it is connected.
  response.flushHeaders();
  for await (const part of runtime.logs(id, options)) {
    if (signal.aborted) return;
    await write(response, part);
  }
  response.end();
}

function sinceMs(query: URLSearchParams, now: number): number | undefined {
  const seconds = integerParameter(query, "sinceSeconds", 1);
  const text = query.get("sinceTime");
  if (seconds !== undefined && text !== null) {
    throw StatusError.badRequest("at most one of `sinceTime` or `sinceSeconds` may be specified");
  }
  if (seconds !== undefined) return now - seconds * 1000;
  if (text === null) return undefined;
  const time = Date.parse(text.slice(0, 64));
  if (Number.isNaN(time)) throw StatusError.badRequest(`invalid value for sinceTime: expected an RFC 3339 time`);
  return time;
}
