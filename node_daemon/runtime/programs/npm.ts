import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage } from "../../../core/util/log.ts";
import { RuntimeFailure } from "../runtime.ts";
import { invalidName } from "./invalid_name.ts";
import { runTool } from "./run_tool.ts";
import type { ProgramScheme } from "./scheme.ts";

/** A package's name as npm takes it for new ones, and a version, range of versions, or tag: no address, file or alias. */
const packageName = /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/;
const packageVersion = /^[~^]?[A-Za-z0-9][A-Za-z0-9._+-]*$/;
const maxNameLength = 214;
const maxMessageLength = 1000;

/** What npm notes of a package in `package-lock.json`. */
interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  /** Programs of the package, by name. */
  readonly bin?: Readonly<Record<string, string>>;
}

/**
 * `npm:PACKAGE[@VERSION]`: a program of an npm package, as `npx` would choose it, fetched by the machine's npm through its
 * cache and with its settings. Install scripts are not run.
 */
export const npmPrograms: ProgramScheme = {
  scheme: "npm",
  check(spec) {
    const { name, version } = partsOf(spec);
    // npm takes it for a file.
    if (/\.(?:tgz|tar|tar\.gz)$/i.test(spec)) throw invalidName(`npm:${spec}`, "it is called as an archive is");
    if (name.length > maxNameLength || !packageName.test(name)) {
      throw invalidName(`npm:${spec}`, "a package of a registry is named as in npm:NAME@VERSION or npm:@SCOPE/NAME");
    }
    if (version !== undefined && !packageVersion.test(version)) {
      throw invalidName(`npm:${spec}`, "behind @ stands a version, a range as ^1.2 or ~1.2.3, or a tag");
    }
  },
  async fetch(spec, { folder, signal }) {
    const argv = ["npm", "install", ...installOptions, "--prefix", folder, "--", spec];
    const { code, stdout, stderr } = await runTool(argv, { cwd: folder, signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new RuntimeFailure("ErrImagePull", `cannot run npm: ${errorMessage(error)}`, { cause: error });
    });
    if (code !== 0) throw new RuntimeFailure("ErrImagePull", npmProblem(stdout, stderr));
    const { name } = partsOf(spec);
    const { version = "", integrity = "", bin = {} } = await lockEntry(folder, name);
    const program = programOfPackage(name, bin);
    return {
      id: `npm:${name}@${version}${integrity === "" ? "" : `#${integrity}`}`,
      details: { bins: Object.keys(bin).join(", "), ...(program === undefined ? {} : { program }) },
    };
  },
  async entrypoint({ name, folder, details, config }) {
    const bins = join(folder, "node_modules", ".bin");
    const { program, bins: names } = details;
    if (config.command.length > 0) return { argv: [], env: {}, path: bins };
    if (program === undefined) {
      const which = names ? `set "command" of container "${config.name}" to one of: ${names}` : "it has no programs";
      throw new RuntimeFailure(
        "CreateContainerError",
        `could not determine which program of package ${name} to run: ${which}`,
      );
    }
    await access(join(bins, program)).catch((error: unknown) => {
      throw new RuntimeFailure("CreateContainerError", `package ${name} lacks its program`, { cause: error });
    });
    return { argv: [join(bins, program)], env: {}, path: bins };
  },
};

/** As for every image, whoever fetches it: nothing that was fetched runs yet, and back-off is the kubelet's. */
const installOptions: readonly string[] = [
  "--location=project",
  "--ignore-scripts",
  "--json",
  "--prefer-online",
  "--fetch-retries=0",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--no-progress",
  "--loglevel=error",
  "--logs-max=0",
];

function partsOf(spec: string): { readonly name: string; readonly version: string | undefined } {
  const at = spec.indexOf("@", 1);
  return at === -1 ? { name: spec, version: undefined } : { name: spec.slice(0, at), version: spec.slice(at + 1) };
}

async function lockEntry(folder: string, name: string): Promise<LockEntry> {
  const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8")) as {
    readonly packages?: Readonly<Record<string, LockEntry>>;
  };
  return lock.packages?.[`node_modules/${name}`] ?? {};
}

/** The only program of a package, or the one that is called as the package is. @see https://docs.npmjs.com/cli/commands/npx */
function programOfPackage(name: string, bin: Readonly<Record<string, string>>): string | undefined {
  const names = Object.keys(bin);
  const own = name.slice(name.indexOf("/") + 1);
  return new Set(Object.values(bin)).size === 1 ? names[0] : names.find((one) => one === own);
}

/** What npm says went wrong, in short. */
function npmProblem(stdout: string, stderr: string): string {
  try {
    const { error } = JSON.parse(stdout) as { readonly error?: { readonly code?: string; readonly summary?: string } };
    if (error?.summary) return `npm: ${error.code ?? "error"}: ${error.summary}`.slice(0, maxMessageLength).trim();
  } catch {
    // It ended before it could say anything in JSON.
  }
  return `npm: ${stderr.trim() || "ended with an error"}`.slice(0, maxMessageLength);
}
