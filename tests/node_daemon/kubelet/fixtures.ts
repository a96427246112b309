import type { Container as ContainerSpec, Pod, PodSpec, PodStatus } from "../../../core/kinds/pod.ts";
import { type ContainerNotes, writeNotes } from "../../../node_daemon/kubelet/container_notes.ts";
import type { PodView } from "../../../node_daemon/kubelet/pod_view.ts";
import type { Container, Sandbox } from "../../../node_daemon/runtime/runtime.ts";

/** The moment at which the fixtures stand. */
export const now: number = Date.UTC(2026, 0, 1, 12);

/** A pod on this node. */
export function makePod(spec: Partial<PodSpec> = {}, rest: { metadata?: object; status?: PodStatus } = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "uid-1",
      resourceVersion: "1",
      generation: 1,
      ...rest.metadata,
    },
    spec: { containers: [spec1("app")], nodeName: "node-1", restartPolicy: "Always", ...spec },
    ...(rest.status ? { status: rest.status } : {}),
  };
}

/** A container of a spec. */
export function spec1(name: string, rest: Partial<ContainerSpec> = {}): ContainerSpec {
  return { name, image: "img:1", command: ["run"], ...rest };
}

/** A ready sandbox. */
export function makeSandbox(rest: Partial<Sandbox> = {}): Sandbox {
  return {
    id: "sb0",
    namespace: "default",
    name: "web",
    uid: "uid-1",
    attempt: 0,
    ready: true,
    ip: "127.64.1.2",
    createdAt: now - 60_000,
    ...rest,
  };
}

/** A running container of the fixture's pod. */
export function makeContainer(
  name: string,
  rest: Partial<Container> & { notes?: Partial<ContainerNotes> } = {},
): Container {
  const { notes, ...own } = rest;
  const attempt = own.attempt ?? 0;
  return {
    id: `${name}-${attempt}`,
    sandboxId: "sb0",
    podUid: "uid-1",
    name,
    attempt,
    image: "img:1",
    imageId: "img@1",
    state: "running",
    createdAt: now - 50_000,
    startedAt: now - 50_000,
    finishedAt: undefined,
    exitCode: undefined,
    signal: undefined,
    oomKilled: false,
    reason: undefined,
    message: undefined,
    annotations: writeNotes({
      kind: "main",
      image: "img:1",
      backOffMs: 0,
      gracePeriodSeconds: 30,
      preStop: undefined,
      messageFile: undefined,
      messagePolicy: "File",
      ...notes,
    }),
    ...own,
  };
}

/** A container that ended `agoMs` before `now`, after a run of `ranMs`. */
export function ended(
  name: string,
  exitCode: number,
  {
    agoMs = 1000,
    ranMs = 5000,
    ...rest
  }: Partial<Container> & { notes?: Partial<ContainerNotes>; agoMs?: number; ranMs?: number } = {},
): Container {
  const finishedAt = now - agoMs;
  return makeContainer(name, { state: "exited", exitCode, startedAt: finishedAt - ranMs, finishedAt, ...rest });
}

/** A view of a pod. */
export function view(pod: Pod, rest: Partial<PodView> = {}): PodView {
  return {
    pod,
    removed: false,
    sandboxes: [makeSandbox()],
    containers: [],
    probes: new Map(),
    failures: new Map(),
    now,
    ...rest,
  };
}
