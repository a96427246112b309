import type Docker from "dockerode";
import { label, limitsOf } from "./docker_config.ts";
import type { Container, Sandbox } from "./runtime.ts";

/** A sandbox from how the engine lists it. */
export function describeSandbox({ Id, Labels, State, Created, NetworkSettings }: Docker.ContainerInfo): Sandbox {
  const [network] = Object.values(NetworkSettings?.Networks ?? {});
  return {
    id: Id,
    namespace: Labels[label.podNamespace] ?? "",
    name: Labels[label.podName] ?? "",
    uid: Labels[label.podUid] ?? "",
    attempt: Number(Labels[label.attempt]),
    runtimeHandler: Labels[label.runtimeHandler],
    ready: State === "running",
    ip: Labels[label.hostNetwork] === "true" ? undefined : network?.IPAddress || undefined,
    createdAt: Created * 1000,
  };
}

/** A container from how the engine describes it. */
export function describeContainer({
  Id,
  Image,
  Created,
  State,
  Config,
  HostConfig,
}: Docker.ContainerInspectInfo): Container {
  const labels = Config.Labels;
  const { Status, ExitCode, Error: problem, OOMKilled, StartedAt, FinishedAt } = State;
  // A start that failed leaves the engine's state at "created", with a code and its reason.
  const failed = Status === "created" && ExitCode !== 0;
  const ended = failed || Status === "exited" || Status === "dead" || Status === "removing";
  const startedAt = failed ? Date.parse(Created) : timeOf(StartedAt);
  const code = failed ? 128 : ExitCode;
  return {
    id: Id,
    sandboxId: labels[label.sandboxId] ?? "",
    podUid: labels[label.podUid] ?? "",
    name: labels[label.containerName] ?? "",
    attempt: Number(labels[label.attempt]),
    image: labels[label.image] ?? Config.Image,
    imageId: `docker://${Image}`,
    state: ended ? "exited" : Status === "created" ? "created" : "running",
    createdAt: Date.parse(Created),
    startedAt,
    // The engine notes a start after it happened: a short program may have ended before.
    finishedAt: ended ? Math.max(timeOf(FinishedAt) ?? 0, startedAt ?? 0) : undefined,
    exitCode: ended ? code : undefined,
    signal: ended && !failed && code > 128 && code < 160 ? code - 128 : undefined,
    oomKilled: OOMKilled,
    reason: failed ? "StartError" : OOMKilled ? "OOMKilled" : undefined,
    message: problem || undefined,
    annotations: JSON.parse(labels[label.annotations] ?? "{}"),
    ...(labels[label.user] ? { user: JSON.parse(labels[label.user] ?? "") } : {}),
    limits: limitsOf(HostConfig),
  };
}

/** A time of the engine, which says year 1 for never. */
function timeOf(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) || time <= 0 ? undefined : time;
}
