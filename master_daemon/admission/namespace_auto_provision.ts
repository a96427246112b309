import { isReason } from "../../core/api/status.ts";
import { namespace as namespaceKind } from "../../core/kinds/namespace.ts";
import type { Registries } from "../registry/registry.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Creates the namespace of a new object where it is missing. Off by default.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespaceautoprovision
 */
export function namespaceAutoProvision({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const namespaces = registries.for(namespaceKind);
  return {
    name: "NamespaceAutoProvision",
    operations: ["CREATE"],
    async mutate({ kind, key, user, object, dryRun }) {
      const name = key.namespace;
      if (!kind.namespaced || name === undefined || dryRun) return object;
      try {
        await namespaces.get({ name });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
        await namespaces
          .create({ apiVersion: "v1", kind: "Namespace", metadata: { name } }, { user })
          .catch((failure: unknown) => {
            if (!isReason(failure, "AlreadyExists")) throw failure;
          });
      }
      return object;
    },
  };
}
