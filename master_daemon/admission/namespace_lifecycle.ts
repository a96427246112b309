import { isReason, StatusError } from "../../core/api/status.ts";
import { namespace as namespaceKind } from "../../core/kinds/namespace.ts";
import type { Registries } from "../registry/registry.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/** Namespaces that nobody may delete. */
const immortalNamespaces: readonly string[] = ["default", "kube-system", "kube-public"];

/** Namespaces that every cluster has. */
export const bootstrapNamespaceNames: readonly string[] = [...immortalNamespaces, "kube-node-lease"];

/**
 * Refuses new objects in namespaces that are missing or on their way out, and the deletion of the cluster's own namespaces.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
 */
export function namespaceLifecycle({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const namespaces = registries.for(namespaceKind);

  async function checkCreate({ kind, key, object }: AdmissionRequest): Promise<void> {
    const name = key.namespace ?? "";
    const found = await namespaces.get({ name }).catch((error: unknown) => {
      if (isReason(error, "NotFound")) throw StatusError.notFound({ group: "", plural: "namespaces" }, name);
      throw error;
    });
    const isEnding =
      found.object.metadata.deletionTimestamp !== undefined || found.object.status?.phase === "Terminating";
    if (!isEnding) return;
    throw StatusError.forbidden(
      kind,
      key.name || (object?.metadata.name ?? ""),
      `unable to create new content in namespace ${name} because it is being terminated`,
      [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${name} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    );
  }

  return {
    name: "NamespaceLifecycle",
    operations: ["CREATE", "DELETE"],
    async mutate(request) {
      // As early as possible: nothing need be defaulted, allocated or validated for a namespace that is not there.
      if (request.operation === "CREATE" && request.kind.namespaced) await checkCreate(request);
      return request.object;
    },
    async validate({ operation, kind, key }) {
      const isNamespace = kind.group === "" && kind.plural === "namespaces";
      if (operation === "DELETE" && isNamespace && immortalNamespaces.includes(key.name))
        throw StatusError.forbidden(kind, key.name, "this namespace may not be deleted");
    },
  };
}
