/**
 * Who may do what.
 *
 * - The modes of `--authorization-mode` are asked in order; the first that allows or denies decides. Members of
 *   `system:masters` are not asked for.
 * - What is decided on is the parsed route that is served, never the text of a path.
 * - Indexes follow the watch cache; no request scans roles, bindings or pods.
 */

import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Logger } from "../../core/util/log.ts";
import type { Registries } from "../registry/registry.ts";
import { type Authorizer, alwaysAllow, alwaysAllowMasters, alwaysDeny, inOrder } from "./authorizer.ts";
import { followPolicy } from "./follow_policy.ts";
import { nodeAuthorizer } from "./node.ts";
import { rbacAuthorizer } from "./rbac.ts";
import type { RbacPolicy } from "./rbac_policy.ts";

/** Options of {@linkcode openAuthorization}. */
export interface AuthorizationOptions {
  /** In order: Node, RBAC, AlwaysAllow, AlwaysDeny. */
  readonly modes: readonly string[];
  readonly registries: Registries;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What decides, and what it knows. */
export interface Authorization extends AsyncDisposable {
  readonly authorizer: Authorizer;
  /** All roles and bindings: who gives rights away has to have them. */
  readonly policy: RbacPolicy;
  /** Whether the default roles hold before they are there: the cluster is new. */
  readonly expectsRoles: boolean;
}

const modeNames: readonly string[] = ["Node", "RBAC", "AlwaysAllow", "AlwaysDeny"];

/** @throws SyntaxError for a list of modes that cannot be used */
export function checkModes(modes: readonly string[]): void {
  if (modes.length === 0) throw new SyntaxError("--authorization-mode: at least one authorization-mode must be passed");
  for (const [index, mode] of modes.entries()) {
    if (!modeNames.includes(mode))
      throw new SyntaxError(
        `--authorization-mode: ${JSON.stringify(mode)} is not a valid mode: use ${modeNames.join(", ")}`,
      );
    if (modes.indexOf(mode) !== index)
      throw new SyntaxError(`--authorization-mode: ${JSON.stringify(mode)} stands there more than once`);
  }
}

/** Opens the authorizers of some modes. @throws SyntaxError for modes that cannot be used */
export async function openAuthorization({ modes, ...options }: AuthorizationOptions): Promise<Authorization> {
  checkModes(modes);
  const parts = new DisposalStack();
  try {
    const policy = parts.use(await followPolicy(options));
    const ofMode = (mode: string): Authorizer => {
      if (mode === "Node") return parts.use(nodeAuthorizer(options));
      if (mode === "RBAC") return rbacAuthorizer(policy.policy);
      return mode === "AlwaysAllow" ? alwaysAllow : alwaysDeny;
    };
    return {
      authorizer: inOrder([alwaysAllowMasters, ...modes.map(ofMode)]),
      policy: policy.policy,
      expectsRoles: policy.expectsRoles,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}
