import { createHash } from "node:crypto";
import { access, constants, readFile, realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, delimiter, dirname, isAbsolute, join, posix } from "node:path";
import { environmentVariable } from "../../../core/platform/process.ts";
import { errorMessage } from "../../../core/util/log.ts";
import { RuntimeFailure } from "../runtime.ts";
import { invalidName } from "./invalid_name.ts";
import { runTool } from "./run_tool.ts";
import type { EntrypointOptions, ProgramScheme } from "./scheme.ts";

const registryModule = /^(?:jsr|npm):\/?(?:@[a-z0-9_~][a-z0-9._~-]*\/)?[a-z0-9_~][A-Za-z0-9._~^@+/-]*$/;
const maxMessageLength = 1000;

/**
 * `deno:MODULE`: a module that Deno runs, by URL, by `jsr:` or `npm:` name, or by absolute path. It may do what the
 * container's spec implies and nothing else: see {@linkcode denoPermissions}. Everything that it imports is fetched
 * beforehand and held to its checksum.
 */
export const denoPrograms: ProgramScheme = {
  scheme: "deno",
  isConfined: true,
  check(module) {
    if (!isModule(module)) {
      throw invalidName(`deno:${module}`, "a module is an http or https URL, jsr:NAME, npm:NAME, or an absolute path");
    }
  },
  async fetch(module, { folder, signal }) {
    const options = ["--quiet", `--lock=${lockFile(folder)}`, "--frozen=false", ...configOptions(module)];
    const argv = [await findDeno(), "cache", ...options, module];
    const { code, stderr } = await runTool(argv, { cwd: folder, env: denoEnvironment(folder), signal }).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw new RuntimeFailure("ErrImagePull", `cannot run deno: ${errorMessage(error)}`, { cause: error });
      },
    );
    if (code !== 0) throw new RuntimeFailure("ErrImagePull", denoProblem(stderr));
    const hash = createHash("sha256").update(await readFile(lockFile(folder)).catch(() => ""));
    if (isAbsolute(module)) hash.update(await readFile(module));
    return { id: `deno:${module}#sha256-${hash.digest("hex")}`, details: {} };
  },
  async entrypoint(options) {
    const { name, folder } = options;
    const hasLock = await can(lockFile(folder), constants.R_OK);
    const argv = [
      await findDeno(),
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      ...(hasLock ? [`--lock=${lockFile(folder)}`, "--frozen"] : ["--no-lock"]),
      ...configOptions(name),
      ...denoPermissions(options),
      // Never taken for an option: see `isModule`. What stands behind it is the program's.
      name,
    ];
    return { argv, env: denoEnvironment(folder) };
  },
};

/**
 * What Deno lets a container's program do: listen on its ports, connect to what the pod declares, read its mounts, write those
 * that are not read-only, and read its variables. Pure.
 */
export function denoPermissions(
  options: Pick<EntrypointOptions, "config" | "variables" | "podIP" | "paths">,
): readonly string[] {
  const { config, variables, podIP, paths } = options;
  const { ports = [], egress = [] } = config.network ?? {};
  const hosts = ["0.0.0.0", "[::]", podIP.includes(":") ? `[${podIP}]` : podIP];
  const granted: Readonly<Record<string, readonly string[]>> = {
    net: [...ports.flatMap((port) => hosts.map((host) => `${host}:${port}`)), ...egress],
    read: paths.map(({ path }) => path),
    write: paths.filter(({ readOnly }) => !readOnly).map(({ path }) => path),
    env: [...variables.keys()].filter((name) => /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)),
  };
  // Without a list, a flag grants everything.
  return Object.entries(granted).flatMap(([kind, list]) =>
    list.length === 0 ? [] : [`--allow-${kind}=${[...new Set(list)].map(escapeComma).join(",")}`],
  );
}

function escapeComma(text: string): string {
  return text.replaceAll(",", ",,");
}

function isModule(module: string): boolean {
  if (/[\s\0\\]/.test(module)) return false;
  if (module.startsWith("/")) return posix.normalize(module) === module && !module.endsWith("/");
  if (registryModule.test(module)) return !module.split("/").includes("..");
  return /^https?:\/\//.test(module) && URL.canParse(module);
}

/** A module of this machine has its settings beside it (import maps among them); one from elsewhere has none. */
function configOptions(module: string): readonly string[] {
  return isAbsolute(module) ? ["--node-modules-dir=none"] : ["--no-config"];
}

function lockFile(folder: string): string {
  return join(folder, "deno.lock");
}

/** Each program has a cache of its own, which goes with it. */
function denoEnvironment(folder: string): Readonly<Record<string, string>> {
  return { DENO_DIR: join(folder, "cache"), DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1", NO_COLOR: "1" };
}

/**
 * Deno itself: of PATH, else of the npm package `deno` where this code is installed.
 *
 * @throws RuntimeFailure ErrImagePull
 */
async function findDeno(): Promise<string> {
  const folders = (environmentVariable("PATH") ?? "").split(delimiter).filter(isAbsolute);
  const installed = (() => {
    try {
      return dirname(createRequire(import.meta.url).resolve("deno/package.json"));
    } catch {
      return undefined;
    }
  })();
  for (const folder of [...folders, ...(installed === undefined ? [] : [installed])]) {
    const found = await realpath(join(folder, "deno")).catch(() => undefined);
    // The package's own starter would stand between Deno and the signals that are meant for it.
    const file = found && basename(found) === "bin.cjs" ? join(dirname(found), "deno") : found;
    if (file !== undefined && (await can(file, constants.X_OK))) return file;
  }
  throw new RuntimeFailure(
    "ErrImagePull",
    'deno is not on this machine: put it in PATH, or install the package "deno"',
  );
}

function can(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}

function denoProblem(stderr: string): string {
  const [text = ""] = stderr.split("\n\nStack backtrace");
  return `deno: ${text.trim().replace(/^error: /, "") || "ended with an error"}`.slice(0, maxMessageLength);
}
