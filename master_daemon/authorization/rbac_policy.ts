import type { UserInfo } from "../../core/client/transport.ts";
import { accountUsername, type Binding, type PolicyRule, type RoleRules, type Subject } from "./policy.ts";

/** A rule that holds for somebody, and by what. */
export interface GrantedRule {
  readonly rule: PolicyRule;
  readonly binding: Binding;
  readonly subject: Subject;
}

/** What holds for somebody in a namespace. */
export interface Grants {
  readonly rules: readonly GrantedRule[];
  /** Bindings that lead nowhere. */
  readonly errors: readonly string[];
}

/** Users whose grants are remembered. */
const maxRemembered = 4096;

/**
 * All roles and bindings, by the subject that they are about: finding what holds for somebody reads only their own
 * bindings, and is remembered until a role or binding changes.
 */
export class RbacPolicy {
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  readonly #bindings = new Map<string, Binding>();
  /** By scope and subject, to the bindings' keys. */
  readonly #bySubject = new Map<string, Set<string>>();
  readonly #remembered = new Map<string, Grants>();

  setRole({ namespace, name, rules }: RoleRules): void {
    this.#roles.set(keyOf(namespace, name), rules);
    this.#remembered.clear();
  }

  deleteRole(namespace: string | undefined, name: string): void {
    this.#roles.delete(keyOf(namespace, name));
    this.#remembered.clear();
  }

  setBinding(binding: Binding): void {
    const key = keyOf(binding.namespace, binding.name);
    this.#removeBinding(key);
    this.#bindings.set(key, binding);
    for (const subjectKey of subjectKeysOf(binding)) {
      const keys = this.#bySubject.get(subjectKey) ?? new Set();
      this.#bySubject.set(subjectKey, keys.add(key));
    }
    this.#remembered.clear();
  }

  deleteBinding(namespace: string | undefined, name: string): void {
    this.#removeBinding(keyOf(namespace, name));
    this.#remembered.clear();
  }

  #removeBinding(key: string): void {
    const binding = this.#bindings.get(key);
    if (!binding) return;
    this.#bindings.delete(key);
    for (const subjectKey of subjectKeysOf(binding)) {
      const keys = this.#bySubject.get(subjectKey);
      keys?.delete(key);
      if (keys?.size === 0) this.#bySubject.delete(subjectKey);
    }
  }

  /** Forgets the roles (or bindings) of one scope: those with a namespace, or those without. */
  clear(what: "roles" | "bindings", scope: "namespaced" | "cluster"): void {
    const isIn = (key: string) => key.startsWith("/") === (scope === "cluster");
    if (what === "roles") for (const key of [...this.#roles.keys()].filter(isIn)) this.#roles.delete(key);
    else for (const key of [...this.#bindings.keys()].filter(isIn)) this.#removeBinding(key);
    this.#remembered.clear();
  }

  /** The rules of a role; undefined when it is not there. `namespace` undefined: of a ClusterRole. */
  roleRules(namespace: string | undefined, name: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(keyOf(namespace, name));
  }

  /** What holds for `user` in the whole cluster, and in `namespace` if one is given. */
  grants({ username, groups }: UserInfo, namespace: string | undefined): Grants {
    // Quoted, since names may hold anything: no two users must share a place.
    const id = JSON.stringify([namespace ?? "", username, ...groups]);
    const remembered = this.#remembered.get(id);
    if (remembered) return remembered;
    const rules: GrantedRule[] = [];
    const errors: string[] = [];
    const subjects = [`User ${username}`, ...groups.map((group) => `Group ${group}`)];
    for (const scope of namespace ? ["", namespace] : [""]) {
      const keys = new Set(subjects.flatMap((subject) => [...(this.#bySubject.get(`${scope} ${subject}`) ?? [])]));
      for (const key of keys) this.#collect(key, subjects, { rules, errors });
    }
    const grants = { rules, errors };
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear();
    this.#remembered.set(id, grants);
    return grants;
  }

  #collect(key: string, subjects: readonly string[], into: { rules: GrantedRule[]; errors: string[] }): void {
    const binding = this.#bindings.get(key);
    if (!binding) return;
    const subject = binding.subjects.find((one) => subjects.includes(subjectText(one, binding.namespace) ?? ""));
    if (!subject) return;
    const { kind, name } = binding.roleRef;
    const isKnown = kind === "ClusterRole" || (kind === "Role" && binding.namespace);
    const rules = isKnown ? this.roleRules(kind === "Role" ? binding.namespace : undefined, name) : undefined;
    if (rules) into.rules.push(...rules.map((rule) => ({ rule, binding, subject })));
    else into.errors.push(`${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`);
  }
}

/** `/name` for what belongs to the whole cluster: no namespace is empty. */
function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}

function subjectKeysOf({ namespace, subjects }: Binding): ReadonlySet<string> {
  const texts = subjects.flatMap((subject) => subjectText(subject, namespace) ?? []);
  return new Set(texts.map((text) => `${namespace ?? ""} ${text}`));
}

/** `User NAME` or `Group NAME`; undefined for subjects that nobody can be. */
function subjectText({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string | undefined {
  if (kind === "User" || kind === "Group") return `${kind} ${name}`;
  const home = namespace || bindingNamespace;
  return kind === "ServiceAccount" && home ? `User ${accountUsername(home, name)}` : undefined;
}

const grantTexts = new WeakMap<GrantedRule, string>();

/** What allows something, as Kubernetes' audit log says it. */
export function grantText(granted: GrantedRule): string {
  const text = grantTexts.get(granted) ?? describeGrant(granted);
  grantTexts.set(granted, text);
  return text;
}

function describeGrant({ binding, subject }: GrantedRule): string {
  const { namespace, name, roleRef } = binding;
  const what = namespace === undefined ? "ClusterRoleBinding" : "RoleBinding";
  // Kubernetes puts the name before the namespace here.
  const shown = namespace === undefined ? name : `${name}/${namespace}`;
  const who =
    subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace || namespace || ""}` : subject.name;
  return `${what} ${JSON.stringify(shown)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}
