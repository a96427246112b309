import type { Clock } from "../../core/util/clock.ts";
import type { Store } from "../store/store.ts";

/** Takes names so that no other master has them at the same time: for the moments between choosing and writing. */
export interface Reservations {
  /** Takes all of the names or none. False when somebody else has one. */
  reserve(names: readonly string[]): Promise<boolean>;
  /** Gives names back; those that are not held are no error. */
  release(names: readonly string[]): Promise<void>;
}

/** Options of {@linkcode openReservations}. */
export interface ReservationsOptions {
  readonly store: Pick<Store, "commit">;
  readonly clock: Pick<Clock, "now">;
}

/** Milliseconds after which a reservation counts as left behind by a master that died: longer than any request lasts. */
const staleMs = 120_000;
const prefix = "/registry/ranges/";
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reservations as keys of the store that all masters share. */
export function openReservations({ store, clock }: ReservationsOptions): Reservations {
  /** The revisions of what is held. */
  const held = new Map<string, number>();

  async function take(name: string): Promise<boolean> {
    const key = prefix + name;
    const value = encoder.encode(JSON.stringify({ reservedAt: clock.now() }));
    let result = await store.commit(key, value, { expected: 0 });
    if (!result.ok && result.current && isStale(result.current.value)) {
      result = await store.commit(key, value, { expected: result.current.revision });
    }
    if (result.ok) held.set(name, result.revision);
    return result.ok;
  }

  function isStale(value: Uint8Array): boolean {
    const { reservedAt } = JSON.parse(decoder.decode(value)) as { reservedAt: number };
    return Math.abs(clock.now() - reservedAt) > staleMs;
  }

  async function release(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const expected = held.get(name);
        if (expected === undefined) return;
        held.delete(name);
        await store.commit(prefix + name, null, { expected });
      }),
    );
  }

  return {
    async reserve(names) {
      const taken: string[] = [];
      for (const name of names) {
        if (await take(name)) taken.push(name);
        else {
          await release(taken);
          return false;
        }
      }
      return true;
    },
    release,
  };
}
