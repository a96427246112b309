import type { UserInfo } from "../../core/client/transport.ts";

/** What a user wants to do. Made from the parsed route only: what is decided on is what is served. */
export type Attributes = ResourceAttributes | PathAttributes;

/** A verb on a path that is no resource. */
export interface PathAttributes {
  readonly type: "path";
  /** Lower-case HTTP method. */
  readonly verb: string;
  readonly path: string;
}

/** A verb on a resource. */
export interface ResourceAttributes {
  readonly type: "resource";
  /** get, list, watch, create, update, patch, delete, deletecollection; or a special one, such as impersonate. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  /** As the request spells it. Only nodes are judged by it. */
  readonly fieldSelector?: string | undefined;
  /** As the request spells it. Only webhooks are told of it. */
  readonly labelSelector?: string | undefined;
}

/** What an authorizer says. Neither allowed nor denied: it has no opinion, and the next one is asked. */
export interface Decision {
  readonly allowed: boolean;
  /** Nobody else may allow it. */
  readonly denied?: boolean;
  readonly reason?: string;
  /** What went wrong while deciding, such as a binding to a role that is not there. */
  readonly error?: string;
}

/** What somebody may do with resources, as `SelfSubjectRulesReview` tells it. */
export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What somebody may do with paths. */
export interface PathRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Everything that an authorizer lets somebody do in a namespace. */
export interface RuleList {
  readonly resourceRules: readonly ResourceRule[];
  readonly pathRules: readonly PathRule[];
  /** There may be more, which cannot be listed. */
  readonly incomplete: boolean;
  readonly error?: string;
}

/** Decides what users may do. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: Attributes): Promise<Decision>;
  /** What `user` may do in `namespace`. Absent: it cannot be listed. */
  rulesFor?(user: UserInfo, namespace: string): Promise<RuleList>;
}

const everything: RuleList = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
  pathRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
  incomplete: false,
};

/** Nothing that can be listed. */
export const noRules: RuleList = { resourceRules: [], pathRules: [], incomplete: false };

const unknownRules: RuleList = { ...noRules, incomplete: true };

/** Lets everybody do everything: `--authorization-mode=AlwaysAllow`. */
export const alwaysAllow: Authorizer = {
  authorize: async () => ({ allowed: true }),
  rulesFor: async () => everything,
};

/** Lets nobody do anything: `--authorization-mode=AlwaysDeny`. */
export const alwaysDeny: Authorizer = {
  authorize: async () => ({ allowed: false, reason: "Everything is forbidden." }),
  rulesFor: async () => noRules,
};

/** The group that nobody has to ask: it repairs what rules got wrong. */
export const privilegedGroup = "system:masters";

/** Lets {@linkcode privilegedGroup} do everything. Stands before all modes, as in Kubernetes. */
export const alwaysAllowMasters: Authorizer = {
  authorize: async ({ groups }) => ({ allowed: groups.includes(privilegedGroup) }),
  rulesFor: async ({ groups }) => (groups.includes(privilegedGroup) ? everything : noRules),
};

/** Asks one after the other until one decides. The reason for a refusal is what all of them had to say. */
export function inOrder(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(user, attributes) {
      const said: Decision[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(user, attributes);
        if (decision.allowed || decision.denied) return decision;
        said.push(decision);
      }
      const reason = joined(said.map((one) => one.reason));
      const error = joined(said.map((one) => one.error));
      return { allowed: false, ...(reason ? { reason } : {}), ...(error ? { error } : {}) };
    },
    async rulesFor(user, namespace) {
      const lists: RuleList[] = [];
      for (const authorizer of authorizers) lists.push((await authorizer.rulesFor?.(user, namespace)) ?? unknownRules);
      const error = joined(lists.map((list) => list.error));
      return {
        resourceRules: lists.flatMap((list) => list.resourceRules),
        pathRules: lists.flatMap((list) => list.pathRules),
        incomplete: lists.some((list) => list.incomplete),
        ...(error ? { error } : {}),
      };
    },
  };
}

function joined(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== "").join("\n");
}
