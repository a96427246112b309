import type { Call } from "../call.ts";
import type { Aggregator } from "./aggregator.ts";

/** Another server, and the version of a group that it has. */
export interface RemoteCall {
  readonly server: Aggregator;
  readonly group: string;
  readonly version: string;
}

/** The other server that a request is for, if it is for one. */
export function remoteOf(server: Aggregator | undefined, call: Pick<Call, "route">): RemoteCall | undefined {
  const about = server && groupVersionOf(call);
  return about && server.isRemote(about.group, about.version) ? { server, ...about } : undefined;
}

/** The group and version that a request is about: of a resource, or of the document that lists a version's resources. */
function groupVersionOf({ route: { target } }: Pick<Call, "route">): Omit<RemoteCall, "server"> | undefined {
  if (target.type === "resource") return { group: target.group, version: target.version };
  const [root, group, version] = target.segments;
  const isDocument = root === "apis" && target.segments.length === 3 && group && version;
  return isDocument ? { group, version } : undefined;
}
