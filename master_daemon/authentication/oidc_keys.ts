import type { JsonObject } from "../../core/api/meta.ts";
import { httpTransport } from "../../core/client/http_transport.ts";
import { readBody, type Transport } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";

/** Options of {@linkcode OidcKeys}. */
export interface OidcKeysOptions {
  /** `https://…`: what stands in tokens, and below which the provider describes itself. */
  readonly issuerUrl: string;
  /** Where it describes itself instead. */
  readonly discoveryUrl?: string | undefined;
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly clock: Pick<Clock, "monotonic" | "sleep">;
}

const maxBytes = 1024 * 1024;
const timeoutMs = 10_000;
/** Keys are not asked for more often, however many tokens name ones that are not known. */
const minRefreshMs = 10_000;

/** The keys of an identity provider, asked for when a token needs them, and kept. */
export class OidcKeys implements AsyncDisposable {
  readonly #options: OidcKeysOptions;
  readonly #transports = new Map<string, Transport>();
  #keys: readonly JsonObject[] = [];
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(options: OidcKeysOptions) {
    this.#options = options;
  }

  /** The keys, one of them named `keyId` if the provider has it. @throws Error when the provider cannot be asked */
  async get(keyId: string | undefined): Promise<readonly JsonObject[]> {
    const isKnown = this.#keys.some(({ kid }) => keyId === undefined || kid === keyId);
    if (!isKnown && this.#options.clock.monotonic() - this.#askedAt >= minRefreshMs) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }
    await this.#asking;
    return this.#keys;
  }

  async #ask(): Promise<void> {
    this.#askedAt = this.#options.clock.monotonic();
    const { issuerUrl, discoveryUrl } = this.#options;
    const about = await this.#fetch(
      discoveryUrl ?? `${issuerUrl.replace(/\/+$/, "")}/.well-known/openid-configuration`,
    );
    if (about["issuer"] !== issuerUrl)
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuerUrl)}`,
      );
    const { keys } = await this.#fetch(String(about["jwks_uri"] ?? ""));
    this.#keys = Array.isArray(keys) ? (keys as readonly JsonObject[]) : [];
  }

  async #fetch(address: string): Promise<JsonObject> {
    const url = new URL(address);
    if (url.protocol !== "https:") throw new Error(`oidc: ${url.origin} must be https`);
    const { clock, ca } = this.#options;
    const transport = this.#transports.get(url.origin) ?? httpTransport({ server: url.origin, ca });
    this.#transports.set(url.origin, transport);
    const late = new AbortController();
    const settled = new AbortController();
    const timer = clock.sleep(timeoutMs, { signal: settled.signal }).then(
      () => late.abort(new Error(`oidc: ${url.origin} did not answer`)),
      () => {},
    );
    try {
      const path = `${url.pathname}${url.search}`;
      const response = await transport.request(
        { method: "GET", path, headers: { accept: "application/json" } },
        { signal: late.signal },
      );
      if (response.status !== 200) throw new Error(`oidc: ${url.origin} answered ${response.status}`);
      return JSON.parse(new TextDecoder().decode(await readBody(response.body, maxBytes))) as JsonObject;
    } finally {
      settled.abort();
      await timer;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const transport of this.#transports.values()) await transport[Symbol.asyncDispose]();
  }
}
