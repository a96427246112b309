import { StatusError } from "../../../core/api/status.ts";

/** Options of {@linkcode InFlightLimit}. */
export interface InFlightOptions {
  /** Reads at the same time. Default 400. */
  readonly maxRequestsInFlight?: number | undefined;
  /** Writes at the same time. Default 200. */
  readonly maxMutatingRequestsInFlight?: number | undefined;
}

/** Requests of both sorts at the same time. */
export function totalSeats({
  maxRequestsInFlight = 400,
  maxMutatingRequestsInFlight = 200,
}: InFlightOptions = {}): number {
  return maxRequestsInFlight + maxMutatingRequestsInFlight;
}

/** Bounds how many short requests are served at once. Watches, logs and upgrades are long-running and don't count. */
export class InFlightLimit {
  readonly #limits: { readonly read: number; readonly write: number };
  readonly #running = { read: 0, write: 0 };

  constructor({ maxRequestsInFlight = 400, maxMutatingRequestsInFlight = 200 }: InFlightOptions = {}) {
    this.#limits = { read: maxRequestsInFlight, write: maxMutatingRequestsInFlight };
  }

  /** Runs `work` when there is room. @throws StatusError TooManyRequests when there is none */
  async run<T>(type: "read" | "write", work: () => Promise<T>): Promise<T> {
    if (this.#running[type] >= this.#limits[type])
      throw StatusError.tooManyRequests("too many requests, please try again later");
    this.#running[type]++;
    try {
      return await work();
    } finally {
      this.#running[type]--;
    }
  }

  /** Requests being served now. */
  get running(): { readonly read: number; readonly write: number } {
    return { ...this.#running };
  }
}
