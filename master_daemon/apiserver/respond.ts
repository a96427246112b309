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
  /** Whether lists and watches are answered with objects in place of bytes: see `ObjectBody`. */
  readonly takesObjects?: boolean | undefined;
}

/** A list of more bytes than this is sent in pieces instead of being put together. */
const maxWholeBytes = 512 * 1024;
const pieceBytes = 128 * 1024;

const encoder = new TextEncoder();

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
  const parts = pieces(open, page.items);
  const { part, isLast } = gather(parts, maxWholeBytes);
  if (isLast) return bytes(part, 200);
  return { status: 200, headers: { "content-type": "application/json" }, body: streamParts(part, parts) };
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

const comma = encoder.encode(",");
const close = encoder.encode("]}");

function* pieces(open: Uint8Array, items: readonly Stored[]): Generator<Uint8Array, void, void> {
  yield open;
  for (const [index, item] of items.entries()) {
    if (index > 0) yield comma;
    yield item.bytes;
  }
  yield close;
}

async function* streamParts(
  first: Uint8Array,
  rest: Iterator<Uint8Array, void, void>,
): AsyncGenerator<Uint8Array, void, void> {
  yield first;
  for (let isLast = false; !isLast; ) {
    const gathered = gather(rest, pieceBytes);
    yield gathered.part;
    isLast = gathered.isLast;
  }
}

/** What comes next, up to at least so many bytes, as one buffer. */
function gather(
  parts: Iterator<Uint8Array, void, void>,
  leastBytes: number,
): { readonly part: Uint8Array; readonly isLast: boolean } {
  const gathered: Uint8Array[] = [];
  let size = 0;
  for (let next = parts.next(); ; next = parts.next()) {
    if (!next.done) {
      gathered.push(next.value);
      size += next.value.length;
    }
    if (next.done || size >= leastBytes) return { part: Buffer.concat(gathered, size), isLast: next.done === true };
  }
}
