import { parseJson } from "../../../core/api/json.ts";
import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import type { Json } from "../../../core/api/meta.ts";
import type { APIService } from "../../../core/kinds/api_service.ts";
import { fetchRemote } from "./availability.ts";

/** What another server says of a version of a group, as it says it. */
export interface RemoteOpenApi {
  /** `apis/GROUP/VERSION` */
  readonly folder: string;
  /** OpenAPI 3.0; undefined where the server has but the older form. */
  readonly v3: Uint8Array | undefined;
  /** Swagger 2.0 of all that the server has; undefined where there is none. */
  readonly v2: Json | undefined;
}

/** Documents are read again after this long. */
const maxAgeMs = 60_000;
/** Documents of many kinds have many values. */
const limits = { maxValues: 2_000_000 };

type Options = Parameters<typeof fetchRemote>[2];

interface Kept {
  readonly document: Promise<RemoteOpenApi | undefined>;
  readonly readAt: number;
}

/**
 * What other servers say of what they have. Read when somebody asks for it; who asks later than a minute has what is known,
 * and has it read again.
 */
export class RemoteDocuments {
  readonly #options: Options;
  readonly #kept = new Map<string, Kept>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** The documents of the servers behind `services`. One that cannot be read is left out. */
  async of(services: readonly APIService[]): Promise<readonly RemoteOpenApi[]> {
    const names = new Set(services.map(keyOf));
    for (const name of this.#kept.keys()) if (!names.has(name)) this.#kept.delete(name);
    const documents = await Promise.all(services.map((service) => this.#read(service)));
    return documents.filter((document) => document !== undefined);
  }

  #read(service: APIService): Promise<RemoteOpenApi | undefined> {
    const now = this.#options.clock.monotonic();
    const name = keyOf(service);
    const kept = this.#kept.get(name);
    if (kept && now - kept.readAt < maxAgeMs) return kept.document;
    const read = readRemote(service, this.#options).catch(() => undefined);
    // A server that fails for once keeps what it said before.
    const next = read.then((document) => document ?? kept?.document);
    const document = kept ? kept.document : next;
    this.#kept.set(name, { document, readAt: now });
    if (kept)
      void next.then((one) => {
        if (this.#kept.get(name)?.readAt === now) this.#kept.set(name, { document: Promise.resolve(one), readAt: now });
      });
    return document;
  }
}

/** Another spec may lead to another server. */
function keyOf({ metadata, spec }: APIService): string {
  return JSON.stringify([metadata.name, metadata.uid, spec]);
}

async function readRemote(service: APIService, options: Options): Promise<RemoteOpenApi | undefined> {
  const { group = "", version = "" } = service.spec;
  const folder = `apis/${group}/${version}`;
  const [v3, v2] = await Promise.all([readV3(service, folder, options), readV2(service, options)]);
  return v3 || v2 ? { folder, v3, v2 } : undefined;
}

async function readV3(service: APIService, folder: string, options: Options): Promise<Uint8Array | undefined> {
  const index = await fetchRemote(service, "/openapi/v3", options);
  if (index.status !== 200) return undefined;
  const root = parseJson(index.body);
  const paths = isJsonObject(root) ? getOwn(root, "paths") : undefined;
  if (!isJsonObject(paths) || !Object.hasOwn(paths, folder)) return undefined;
  const { status, body } = await fetchRemote(service, `/openapi/v3/${folder}`, options);
  if (status !== 200) return undefined;
  // What is no JSON is not handed on as such.
  return isJsonObject(parseJson(body, limits)) ? body : undefined;
}

async function readV2(service: APIService, options: Options): Promise<Json | undefined> {
  const { status, body } = await fetchRemote(service, "/openapi/v2", options);
  return status === 200 ? parseJson(body, limits) : undefined;
}
