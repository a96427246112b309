import { errorMessage } from "../core/util/log.ts";
import { gitVersion } from "../core/version.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

/** Profiles of programs in Go, which have no like here. */
const foreignProfiles: ReadonlySet<string> = new Set(["goroutine", "threadcreate", "block", "mutex", "trace"]);

/**
 * Runs a verb with what `--match-server-version` and `--profile` want.
 *
 * @throws UsageError for a server of another version, or a profile that there is not
 */
export async function around(
  globals: Readonly<Record<string, unknown>>,
  env: CommandEnv,
  run: () => Promise<number>,
): Promise<number> {
  const kind = String(globals["profile"] ?? "none");
  if (foreignProfiles.has(kind))
    throw new UsageError(`the profile "${kind}" is one of programs in Go: cpu and heap are what there is here`);
  if (kind !== "none" && kind !== "cpu" && kind !== "heap") throw new UsageError(`unknown profile '${kind}'`);
  if (globals["matchServerVersion"] === true) await matchServerVersion(env);
  if (kind === "none") return await run();
  const { startProfile } = await import("../core/platform/profile.ts");
  const path = String(globals["profileOutput"] ?? "profile.pprof");
  const stop = await startProfile(kind);
  try {
    return await run();
  } finally {
    await stop(path).catch((error: unknown) =>
      env.terminal.warn(`warning: cannot write the profile ${path}: ${errorMessage(error)}`),
    );
  }
}

async function matchServerVersion(env: CommandEnv): Promise<void> {
  const { serverVersion } = await import("./version.ts");
  const { gitVersion: theirs = "" } = (await serverVersion(env)) as { readonly gitVersion?: string };
  if (theirs !== gitVersion)
    throw new UsageError(`server version (${theirs}) differs from client version (${gitVersion})!`);
}
