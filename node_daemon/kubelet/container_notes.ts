import type { StringMap } from "../../core/api/meta.ts";
import type { Container, Handler, Pod } from "../../core/kinds/pod.ts";

/** Which list of the pod's spec a container stands in. */
export type ContainerKind = "init" | "main" | "ephemeral";

/**
 * What the kubelet writes on a container when it makes it, to know it again after its own restart. A container is judged
 * by these notes only, never by a hash of its spec: defaults of a newer kubelet must not restart anything.
 */
export interface ContainerNotes {
  readonly kind: ContainerKind;
  /** `spec.image` that it was made from: the one field whose change replaces a running container. */
  readonly image: string;
  /** Milliseconds to wait, after this one ended, before the next may start. */
  readonly backOffMs: number;
  /** Seconds, for ending it when its pod is no longer known. */
  readonly gracePeriodSeconds: number;
  readonly preStop: Handler | undefined;
  /** File of the host that holds its last words; undefined when the runtime has no place for one. */
  readonly messageFile: string | undefined;
  readonly messagePolicy: "File" | "FallbackToLogsOnError";
}

const prefix = "wherry.dev/";
const maxHandlerLength = 64 * 1024;

/** The notes of a container about to be made. */
export function notesFor(
  pod: Pod,
  container: Container,
  own: Pick<ContainerNotes, "kind" | "backOffMs" | "messageFile">,
): ContainerNotes {
  return {
    ...own,
    image: container.image ?? "",
    gracePeriodSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
    preStop: container.lifecycle?.preStop,
    messagePolicy: container.terminationMessagePolicy ?? "File",
  };
}

/** Notes as the annotations of a container. */
export function writeNotes(notes: ContainerNotes): StringMap {
  return {
    [`${prefix}container-kind`]: notes.kind,
    [`${prefix}spec-image`]: notes.image,
    [`${prefix}back-off-ms`]: String(notes.backOffMs),
    [`${prefix}grace-period-seconds`]: String(notes.gracePeriodSeconds),
    [`${prefix}message-policy`]: notes.messagePolicy,
    ...(notes.preStop ? { [`${prefix}pre-stop`]: JSON.stringify(notes.preStop) } : {}),
    ...(notes.messageFile === undefined ? {} : { [`${prefix}message-file`]: notes.messageFile }),
  };
}

/** The notes on a container; sensible ones where something is missing. */
export function readNotes({ annotations }: { readonly annotations: StringMap }): ContainerNotes {
  const text = (name: string) => (Object.hasOwn(annotations, prefix + name) ? annotations[prefix + name] : undefined);
  const number = (name: string, otherwise: number) => {
    const value = Number(text(name) ?? Number.NaN);
    return Number.isFinite(value) && value >= 0 ? value : otherwise;
  };
  const kind = text("container-kind");
  return {
    kind: kind === "init" || kind === "ephemeral" ? kind : "main",
    image: text("spec-image") ?? "",
    backOffMs: number("back-off-ms", 0),
    gracePeriodSeconds: number("grace-period-seconds", 30),
    preStop: parseHandler(text("pre-stop")),
    messageFile: text("message-file"),
    messagePolicy: text("message-policy") === "FallbackToLogsOnError" ? "FallbackToLogsOnError" : "File",
  };
}

function parseHandler(text: string | undefined): Handler | undefined {
  if (text === undefined || text.length > maxHandlerLength) return undefined;
  try {
    return JSON.parse(text) as Handler;
  } catch {
    return undefined; // Somebody changed it: ending without the hook is better than not ending.
  }
}
