import { asJson } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import { apiVersionOf, type Kind } from "../../core/api/kind.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { ObjectBody } from "../../core/client/object_body.ts";
import type { ApiResponse } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { Registry, RegistryEvent, RegistryWatchOptions, Stored } from "../registry/registry.ts";
import { type AnswerForm, partialMetadata, tableFor } from "./respond.ts";

/** Options of {@linkcode watchResponse}. */
export interface WatchOptions {
  readonly kind: Kind;
  readonly registry: Registry;
  readonly watch: Omit<RegistryWatchOptions, "signal" | "timeoutMs">;
  readonly form: Omit<AnswerForm, "now">;
  /** Milliseconds after which the stream ends by itself. */
  readonly timeoutMs: number;
  /** Aborted when the client goes. */
  readonly signal: AbortSignal;
  /** Aborted when the server closes: the stream then ends cleanly. */
  readonly closing: AbortSignal;
  readonly clock: Clock;
  readonly log: Logger;
}

type Change = Extract<RegistryEvent, { stored: Stored }>;

const encoder = new TextEncoder();
const lineEnd = "}\n";
const pieceBytes = 64 * 1024;

/** Lines made of events, shared by all watchers. Gone with the event: an object that stays does not keep its line. */
const frames = new WeakMap<Change, Buffer>();

/** A stream of events, one JSON document a line. Errors after the head are told inside the stream. */
export function watchResponse(options: WatchOptions): ApiResponse {
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: eventLines(options),
  };
}

async function* eventLines(options: WatchOptions): AsyncGenerator<Uint8Array, void, void> {
  const { registry, watch, kind, form, clock, timeoutMs, log } = options;
  const isShared = form.takesObjects === true && form.representation.as === undefined;
  const timeout = new AbortController();
  const ending = linkSignals(options.signal, options.closing, timeout.signal);
  const end = () => timeout.abort(new DOMException("The watch ended", "AbortError"));
  const cancel = clock.schedule(timeoutMs, end);
  const toLine = lineMaker(options);
  try {
    for await (const events of registry.watch({ ...watch, timeoutMs, signal: ending.signal })) {
      if (isShared) yield new ObjectBody(events.map((event) => sharedEvent(kind, event)));
      else yield* inPieces(events, toLine);
    }
  } catch (error) {
    if (ending.signal.aborted) return;
    if (!(error instanceof StatusError)) log.error("Cannot go on with a watch", { error: errorMessage(error) });
    const { status } = error instanceof StatusError ? error : StatusError.internal("the watch failed");
    yield encodeLine("ERROR", asJson(status));
  } finally {
    cancel();
    ending.release();
    end();
  }
}

/** Lines put together, but no more than a piece at once: what waits for a slow client is its own copy. */
function* inPieces(
  events: readonly RegistryEvent[],
  toLine: (event: RegistryEvent) => Uint8Array,
): Generator<Uint8Array, void, void> {
  let lines: Uint8Array[] = [];
  let size = 0;
  for (const [index, event] of events.entries()) {
    const line = toLine(event);
    lines.push(line);
    size += line.length;
    if (size < pieceBytes && index < events.length - 1) continue;
    yield lines.length === 1 ? line : Buffer.concat(lines, size);
    lines = [];
    size = 0;
  }
}

function lineMaker({ kind, form, clock }: WatchOptions): (event: RegistryEvent) => Uint8Array {
  const { representation } = form;
  const { as, version = "v1" } = representation;
  if (as === undefined)
    return (event) =>
      event.type === "BOOKMARK" ? encodeLine("BOOKMARK", bookmarkObject(kind, event)) : plainLine(event);
  if (as !== "Table")
    return (event) => {
      if (event.type !== "BOOKMARK") return encodeLine(event.type, partialMetadata(event.stored.object, version));
      const type = { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}` };
      return encodeLine("BOOKMARK", { ...type, metadata: bookmarkMetadata(event) });
    };
  // Columns are told once: that is all a printing client needs.
  let told = false;
  return (event) => {
    const isBookmark = event.type === "BOOKMARK";
    const objects = isBookmark ? [] : [event.stored.object];
    const metadata = isBookmark ? {} : { resourceVersion: event.stored.object.metadata.resourceVersion ?? "" };
    const table = tableFor(kind, objects, metadata, { ...form, now: clock.now() }, !told && !isBookmark);
    if (isBookmark) return encodeLine("BOOKMARK", { ...table, metadata: bookmarkMetadata(event) });
    told = true;
    return encodeLine(event.type, table);
  };
}

function plainLine(event: Change): Uint8Array {
  let line = frames.get(event);
  if (!line) {
    const open = `{"type":"${event.type}","object":`;
    const { stored } = event;
    line = Buffer.allocUnsafeSlow(open.length + stored.byteLength + lineEnd.length);
    line.write(open, "latin1");
    line.write(lineEnd, stored.copyTo(line, open.length), "latin1");
    frames.set(event, line);
  }
  return line;
}

function sharedEvent(kind: Kind, event: RegistryEvent): { readonly type: string; readonly object: unknown } {
  const { type } = event;
  return { type, object: type === "BOOKMARK" ? bookmarkObject(kind, event) : event.stored.object };
}

function bookmarkObject(kind: Kind, event: Extract<RegistryEvent, { type: "BOOKMARK" }>): JsonObject {
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: bookmarkMetadata(event) };
}

function bookmarkMetadata({ revision, initialEventsEnd }: Extract<RegistryEvent, { type: "BOOKMARK" }>): Json {
  return {
    resourceVersion: String(revision),
    creationTimestamp: null,
    ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
  };
}

function encodeLine(type: string, object: JsonObject): Uint8Array {
  return encoder.encode(`${jsonText({ type, object })}\n`);
}
