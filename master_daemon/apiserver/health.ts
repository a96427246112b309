import type { ApiResponse } from "../../core/client/transport.ts";
import { machineFacts } from "../../core/platform/machine.ts";
import { gitCommit, gitVersion, kubernetesVersion } from "../../core/version.ts";
import { textResponse } from "./respond.ts";

/** One thing that must hold for the server to be healthy. */
export interface HealthCheck {
  readonly name: string;
  /** Whether it is part of `/livez` too: a server that fails it should be restarted. */
  readonly live: boolean;
  /** Why it fails; undefined when it does not. */
  check(): string | undefined;
}

/** `/healthz`, `/livez` and `/readyz`: `ok`, or what fails. `?verbose` lists every check, `?exclude=NAME` leaves one out. */
export function healthResponse(path: string, query: URLSearchParams, checks: readonly HealthCheck[]): ApiResponse {
  const excluded = new Set(query.getAll("exclude"));
  const results = checks
    .filter(({ name, live }) => (path !== "livez" || live) && !excluded.has(name))
    .map(({ name, check }) => ({ name, failure: check() }));
  const failed = results.some(({ failure }) => failure !== undefined);
  if (!failed && !query.has("verbose")) return textResponse("ok");
  const lines = results.map(({ name, failure }) =>
    failure === undefined ? `[+]${name} ok` : `[-]${name} failed: ${failure}`,
  );
  lines.push(`${path} check ${failed ? "failed" : "passed"}`);
  return textResponse(`${lines.join("\n")}\n`, failed ? 500 : 200);
}

/** `/version`. */
export function versionDocument(): { readonly [name: string]: string } {
  const { operatingSystem, architecture } = machineFacts();
  return {
    major: kubernetesVersion.major,
    minor: kubernetesVersion.minor,
    gitVersion,
    gitCommit,
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: `${operatingSystem}/${architecture}`,
  };
}
