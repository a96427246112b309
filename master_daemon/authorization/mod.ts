/**
 * Who may do what.
 *
 * - The modes of `--authorization-mode` are asked in order; the first that allows or denies decides. Members of
 *   `system:masters` are not asked for.
 * - What is decided on is the parsed route that is served, never the text of a path.
 * - Indexes follow the watch cache; no request scans roles, bindings or pods.
 */

import type { Random } from "../../core/platform/random.ts";
import type { Clock } from "../../core/util/clock.ts";
import { DisposalStack } from "../../core/util/disposal_stack.ts";
import type { Logger } from "../../core/util/log.ts";
import type { Registries } from "../registry/registry.ts";
import { type Authorizer, alwaysAllow, alwaysAllowMasters, alwaysDeny, inOrder } from "./authorizer.ts";
import {
  type AuthorizerConfiguration,
  type AuthorizerType,
  authorizerTypes,
  readAuthorizationConfiguration,
  type WebhookConfiguration,
} from "./configuration.ts";
import { followPolicy } from "./follow_policy.ts";
import { nodeAuthorizer } from "./node.ts";
import { rbacAuthorizer } from "./rbac.ts";
import type { RbacPolicy } from "./rbac_policy.ts";

/** Which authorizers there are, named as kube-apiserver's flags. */
export interface AuthorizationFlags {
  /** Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny, in the order in which they are asked. Default Node, RBAC. */
  readonly modes?: readonly string[] | undefined;
  /** Path of an AuthorizationConfiguration, which says all of it. */
  readonly configFile?: string | undefined;
  /** Of the mode Webhook. */
  readonly webhook?: WebhookConfiguration | undefined;
}

/** Options of {@linkcode openAuthorization}. */
export interface AuthorizationOptions {
  readonly authorizers: readonly AuthorizerConfiguration[];
  readonly registries: Registries;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What decides, and what it knows. */
export interface Authorization extends AsyncDisposable {
  readonly authorizer: Authorizer;
  /** All roles and bindings: who gives rights away has to have them. */
  readonly policy: RbacPolicy;
}

/** The authorizers that flags ask for. @throws SyntaxError for flags, or a file, that cannot be used */
export async function authorizersOf({
  modes,
  configFile,
  webhook,
}: AuthorizationFlags): Promise<readonly AuthorizerConfiguration[]> {
  if (configFile !== undefined) {
    if (modes !== undefined || webhook !== undefined)
      throw new SyntaxError(
        "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined",
      );
    return readAuthorizationConfiguration(configFile);
  }
  const types = checkedModes(modes ?? ["Node", "RBAC"]);
  const hasWebhook = types.includes("Webhook");
  if (hasWebhook && !webhook)
    throw new SyntaxError(
      "authorization-mode Webhook's authorization config file not passed: say where it is with --authorization-webhook-config-file",
    );
  if (!hasWebhook && webhook)
    throw new SyntaxError(`cannot specify --authorization-webhook-config-file without mode Webhook`);
  return types.map((type) => (type === "Webhook" ? { type, webhook } : { type }));
}

function checkedModes(modes: readonly string[]): readonly AuthorizerType[] {
  if (modes.length === 0) throw new SyntaxError("--authorization-mode: at least one authorization-mode must be passed");
  return modes.map((mode, index) => {
    const type = authorizerTypes.find((one) => one === mode);
    if (type === undefined)
      throw new SyntaxError(
        `--authorization-mode: ${JSON.stringify(mode)} is not a valid mode: use ${authorizerTypes.join(", ")}`,
      );
    if (modes.indexOf(mode) !== index)
      throw new SyntaxError(`--authorization-mode: ${JSON.stringify(mode)} stands there more than once`);
    return type;
  });
}

/** Opens authorizers. @throws Error when what a webhook needs cannot be read */
export async function openAuthorization({ authorizers, ...options }: AuthorizationOptions): Promise<Authorization> {
  const parts = new DisposalStack();
  try {
    const policy = parts.use(await followPolicy(options));
    const open = async ({ type, webhook }: AuthorizerConfiguration): Promise<Authorizer> => {
      if (webhook) return openWebhook(webhook, { ...options, parts });
      if (type === "Node") return parts.use(nodeAuthorizer(options));
      if (type === "RBAC") return rbacAuthorizer(policy.policy);
      return type === "AlwaysAllow" ? alwaysAllow : alwaysDeny;
    };
    const opened: Authorizer[] = [];
    for (const one of authorizers) opened.push(await open(one));
    return {
      authorizer: inOrder([alwaysAllowMasters, ...opened]),
      policy: policy.policy,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    };
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

async function openWebhook(
  { kubeConfigFile, timeoutMs, ...configuration }: WebhookConfiguration,
  {
    clock,
    random,
    log,
    parts,
  }: Pick<AuthorizationOptions, "clock" | "random" | "log"> & { readonly parts: DisposalStack },
): Promise<Authorizer> {
  const [{ openKubeconfigWebhook }, { webhookAuthorizer }] = await Promise.all([
    import("../../core/client/kubeconfig_webhook.ts"),
    import("./webhook.ts"),
  ]);
  const webhook = parts.use(await openKubeconfigWebhook({ path: kubeConfigFile, timeoutMs, clock, random }));
  return webhookAuthorizer({ ...configuration, webhook, clock, log });
}
