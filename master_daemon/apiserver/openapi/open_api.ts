import { jsonText } from "../../../core/api/json_text.ts";
import type { Kind } from "../../../core/api/kind.ts";
import type { ApiSchema } from "../../../core/api/schema.ts";
import type { ApiRequest, ApiResponse } from "../../../core/client/transport.ts";
import { sha256 } from "../../../core/platform/hash.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { RemoteOpenApi } from "../aggregation/remote_openapi.ts";
import { virtualResources } from "../virtual/mod.ts";
import { encodeGnostic } from "./gnostic.ts";
import { folderOf } from "./operations.ts";
import { mergeParts, readV2Part, type V2Part } from "./remote_document.ts";
import { nextTurn } from "./slices.ts";
import { encodeJson, type V2Document, v2Document } from "./v2_document.ts";
import { v3FromV2 } from "./v2_to_v3.ts";
import { v3Document } from "./v3_document.ts";

/** Options of {@linkcode openApi}. */
export interface OpenApiOptions {
  /** What is served now; another list when that changed. */
  kinds(): readonly Kind[];
  /** {@linkcode noSchema} serves documents without fields. */
  readonly schema: ApiSchema;
  /** The served version of Kubernetes, e.g. `v1.36.0`. */
  readonly version: string;
  readonly clock: Pick<Clock, "now">;
  /** What other servers say of what they have. */
  remotes?(): Promise<readonly RemoteOpenApi[]>;
}

/** Serves `/openapi/v2` and `/openapi/v3`. */
export interface OpenApi {
  /** The answer to a GET; undefined for paths that are none of its own. */
  respond(path: string, headers: ApiRequest["headers"]): Promise<ApiResponse | undefined>;
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
 * first asked for, then kept: what changes in one group and version leaves the documents of the others as they are.
 *
 * @see https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
 */
export function openApi({ kinds, remotes = async () => [], ...options }: OpenApiOptions): OpenApi {
  const groupVersions = new Map<string, GroupVersion>();
  let whole: Whole | undefined;

  /** What is served now. Group-versions whose kinds are the same as before keep their documents. */
  function current(others: readonly RemoteGroupVersion[]): Whole {
    const served = kinds();
    if (whole?.kinds === served && whole.isWith(others)) return whole;
    const folders = byFolder(served.filter(({ hidden }) => !hidden));
    for (const resource of shownVirtual) if (!folders.has(folderOf(resource))) folders.set(folderOf(resource), []);
    for (const [folder, own] of folders)
      if (!groupVersions.get(folder)?.isOf(own)) groupVersions.set(folder, new GroupVersion(folder, own, options));
    for (const folder of groupVersions.keys()) if (!folders.has(folder)) groupVersions.delete(folder);
    whole = new Whole(
      served,
      [...folders.keys()].flatMap((folder) => groupVersions.get(folder) ?? []),
      options,
      others,
    );
    return whole;
  }

  async function currentRemotes(): Promise<readonly RemoteGroupVersion[]> {
    const documents = await remotes();
    return documents.map((document) => remoteGroupVersion(document, options.version));
  }

  function respondV3(
    document: Served,
    folder: string,
    query: URLSearchParams,
    headers: ApiRequest["headers"],
  ): ApiResponse {
    const wanted = query.get("hash");
    if (wanted !== null && wanted !== document.hash) {
      const location = `/openapi/v3/${folder}?hash=${document.hash}`;
      return { status: 301, headers: { location }, body: new Uint8Array() };
    }
    // Under its hash a document never changes: clients need not ask again.
    const caching =
      wanted === null
        ? { "cache-control": "no-cache, private" }
        : { "cache-control": "public, immutable", expires: new Date(options.clock.now() + yearMs).toUTCString() };
    return respondCached(document, json, headers, caching);
  }

  return {
    async respond(path, headers) {
      const [name = "", search = ""] = path.split("?", 2);
      const query = new URLSearchParams(search);
      if (name === "/openapi/v3" || name === "/openapi/v3/")
        return respondCached(await current(await currentRemotes()).index(), json, headers);
      if (name.startsWith("/openapi/v3/")) {
        const folder = name.slice("/openapi/v3/".length);
        const others = await currentRemotes();
        current(others);
        const found = groupVersions.get(folder) ?? others.find((one) => one.folder === folder);
        return found && respondV3(found.document(), folder, query, headers);
      }
      if (name !== "/openapi/v2") return undefined;
      const all = current(await currentRemotes());
      return wantsProtobuf(headers["accept"] ?? "")
        ? respondCached(await all.v2Protobuf(), protobufAnswer, headers)
        : respondCached(await all.v2Json(), json, headers);
    },
  };
}

function byFolder(kinds: readonly Kind[]): Map<string, Kind[]> {
  const folders = new Map<string, Kind[]>();
  for (const kind of kinds) {
    const folder = folders.get(folderOf(kind)) ?? [];
    folder.push(kind);
    folders.set(folderOf(kind), folder);
  }
  return folders;
}

type Rest = Omit<OpenApiOptions, "kinds" | "remotes">;

/** What another server has of one group and version. */
interface RemoteGroupVersion {
  readonly folder: string;
  document(): Served;
  readonly v2: V2Part | undefined;
}

const remoteGroupVersions = new WeakMap<RemoteOpenApi, RemoteGroupVersion>();

/** Read once of each document. */
function remoteGroupVersion(remote: RemoteOpenApi, version: string): RemoteGroupVersion {
  const known = remoteGroupVersions.get(remote);
  if (known) return known;
  const { folder, v3 } = remote;
  const v2 = remote.v2 === undefined ? undefined : readV2Part(remote.v2, folder);
  let served: Served | undefined;
  const made: RemoteGroupVersion = {
    folder,
    v2,
    document() {
      served ??= serve(v3 ?? toJson(v3FromV2(v2 ?? { paths: {}, definitions: {} }, version)));
      return served;
    },
  };
  remoteGroupVersions.set(remote, made);
  return made;
}

/** The document of one group and version, made when it is first asked for. */
class GroupVersion {
  readonly folder: string;
  readonly #kinds: readonly Kind[];
  readonly #options: Rest;
  #document: Served | undefined;

  constructor(folder: string, kinds: readonly Kind[], options: Rest) {
    this.folder = folder;
    this.#kinds = kinds;
    this.#options = options;
  }

  isOf(kinds: readonly Kind[]): boolean {
    return kinds.length === this.#kinds.length && kinds.every((kind, index) => kind === this.#kinds[index]);
  }

  document(): Served {
    const virtual = shownVirtual.filter((resource) => folderOf(resource) === this.folder);
    this.#document ??= serve(toJson(v3Document(this.#kinds, { ...this.#options, virtual })));
    return this.#document;
  }
}

/** What is about all groups at once. Nothing is made before it is asked for, and nobody else waits long for it. */
class Whole {
  readonly kinds: readonly Kind[];
  readonly #groupVersions: readonly GroupVersion[];
  readonly #options: Rest;
  readonly #remotes: readonly RemoteGroupVersion[];
  #index: Promise<Served> | undefined;
  #v2: Promise<V2Document> | undefined;
  #v2Json: Promise<Served> | undefined;
  #v2Protobuf: Promise<Served> | undefined;

  constructor(
    kinds: readonly Kind[],
    groupVersions: readonly GroupVersion[],
    options: Rest,
    remotes: readonly RemoteGroupVersion[],
  ) {
    this.kinds = kinds;
    this.#groupVersions = groupVersions;
    this.#options = options;
    this.#remotes = remotes;
  }

  isWith(remotes: readonly RemoteGroupVersion[]): boolean {
    return remotes.length === this.#remotes.length && remotes.every((one, index) => one === this.#remotes[index]);
  }

  /** Where the documents of all groups and versions are: by their hashes, so that all of them must be made. */
  index(): Promise<Served> {
    this.#index ??= this.#makeIndex();
    return this.#index;
  }

  async #makeIndex(): Promise<Served> {
    const paths: [string, { readonly serverRelativeURL: string }][] = [];
    for (const groupVersion of [...this.#groupVersions, ...this.#remotes]) {
      const { folder } = groupVersion;
      paths.push([folder, { serverRelativeURL: `/openapi/v3/${folder}?hash=${groupVersion.document().hash}` }]);
      await nextTurn();
    }
    return serve(toJson({ paths: Object.fromEntries(paths) }));
  }

  #document(): Promise<V2Document> {
    const shown = this.kinds.filter(({ hidden }) => !hidden);
    this.#v2 ??= v2Document(shown, { ...this.#options, virtual: shownVirtual }).then((document) =>
      mergeParts(
        document,
        this.#remotes.flatMap(({ v2 }) => v2 ?? []),
      ),
    );
    return this.#v2;
  }

  v2Json(): Promise<Served> {
    this.#v2Json ??= this.#document().then(encodeJson).then(serve);
    return this.#v2Json;
  }

  v2Protobuf(): Promise<Served> {
    this.#v2Protobuf ??= this.#document().then(encodeGnostic).then(serve);
    return this.#v2Protobuf;
  }
}

const shownVirtual = virtualResources.filter(({ hidden }) => !hidden);

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
  return encoder.encode(jsonText(document));
}
