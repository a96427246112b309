import type { Condition } from "../../core/api/meta.ts";
import { ignoreReason } from "../../core/api/status.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { Registry } from "../registry/registry.ts";

/** How many objects are deleted at the same time. */
const parallelDeletes = 16;

/**
 * Deletes every object of a kind, and waits until the last one is gone: those with finalizers go in their own time.
 *
 * @throws whatever the registry throws; also the signal's reason
 */
export async function removeInstances(
  registry: Registry,
  { user, signal }: { readonly user: UserInfo; readonly signal: AbortSignal },
): Promise<void> {
  const { items, revision } = await registry.list();
  const waiting = [...items];
  const work = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      await registry.delete(item.key, { user }).catch(ignoreReason("NotFound"));
    }
  };
  await Promise.all(Array.from({ length: parallelDeletes }, work));
  if ((await registry.list({ limit: 1 })).items.length === 0) return;
  for await (const events of registry.watch({ resourceVersion: String(revision), signal })) {
    if (!events.some(({ type }) => type === "DELETED")) continue;
    if ((await registry.list({ limit: 1 })).items.length === 0) return;
  }
  signal.throwIfAborted();
  // The watch was cut: look again.
  await removeInstances(registry, { user, signal });
}

/** What the status says while objects are being deleted, and after. */
export const terminating: {
  readonly inProgress: Condition;
  readonly completed: Condition;
  readonly neverEstablished: Condition;
  failed(error: unknown): Condition;
} = {
  inProgress: condition("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"),
  completed: condition("False", "InstanceDeletionCompleted", "removed all instances"),
  neverEstablished: condition("False", "NeverEstablished", "resource was never established"),
  failed: (error) => condition("True", "InstanceDeletionFailed", `could not issue all deletes: ${errorMessage(error)}`),
};

function condition(status: "True" | "False", reason: string, message: string): Condition {
  return { type: "Terminating", status, reason, message };
}
