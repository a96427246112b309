import { StatusError } from "../../../core/api/status.ts";

/** What is meant by the name in a proxied path. */
export interface BackendName {
  readonly scheme: "http" | "https";
  readonly name: string;
  /** Number or name of a port; `""`: the first. */
  readonly port: string;
}

/**
 * Reads `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
 *
 * @throws StatusError BadRequest for anything else
 * @see https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls
 */
export function parseBackendName(text: string): BackendName {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1 && first) return { scheme: "http", name: first, port: "" };
  if (parts.length === 2 && first) return { scheme: "http", name: first, port: second };
  if (parts.length === 3 && second && (first === "http" || first === "https" || first === ""))
    return { scheme: first === "https" ? "https" : "http", name: second, port: third };
  throw StatusError.badRequest(`invalid proxy request ${JSON.stringify(text.slice(0, 300))}`);
}
