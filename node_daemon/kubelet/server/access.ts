import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { ResourceType } from "../../../core/api/kind.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import { StatusError } from "../../../core/api/status.ts";
import type { Client } from "../../../core/client/client.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { kubeletClientName } from "../../../core/kinds/node_server.ts";
import { sha256 } from "../../../core/platform/hash.ts";
import type { Clock } from "../../../core/util/clock.ts";
import { compact } from "../../../core/util/compact.ts";
import { ExpiringCache } from "../../../core/util/expiring_cache.ts";

interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string };
  readonly status?: { readonly authenticated?: boolean; readonly user?: Omit<UserInfo, "groups"> & Partial<UserInfo> };
}

interface SubjectAccessReview extends KubeObject {
  readonly spec: {
    readonly user: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra?: UserInfo["extra"];
    readonly resourceAttributes: object;
  };
  readonly status?: { readonly allowed?: boolean };
}

const tokenReviews: ResourceType<TokenReview> = {
  group: "authentication.k8s.io",
  version: "v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  namespaced: false,
};
const accessReviews: ResourceType<SubjectAccessReview> = {
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  namespaced: false,
};

const administrators = "system:masters";
const maxTokenLength = 16 * 1024;
const maxRemembered = 1000;
/** As the kubelet's --authentication-token-webhook-cache-ttl and --authorization-webhook-cache-…-ttl. */
export const cacheTimes: Readonly<Record<"knownMs" | "unknownMs" | "allowedMs" | "deniedMs", number>> = {
  knownMs: 120_000,
  unknownMs: 10_000,
  allowedMs: 300_000,
  deniedMs: 30_000,
};

const verbs: ReadonlyMap<string, string> = new Map([
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
]);

/** Options of {@linkcode Access}. */
export interface AccessOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly clock: Clock;
}

/**
 * Who may use the daemon's server: API servers and administrators by their certificates; others, who show a certificate
 * or a bearer token, when the API server knows them and lets them do it to the node's subresource.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
 */
export class Access {
  readonly #options: AccessOptions | undefined;
  readonly #users: ExpiringCache<UserInfo | "unknown">;
  readonly #decisions: ExpiringCache<boolean>;

  /** @param options absent: API servers and administrators only */
  constructor(options: AccessOptions | undefined, clock: Clock) {
    this.#options = options;
    this.#users = new ExpiringCache({ maxEntries: maxRemembered, clock });
    this.#decisions = new ExpiringCache({ maxEntries: maxRemembered, clock });
  }

  /** @throws StatusError Unauthorized, Forbidden; InternalError when the API server cannot be asked */
  async check(request: IncomingMessage, signal: AbortSignal): Promise<void> {
    const certain = certified(request.socket as TLSSocket);
    // Only a certificate says so: whoever gives out tokens may call anybody anything.
    if (certain?.username === kubeletClientName || certain?.groups.includes(administrators)) return;
    const user = certain ?? (await this.#bearer(request, signal));
    if (!user) throw StatusError.unauthorized();
    const verb = verbs.get(request.method ?? "") ?? "get";
    const subresources = subresourcesOf(request.url ?? "");
    for (const subresource of subresources) if (await this.#allows(user, verb, subresource, signal)) return;
    const what = `user=${user.username}, verb=${verb}, resource=nodes, subresource=${subresources.join(",")}`;
    throw new StatusError(403, "Forbidden", `Forbidden (${what})`);
  }

  async #bearer({ headers }: IncomingMessage, signal: AbortSignal): Promise<UserInfo | undefined> {
    const token = /^bearer ([\x21-\x7e]+)$/i.exec((headers.authorization ?? "").slice(0, maxTokenLength + 8))?.[1];
    if (!this.#options || token === undefined || token.length > maxTokenLength) return undefined;
    const key = sha256(new TextEncoder().encode(token));
    const known = this.#users.get(key);
    if (known) return known === "unknown" ? undefined : known;
    const { kind, group, version } = tokenReviews;
    const review: TokenReview = { apiVersion: `${group}/${version}`, kind, metadata: {}, spec: { token } };
    const { status } = await this.#options.client.create(tokenReviews, review, { signal });
    const user = status?.authenticated && status.user?.username ? { groups: [], ...status.user } : undefined;
    this.#users.set(key, user ?? "unknown", user ? cacheTimes.knownMs : cacheTimes.unknownMs);
    return user;
  }

  async #allows(user: UserInfo, verb: string, subresource: string, signal: AbortSignal): Promise<boolean> {
    if (!this.#options) return false;
    const { client, nodeName } = this.#options;
    const { username, uid, groups, extra } = user;
    const resourceAttributes = { verb, version: "v1", resource: "nodes", subresource, name: nodeName };
    const spec = compact<SubjectAccessReview["spec"]>({ user: username, uid, groups, extra, resourceAttributes });
    const key = JSON.stringify(spec);
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const { kind, group, version } = accessReviews;
    const review: SubjectAccessReview = { apiVersion: `${group}/${version}`, kind, metadata: {}, spec };
    const { status } = await client.create(accessReviews, review, { signal });
    const allowed = status?.allowed === true;
    this.#decisions.set(key, allowed, allowed ? cacheTimes.allowedMs : cacheTimes.deniedMs);
    return allowed;
  }
}

/** Whom the certificate of a connection names. */
function certified(socket: TLSSocket): UserInfo | undefined {
  // `authorized` alone says nothing: a resumed session counts as such, and may have begun without a certificate.
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
  const [username] = [subject?.CN ?? []].flat();
  return username ? { username, groups: [subject?.O ?? []].flat() } : undefined;
}

/** What paths begin with that have a subresource to themselves, or, where it is a list, one of which must be allowed. */
const subresources: ReadonlyMap<string, readonly string[]> = new Map([
  ["stats", ["stats"]],
  ["metrics", ["metrics"]],
  ["logs", ["log"]],
  ["spec", ["spec"]],
  ["healthz", ["healthz", "proxy"]],
  ["configz", ["configz", "proxy"]],
  ["pods", ["pods", "proxy"]],
  ["runningpods", ["pods", "proxy"]],
]);

/** The subresources of the node of which one must be allowed for a path. @see k8s.io/kubernetes/pkg/kubelet/server/auth.go */
function subresourcesOf(target: string): readonly string[] {
  const [, first = ""] = target.split(/[/?]/, 2);
  return subresources.get(first) ?? ["proxy"];
}
