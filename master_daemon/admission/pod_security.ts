import { controllerOf, type KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { type Namespace, namespace as namespaceKind } from "../../core/kinds/namespace.ts";
import { type Container, type Pod, pod as podKind } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Registries } from "../registry/registry.ts";
import { isAbout, refusal } from "./_requests.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";
import type { JudgedPod } from "./pod_security/check.ts";
import { defaultPodSecurity, type PodSecurityOptions } from "./pod_security/configuration.ts";
import {
  compareLevels,
  evaluate,
  isFullyPrivileged,
  type LevelVersion,
  levelText,
  type Policy,
  policyOf,
  sameLevel,
  violationsText,
} from "./pod_security/policy.ts";

/** Pods that are looked at when a namespace becomes stricter. */
const maxPodsChecked = 3000;
const maxPodCheckMs = 1000;

const annotationPrefix = "pod-security.kubernetes.io/";
/** Only these change what containers run. */
const judgedSubresources: readonly (string | undefined)[] = [undefined, "ephemeralcontainers", "resize"];

/** Where workloads keep the pods that they will make. */
const templatePaths: ReadonlyMap<string, readonly string[]> = new Map([
  ["/replicationcontrollers", ["spec", "template"]],
  ["/podtemplates", ["template"]],
  ["apps/replicasets", ["spec", "template"]],
  ["apps/deployments", ["spec", "template"]],
  ["apps/statefulsets", ["spec", "template"]],
  ["apps/daemonsets", ["spec", "template"]],
  ["batch/jobs", ["spec", "template"]],
  ["batch/cronjobs", ["spec", "jobTemplate", "spec", "template"]],
]);

/** Options of {@linkcode podSecurity}. */
export interface PodSecurityPluginOptions {
  readonly registries: Registries;
  readonly configuration?: PodSecurityOptions | undefined;
  /** A look at many pods is cut short. */
  readonly clock: Clock;
}

/**
 * Holds pods to the Pod Security Standards that the labels of their namespace name: refuses, notes in the audit log, warns.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-admission/
 */
export function podSecurity(options: PodSecurityPluginOptions): AdmissionPlugin {
  const { registries, configuration = defaultPodSecurity } = options;
  const { defaults, exemptions } = configuration;
  const namespaces = registries.for(namespaceKind);
  const pods = registries.for(podKind);

  /** Why nothing is asked of this request; undefined when something is. */
  function exemption({ key, user }: AdmissionRequest): string | undefined {
    if (exemptions.namespaces.includes(key.namespace ?? "")) return "namespace";
    return exemptions.usernames.includes(user.username) ? "user" : undefined;
  }

  async function judge(request: AdmissionRequest, pod: JudgedPod, mode: "pod" | "template"): Promise<void> {
    const annotate = (name: string, value: string) => request.annotate(annotationPrefix + name, value);
    const exempt = exemption(request);
    if (exempt !== undefined) return annotate("exempt", exempt);
    const { object: namespace } = await namespaces.get({ name: request.key.namespace ?? "" });
    const { policy, errors } = policyOf(namespace.metadata.labels, defaults);
    const isSilent =
      mode === "pod"
        ? isFullyPrivileged(policy)
        : policy.warn.level === "privileged" && policy.audit.level === "privileged";
    if (errors.length === 0 && isSilent) {
      if (mode === "pod") annotate("enforce-policy", levelText({ level: "privileged", version: "latest" }));
      return;
    }
    if (pod.spec.runtimeClassName && exemptions.runtimeClasses.includes(pod.spec.runtimeClassName))
      return annotate("exempt", "runtimeClass");
    if (errors.length > 0)
      annotate(
        "error",
        `Failed to parse policy: ${errors.map(({ field, message }) => `${field}: ${message}`).join(", ")}`,
      );
    tell(request, policy, pod, mode);
  }

  return {
    name: "PodSecurity",
    operations: ["CREATE", "UPDATE"],
    async validate(request) {
      const { kind, subresource, object } = request;
      if (isAbout(request, "", "namespaces")) return judgeNamespace(request, object as Namespace);
      if (kind.group === "" && kind.plural === "pods") {
        const pod = object as Pod;
        if (!judgedSubresources.includes(subresource)) return;
        if (request.operation === "UPDATE" && !isSignificant(pod, request.previous as Pod)) return;
        return judge(request, pod, "pod");
      }
      const path = subresource === undefined ? templatePaths.get(`${kind.group}/${kind.plural}`) : undefined;
      const template = path && templateAt(object, path);
      if (template) return judge(request, template, "template");
    },
  };

  async function judgeNamespace(request: AdmissionRequest, namespace: Namespace): Promise<void> {
    const { operation, kind, previous, warn } = request;
    const name = namespace.metadata.name ?? "";
    const { policy, errors } = policyOf(namespace.metadata.labels, defaults);
    const before = policyOf(previous?.metadata.labels, defaults);
    const isAsWrong = operation === "UPDATE" && JSON.stringify(errors) === JSON.stringify(before.errors);
    if (errors.length > 0 && !isAsWrong) throw StatusError.invalid(kind, name, errors);
    const isExempt = exemptions.namespaces.includes(name);
    if (operation === "UPDATE" && !isStricter(policy.enforce, before.policy.enforce)) return;
    if (isExempt) {
      const ignored = ignoredPolicyText(policy, defaults, namespace);
      if (ignored) warn(`namespace "${name}" is exempt from Pod Security, and the policy (${ignored}) will be ignored`);
      return;
    }
    if (operation === "UPDATE") for (const text of await existingPods(name, policy.enforce)) warn(text);
  }

  /** What a stricter level would have refused among the pods that are there. */
  async function existingPods(namespace: string, enforce: LevelVersion): Promise<readonly string[]> {
    const { items } = await pods.list({ namespace });
    const candidates = byController(items.map(({ object }) => object)).filter(
      ({ spec }) => !exemptions.runtimeClasses.includes(spec.runtimeClassName ?? ""),
    );
    const found = new Map<string, string[]>();
    const startedAt = options.clock.monotonic();
    let checked = 0;
    for (const pod of candidates.slice(0, maxPodsChecked)) {
      checked++;
      const reason = evaluate(enforce, pod)
        .map((violation) => violation.reason)
        .join(", ");
      if (reason) found.set(reason, [...(found.get(reason) ?? []), pod.metadata.name ?? ""]);
      if (checked % 50 === 0) {
        if (options.clock.monotonic() - startedAt > maxPodCheckMs) break;
        // Others want to be served, too.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return [
      ...(checked < candidates.length
        ? [
            `new PodSecurity enforce level only checked against the first ${checked} of ${candidates.length} existing pods`,
          ]
        : []),
      ...(found.size > 0
        ? [
            `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${levelText(enforce)}"`,
          ]
        : []),
      ...[...found].map(([reason, names]) => `${podsText(names)}: ${reason}`).sort(),
    ];
  }
}

function tell(request: AdmissionRequest, policy: Policy, pod: JudgedPod, mode: "pod" | "template"): void {
  const annotate = (name: string, value: string) => request.annotate(annotationPrefix + name, value);
  const text = (level: LevelVersion) => {
    const violations = evaluate(level, pod);
    return violations.length > 0 ? `PodSecurity "${levelText(level)}": ${violationsText(violations)}` : undefined;
  };
  const audited = text(policy.audit);
  if (audited !== undefined) annotate("audit-violations", `would violate ${audited}`);
  if (mode === "pod") {
    annotate("enforce-policy", levelText(policy.enforce));
    const refused = text(policy.enforce);
    if (refused !== undefined) throw refusal(request, `violates ${refused}`);
  }
  const warned = text(policy.warn);
  if (warned !== undefined) request.warn(`would violate ${warned}`);
}

function templateAt(object: KubeObject | undefined, path: readonly string[]): JudgedPod | undefined {
  let value: unknown = object;
  for (const member of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[member];
  const template = value as Partial<JudgedPod> | undefined;
  return template?.spec && { metadata: template.metadata ?? {}, spec: template.spec };
}

/** Whether an update brings in other programs: only then are pods judged again. */
function isSignificant({ spec }: Pod, { spec: before }: Pod): boolean {
  const isOther = (containers: readonly Container[] = [], old: readonly Container[] = []) =>
    containers.length !== old.length || containers.some(({ image }, index) => image !== old[index]?.image);
  const isNew = ({ name, image }: Container) =>
    (before.ephemeralContainers ?? []).find((old) => old.name === name)?.image !== image;
  return (
    isOther(spec.containers, before.containers) ||
    isOther(spec.initContainers, before.initContainers) ||
    (spec.ephemeralContainers ?? []).some(isNew)
  );
}

/** Whether pods that were fine may no longer be. */
function isStricter(next: LevelVersion, before: LevelVersion): boolean {
  if (sameLevel(next, before) || next.level === "privileged") return false;
  return next.version !== before.version || compareLevels(next.level, before.level) > 0;
}

/** One pod of each controller first: the others are like it. */
function byController(pods: readonly Pod[]): readonly Pod[] {
  const seen = new Set<string>();
  const others: Pod[] = [];
  const first = pods.filter((pod) => {
    const owner = controllerOf(pod)?.uid;
    if (owner === undefined) return true;
    if (!seen.has(owner)) return seen.add(owner);
    others.push(pod);
    return false;
  });
  return [...first, ...others];
}

function podsText(names: readonly string[]): string {
  const [first = ""] = names.toSorted();
  if (names.length === 1) return first;
  return `${first} (and ${names.length - 1} other ${names.length === 2 ? "pod" : "pods"})`;
}

/** What the labels of an exempt namespace ask for in vain; empty when they ask for nothing. */
function ignoredPolicyText(policy: Policy, defaults: Policy, { metadata }: Namespace): string {
  const same = (mode: keyof Policy) =>
    sameLevel(policy[mode], defaults[mode]) ||
    (policy[mode].level === "privileged" && defaults[mode].level === "privileged");
  const modes = ["enforce", "audit", "warn"] as const;
  if (isFullyPrivileged(policy) || modes.every(same)) return "";
  const labels = Object.keys(metadata.labels ?? {});
  const isLabelled = (mode: string) =>
    labels.includes(annotationPrefix + mode) || labels.includes(`${annotationPrefix}${mode}-version`);
  return modes
    .filter((mode) => policy[mode].level !== "privileged" && isLabelled(mode))
    .map((mode) => `${mode}=${levelText(policy[mode])}`)
    .join(", ");
}
