import { getOwn, isJsonObject } from "../../../core/api/json_object.ts";
import { setCondition } from "../../../core/api/meta.ts";
import { isReason, StatusError } from "../../../core/api/status.ts";
import type { ApiResponse } from "../../../core/client/transport.ts";
import { type Pod, type PodCondition, podDisruptionBudget, pod as podKind } from "../../../core/kinds/mod.ts";
import { observed } from "../../../core/kinds/observed_generation.ts";
import { timestamp } from "../../../core/util/clock.ts";
import { readDocument } from "../body.ts";
import { type DeleteOptions, deleteOptions } from "../delete_options.ts";
import { writeOptions } from "../query.ts";
import { documentResponse } from "../respond.ts";
import { type ResourceRequest, routeKey } from "../services.ts";
import { deleteObject } from "../verbs/delete.ts";
import { budgetsOf, costsNothing, needsNoBudget, spend, stillProcessed } from "./_disruption_budgets.ts";

const versions = ["policy/v1", "policy/v1beta1"];
const maxTries = 20;

/** POST on `/pods/NAME/eviction`: a deletion that asks first whether the pod can be spared. Any version of policy is taken. */
export async function evict(r: ResourceRequest): Promise<ApiResponse> {
  const { dryRun } = writeOptions(r.query, "CreateOptions");
  const body = await readDocument(r.request, r.services.maxBodyBytes);
  if (body === undefined || !isJsonObject(body)) throw StatusError.badRequest("the body must be an Eviction");
  const apiVersion = getOwn(body, "apiVersion") ?? "policy/v1";
  if (typeof apiVersion !== "string" || !versions.includes(apiVersion))
    throw StatusError.badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (policy/v1)`,
    );
  const metadata = getOwn(body, "metadata");
  const name = isJsonObject(metadata) ? getOwn(metadata, "name") : undefined;
  if (name !== undefined && name !== "" && name !== r.route.name)
    throw StatusError.badRequest("name in URL does not match name in Eviction object");
  const options = deleteOptions(getOwn(body, "deleteOptions"), new URLSearchParams());
  await evictPod(r, { ...options, dryRun: dryRun || options.dryRun });
  return documentResponse(
    { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
    201,
    r.form,
  );
}

/** @see https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/core/pod/storage/eviction.go */
async function evictPod(r: ResourceRequest, options: DeleteOptions): Promise<void> {
  const key = routeKey(r);
  const isExact = options.preconditions?.resourceVersion !== undefined;
  for (let attempt = 1; ; attempt++) {
    const { object: pod } = await r.services.registries.for(podKind).get(key);
    if (!needsNoBudget(pod)) break;
    const isWaiting = pod.status?.phase === "Pending" && !pod.metadata.deletionTimestamp;
    try {
      // A pod that begins to run meanwhile is to be looked at again.
      await (isWaiting ? markAndDelete(r, pinned(options, pod)) : deleteObject(r, key, options));
      return;
    } catch (error) {
      if (isExact || attempt >= maxTries || !isReason(error, "Conflict")) throw error;
    }
  }
  await evictRunning(r, options);
}

/** The options with the very version of the pod as a condition, unless they name one already. */
function pinned(options: DeleteOptions, pod: Pod): DeleteOptions {
  return options.preconditions?.resourceVersion === undefined ? renewed(options, pod) : options;
}

async function evictRunning(r: ResourceRequest, options: DeleteOptions): Promise<void> {
  const { registries, clock } = r.services;
  const key = routeKey(r);
  const { object: pod } = await registries.for(podKind).get(key);
  const budgets = registries.for(podDisruptionBudget);
  const { items } = await budgets.list({ namespace: key.namespace });
  const [budget, ...more] = budgetsOf(
    pod,
    items.map(({ object }) => object),
  );
  if (more.length > 0) {
    const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new StatusError(500, "InternalError", message);
  }
  if (budget && costsNothing(pod, budget)) {
    try {
      await markAndDelete(r, pinned(options, pod));
    } catch (error) {
      // It may have become ready.
      const isOurs = options.preconditions?.resourceVersion === undefined;
      throw isOurs && isReason(error, "Conflict") ? stillProcessed(budget.metadata.name ?? "") : error;
    }
    return;
  }
  if (budget) {
    const { name = "" } = budget.metadata;
    const now = timestamp(clock);
    const write = { user: r.user, dryRun: options.dryRun, subresource: "status" } as const;
    await budgets.update({ namespace: key.namespace, name }, (current) => spend(current, key.name, now), write);
  }
  await markAndDelete(r, options);
}

/** Says on the pod why it ends, then deletes it: of the version that the options name, when they do. */
async function markAndDelete(r: ResourceRequest, options: DeleteOptions): Promise<void> {
  const { registries, clock } = r.services;
  const { dryRun, preconditions } = options;
  const key = routeKey(r);
  const wanted = preconditions?.resourceVersion;
  const mark = (pod: Pod): Pod => {
    const { name = "", resourceVersion = "" } = pod.metadata;
    if (wanted === undefined || wanted === resourceVersion) return withDisruption(pod, timestamp(clock));
    const cause = `Precondition failed: ResourceVersion in precondition: ${wanted}, ResourceVersion in object meta: ${resourceVersion}`;
    throw StatusError.conflict({ group: "", plural: "pods" }, name, cause);
  };
  const write = { user: r.user, dryRun, subresource: "status" } as const;
  const { object: marked } = await registries.for(podKind).update(key, mark, write);
  await deleteObject(r, key, wanted === undefined || dryRun ? options : renewed(options, marked));
}

function renewed(options: DeleteOptions, { metadata: { resourceVersion } }: Pod): DeleteOptions {
  return { ...options, preconditions: { ...options.preconditions, ...(resourceVersion ? { resourceVersion } : {}) } };
}

/** Says on the pod why it ends. */
function withDisruption(pod: Pod, now: string): Pod {
  const condition: PodCondition = {
    type: "DisruptionTarget",
    status: "True",
    ...observed(pod.metadata),
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
    lastTransitionTime: now,
  };
  return { ...pod, status: { ...pod.status, conditions: setCondition(pod.status?.conditions, condition) } };
}
