import { namespace as namespaceKind } from "../../core/kinds/namespace.ts";
import type { Registries } from "../registry/registry.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Refuses writes in namespaces that are not there. Off by default: NamespaceLifecycle does more.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespaceexists
 */
export function namespaceExists({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const namespaces = registries.for(namespaceKind);
  return {
    name: "NamespaceExists",
    operations: ["CREATE", "UPDATE", "DELETE"],
    async validate({ kind, key }) {
      if (kind.namespaced && key.namespace) await namespaces.get({ name: key.namespace });
    },
  };
}
