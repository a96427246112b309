import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import { dnsSubdomainError } from "../../../core/api/kind.ts";
import { type JsonObject, type ObjectKey, type StringMap, setCondition } from "../../../core/api/meta.ts";
import { fieldError, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { observed } from "../../../core/kinds/observed_generation.ts";
import { type Pod, type PodCondition, pod as podKind } from "../../../core/kinds/pod.ts";
import { checkRequired } from "../../../core/kinds/validators.ts";
import { timestamp } from "../../../core/util/clock.ts";
import { compact } from "../../../core/util/compact.ts";
import { readDocument } from "../body.ts";
import { writeOptions } from "../query.ts";
import { documentResponse } from "../respond.ts";
import type { ResourceRequest } from "../services.ts";

/**
 * POST on `/pods/NAME/binding` and on `/bindings`: gives a pod its node. Once only.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/storage/storage.go assignPod
 */
export async function bind(r: Omit<ResourceRequest, "kind" | "registry">): Promise<ApiResponse> {
  const { dryRun } = writeOptions(r.query, "CreateOptions");
  const body = await readDocument(r.request, r.services.maxBodyBytes);
  if (body === undefined || !isJsonObject(body)) throw StatusError.badRequest("the body must be a Binding");
  const { name, node, annotations, uid } = readBinding(body, r.route.name);
  const key: ObjectKey = { namespace: r.route.namespace, name };
  const now = timestamp(r.services.clock);
  await r.services.registries.for(podKind).update(key, (pod) => assign(pod, { node, annotations, uid, now }), {
    user: r.user,
    dryRun,
    subresource: "binding",
  });
  return documentResponse(
    { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
    201,
    r.form,
  );
}

interface Assignment {
  readonly node: string;
  readonly annotations: StringMap;
  /** Of the pod that is meant; undefined: whichever has the name. */
  readonly uid: string | undefined;
  readonly now: string;
}

function assign(pod: Pod, { node, annotations, uid, now }: Assignment): Pod {
  const { name = "" } = pod.metadata;
  const conflict = (cause: string) => StatusError.conflict({ group: "", plural: "pods/binding" }, name, cause);
  if (uid !== undefined && uid !== pod.metadata.uid)
    throw conflict(`Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ""}`);
  if (pod.metadata.deletionTimestamp !== undefined)
    throw conflict(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) throw conflict(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  if ((pod.spec.schedulingGates?.length ?? 0) > 0) throw conflict(`pod ${name} has non-empty .spec.schedulingGates`);
  const scheduled: PodCondition = {
    type: "PodScheduled",
    status: "True",
    ...observed(pod.metadata),
    lastTransitionTime: now,
  };
  // What was only expected has come about, there or elsewhere.
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: Object.fromEntries([
        ...Object.entries(pod.metadata.annotations ?? {}),
        ...Object.entries(annotations),
      ]),
    },
    // Compact: what is added after a spread would give each pod's spec a hidden class of its own.
    spec: compact<Pod["spec"]>({ ...pod.spec, nodeName: node }),
    status: { ...status, conditions: setCondition<PodCondition>(status.conditions, scheduled) },
  };
}

function readBinding(
  body: JsonObject,
  pathName: string | undefined,
): Omit<Assignment, "now"> & { readonly name: string } {
  const metadata = member(body, "metadata");
  const target = member(body, "target");
  const name = text(metadata, "name");
  if (pathName !== undefined && name !== "" && name !== pathName)
    throw StatusError.badRequest("name in URL does not match name in Binding object");
  const errors = [];
  const kind = text(target, "kind");
  if (kind !== "" && kind !== "Node") errors.push(fieldError.notSupported("target.kind", kind, ["Node", "<empty>"]));
  const node = text(target, "name");
  errors.push(...checkRequired("target.name", node, dnsSubdomainError));
  const meant = pathName ?? name;
  if (meant === "") errors.push(fieldError.required("metadata.name", "name or generateName is required"));
  if (errors.length > 0) throw StatusError.invalid({ group: "", kind: "Binding" }, meant, errors);
  const annotations = Object.entries(member(metadata, "annotations")).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return {
    name: meant,
    node,
    annotations: Object.fromEntries(annotations),
    uid: text(metadata, "uid") || undefined,
  };
}

function member(object: JsonObject, name: string): JsonObject {
  const value = getOwn(object, name);
  return isJsonObject(value) ? value : {};
}

function text(object: JsonObject, name: string): string {
  const value = getOwn(object, name) ?? "";
  if (typeof value === "string") return value;
  throw StatusError.badRequest(`Binding in version "v1" cannot be handled as a Binding: ${name} must be a string`);
}
