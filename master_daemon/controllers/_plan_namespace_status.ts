import { type Condition, setCondition } from "../../core/api/meta.ts";
import type { Namespace } from "../../core/kinds/mod.ts";
import { timestamp } from "../../core/util/clock.ts";
import { errorMessage } from "../../core/util/log.ts";

/** What is left of a namespace's content. */
export interface NamespaceContent {
  /** Number of objects by resource, e.g. `pods.`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Number of objects that wait for a finalizer, by its name. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** The first failure to delete, if any. */
  readonly error?: unknown;
  /** Why servers of further APIs did not say what they have, each with its group version: then something may be left there. */
  readonly undiscovered?: readonly string[];
}

/** Reason and message of a condition. */
type Words = readonly [reason: string, message: string];

/** A condition that is true while something keeps the namespace from its end. */
interface Hindrance {
  readonly type: string;
  /** Undefined: nothing does. */
  readonly found: Words | undefined;
  readonly otherwise: Words;
}

/**
 * The status of a namespace that is being emptied. Pure.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/namespace/deletion/status_condition_utils.go
 */
export function planNamespaceStatus(
  { status }: Namespace,
  content: NamespaceContent,
  nowMs: number,
): NonNullable<Namespace["status"]> {
  const lastTransitionTime = timestamp({ now: () => nowMs });
  let conditions: readonly Condition[] = status?.conditions ?? [];
  for (const { type, found, otherwise } of hindrances(content)) {
    const [reason, message] = found ?? otherwise;
    const next: Condition = { type, status: found ? "True" : "False", lastTransitionTime, reason, message };
    conditions = setCondition(conditions, next);
  }
  return { ...status, phase: "Terminating", conditions };
}

function hindrances({ remaining, finalizers, error, undiscovered = [] }: NamespaceContent): readonly Hindrance[] {
  const groups = `Discovery failed for some groups, ${undiscovered.length} failing: ${undiscoveredText(undiscovered)}`;
  const failure = `Failed to delete all resource types, 1 remaining: ${errorMessage(error)}`;
  const resources = `Some resources are remaining: ${counted(remaining, "has")}`;
  const waiting = `Some content in the namespace has finalizers remaining: ${counted(finalizers, "in")}`;
  return [
    {
      type: "NamespaceDeletionDiscoveryFailure",
      found: undiscovered.length > 0 ? ["DiscoveryFailed", groups] : undefined,
      otherwise: ["ResourcesDiscovered", "All resources successfully discovered"],
    },
    {
      type: "NamespaceDeletionGroupVersionParsingFailure",
      found: undefined,
      otherwise: ["ParsedGroupVersions", "All legacy kube types successfully parsed"],
    },
    {
      type: "NamespaceDeletionContentFailure",
      found: error === undefined ? undefined : ["ContentDeletionFailed", failure],
      otherwise: ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    },
    {
      type: "NamespaceContentRemaining",
      found: remaining.size > 0 ? ["SomeResourcesRemain", resources] : undefined,
      otherwise: ["ContentRemoved", "All content successfully removed"],
    },
    {
      type: "NamespaceFinalizersRemaining",
      found: finalizers.size > 0 ? ["SomeFinalizersRemain", waiting] : undefined,
      otherwise: ["ContentHasNoFinalizers", "All content-preserving finalizers finished"],
    },
  ];
}

/** Says which APIs could not be asked what they have, each with its reason. */
export function undiscoveredText(reasons: readonly string[]): string {
  return `unable to retrieve the complete list of server APIs: ${reasons.join(", ")}`;
}

function counted(counts: ReadonlyMap<string, number>, unit: "has" | "in"): string {
  return [...counts]
    .map(([name, count]) => `${name} ${unit} ${count} resource instances`)
    .sort()
    .join(", ");
}
