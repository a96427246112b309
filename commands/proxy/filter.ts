import { UsageError } from "../verb.ts";

/** Which requests are passed on. */
export interface ProxyFilter {
  readonly acceptHosts: readonly RegExp[];
  readonly acceptPaths: readonly RegExp[];
  readonly rejectMethods: readonly RegExp[];
  readonly rejectPaths: readonly RegExp[];
}

/** The filter that the flags describe. @throws UsageError for what is no regular expression */
export function proxyFilter(flags: {
  readonly "accept-hosts": string;
  readonly "accept-paths": string;
  readonly "reject-methods": string;
  readonly "reject-paths": string;
}): ProxyFilter {
  return {
    acceptHosts: expressions(flags["accept-hosts"]),
    acceptPaths: expressions(flags["accept-paths"]),
    rejectMethods: expressions(flags["reject-methods"]),
    rejectPaths: expressions(flags["reject-paths"]),
  };
}

function expressions(list: string): readonly RegExp[] {
  return list.split(",").map((text) => {
    try {
      return new RegExp(text);
    } catch {
      throw new UsageError(`error parsing regexp: ${text}`);
    }
  });
}

/**
 * Whether a request may pass: its host and path are accepted, its path and method not rejected.
 *
 * @see k8s.io/kubectl/pkg/proxy FilterServer
 */
export function isAccepted(
  { acceptHosts, acceptPaths, rejectMethods, rejectPaths }: ProxyFilter,
  { method, path, host }: { readonly method: string; readonly path: string; readonly host: string },
): boolean {
  const matches = (list: readonly RegExp[], text: string) => list.some((expression) => expression.test(text));
  if (matches(rejectPaths, path) || matches(rejectMethods, method)) return false;
  return matches(acceptPaths, path) && matches(acceptHosts, host);
}
