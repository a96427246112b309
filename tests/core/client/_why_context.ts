import type { ResourceType } from "../../../core/api/kind.ts";
import { parseLabelSelector } from "../../../core/api/labels.ts";
import type { KubeObject, ObjectKey } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import type { WhyContext } from "../../../core/client/why/explanation.ts";
import { storedKinds } from "../../../core/kinds/mod.ts";

/** Answers from a list of objects; scheduling is not told of, and there are no logs. */
export function contextWith(objects: readonly KubeObject[]): WhyContext {
  const client = {
    raw: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
    list: async ({ kind }: ResourceType, { labelSelector = "" }: { readonly labelSelector?: string } = {}) => {
      const selector = parseLabelSelector(labelSelector);
      const items = objects.filter((one) => one.kind === kind && selector.matches(one.metadata.labels ?? {}));
      return { items };
    },
    get: async (resource: ResourceType, { name = "" }: ObjectKey) => {
      const found = objects.find(({ kind, metadata }) => kind === resource.kind && metadata.name === name);
      if (!found) throw StatusError.notFound(resource, name);
      return found;
    },
  } as unknown as Client;
  const resourceOf = async ({ kind }: { kind: string }) => storedKinds.find((one) => one.kind === kind);
  return { client, resourceOf };
}
