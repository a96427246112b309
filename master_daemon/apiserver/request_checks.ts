import type { ApiRequest, UserInfo } from "../../core/client/transport.ts";
import {
  type AuthenticationOptions,
  anonymousUser,
  authenticate,
  type Credentials,
} from "../authentication/authenticator.ts";
import type { Attributes, Authorizer } from "../authorization/authorizer.ts";
import type { AuditedRequest, Auditor, AuditTrail } from "./audit/mod.ts";
import type { Call } from "./call.ts";
import { authorize } from "./filters/authorization.ts";
import { impersonate } from "./filters/impersonation.ts";

/** Who a request is from, and until when it is wanted. */
export interface RequestContext {
  /** Set by callers in the process: nothing is authenticated then. */
  readonly user?: UserInfo | undefined;
  /** Set by callers in the process: see `InProcessTransportOptions`. */
  readonly takesObjects?: boolean | undefined;
  /** Address at the other end of the connection. */
  readonly remoteAddress?: string | undefined;
  /** What the listener knows besides the headers. */
  readonly credentials?: Omit<Credentials, "headers"> | undefined;
  readonly signal: AbortSignal;
}

/** Options of {@linkcode RequestChecks}. */
export interface RequestChecksOptions {
  readonly authentication: AuthenticationOptions;
  /** Whether requests without credentials for a path are those of `system:anonymous`. Default: they are refused. */
  readonly allowsAnonymous?: ((path: string) => boolean) | undefined;
  readonly authorizer: Authorizer;
  readonly audit?: Auditor | undefined;
}

/** What every request passes before it is served, the audit log being told: who sent it, whom they act as, whether they may. */
export class RequestChecks {
  readonly #options: RequestChecksOptions;

  constructor(options: RequestChecksOptions) {
    this.#options = options;
  }

  /** Undefined when the request shows no credentials. @throws StatusError Unauthorized when they are wrong */
  async identify(request: ApiRequest, context: RequestContext): Promise<UserInfo | undefined> {
    const { authentication, allowsAnonymous } = this.#options;
    const credentials = { ...context.credentials, headers: request.headers };
    const known = context.user ?? (await authenticate(authentication, credentials));
    if (known) return known;
    const [path = ""] = request.path.split("?", 1);
    return allowsAnonymous?.(path) ? anonymousUser : undefined;
  }

  /** The trail of a request in the audit log, if it is to have one. */
  trailFor({
    context,
    call: { attributes, isLong },
    ...rest
  }: Pick<AuditedRequest, "request" | "auditId" | "user"> & {
    readonly context: RequestContext;
    readonly call: Pick<Call, "attributes" | "isLong">;
  }): AuditTrail | undefined {
    return this.#options.audit?.trailFor({ ...rest, attributes, isLong, remoteAddress: context.remoteAddress });
  }

  /** Whom a user acts as. @throws StatusError Forbidden; ImpersonationError when no user is named */
  async actingAs(
    user: UserInfo,
    { headers }: ApiRequest,
    { credentials }: RequestContext,
    trail: AuditTrail | undefined,
  ): Promise<UserInfo> {
    const other = await impersonate(this.#options.authorizer, user, { ...credentials, headers });
    if (other !== user) trail?.impersonates(other);
    return other;
  }

  /** Lets pass what a user may do. @throws StatusError Forbidden for what they may not */
  async authorize(user: UserInfo, attributes: Attributes, trail: AuditTrail | undefined): Promise<void> {
    const note = (decision: string, reason: string) => {
      trail?.annotations.set("authorization.k8s.io/decision", decision);
      trail?.annotations.set("authorization.k8s.io/reason", reason);
    };
    try {
      note("allow", (await authorize(this.#options.authorizer, user, attributes)) ?? "");
    } catch (error) {
      note("forbid", "");
      throw error;
    }
  }
}
