import { asJson } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject, OwnerReference, StringMap } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { type Node, node as nodeKind } from "../../core/kinds/node.ts";
import { type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import { isMirror, mirrorAnnotation } from "../../core/kinds/pod_helpers.ts";
import { podReferences } from "../../core/kinds/pod_references.ts";
import { semanticEqual } from "../../core/kinds/semantic_equal.ts";
import { nodeNameOf } from "../authorization/node_identity.ts";
import type { Registries } from "../registry/registry.ts";
import { forbiddenLabels } from "./_node_labels.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";

/** A write by a node. */
interface NodeWrite {
  readonly request: AdmissionRequest;
  readonly node: string;
  readonly registries: Registries;
  /** @throws StatusError Forbidden */
  refuse(cause: string): never;
}

/**
 * Lets nodes change themselves and the pods that are bound to them, and of these no more than they have to.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function nodeRestriction({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  return {
    name: "NodeRestriction",
    operations: ["CREATE", "UPDATE", "DELETE"],
    async validate(request) {
      const { kind, key, object, user } = request;
      const node = nodeNameOf(user);
      if (node === undefined) return;
      const refuse = (cause: string): never => {
        throw StatusError.forbidden(kind, key.name || (object?.metadata.name ?? ""), cause);
      };
      if (node === "") refuse(`could not determine node from user ${JSON.stringify(user.username)}`);
      await restrictions.get(`${kind.group}/${kind.plural}`)?.({ request, node, registries, refuse });
    },
  };
}

type Restriction = (write: NodeWrite) => void | Promise<void>;

const restrictions: ReadonlyMap<string, Restriction> = new Map<string, Restriction>([
  ["/pods", restrictPod],
  ["/nodes", restrictNode],
  ["/persistentvolumeclaims", restrictClaim],
  ["/serviceaccounts", restrictToken],
  ["coordination.k8s.io/leases", restrictLease],
  ["storage.k8s.io/csinodes", (write) => ownNameOnly(write, "CSINode")],
]);

async function restrictPod(write: NodeWrite): Promise<void> {
  const { request, node, refuse } = write;
  const { operation, subresource, object, previous } = request;
  const shown = JSON.stringify(node);
  if (subresource === "eviction") {
    const pod = (previous ?? (await podOf(write, request.key.name))) as Pod;
    if (pod.spec.nodeName !== node) refuse(`node ${node} can only evict pods with spec.nodeName set to itself`);
    return;
  }
  if (subresource === "status") return restrictPodStatus(write, object as Pod, previous as Pod);
  if (subresource !== undefined)
    refuse(`unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`);
  if (operation === "DELETE") {
    if ((previous as Pod | undefined)?.spec.nodeName !== node)
      refuse(`node ${shown} can only delete pods with spec.nodeName set to itself`);
    return;
  }
  if (operation !== "CREATE")
    refuse(`unexpected operation ${JSON.stringify(operation)}, node ${shown} can only create and delete mirror pods`);
  await restrictMirrorPod(write, object as Pod);
}

function restrictPodStatus({ node, refuse }: NodeWrite, pod: Pod, previous: Pod): void {
  const shown = JSON.stringify(node);
  if (previous.spec.nodeName !== node)
    refuse(`node ${shown} can only update pod status for pods with spec.nodeName set to itself`);
  if (!semanticEqual(pod.metadata.labels ?? {}, previous.metadata.labels ?? {}))
    refuse(`node ${shown} cannot update labels through pod status`);
  const claims = ({ status }: Pod) => asJson(status)?.["resourceClaimStatuses"] ?? [];
  if (!semanticEqual(claims(pod), claims(previous))) refuse(`node ${shown} cannot update resource claim statuses`);
}

/** A pod that a node makes from a file of its own must give it nothing that it has not. */
async function restrictMirrorPod(write: NodeWrite, pod: Pod): Promise<void> {
  const { node, refuse } = write;
  const shown = JSON.stringify(node);
  const { ownerReferences = [] } = pod.metadata;
  if (!isMirror(pod))
    refuse(`pod does not have "${mirrorAnnotation}" annotation, node ${shown} can only create mirror pods`);
  if (pod.spec.nodeName !== node) refuse(`node ${shown} can only create pods with spec.nodeName set to itself`);
  const [owner, ...others] = ownerReferences;
  if (others.length > 0) refuse(`node ${shown} can only create pods with a single owner reference set to itself`);
  await checkOwner(write, owner);
  const { secrets, configMaps, persistentVolumeClaims, resourceClaims, serviceAccount } = podReferences(pod);
  const references = (what: string) => refuse(`node ${shown} can not create pods that reference ${what}`);
  if (serviceAccount !== undefined) references("a service account");
  if (secrets.size > 0) references("secrets");
  if (configMaps.size > 0) references("configmaps");
  if (persistentVolumeClaims.size > 0) references("persistentvolumeclaims");
  if (resourceClaims.size > 0) references("resourceclaims");
}

async function checkOwner({ node, refuse, registries }: NodeWrite, owner: OwnerReference | undefined): Promise<void> {
  const shown = JSON.stringify(node);
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node)
    return refuse(`node ${shown} can only create pods with an owner reference set to itself`);
  if (!owner.controller) refuse(`node ${shown} can only create pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion) refuse(`node ${shown} must not set blockOwnerDeletion on an owner reference`);
  const { uid = "" } = (await registries.for(nodeKind).get({ name: node })).object.metadata;
  if (owner.uid !== uid) refuse(`node ${node} UID mismatch: expected ${owner.uid} got ${uid}`);
}

function restrictNode({ request, node, refuse }: NodeWrite): void {
  const { operation, key } = request;
  const object = request.object as Node | undefined;
  const previous = request.previous as Node | undefined;
  const shown = JSON.stringify(node);
  const name = key.name || object?.metadata.name;
  if (name !== node) refuse(`node ${shown} is not allowed to modify node ${JSON.stringify(name)}`);
  if (operation === "DELETE" || !object) return;
  const labels = forbiddenLabels(changedKeys(object.metadata.labels, previous?.metadata.labels)).join(", ");
  // Its owner's end would be its own, and it could come back as another.
  if (!semanticEqual(object.metadata.ownerReferences ?? [], previous?.metadata.ownerReferences ?? []))
    refuse(`node ${shown} is not allowed to modify ownerReferences`);
  if (previous && !semanticEqual(object.spec?.taints ?? [], previous.spec?.taints ?? []))
    refuse(`node ${shown} is not allowed to modify taints`);
  if (labels && !previous) refuse(`node ${shown} is not allowed to set the following labels: ${labels}`);
  if (labels) refuse(`is not allowed to modify labels: ${labels}`);
}

function changedKeys(next: StringMap = {}, previous: StringMap = {}): readonly string[] {
  const own = (map: StringMap, key: string) => (Object.hasOwn(map, key) ? map[key] : undefined);
  const keys = new Set([...Object.keys(next), ...Object.keys(previous)]);
  return [...keys].filter((key) => own(next, key) !== own(previous, key)).sort();
}

function restrictClaim({ request, node, refuse }: NodeWrite): void {
  const { operation, subresource, object, previous } = request;
  if (subresource !== "status") refuse("may only update PVC status");
  if (operation !== "UPDATE") refuse(`unexpected operation ${JSON.stringify(operation)}`);
  if (object && previous && !semanticEqual(beyondReport(object), beyondReport(previous)))
    refuse(
      `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`,
    );
}

/** A claim without what nodes report of it. */
function beyondReport(claim: KubeObject): JsonObject {
  const { metadata, status, ...rest } = claim as unknown as Readonly<Record<string, JsonObject>>;
  const { resourceVersion: _v, managedFields: _m, ...kept } = metadata ?? {};
  const { capacity: _c, conditions: _o, allocatedResourceStatuses: _s, ...others } = status ?? {};
  return { ...rest, metadata: kept, status: others };
}

async function restrictToken(write: NodeWrite): Promise<void> {
  const { request, node, refuse } = write;
  if (request.operation !== "CREATE" || request.subresource !== "token") return;
  const spec = asJson(request.object)?.["spec"] as JsonObject | undefined;
  const ref = (spec?.["boundObjectRef"] ?? {}) as JsonObject;
  if (ref["apiVersion"] !== "v1" || ref["kind"] !== "Pod" || !ref["name"])
    refuse("node requested token not bound to a pod");
  if (!ref["uid"]) refuse("node requested token with a pod binding without a uid");
  const pod = await podOf(write, String(ref["name"]));
  if (ref["uid"] !== pod.metadata.uid)
    refuse(
      `the UID in the bound object reference (${String(ref["uid"])}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (pod.spec.nodeName !== node) refuse("node requested token bound to a pod scheduled on a different node");
}

async function podOf({ registries, request }: NodeWrite, name: string): Promise<Pod> {
  return (await registries.for(podKind).get({ namespace: request.key.namespace, name })).object;
}

function restrictLease(write: NodeWrite): void {
  if (write.request.key.namespace !== "kube-node-lease")
    write.refuse('can only access leases in the "kube-node-lease" system namespace');
  ownNameOnly(write, "node lease");
}

function ownNameOnly({ request, node, refuse }: NodeWrite, what: string): void {
  const name = request.object?.metadata.name ?? request.key.name;
  if (name !== node) refuse(`can only access ${what} with the same name as the requesting node`);
}
