import type { KubeObject, OwnerReference } from "../../core/api/meta.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import type { Authorizer, ResourceAttributes } from "../authorization/authorizer.ts";
import type { Registries } from "../registry/registry.ts";
import { refusal } from "./_requests.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/** Options of {@linkcode ownerReferencesPermissionEnforcement}. */
export interface OwnerReferencesOptions {
  readonly registries: Registries;
  readonly authorizer: Authorizer;
}

/**
 * Lets only those change the owners of an object who may delete it, and only those block the deletion of an owner who may
 * set its finalizers. Off by default.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#ownerreferencespermissionenforcement
 */
export function ownerReferencesPermissionEnforcement({
  registries,
  authorizer,
}: OwnerReferencesOptions): AdmissionPlugin {
  async function why(user: UserInfo, attributes: ResourceAttributes): Promise<string | undefined> {
    const { allowed, reason = "", error = "<nil>" } = await authorizer.authorize(user, attributes);
    return allowed ? undefined : `${reason}, ${error}`;
  }

  async function checkDelete(request: AdmissionRequest): Promise<void> {
    const { kind, key, subresource, user } = request;
    const refused = await why(user, { ...resourceOf(kind), verb: "delete", subresource, ...place(key) });
    if (refused !== undefined)
      throw refusal(request, `cannot set an ownerRef on a resource you can't delete: ${refused}`);
  }

  async function checkBlocking(request: AdmissionRequest, owner: OwnerReference): Promise<void> {
    const slash = owner.apiVersion.lastIndexOf("/");
    const group = slash < 0 ? "" : owner.apiVersion.slice(0, slash);
    const kind = registries.kinds.find((one) => one.group === group && one.kind === owner.kind);
    if (!kind)
      throw refusal(
        request,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: no matches for kind "${owner.kind}" in version "${owner.apiVersion}"`,
      );
    const namespace = kind.namespaced ? request.key.namespace : undefined;
    const attributes = { ...resourceOf(kind), verb: "update", subresource: "finalizers", namespace, name: owner.name };
    const refused = await why(request.user, attributes);
    if (refused !== undefined)
      throw refusal(
        request,
        `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${refused}`,
      );
  }

  return {
    name: "OwnerReferencesPermissionEnforcement",
    operations: ["CREATE", "UPDATE"],
    async validate(request) {
      const { kind, operation, object, previous, subresource } = request;
      // What is written to a pod's status leaves its owners alone.
      if (kind.plural === "pods" && kind.group === "" && subresource === "status") return;
      const owners = ownersOf(object);
      const before = ownersOf(previous);
      if (JSON.stringify(owners) === JSON.stringify(before)) return;
      if (operation === "UPDATE") await checkDelete(request);
      const blocked = new Set(before.filter((one) => one.blockOwnerDeletion).map(({ uid }) => uid));
      for (const owner of owners)
        if (owner.blockOwnerDeletion && !blocked.has(owner.uid)) await checkBlocking(request, owner);
    },
  };
}

function ownersOf(object: KubeObject | undefined): readonly OwnerReference[] {
  return object?.metadata.ownerReferences ?? [];
}

function resourceOf({ group, version, plural }: AdmissionRequest["kind"]) {
  return { type: "resource", group, version, resource: plural } as const;
}

function place(key: AdmissionRequest["key"]) {
  return { namespace: key.namespace, name: key.name };
}
