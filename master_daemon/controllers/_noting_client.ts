import type { ResourceType } from "../../core/api/kind.ts";
import type { KubeObject, ObjectKey } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";

/** What a reconcile wrote, for the caches to catch up with. */
export interface Noted {
  /** An object that was created, changed or marked for deletion, with the version it got. */
  written(kind: ResourceType, resourceVersion: string): void;
  /** An object of this kind may have been created: there was no answer, or one that leaves it open. */
  unanswered(kind: ResourceType): void;
  /** An object that is gone. */
  deleted(kind: ResourceType, key: ObjectKey): void;
}

/**
 * `client`, telling `noted` of every write that succeeds, and of creations that may have: what else is done twice is
 * refused, or changes nothing. Disposing it leaves `client` open.
 */
export function notingClient(client: Client, noted: Noted): Client {
  const note = <T extends KubeObject>(kind: ResourceType<T>, object: T): T => {
    // Subresources may answer with something else (a binding with a Status, a scale with a Scale).
    if (object.kind === kind.kind && object.metadata.resourceVersion) {
      noted.written(kind, object.metadata.resourceVersion);
    }
    return object;
  };
  return {
    get: (kind, key, options) => client.get(kind, key, options),
    list: (kind, options) => client.list(kind, options),
    watch: (kind, options) => client.watch(kind, options),
    raw: (request, options) => client.raw(request, options),
    upgrade: (path, options) => client.upgrade(path, options),
    spdy: (path, options) => client.spdy(path, options),
    connect: (request, options) => client.connect(request, options),
    async create(kind, object, options) {
      try {
        return note(kind, await client.create(kind, object, options));
      } catch (error) {
        if (isOpen(error)) noted.unanswered(kind);
        throw error;
      }
    },
    update: async (kind, object, options) => note(kind, await client.update(kind, object, options)),
    updateStatus: async (kind, object, options) => note(kind, await client.updateStatus(kind, object, options)),
    patch: async (kind, key, patch, options) => note(kind, await client.patch(kind, key, patch, options)),
    async delete<T extends KubeObject>(kind: ResourceType<T>, key: ObjectKey, options?: object) {
      const answer = await client.delete(kind, key, options);
      if (isMarked(answer)) note(kind, answer);
      else noted.deleted(kind, key);
      return answer;
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Whether a write may have been carried out all the same: whoever answers with another Status than Timeout did nothing. */
function isOpen(error: unknown): boolean {
  return !(error instanceof StatusError) || error.reason === "Timeout";
}

/** Whether a deletion only marked the object. Some servers answer with the last state of an object that is gone. */
function isMarked<T extends KubeObject>(answer: T | { readonly kind: "Status" }): answer is T {
  if (answer.kind === "Status") return false;
  const { deletionTimestamp, finalizers, deletionGracePeriodSeconds } = (answer as T).metadata;
  return deletionTimestamp !== undefined && ((finalizers ?? []).length > 0 || (deletionGracePeriodSeconds ?? 0) > 0);
}
