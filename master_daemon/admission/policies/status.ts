import type { ApiSchema } from "../../../core/api/schema.ts";
import { isReason } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import {
  type ValidatingAdmissionPolicy,
  validatingAdmissionPolicy,
} from "../../../core/kinds/validating_admission_policy.ts";
import { errorMessage, type Logger } from "../../../core/util/log.ts";
import { Tasks } from "../../../core/util/tasks.ts";
import type { Registries } from "../../registry/registry.ts";

const user: UserInfo = { username: "system:apiserver", groups: ["system:masters"] };

/** Writes into the status of policies what type checking found, and of which generation. Ends when it is disposed. */
export function keepPolicyStatus({
  registries,
  schema,
  log,
}: {
  readonly registries: Registries;
  readonly schema: ApiSchema;
  readonly log: Logger;
}): AsyncDisposable {
  const registry = registries.for(validatingAdmissionPolicy);

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const events of registry.watch({ signal }))
          for (const event of events)
            if (event.type === "ADDED" || event.type === "MODIFIED") await check(event.stored.object);
      } catch (error) {
        // The present policies are shown first when the watch begins again.
        if (!isReason(error, "Expired")) throw error;
      }
    }
  }

  async function check(policy: ValidatingAdmissionPolicy): Promise<void> {
    const { generation, name = "", resourceVersion = "" } = policy.metadata;
    if (generation === undefined || policy.status?.observedGeneration === generation) return;
    const { typeWarnings } = await import("./type_checking.ts");
    const expressionWarnings = typeWarnings(policy, registries.kinds, schema);
    const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
    const status = { ...policy.status, observedGeneration: generation, typeChecking };
    try {
      await registry.update(
        { name },
        (current) => ({ ...current, metadata: { ...current.metadata, resourceVersion }, status }),
        { user, subresource: "status" },
      );
    } catch (error) {
      // What came in between is an event of its own.
      if (!isReason(error, "Conflict") && !isReason(error, "NotFound")) throw error;
    }
  }

  const tasks = new Tasks({
    onError: (error) => log.error("Cannot keep the status of admission policies", { error: errorMessage(error) }),
  });
  tasks.run(follow);
  return tasks;
}
