import type { UserInfo } from "../../core/client/transport.ts";

const prefix = "system:node:";
/** Group of every node. */
const nodesGroup = "system:nodes";

/** Name of the node that a user is, `""` for one that has none; undefined when it is no node. */
export function nodeNameOf({ username, groups }: UserInfo): string | undefined {
  return username.startsWith(prefix) && groups.includes(nodesGroup) ? username.slice(prefix.length) : undefined;
}

/** The user that a node is. */
export function nodeUser(name: string): UserInfo {
  return { username: `${prefix}${name}`, groups: [nodesGroup, "system:authenticated"] };
}
