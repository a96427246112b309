import { StatusError } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";

/** What a user wants to do. Made from the parsed route only: what is decided on is what is served. */
export type Attributes = ResourceAttributes | { readonly type: "path"; readonly verb: string; readonly path: string };

/** A verb on a resource. */
export interface ResourceAttributes {
  readonly type: "resource";
  /** get, list, watch, create, update, patch, delete, deletecollection */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** Decides what users may do. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Promise<{ readonly allowed: boolean; readonly reason?: string }>;
}

/** Lets every authenticated user do everything: `--authorization-mode=AlwaysAllow`. */
export const alwaysAllow: Authorizer = { authorize: async () => ({ allowed: true }) };

/**
 * The authorizer of a mode.
 *
 * @throws RangeError for a mode that is not there
 */
export function authorizerFor(mode: string): Authorizer {
  if (mode === "AlwaysAllow") return alwaysAllow;
  throw new RangeError(`Cannot use --authorization-mode=${mode}: only AlwaysAllow is there so far`);
}

/** @throws StatusError Forbidden, worded as Kubernetes does, when the authorizer says no */
export async function authorize(authorizer: Authorizer, user: UserInfo, attributes: Attributes): Promise<void> {
  const { allowed, reason } = await authorizer.authorize(user, attributes);
  if (!allowed) throw forbidden(user, attributes, reason);
}

function forbidden({ username }: UserInfo, attributes: Attributes, reason: string | undefined): StatusError {
  const suffix = reason ? `: ${reason}` : "";
  if (attributes.type === "path")
    return new StatusError(
      403,
      "Forbidden",
      `forbidden: User "${username}" cannot ${attributes.verb} path "${attributes.path}"${suffix}`,
      {},
    );
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const full = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  return StatusError.forbidden(
    { group, plural: resource },
    name ?? "",
    `User "${username}" cannot ${verb} resource "${full}" in API group "${group}" ${where}${suffix}`,
  );
}
