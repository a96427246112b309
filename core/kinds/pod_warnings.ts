import type { Container, Pod, PodSpec } from "./pod.ts";
import { semanticEqual } from "./semantic_equal.ts";

/** What a client should know about a pod. Only of a new one: few people change pods by hand. */
export function podWarnings({ spec }: Pod, previous: Pod | undefined): readonly string[] {
  return previous ? [] : specWarnings(spec, "spec");
}

/** What a client should know about a template of pods at `field`, when it is new or changed. */
export function templateWarnings(
  { spec }: { readonly spec: PodSpec },
  previous: { readonly spec: PodSpec } | undefined,
  field = "spec.template.spec",
): readonly string[] {
  const warnings = specWarnings(spec, field);
  // Most templates give no reason to compare them.
  return warnings.length > 0 && previous && semanticEqual(spec, previous.spec) ? [] : warnings;
}

/** @see k8s.io/kubernetes/pkg/api/pod/warnings.go */
function specWarnings(spec: PodSpec, field: string): readonly string[] {
  const { initContainers = [], containers, terminationGracePeriodSeconds: grace = 0 } = spec;
  const path = `${field}.terminationGracePeriodSeconds`;
  return [
    ...(grace < 0 ? [`${path}: must be >= 0; negative values are invalid and will be treated as 1`] : []),
    ...initContainers.flatMap((one, index) => hiddenVariables(one, `${field}.initContainers[${index}]`)),
    ...containers.flatMap((one, index) => hiddenVariables(one, `${field}.containers[${index}]`)),
  ];
}

/** Variables that take the place of others by their name, other than by adding to them: `apply` merges them by that. */
function hiddenVariables({ env = [] }: Container, field: string): readonly string[] {
  const seen = new Set<string>();
  return env.flatMap(({ name, value = "", valueFrom }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    const reference = `$(${name})`;
    if (valueFrom === undefined && value !== reference && value.includes(reference)) return [];
    const quoted = JSON.stringify(name);
    return [`${field}.env[${index}]: hides previous definition of ${quoted}, which may be dropped when using apply`];
  });
}
