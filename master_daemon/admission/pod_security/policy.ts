import type { StringMap } from "../../../core/api/meta.ts";
import { type FieldError, fieldError } from "../../../core/api/status.ts";
import { kubernetesVersion } from "../../../core/version.ts";
import { baselineChecks } from "./baseline.ts";
import type { Check, JudgedPod, Violation } from "./check.ts";
import { restrictedChecks } from "./restricted.ts";

/** How strict: from anything goes to hardened. */
export type Level = "privileged" | "baseline" | "restricted";

/** A level of the standards as of a version: `latest`, or the minor version of `v1.N`. */
export interface LevelVersion {
  readonly level: Level;
  readonly version: "latest" | number;
}

/** What a namespace asks for: to refuse, to note in the audit log, to warn. */
export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

/** What is asked for where nobody asked. */
export const noPolicy: Policy = {
  enforce: { level: "privileged", version: "latest" },
  audit: { level: "privileged", version: "latest" },
  warn: { level: "privileged", version: "latest" },
};

const prefix = "pod-security.kubernetes.io/";
const levels: readonly string[] = ["privileged", "baseline", "restricted"];

/** `restricted:v1.30` */
export function levelText({ level, version }: LevelVersion): string {
  return `${level}:${version === "latest" ? version : `v1.${version}`}`;
}

/** Positive when `a` is the stricter level, negative when it is the laxer one. */
export function compareLevels(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

/** Whether nothing is asked for at all. */
export function isFullyPrivileged({ enforce, audit, warn }: Policy): boolean {
  return [enforce, audit, warn].every(({ level }) => level === "privileged");
}

/** Whether both ask for the same. */
export function sameLevel(a: LevelVersion, b: LevelVersion): boolean {
  return a.level === b.level && a.version === b.version;
}

/**
 * The policy that the labels of a namespace ask for. One that cannot be read is taken for the strictest where it is
 * enforced, and for none where it only informs; the errors tell.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-admission/
 */
export function policyOf(
  labels: StringMap | undefined,
  defaults: Policy,
): { readonly policy: Policy; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const label = (name: string) => {
    const key = prefix + name;
    return labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
  };
  const read = (mode: keyof Policy, whenWrong: Level): LevelVersion => {
    const level = label(mode);
    const version = label(`${mode}-version`);
    const known = level === undefined ? defaults[mode].level : levels.includes(level) ? (level as Level) : undefined;
    if (known === undefined) errors.push(labelError(mode, level, `must be one of ${levels.join(", ")}`));
    const number = version === undefined ? defaults[mode].version : parseVersion(version);
    if (number === undefined) errors.push(labelError(`${mode}-version`, version, 'must be "latest" or "v1.x"'));
    return { level: known ?? whenWrong, version: number ?? "latest" };
  };
  const enforce = read("enforce", "restricted");
  const audit = read("audit", "privileged");
  let warn = read("warn", "privileged");
  // Whoever enforces wants to be told, too.
  const isEnforceSet = label("enforce") === enforce.level;
  if (label("warn") === undefined && isEnforceSet && compareLevels(enforce.level, warn.level) > 0)
    warn = { level: enforce.level, version: label("warn-version") === undefined ? enforce.version : warn.version };
  return { policy: { enforce, audit, warn }, errors };
}

/** The version that a text names; undefined when it names none. */
export function parseVersion(text: string): LevelVersion["version"] | undefined {
  if (text === "latest") return text;
  const [, minor] = /^v1\.(0|[1-9][0-9]{0,3})$/.exec(text) ?? [];
  return minor === undefined ? undefined : Number(minor);
}

/** Whether `text` names a level. */
export function isLevel(text: string): text is Level {
  return levels.includes(text);
}

function labelError(name: string, value: unknown, detail: string): FieldError {
  return fieldError.invalid(`metadata.labels[${prefix}${name}]`, value, detail);
}

type PodCheck = (pod: JudgedPod) => Violation | undefined;

const newest = Number(kubernetesVersion.minor);
const checksOf = new Map<string, readonly PodCheck[]>();

/** What is wrong with a pod by the standards of a level, in their order. */
export function evaluate({ level, version }: LevelVersion, pod: JudgedPod): readonly Violation[] {
  if (level === "privileged") return [];
  const minor = version === "latest" ? newest : Math.min(version, newest);
  const key = `${level} ${minor}`;
  const checks = checksOf.get(key) ?? checksAt(level, minor);
  checksOf.set(key, checks);
  return checks.flatMap((check) => check(pod) ?? []);
}

function checksAt(level: Level, minor: number): readonly PodCheck[] {
  const at = ({ since }: Check): PodCheck | undefined => since.findLast(([from]) => from <= minor)?.[1];
  const restricted = level === "restricted" ? restrictedChecks.filter(at) : [];
  const overridden = new Set(restricted.flatMap(({ overrides = [] }) => overrides));
  return [...baselineChecks.filter(({ id }) => !overridden.has(id)), ...restricted].flatMap((check) => at(check) ?? []);
}

/** Violations in one line: `reason (detail), reason (detail)`. */
export function violationsText(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(", ");
}
