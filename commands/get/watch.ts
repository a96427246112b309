import { goJson } from "../../core/api/go_json.ts";
import { asJson, asObject } from "../../core/api/json_object.ts";
import type { KubeList, KubeObject } from "../../core/api/meta.ts";
import { isReason, StatusError } from "../../core/api/status.ts";
import { jsonLines } from "../../core/client/json_lines.ts";
import type { CommandEnv } from "../env.ts";
import { withoutManagedFields } from "../output/format.ts";
import { type Format, itemsOf, printWith } from "../output/object_printer.ts";
import type { WireTable } from "../output/table.ts";
import { UsageError } from "../verb.ts";
import { asTable } from "./as_table.ts";
import { fetchPages, open, tableAccept } from "./fetch.ts";
import { type GetFlags, type GetRequest, type GetRequests, pathOf } from "./requests.ts";
import { tablePrinter } from "./tables.ts";

type Show = (object: KubeObject | KubeList<KubeObject>, event: string) => Promise<void>;

/**
 * Prints what was asked for, and each change of it until told to stop, or for as long as an answer may take. One resource,
 * and one object of it or all.
 */
export async function watchObjects(
  requests: GetRequests,
  format: Format | undefined,
  flags: GetFlags,
  env: CommandEnv,
): Promise<void> {
  if (!env.requestTimeoutMs) return await watchOn(requests, format, flags, env);
  const ended = new AbortController();
  const cancel = env.clock.schedule(env.requestTimeoutMs, () => ended.abort());
  try {
    await watchOn(requests, format, flags, { ...env, signal: AbortSignal.any([env.signal, ended.signal]) });
  } catch (error) {
    if (!ended.signal.aborted || env.signal.aborted) throw error;
  } finally {
    cancel();
  }
}

async function watchOn(
  { requests }: GetRequests,
  format: Format | undefined,
  flags: GetFlags,
  env: CommandEnv,
): Promise<void> {
  const resources = new Set(requests.map(({ resource }) => `${resource.plural}.${resource.group}`));
  if (resources.size > 1) throw new UsageError("you may only specify a single resource type");
  const [request] = requests;
  if (!request) return;
  if (requests.length > 1) {
    throw new UsageError(
      "watch is only supported on individual resources and resource collections - more than 1 resource was found",
    );
  }
  const show = format ? showObjects(format, flags, env) : showRows(request, flags, env);
  const accept = format || !flags["server-print"] ? "application/json" : tableAccept;
  // Of one object the first event is the object as it is now.
  let version = "0";
  let skipFirst = request.name !== undefined;
  try {
    for await (const page of fetchPages(
      request,
      { accept, chunkSize: flags["chunk-size"], ignoreNotFound: false },
      env,
    )) {
      if (request.name === undefined) version = page.metadata?.resourceVersion ?? "0";
      if (!flags["watch-only"]) await show(page, "ADDED");
    }
  } catch (error) {
    if (flags["ignore-not-found"] && isReason(error, "NotFound")) return;
    throw error;
  }
  for await (const { type, object } of events(request, version, accept, env)) {
    if (!skipFirst) await show(object, type);
    skipFirst = false;
  }
}

interface RawEvent {
  readonly type: string;
  readonly object: KubeObject;
}

async function* events(
  request: GetRequest,
  resourceVersion: string,
  accept: string,
  env: CommandEnv,
): AsyncGenerator<RawEvent, void, void> {
  const { name, fieldSelector } = request;
  const list = {
    ...request,
    name: undefined,
    fieldSelector: name === undefined ? fieldSelector : `metadata.name=${name}`,
  };
  const response = await open(pathOf(list, { resourceVersion, watch: true }), accept, request, env);
  const bytes = response.body instanceof Uint8Array ? one(response.body) : response.body;
  for await (const event of jsonLines(bytes)) {
    const { type, object } = event as RawEvent;
    if (type === "ERROR") throw StatusError.from(object as unknown as StatusError["status"]);
    if (type !== "BOOKMARK") yield { type, object };
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const paddedEvents: Readonly<Record<string, string>> = { ADDED: "ADDED   ", MODIFIED: "MODIFIED", DELETED: "DELETED " };

function showRows({ resource }: GetRequest, flags: GetFlags, env: CommandEnv): Show {
  const printer = tablePrinter(resource, flags, env);
  return async (object, event) => {
    let table: WireTable = asTable(object, env.clock.now());
    if (flags["output-watch-events"]) table = { ...table, event: paddedEvents[event] ?? event };
    const lines = printer.lines(table);
    if (lines.length > 0) await env.terminal.write(`${lines.join("\n")}\n`);
  };
}

function showObjects(format: Format, flags: GetFlags, env: CommandEnv): Show {
  const isJson = flags.output === "json";
  return async (object, type) => {
    for (const item of itemsOf(object as KubeObject)) {
      if (!flags["output-watch-events"] || flags.output === "name") await printWith(format, item, env.terminal);
      else if (isJson) {
        const shown = flags["show-managed-fields"] ? item : withoutManagedFields(item);
        await env.terminal.write(`${goJson({ type, object: shown })}\n`);
      } else await printWith(format, asObject({ type, object: asJson(item) }), env.terminal);
    }
  };
}
