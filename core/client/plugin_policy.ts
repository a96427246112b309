import { findProgram } from "../platform/programs.ts";

/**
 * Which programs may be run for credentials.
 *
 * @see https://kubernetes.io/docs/reference/kubectl/kuberc/#credential-plugin-policy
 */
export interface PluginPolicy {
  /** `AllowAll`, `DenyAll`, `Allowlist`; empty is the first. */
  readonly policy: string;
  /** Names on PATH, or whole paths, of what `Allowlist` permits. */
  readonly allowlist?: readonly string[] | undefined;
}

/** Says what is wrong with a policy: one that was written wrongly must not permit everything. @throws Error with kubectl's words */
export function checkPluginPolicy({ policy, allowlist }: PluginPolicy): void {
  const quoted = JSON.stringify(policy);
  if (!["", "AllowAll", "DenyAll", "Allowlist"].includes(policy)) throw new Error(`unknown plugin policy: ${quoted}`);
  if (policy !== "Allowlist") {
    if (allowlist === undefined) return;
    throw new Error(`misconfigured credential plugin allowlist: plugin policy is ${quoted} but allowlist is non-nil`);
  }
  const set = `credential plugin policy set to ${quoted}`;
  if (allowlist === undefined) throw new Error(`${set}, but allowlist is unspecified`);
  if (allowlist.length === 0) throw new Error(`${set}, but allowlist is empty; use "DenyAll" policy instead`);
  for (const [index, entry] of allowlist.entries()) {
    if (entry === "") throw new Error(`misconfigured credential plugin allowlist: empty allowlist entry #${index + 1}`);
    const normal = normalPath(entry);
    if (normal !== entry)
      throw new Error(`non-normalized file path: ${JSON.stringify(entry)} vs ${JSON.stringify(normal)}`);
  }
}

/** @see https://pkg.go.dev/path/filepath#Clean */
function normalPath(path: string): string {
  const parts: string[] = [];
  const rooted = path.startsWith("/");
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== ".." || (!rooted && (parts.length === 0 || parts.at(-1) === ".."))) parts.push(part);
    else parts.pop();
  }
  return `${rooted ? "/" : ""}${parts.join("/")}` || ".";
}

/**
 * Refuses a program that the policy does not permit.
 *
 * @param command as the kubeconfig names it
 * @param program where that is
 * @throws Error with kubectl's words
 */
export async function checkPermitted(
  { policy, allowlist = [] }: PluginPolicy,
  { command, program }: { readonly command: string; readonly program: string },
): Promise<void> {
  if (policy === "" || policy === "AllowAll") return;
  const quoted = JSON.stringify(program);
  if (policy !== "Allowlist") throw new Error(`plugin ${quoted} not allowed: policy set to ${JSON.stringify(policy)}`);
  for (const entry of allowlist) if (entry === command || (await findProgram(entry)) === program) return;
  throw new Error(`plugin path ${quoted} is not permitted by the credential plugin allowlist`);
}
