import type { UserInfo } from "../../core/client/transport.ts";
import type { Authorizer } from "../authorization/authorizer.ts";

/** What expressions may ask the authorizer. @see core/cel/functions/authorizer.ts */
export interface AuthorizationQuestion {
  readonly verb: string;
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** Answers what expressions ask of the authorizer. */
export type Authorizing = (
  user: UserInfo,
  question: AuthorizationQuestion,
) => Promise<{ readonly allowed: boolean; readonly reason?: string; readonly error?: string }>;

/** Has an authorizer answer. */
export function authorizingBy(authorizer: Authorizer): Authorizing {
  return async (user, { verb, path, ...resource }) => {
    const { allowed, reason, error } = await authorizer.authorize(
      user,
      path === undefined
        ? {
            group: "",
            resource: "",
            subresource: undefined,
            namespace: undefined,
            name: undefined,
            ...resource,
            type: "resource",
            verb,
            version: "*",
          }
        : { type: "path", verb, path },
    );
    return { allowed, ...(reason === undefined ? {} : { reason }), ...(error === undefined ? {} : { error }) };
  };
}
