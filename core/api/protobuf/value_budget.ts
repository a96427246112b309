import { maxJsonValues } from "../json.ts";
import { StatusError } from "../status.ts";

/** How many values of one message may still be read: as many as JSON may have, because each costs the same from here on. */
export class ValueBudget {
  #left = maxJsonValues;

  /** @throws StatusError RequestEntityTooLarge when it does not last */
  spend(values: number): void {
    this.#left -= values;
    if (this.#left < 0) throw StatusError.tooManyValues(maxJsonValues);
  }
}
