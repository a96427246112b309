import type { UserInfo } from "../../../core/client/transport.ts";
import {
  anonymousUser,
  authenticatedGroup,
  type Credentials,
  headerValues,
} from "../../authentication/authenticator.ts";
import { unescapeKey } from "../../authentication/request_header.ts";
import type { Authorizer, ResourceAttributes } from "../../authorization/authorizer.ts";
import { accountGroups, accountOf } from "../../authorization/policy.ts";
import { authorize } from "./authorization.ts";

/** What of another user is asked for. */
interface Wanted {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

const extraPrefix = "impersonate-extra-";

/** Headers ask for groups, uid or more without a user. */
export class ImpersonationError extends Error {}

/**
 * Who a request acts as: `user`, or whom its headers ask for if `user` may be them.
 *
 * @throws StatusError Forbidden; ImpersonationError when no user is named
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
export async function impersonate(authorizer: Authorizer, user: UserInfo, credentials: Credentials): Promise<UserInfo> {
  const wanted = wantedOf(credentials);
  if (!wanted) return user;
  for (const attributes of attributesOf(wanted)) await authorize(authorizer, user, attributes);
  const account = accountOf(wanted.username);
  const implied = account && wanted.groups.length === 0 ? accountGroups(account.namespace) : wanted.groups;
  return {
    username: wanted.username,
    ...(wanted.uid ? { uid: wanted.uid } : {}),
    groups: withStandingGroup(wanted.username, implied),
    ...(wanted.extra.size > 0 ? { extra: Object.fromEntries(wanted.extra) } : {}),
  };
}

function wantedOf(credentials: Credentials): Wanted | undefined {
  const names: string[] = [];
  for (const name of Object.keys(credentials.headers)) if (name.startsWith("impersonate-")) names.push(name);
  if (names.length === 0) return undefined;
  const extra = new Map<string, string[]>();
  for (const name of names)
    if (name.startsWith(extraPrefix)) {
      const key = unescapeKey(name.slice(extraPrefix.length));
      extra.set(key, [...(extra.get(key) ?? []), ...headerValues(credentials, name)]);
    }
  const wanted = {
    username: credentials.headers["impersonate-user"] ?? "",
    uid: credentials.headers["impersonate-uid"] ?? "",
    groups: headerValues(credentials, "impersonate-group"),
    extra,
  };
  if (wanted.username !== "") return wanted;
  // Whoever asks for nobody in particular must not be taken for themselves.
  throw new ImpersonationError(`requested [${referenceTexts(wanted).join(" ")}] without impersonating a user`);
}

/** What is asked for, as Kubernetes prints it: the fields of an ObjectReference. */
function referenceTexts({ uid, groups, extra }: Wanted): readonly string[] {
  return [
    ...groups.map((group) => `{Group  ${group}    }`),
    ...[...extra].flatMap(([key, values]) =>
      values.map((value) => `{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`),
    ),
    ...(uid ? [`{UID  ${uid}  authentication.k8s.io/v1  }`] : []),
  ];
}

/** The verb `impersonate` on everything that is asked for. */
function* attributesOf({ username, uid, groups, extra }: Wanted): Generator<ResourceAttributes, void, void> {
  const one = (resource: string, name: string, more: Partial<ResourceAttributes> = {}): ResourceAttributes => ({
    type: "resource",
    verb: "impersonate",
    group: "",
    version: "v1",
    resource,
    subresource: undefined,
    namespace: undefined,
    name,
    ...more,
  });
  const account = accountOf(username);
  if (account) yield one("serviceaccounts", account.name, { namespace: account.namespace });
  else yield one("users", username);
  for (const group of groups) yield one("groups", group);
  for (const [key, values] of extra)
    for (const value of values) yield one("userextras", value, { group: "authentication.k8s.io", subresource: key });
  if (uid) yield one("uids", uid, { group: "authentication.k8s.io" });
}

/** Everybody is either known or not. */
function withStandingGroup(username: string, groups: readonly string[]): readonly string[] {
  const [unauthenticated = ""] = anonymousUser.groups;
  if (groups.includes(unauthenticated)) return groups;
  if (username === anonymousUser.username) return [...groups, unauthenticated];
  return groups.includes(authenticatedGroup) ? groups : [...groups, authenticatedGroup];
}
