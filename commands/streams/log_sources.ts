import { isReason } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { type LogOptions, logs } from "../../core/client/logs.ts";
import { podResource } from "../../core/client/resources.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import type { CommandEnv } from "../env.ts";
import { errorText } from "../output/errors.ts";
import { allContainers, containerOf } from "../pods.ts";

/** What to ask each log for. */
export type LogQuery = Omit<LogOptions, "container" | "signal">;

/** A container whose log is printed. */
export interface LogSource {
  readonly pod: Pod;
  readonly container: string;
}

/** How logs are printed. */
export interface PrintOptions {
  readonly client: Client;
  readonly env: CommandEnv;
  readonly query: LogQuery;
  /** Whether each line begins with its pod and container. */
  readonly prefix: boolean;
  /** Says what went wrong with one log, and goes on with the others. */
  readonly ignoreErrors: boolean;
}

/** The container that is meant, as `containerOf()` chooses it. */
export function sourceOf(pod: Pod, container: string | undefined, env: CommandEnv): LogSource {
  return { pod, container: containerOf(pod, container, env).name };
}

/** All containers of a pod. */
export function allSources(pod: Pod): readonly LogSource[] {
  return allContainers(pod).map(({ name }) => ({ pod, container: name }));
}

/** Prints logs, one after another or all at once. */
export async function printAll(
  sources: readonly LogSource[],
  { atOnce, ...options }: PrintOptions & { readonly atOnce: boolean },
): Promise<void> {
  if (atOnce) await Promise.all(sources.map((source) => print(source, options)));
  else for (const source of sources) await print(source, options);
}

async function print(source: LogSource, options: PrintOptions): Promise<void> {
  const { client, env, query, prefix, ignoreErrors } = options;
  const { namespace, name = "" } = source.pod.metadata;
  const lines = new LineSplitter();
  const begin = prefix ? new TextEncoder().encode(`[pod/${name}/${source.container}] `) : undefined;
  try {
    const chunks = logs(client, { namespace, name }, { ...query, container: source.container, signal: env.signal });
    // Lines are written as a whole: those of several containers must not be mixed.
    for await (const chunk of chunks)
      for (const line of lines.take(chunk)) await env.terminal.write(begin ? joined(begin, line) : line);
    const rest = lines.rest();
    if (rest.length > 0) await env.terminal.write(begin ? joined(begin, rest) : rest);
  } catch (error) {
    if (!ignoreErrors) throw error;
    await env.terminal.write(`${errorText(error).replace(/^error: |^/, "error: ")}\n`);
  }
}

const lineFeed = 10;
const maxHeldBytes = 1024 * 1024;

/** Cuts bytes behind line feeds. A line that does not end is given in pieces of 1 MiB. */
class LineSplitter {
  #rest: Uint8Array = new Uint8Array();

  take(chunk: Uint8Array): readonly Uint8Array[] {
    const bytes = this.#rest.length > 0 ? joined(this.#rest, chunk) : chunk;
    const end = bytes.lastIndexOf(lineFeed) + 1;
    const lines: Uint8Array[] = [];
    for (let at = 0; at < end; ) {
      const next = bytes.indexOf(lineFeed, at) + 1;
      lines.push(bytes.subarray(at, next));
      at = next;
    }
    this.#rest = bytes.subarray(end);
    if (this.#rest.length > maxHeldBytes) lines.push(this.rest());
    return lines;
  }

  rest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = new Uint8Array();
    return rest;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** Which pods are followed. */
export interface FollowOptions extends PrintOptions {
  readonly namespace: string;
  readonly choose: (pod: Pod) => readonly LogSource[];
}

const watchAgainMs = 1000;

/**
 * Prints the logs of pods as they come and of their containers as they are started again, until Ctrl-C. What was written
 * before counts for pods that are there at the beginning; later ones are printed from their first line.
 */
export async function followNewPods(
  where: { readonly labelSelector?: string | undefined; readonly fieldSelector?: string | undefined },
  options: FollowOptions,
): Promise<void> {
  const { client, env, namespace, choose, query } = options;
  const followed = new Set<string>();
  const printing: Promise<void>[] = [];
  let present = true;
  const take = (pod: Pod) => {
    for (const source of choose(pod)) {
      const run = runOf(pod, source.container);
      if (run === undefined || followed.has(run)) continue;
      followed.add(run);
      const { tailLines, sinceSeconds, sinceTime, ...fromTheStart } = query;
      const own = present ? { ...fromTheStart, tailLines, sinceSeconds, sinceTime } : fromTheStart;
      // A pod that goes while its log is opened takes nobody else's log with it.
      const printed = print(source, { ...options, query: own }).catch((error: unknown) => {
        if (!isReason(error, "NotFound") && !isReason(error, "BadRequest")) throw error;
        env.terminal.warn(errorText(error));
      });
      printing.push(printed);
    }
  };
  while (!env.signal.aborted) {
    const { items, metadata } = await client.list(podResource, { namespace, ...where, signal: env.signal });
    for (const pod of items) take(pod);
    present = false;
    const { resourceVersion } = metadata;
    for await (const event of client.watch(podResource, { namespace, ...where, resourceVersion, signal: env.signal }))
      if (event.type === "ADDED" || event.type === "MODIFIED") take(event.object);
    if (!env.signal.aborted) await env.clock.sleep(watchAgainMs, { signal: env.signal });
  }
  await Promise.all(printing);
}

/** A name for one run of a container; undefined before it has run. */
function runOf({ metadata, status }: Pod, container: string): string | undefined {
  const statuses = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  const found = statuses.find(({ name }) => name === container);
  if (!found?.state?.running && !found?.state?.terminated) return undefined;
  return `${metadata.uid}/${container}/${found.restartCount}`;
}
