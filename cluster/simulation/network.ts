import { type ApiRequest, type ApiResponse, passOn, type Transport } from "../../core/client/transport.ts";
import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { linkSignals } from "../../core/util/link_signals.ts";

/** How badly requests fare. */
export interface ApiFaults {
  /** Milliseconds of the clock that a request waits at least, and at most. */
  readonly latencyMs?: readonly [number, number];
  /** Part of the requests that do not reach the server. */
  readonly lost?: number;
  /** Part of the requests that are carried out, and whose answer is lost. */
  readonly lostAnswers?: number;
}

/** What goes on between the parts of a cluster, and what goes wrong there. */
export class Network {
  faults: ApiFaults = {};
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watches = new Set<AbortController>();
  #underWay = 0;
  #activity = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether whatever is sent arrives, at once. */
  get isWell(): boolean {
    const { latencyMs, lost = 0, lostAnswers = 0 } = this.faults;
    return latencyMs === undefined && lost === 0 && lostAnswers === 0;
  }

  /** Grows with whatever goes over the network. */
  get activity(): number {
    return this.#activity;
  }

  /** How many requests are with the server now; those that faults hold up are not. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Ends every watch. */
  dropWatches(): void {
    for (const watch of [...this.#watches]) watch.abort(new Error("The connection was lost"));
  }

  /** A transport over this network. @param isSafe whether no fault touches it. Default false */
  over(transport: Transport, { isSafe = false }: { readonly isSafe?: boolean } = {}): Transport {
    return {
      ...passOn(transport),
      request: (request, options) =>
        isSafe ? this.#send(transport, request, options) : this.#request(transport, request, options),
      upgrade: (request, options) => transport.upgrade(request, options),
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    };
  }

  async #request(transport: Transport, request: ApiRequest, { signal }: { signal: AbortSignal }): Promise<ApiResponse> {
    const { latencyMs, lost = 0, lostAnswers = 0 } = this.faults;
    this.#activity++;
    if (latencyMs) {
      const [least, most] = latencyMs;
      await this.#clock.sleep(least + this.#random() * (most - least), { signal });
    }
    if (lost > 0 && this.#random() < lost) throw new Error("The connection was refused");
    const cut = new AbortController();
    const linked = linkSignals(signal, cut.signal);
    let streams = false;
    try {
      const response = await this.#send(transport, request, { signal: linked.signal });
      if (!(response.body instanceof Uint8Array)) {
        streams = true;
        this.#watches.add(cut);
        const release = () => {
          this.#watches.delete(cut);
          linked.release();
        };
        return { ...response, body: releasing(response.body, release) };
      }
      if (request.method !== "GET" && lostAnswers > 0 && this.#random() < lostAnswers)
        throw new Error("The connection was lost");
      return response;
    } finally {
      if (!streams) linked.release();
    }
  }

  /** Counts what goes to the server and comes back. */
  async #send(transport: Transport, request: ApiRequest, options: { signal: AbortSignal }): Promise<ApiResponse> {
    this.#activity++;
    this.#underWay++;
    try {
      const response = await transport.request(request, options);
      if (response.body instanceof Uint8Array) return response;
      return { ...response, body: this.#counting(response.body) };
    } finally {
      this.#activity++;
      this.#underWay--;
    }
  }

  async *#counting<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    for await (const chunk of source) {
      this.#activity++;
      yield chunk;
    }
  }
}

async function* releasing<T>(source: AsyncIterable<T>, release: () => void): AsyncGenerator<T, void, void> {
  try {
    yield* source;
  } finally {
    release();
  }
}
