import type { Kind } from "../../../core/api/kind.ts";
import type { ApiSchema } from "../../../core/api/schema.ts";
import type { ApiRequest, ApiResponse } from "../../../core/client/transport.ts";
import { sha256 } from "../../../core/platform/hash.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { encodeGnostic } from "./gnostic.ts";
import { folderOf } from "./operations.ts";
import { type V2Document, v2Document } from "./v2_document.ts";
import { v3Document } from "./v3_document.ts";

/** Options of {@linkcode openApi}. */
export interface OpenApiOptions {
  readonly kinds: readonly Kind[];
  /** {@linkcode noSchema} serves documents without fields. */
  readonly schema: ApiSchema;
  /** The served version of Kubernetes, e.g. `v1.36.0`. */
  readonly version: string;
  readonly clock: Pick<Clock, "now">;
}

/** Serves `/openapi/v2` and `/openapi/v3`. */
export interface OpenApi {
  /** The answer to a GET; undefined for paths that are none of its own. */
  respond(path: string, headers: ApiRequest["headers"]): ApiResponse | undefined;
}

/** A document with what caches compare. */
interface Served {
  readonly body: Uint8Array;
  readonly hash: string;
}

const encoder = new TextEncoder();
/** What clients ask for; `@` may not stand in a Content-Type, so the answer is called otherwise. */
const protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const protobufAnswer = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const json = "application/json";
const yearMs = 365 * 24 * 3_600_000;

/**
 * The documents that describe the API: what `kubectl explain` shows and `kubectl apply` merges by. Made when they are
 * first asked for, then kept.
 *
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
 */
export function openApi({ kinds, schema, version, clock }: OpenApiOptions): OpenApi {
  const byFolder = new Map<string, Kind[]>();
  for (const kind of kinds) byFolder.set(folderOf(kind), [...(byFolder.get(folderOf(kind)) ?? []), kind]);

  const v3 = memo((folder: string) => serve(toJson(v3Document(byFolder.get(folder) ?? [], { schema, version }))));
  const v2 = memo((): V2Document => v2Document(kinds, { schema, version }));
  const v2Json = memo(() => serve(toJson(v2(""))));
  const v2Protobuf = memo(() => serve(encodeGnostic(v2(""))));
  const index = memo(() => {
    const paths = [...byFolder.keys()].map((folder) => [
      folder,
      { serverRelativeURL: `/openapi/v3/${folder}?hash=${v3(folder).hash}` },
    ]);
    return serve(toJson({ paths: Object.fromEntries(paths) }));
  });

  function respondV3(folder: string, query: URLSearchParams, headers: ApiRequest["headers"]): ApiResponse | undefined {
    if (!byFolder.has(folder)) return undefined;
    const document = v3(folder);
    const wanted = query.get("hash");
    if (wanted !== null && wanted !== document.hash) {
      const location = `/openapi/v3/${folder}?hash=${document.hash}`;
      return { status: 301, headers: { location }, body: new Uint8Array() };
    }
    // Under its hash a document never changes: clients need not ask again.
    const caching =
      wanted === null
        ? { "cache-control": "no-cache, private" }
        : { "cache-control": "public, immutable", expires: new Date(clock.now() + yearMs).toUTCString() };
    return respondCached(document, json, headers, caching);
  }

  return {
    respond(path, headers) {
      const [name = "", search = ""] = path.split("?", 2);
      const query = new URLSearchParams(search);
      if (name === "/openapi/v3" || name === "/openapi/v3/") return respondCached(index(""), json, headers);
      if (name.startsWith("/openapi/v3/")) return respondV3(name.slice("/openapi/v3/".length), query, headers);
      if (name !== "/openapi/v2") return undefined;
      return wantsProtobuf(headers["accept"] ?? "")
        ? respondCached(v2Protobuf(""), protobufAnswer, headers)
        : respondCached(v2Json(""), json, headers);
    },
  };
}

/** Whether the protobuf form is asked for before JSON. */
function wantsProtobuf(accept: string): boolean {
  const types = accept.split(",").map((part) => part.split(";", 1)[0]?.trim());
  const first = types.find((type) => type === protobuf || type === json);
  return first === protobuf;
}

function respondCached(
  { body, hash }: Served,
  type: string,
  headers: ApiRequest["headers"],
  more: Readonly<Record<string, string>> = {},
): ApiResponse {
  const etag = `"${hash}"`;
  const common = { etag, vary: "Accept", ...more };
  const known = (headers["if-none-match"] ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
  if (known) return { status: 304, headers: common, body: new Uint8Array() };
  return { status: 200, headers: { "content-type": type, ...common }, body };
}

function serve(body: Uint8Array): Served {
  return { body, hash: sha256(body).toUpperCase() };
}

function toJson(document: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(document));
}

/** Remembers what `make` gave for each name. */
function memo<T>(make: (name: string) => T): (name: string) => T {
  const made = new Map<string, T>();
  return (name) => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const value = make(name);
    made.set(name, value);
    return value;
  };
}
