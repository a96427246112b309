import { dnsLabelError, dnsSubdomainError } from "../../api/kind.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, type CelType, opaque, string } from "../types.ts";
import { Opaque, type Value } from "../values.ts";

/** What an expression asks the authorizer: whether somebody may do something. */
export interface AuthorizationCheck {
  /** A service account instead of the user of the request: `namespace`, `name`. */
  readonly serviceAccount?: readonly [namespace: string, name: string];
  readonly verb?: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** The answer. */
export interface Decision {
  readonly allowed: boolean;
  readonly reason?: string;
  readonly error?: string;
}

/** Answers checks. What takes time is fetched beforehand: see {@linkcode evaluateAsking}. */
export type Asking = (check: AuthorizationCheck) => Decision;

/** `authorizer`, `authorizer.group(…)`, `….resource(…)`: a question that is being put together. */
export class CheckValue extends Opaque {
  override readonly typeName: string;
  readonly check: AuthorizationCheck;
  readonly ask: Asking;
  constructor(typeName: string, check: AuthorizationCheck, ask: Asking) {
    super();
    this.typeName = typeName;
    this.check = check;
    this.ask = ask;
  }
  equals(other: Opaque): boolean {
    return other instanceof CheckValue && JSON.stringify(other.check) === JSON.stringify(this.check);
  }
}

class DecisionValue extends Opaque {
  override readonly typeName = "kubernetes.authorization.Decision";
  readonly decision: Decision;
  constructor(decision: Decision) {
    super();
    this.decision = decision;
  }
  equals(other: Opaque): boolean {
    return other instanceof DecisionValue && other.decision.allowed === this.decision.allowed;
  }
}

/** The type of the variables `authorizer` and `authorizer.requestResource`. */
export const authorizerType: CelType = opaque("kubernetes.authorization.Authorizer");
/** See {@linkcode authorizerType}. */
export const resourceCheckType: CelType = opaque("kubernetes.authorization.ResourceCheck");
const pathCheckType = opaque("kubernetes.authorization.PathCheck");
const groupCheckType = opaque("kubernetes.authorization.GroupCheck");
const decisionType = opaque("kubernetes.authorization.Decision");

/** Cost of one check: two fit into an expression. */
const checkCost = 350_000;

function step(
  name: string,
  from: CelType,
  to: CelType & { readonly name: string },
  change: (...texts: readonly string[]) => AuthorizationCheck,
  params = 1,
): FunctionSet {
  const types = [from, ...Array<CelType>(params).fill(string)];
  return {
    name,
    member: [
      overload(types, to, ([receiver, ...texts]) => {
        const { check, ask } = receiver as CheckValue;
        return new CheckValue(to.name, { ...check, ...change(...(texts as string[])) }, ask);
      }),
    ],
  };
}

function notBlank(text: string | undefined, what: string): string {
  if (!text?.trim()) throw new CelError(`${what} must not be empty`);
  return text;
}

function serviceAccount(namespace = "", name = ""): AuthorizationCheck {
  if (dnsSubdomainError(name)) throw new CelError("Invalid service account name");
  if (dnsLabelError(namespace)) throw new CelError("Invalid service account namespace");
  return { serviceAccount: [namespace, name] };
}

const named = (type: CelType) => type as CelType & { readonly name: string };
const decide = (type: CelType) =>
  overload([type, string], decisionType, ([receiver, verb], budget) => {
    budget.spend(checkCost);
    const { check, ask } = receiver as CheckValue;
    return new DecisionValue(ask({ ...check, verb: verb as string }));
  });
const read = (name: string, type: CelType, get: (decision: Decision) => Value): FunctionSet => ({
  name,
  member: [overload([decisionType], type, ([value]) => get((value as DecisionValue).decision))],
});

/** Questions to the authorizer. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-authorizer-library */
export const authorizerFunctions: readonly FunctionSet[] = [
  step("path", authorizerType, named(pathCheckType), (path) => ({ path: notBlank(path, "path") })),
  step("group", authorizerType, named(groupCheckType), (group = "") => ({ group })),
  step("serviceAccount", authorizerType, named(authorizerType), serviceAccount, 2),
  step("resource", groupCheckType, named(resourceCheckType), (resource) => ({
    resource: notBlank(resource, "resource"),
  })),
  step("subresource", resourceCheckType, named(resourceCheckType), (subresource = "") => ({ subresource })),
  step("namespace", resourceCheckType, named(resourceCheckType), (namespace = "") => ({ namespace })),
  step("name", resourceCheckType, named(resourceCheckType), (name = "") => ({ name })),
  step("fieldSelector", resourceCheckType, named(resourceCheckType), (fieldSelector = "") => ({ fieldSelector })),
  step("labelSelector", resourceCheckType, named(resourceCheckType), (labelSelector = "") => ({ labelSelector })),
  { name: "check", member: [decide(pathCheckType), decide(resourceCheckType)] },
  read("allowed", bool, ({ allowed }) => allowed),
  read("reason", string, ({ reason }) => reason ?? ""),
  read("errored", bool, ({ error }) => error !== undefined),
  read("error", string, ({ error }) => error ?? ""),
];
