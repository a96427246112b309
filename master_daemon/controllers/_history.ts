import { controllerReference, type Json, type JsonObject, type KubeObject, keyOf } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { type ControllerRevision, controllerRevision, type PodTemplateSpec } from "../../core/kinds/mod.ts";
import { sameTemplate } from "../../core/kinds/same_template.ts";
import { unlessGone } from "./_errors.ts";
import type { TemplateOwner } from "./_pod_control.ts";
import { podTemplateHash, withEntry } from "./_template_hash.ts";
import type { ControllerContext } from "./controller.ts";

/** Label of a pod that says which revision of its owner it comes from. */
export const revisionHashLabel = "controller-revision-hash";
/** Label of a revision with the hash of what it holds. */
const contentHashLabel = "controller.kubernetes.io/hash";

/** An owner whose templates are kept as ControllerRevisions. */
export interface RevisionedOwner extends TemplateOwner {
  readonly spec: TemplateOwner["spec"] & { readonly revisionHistoryLimit?: number };
  readonly status?: { readonly collisionCount?: number };
}

/** Revisions, lowest number first; of one number by age and name. */
export function sortRevisions(revisions: readonly ControllerRevision[]): readonly ControllerRevision[] {
  const age = ({ metadata }: KubeObject) => metadata.creationTimestamp ?? "";
  const compare = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);
  return [...revisions].sort(
    (a, b) =>
      a.revision - b.revision || compare(age(a), age(b)) || compare(a.metadata.name ?? "", b.metadata.name ?? ""),
  );
}

/** The template that a revision holds; undefined when somebody put something else there. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec | undefined {
  const spec = data?.["spec"] as JsonObject | undefined;
  const template = spec?.["template"];
  if (typeof template !== "object" || template === null) return undefined;
  const { $patch: _, ...rest } = template as JsonObject;
  return rest as unknown as PodTemplateSpec;
}

/** What to do so that a revision stands for the owner's template. */
export type RevisionPlan =
  /** The newest one does. */
  | { readonly type: "keep"; readonly revision: ControllerRevision }
  /** An older one does: a roll-back, which makes it the newest. */
  | { readonly type: "renumber"; readonly revision: ControllerRevision }
  | { readonly type: "create"; readonly revision: ControllerRevision };

/**
 * Which revision stands for the owner's template. Pure.
 *
 * @param labelled whether the revision also has the label of its pods, as those of daemon sets have
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/history/controller_history.go
 */
export function planRevision(
  owner: RevisionedOwner,
  revisions: readonly ControllerRevision[],
  { labelled }: { readonly labelled: boolean },
): RevisionPlan {
  const sorted = sortRevisions(revisions);
  const last = sorted.at(-1);
  const { template } = owner.spec;
  const equal = sorted.findLast((one) => {
    const held = templateOf(one);
    return held !== undefined && sameTemplate(held, template);
  });
  const next = (last?.revision ?? 0) + 1;
  if (equal && equal === last) return { type: "keep", revision: equal };
  if (equal) return { type: "renumber", revision: { ...equal, revision: next } };
  return { type: "create", revision: newRevision(owner, next, labelled) };
}

function newRevision(owner: RevisionedOwner, revision: number, labelled: boolean): ControllerRevision {
  const { template } = owner.spec;
  const hash = podTemplateHash(template, owner.status?.collisionCount ?? 0);
  const labels = withEntry(template.metadata?.labels, contentHashLabel, hash);
  const { name = "", namespace = "", annotations } = owner.metadata;
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      // Names of objects have 253 characters at most.
      name: `${name.slice(0, 223)}-${hash}`,
      namespace,
      labels: labelled ? withEntry(labels, revisionHashLabel, hash) : labels,
      ...(annotations ? { annotations } : {}),
      ownerReferences: [controllerReference(owner)],
    },
    data: snapshotOf(template),
    revision,
  };
}

/**
 * A patch that puts the template back. Written as Kubernetes writes it, members in order: kubectl compares the bytes to
 * tell whether there is anything to roll back.
 */
function snapshotOf(template: PodTemplateSpec): JsonObject {
  const { metadata, ...rest } = template as unknown as { readonly metadata?: JsonObject } & JsonObject;
  const full = { ...rest, metadata: metadata ?? {}, $patch: "replace" };
  return { spec: { template: inOrder(full) } };
}

function inOrder(value: Json): Json {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const names = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return Object.fromEntries(names.map((name) => [name, inOrder((value as JsonObject)[name] ?? null)]));
}

/** How a revision came about. */
export type EnsuredRevision =
  | { readonly type: "revision"; readonly revision: ControllerRevision }
  /** Its name is taken by another template: count on, and try again. */
  | { readonly type: "collision" };

/** Carries a {@linkcode RevisionPlan} out. */
export async function ensureRevision(
  { type, revision }: RevisionPlan,
  owner: RevisionedOwner,
  { client, signal }: ControllerContext,
): Promise<EnsuredRevision> {
  if (type === "keep") return { type: "revision", revision };
  if (type === "renumber")
    return { type: "revision", revision: await client.update(controllerRevision, revision, { signal }) };
  try {
    return { type: "revision", revision: await client.create(controllerRevision, revision, { signal }) };
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
    const present = await client.get(controllerRevision, keyOf(revision), { signal });
    const held = templateOf(present);
    return held && sameTemplate(held, owner.spec.template)
      ? { type: "revision", revision: present }
      : { type: "collision" };
  }
}

/** The other revisions that hold the same template: left behind by a race of two controllers, or by hand. */
export function duplicatesOf(
  { metadata }: ControllerRevision,
  owner: RevisionedOwner,
  revisions: readonly ControllerRevision[],
): readonly ControllerRevision[] {
  return revisions.filter((one) => {
    const held = templateOf(one);
    return one.metadata.name !== metadata.name && held !== undefined && sameTemplate(held, owner.spec.template);
  });
}

/** The revisions beyond the history limit that nobody uses, lowest number first. */
export function surplusRevisions(
  revisions: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
  limit = 10,
): readonly ControllerRevision[] {
  const history = sortRevisions(revisions).filter((one) => !isLive(one));
  return history.slice(0, Math.max(0, history.length - limit));
}

/** Deletes revisions. */
export async function deleteRevisions(
  revisions: readonly ControllerRevision[],
  { client, signal }: ControllerContext,
): Promise<void> {
  for (const one of revisions) await unlessGone(client.delete(controllerRevision, keyOf(one), { signal }));
}
