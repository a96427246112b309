import type { Kind } from "../../core/api/kind.ts";
import type { ObjectKey } from "../../core/api/meta.ts";
import type { ApiSchema } from "../../core/api/schema.ts";
import type { ApiRequest, UserInfo } from "../../core/client/transport.ts";
import type { Clock } from "../../core/util/clock.ts";
import type { Logger } from "../../core/util/log.ts";
import type { AdmissionPlugin } from "../admission/plugin.ts";
import type { AuthenticationOptions } from "../authentication/authenticator.ts";
import type { ServiceAccountTokens } from "../authentication/service_account_tokens.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { Registries, Registry } from "../registry/registry.ts";
import type { HealthCheck } from "./health.ts";
import type { NodeConnector } from "./node_connector.ts";
import type { AnswerForm } from "./respond.ts";
import type { ResourceRoute } from "./routes.ts";

/** Makes tokens of ServiceAccounts. */
export interface TokenIssuer {
  readonly tokens: ServiceAccountTokens;
  /** Seconds that a token lasts at most. Absent: as long as is asked for. */
  readonly maxExpirationSeconds?: number | undefined;
  /** Whether what kubelets ask for lasts longer than they say. */
  readonly extendExpiration: boolean;
}

/** What every verb works with. */
export interface Services {
  readonly registries: Registries;
  readonly admission: readonly AdmissionPlugin[];
  /** For what a request does besides what it was allowed for as a whole. */
  readonly authorizer: Authorizer;
  readonly schema: ApiSchema;
  readonly nodes: NodeConnector;
  readonly healthChecks: readonly HealthCheck[];
  readonly authentication: AuthenticationOptions;
  /** Absent: ServiceAccounts get no tokens. */
  readonly tokens?: TokenIssuer | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly maxBodyBytes: number;
  /** Watches without a time-out of their own last between this and twice as long. */
  readonly minRequestTimeoutSeconds: number;
  /** Aborted when the server closes: ends watches and logs. */
  readonly closing: AbortSignal;
}

/** A request about a resource, once it is known who asks and what for. */
export interface ResourceRequest {
  readonly request: ApiRequest;
  readonly route: ResourceRoute;
  readonly query: URLSearchParams;
  readonly kind: Kind;
  readonly registry: Registry;
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  readonly form: AnswerForm;
  readonly services: Services;
  /** Texts for `Warning` headers; verbs add to it. */
  readonly warnings: string[];
  /** Notes for the audit log, by key. */
  readonly annotations: Map<string, string>;
}

/** The key of the object that the path names. */
export function routeKey({ route, kind }: Pick<ResourceRequest, "route" | "kind">): ObjectKey {
  const name = route.name ?? "";
  return kind.namespaced && route.namespace !== undefined ? { namespace: route.namespace, name } : { name };
}
