import { stringifyJson } from "../../core/api/json.ts";
import { asJson } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import { apiVersionOf, type Kind } from "../../core/api/kind.ts";
import type { JsonObject, KubeObject, ListMeta } from "../../core/api/meta.ts";
import type { Status } from "../../core/api/status.ts";
import { StatusError } from "../../core/api/status.ts";
import { type IncludeObject, type TableRow, tableOf } from "../../core/api/table.ts";
import { formatYaml } from "../../core/api/yaml_writer.ts";
import { ObjectBody } from "../../core/client/object_body.ts";
import type { ApiRequest, ApiResponse } from "../../core/client/transport.ts";
import type { RegistryPage, Stored } from "../registry/registry.ts";
import type { Representation } from "./negotiate.ts";
import { booleanParameter } from "./query.ts";

/** In which form, and when, an answer is made. */
export interface AnswerForm {
  readonly representation: Representation;
  readonly pretty: boolean;
  readonly includeObject: IncludeObject;
  /** Milliseconds since the epoch, for ages in tables. */
  readonly now: number;
  /** Whether objects, lists and watches are answered with objects in place of bytes: see `ObjectBody`. */
  readonly takesObjects?: boolean | undefined;
}

/** A list of more bytes than this is sent in pieces instead of being put together. */
const maxWholeBytes = 512 * 1024;
const pieceBytes = 128 * 1024;

const encoder = new TextEncoder();
const nothing = new Uint8Array();

/** Reads `includeObject`. @throws StatusError BadRequest */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject") || "Metadata";
  if (value === "Metadata" || value === "Object" || value === "None") return value;
  throw StatusError.badRequest(
    `unrecognized includeObject value: ${JSON.stringify(value.slice(0, 64))}, must be None, Metadata or Object`,
  );
}

/** Whether JSON is to be laid out for people. */
export function isPretty(query: URLSearchParams, request: ApiRequest): boolean {
  return query.has("pretty") ? booleanParameter(query, "pretty") : isReadByPeople(request);
}

/** Whether the program that asks shows answers to people. */
export function isReadByPeople({ headers }: ApiRequest): boolean {
  return /^(curl|Wget|Mozilla)\//.test(headers["user-agent"] ?? "");
}

/** What is answered where nothing is served. */
export function notFoundPage(): ApiResponse {
  return textResponse("404 page not found\n", 404);
}

/** One stored object, as asked for. */
export function objectResponse(kind: Kind, stored: Stored, status: number, form: AnswerForm): ApiResponse {
  const { representation } = form;
  if (representation.as === "Table") {
    const { resourceVersion } = stored.object.metadata;
    return document(tableFor(kind, [stored.object], resourceVersion ? { resourceVersion } : {}, form), status, form);
  }
  if (representation.as) return document(partialMetadata(stored.object, representation.version), status, form);
  if (form.takesObjects) return bytes(new ObjectBody(stored.object), status);
  if (representation.format === "json" && !form.pretty) return bytes(stored.bytes, status);
  return document(asJson(stored.object), status, form);
}

/** A page of objects, as asked for. Plain JSON is the stored bytes, put side by side. */
export function listResponse(kind: Kind, page: RegistryPage<KubeObject>, form: AnswerForm): ApiResponse {
  const { representation } = form;
  const metadata: ListMeta = {
    resourceVersion: String(page.revision),
    ...(page.continue ? { continue: page.continue } : {}),
    ...(page.remainingItemCount !== undefined ? { remainingItemCount: page.remainingItemCount } : {}),
  };
  if (representation.as === "Table")
    return document(
      tableFor(
        kind,
        page.items.map(({ object }) => object),
        metadata,
        form,
      ),
      200,
      form,
    );
  if (representation.as) {
    const { version = "v1" } = representation;
    const items = page.items.map(({ object }) => partialMetadata(object, version));
    const list = {
      kind: "PartialObjectMetadataList",
      apiVersion: `meta.k8s.io/${version}`,
      metadata: { ...metadata },
      items,
    };
    return document(list, 200, form);
  }
  const head = {
    kind: kind.custom?.listKind ?? `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: { ...metadata },
  };
  if (representation.format !== "json" || form.pretty || form.takesObjects) {
    const items = page.items.map(({ object }) => asJson(object));
    return form.takesObjects ? bytes(new ObjectBody({ ...head, items }), 200) : document({ ...head, items }, 200, form);
  }
  const open = encoder.encode(`${jsonText(head).slice(0, -1)},"items":[`);
  const parts = listParts(open, page.items);
  const [first, second] = [parts.next(), parts.next()];
  if (second.done) return bytes(first.value ?? open, 200);
  const body = asStream([first.value ?? open, second.value], parts);
  return { status: 200, headers: { "content-type": "application/json" }, body };
}

/** Anything that is not stored: Status, Scale, documents about the server. */
export function documentResponse(
  body: JsonObject | Status,
  status: number,
  form: Pick<AnswerForm, "representation" | "pretty">,
): ApiResponse {
  return document(asJson(body), status, form);
}

/** Plain text. */
export function textResponse(text: string, status = 200): ApiResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: encoder.encode(text) };
}

/** The Table of some objects. */
export function tableFor(
  kind: Kind,
  objects: readonly KubeObject[],
  metadata: ListMeta,
  { representation, includeObject, now }: AnswerForm,
  definitions = true,
): JsonObject {
  const table = tableOf(kind, objects, { now, includeObject, metadata, definitions });
  const { version = "v1" } = representation;
  if (version === "v1") return asJson(table);
  const rows = includeObject === "Metadata" ? table.rows.map((row) => withVersion(row, version)) : table.rows;
  return asJson({ ...table, apiVersion: `meta.k8s.io/${version}`, rows });
}

function withVersion(row: TableRow, version: string): unknown {
  return { ...row, object: row.object && partialMetadata(row.object as KubeObject, version) };
}

/** An object without all but its metadata. */
export function partialMetadata(object: KubeObject, version = "v1"): JsonObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: asJson(object.metadata),
  };
}

function document(
  body: JsonObject,
  status: number,
  { representation, pretty }: Pick<AnswerForm, "representation" | "pretty">,
): ApiResponse {
  if (representation.format === "yaml")
    return { status, headers: { "content-type": "application/yaml" }, body: encoder.encode(formatYaml(body)) };
  return bytes(encoder.encode(`${stringifyJson(body, { pretty })}\n`), status);
}

function bytes(body: Uint8Array, status: number): ApiResponse {
  return { status, headers: { "content-type": "application/json" }, body };
}

const [comma, closeBracket, closeBrace] = [0x2c, 0x5d, 0x7d] as const;

/** The JSON of a list: all of it, or in parts when it is long. Each object's bytes are copied once, to where they are sent from. */
function* listParts(open: Uint8Array, items: readonly Stored[]): Generator<Uint8Array, void, void> {
  let head = open;
  let least = maxWholeBytes;
  for (let start = 0, end = 0; start === 0 || start < items.length; start = end) {
    let size = head.length + 2;
    for (; end < items.length && size < least; end++) size += 1 + (items[end]?.byteLength ?? 0);
    const part = Buffer.allocUnsafe(size);
    part.set(head);
    let at = head.length;
    for (let index = start; index < end; index++) {
      if (index > 0) part[at++] = comma;
      at = items[index]?.copyTo(part, at) ?? at;
    }
    if (end === items.length) {
      part[at++] = closeBracket;
      part[at++] = closeBrace;
    }
    yield part.subarray(0, at);
    head = nothing;
    least = pieceBytes;
    if (end === items.length) return;
  }
}

async function* asStream(
  first: readonly Uint8Array[],
  rest: Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  yield* first;
  yield* rest;
}
