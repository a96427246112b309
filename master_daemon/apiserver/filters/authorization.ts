import { StatusError } from "../../../core/api/status.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import type { Attributes, Authorizer } from "../../authorization/authorizer.ts";

/**
 * Asks the authorizer.
 *
 * @returns why it is allowed, as far as the authorizer says
 * @throws StatusError Forbidden, worded as Kubernetes does, unless the authorizer allows it; InternalError when something
 *   went wrong, so that nobody knows whether they may
 */
export async function authorize(
  authorizer: Authorizer,
  user: UserInfo,
  attributes: Attributes,
): Promise<string | undefined> {
  const { allowed, reason, error } = await authorizer.authorize(user, attributes);
  if (allowed) return reason;
  throw error ? StatusError.internal(error) : forbidden(user, attributes, reason);
}

function forbidden({ username }: UserInfo, attributes: Attributes, reason: string | undefined): StatusError {
  const suffix = reason ? `: ${reason}` : "";
  const who = `User ${JSON.stringify(username)}`;
  if (attributes.type === "path")
    return new StatusError(
      403,
      "Forbidden",
      `forbidden: ${who} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}${suffix}`,
      {},
    );
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const full = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace "${namespace}"` : "at the cluster scope";
  return StatusError.forbidden(
    { group, plural: resource },
    name ?? "",
    `${who} cannot ${verb} resource "${full}" in API group "${group}" ${where}${suffix}`,
  );
}
