import type { ObjectMeta } from "../../../core/api/meta.ts";
import type { Container, PodSpec, SecurityContext } from "../../../core/kinds/pod.ts";

/** What a check dislikes in a pod. */
export interface Violation {
  /** In a few words: always told. */
  readonly reason: string;
  /** Which containers, which values. */
  readonly detail: string;
}

/** The part of a pod, or of a template, that is judged. */
export interface JudgedPod {
  readonly metadata: ObjectMeta;
  readonly spec: PodSpec;
}

/** One rule of the Pod Security Standards, in the form that it had as of some versions. */
export interface Check {
  readonly id: string;
  /** By the minor version since which they hold, oldest first. */
  readonly since: readonly (readonly [number, (pod: JudgedPod) => Violation | undefined])[];
  /** Checks of `baseline` that need not be made beside this one, by id. */
  readonly overrides?: readonly string[];
}

/** Every container of a pod, in the order that the checks name them. */
export function containersOf({ spec }: JudgedPod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** The names of the containers whose security context is bad. */
export function namesWhere(pod: JudgedPod, isBad: (context: SecurityContext) => boolean): readonly string[] {
  return containersOf(pod)
    .filter(({ securityContext }) => isBad(securityContext ?? {}))
    .map(({ name }) => name);
}

/** `"a", "b"`. */
export function quoted(items: readonly string[]): string {
  return items.map((item) => `"${item}"`).join(", ");
}

/** The singular for one, else the plural. */
export function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

/** `container "a"` or `containers "a", "b"`. */
export function containersText(names: readonly string[]): string {
  return `${plural(names.length, "container", "containers")} ${quoted(names)}`;
}

/** Who set something: `pod and containers "a", "b"`; undefined when nobody did. */
export function settersText(isPod: boolean, containers: readonly string[]): string | undefined {
  const setters = [...(isPod ? ["pod"] : []), ...(containers.length > 0 ? [containersText(containers)] : [])];
  return setters.length > 0 ? setters.join(" and ") : undefined;
}

/** Each text once, in order. */
export function sortedSet(items: Iterable<string>): readonly string[] {
  return [...new Set(items)].sort();
}

/** Not judging pods that say they are for Windows. */
export function unlessWindows(check: (pod: JudgedPod) => Violation | undefined): typeof check {
  return (pod) => (pod.spec.os?.name === "windows" ? undefined : check(pod));
}

/** Not judging pods that run in a user namespace of their own: root is nobody there. */
export function unlessUserNamespace(check: (pod: JudgedPod) => Violation | undefined): typeof check {
  return (pod) => (pod.spec.hostUsers === false ? undefined : check(pod));
}
