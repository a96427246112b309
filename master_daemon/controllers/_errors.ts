import { isReason, type StatusError } from "../../core/api/status.ts";

/** Whether a create was refused because its namespace is being deleted: then its owner is about to go, too. */
export function isNamespaceTerminating(error: unknown): error is StatusError {
  return (
    isReason(error, "Forbidden") &&
    (error.status.details?.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating")
  );
}

/** The answer of `call`, or undefined when the object is gone. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
