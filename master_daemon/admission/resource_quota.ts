import type { AdmissionPlugin } from "./plugin.ts";
import { QuotaBooks, type QuotaBooksOptions } from "./resource_quota/books.ts";

/** Keeps namespaces within their quotas. */
export interface ResourceQuotas extends AsyncDisposable {
  readonly plugin: AdmissionPlugin;
}

/**
 * Opens the books in which every write is charged.
 *
 * @see https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
export function openResourceQuota(options: QuotaBooksOptions): ResourceQuotas {
  const books = new QuotaBooks(options);
  return {
    plugin: {
      name: "ResourceQuota",
      operations: ["CREATE", "UPDATE"],
      validate: (request) => books.charge(request),
    },
    [Symbol.asyncDispose]: () => books[Symbol.asyncDispose](),
  };
}
