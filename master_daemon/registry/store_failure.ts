import { StatusError } from "../../core/api/status.ts";
import { StoreUnavailable, StoreWriteError, ValueTooLarge } from "../store/store.ts";

const transientCodes: readonly (number | undefined)[] = [429, 503, 504];

/** Whether an error says that the same request may succeed later: nobody was told no. */
export function isTransient(error: unknown): boolean {
  return error instanceof StatusError && transientCodes.includes(error.status.code);
}

/** What clients are told of a failure of the store; any other error as it is. */
export function storeFailure(error: unknown): unknown {
  if (error instanceof StoreUnavailable) {
    // Clients send again what was answered with 503 and Retry-After: only what certainly was not done may be.
    return error.mayHaveWritten ? StatusError.timeout(error.message) : StatusError.unavailable(error.message);
  }
  if (error instanceof ValueTooLarge) return new StatusError(413, "RequestEntityTooLarge", error.message);
  if (error instanceof StoreWriteError) {
    // A full disk is nobody's mistake, and no failure of the server. Nor is it over in a second: there is no Retry-After,
    // with which clients would hold back the message that says what to do.
    if (error.temporary) return new StatusError(503, "ServiceUnavailable", error.message);
    return StatusError.internal(error.message);
  }
  return error;
}
