import { constants } from "node:fs";
import { access, chown, mkdir, rmdir, stat, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join, posix } from "node:path";
import { currentUid } from "../../core/platform/processes.ts";
import type { Entrypoint } from "./programs/scheme.ts";
import { type ContainerConfig, type Mount, RuntimeFailure, type SandboxConfig } from "./runtime.ts";

/** How a program of a container is started: the same for the container itself and for exec. */
export interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
}

/** What {@linkcode prepareLaunch} needs to know of a container. */
export interface LaunchOptions {
  readonly id: string;
  readonly root: string;
  readonly sandbox: SandboxConfig;
  readonly config: ContainerConfig;
  /** What is run; undefined: the container's own program. */
  readonly command: readonly string[] | undefined;
  /** How the image is run, with these variables; undefined for an image that is only a name. */
  readonly entrypoint: (variables: ReadonlyMap<string, string>) => Promise<Entrypoint | undefined>;
  /** PATH where the pod sets none: the daemon's own. */
  readonly path: string;
  /** What goes before the program, so that it sees files of its own. */
  readonly mounting: readonly string[];
}

/** Name of the variable by which the processes of a container are recognised. */
export const containerMarker = "WHERRY_CONTAINER_ID";

/**
 * Makes a container's root folder: `tmp`, and a symbolic link at the path of each mount. Read-only mounts are links
 * like the others: this runtime cannot enforce them.
 *
 * @throws RuntimeFailure CreateContainerError for mounts that links cannot express
 */
export async function makeRoot(root: string, config: ContainerConfig): Promise<void> {
  const { uid, gid } = config.user;
  await mkdir(root, { mode: 0o755 });
  await mkdir(join(root, "tmp"), { mode: 0o700 });
  if (uid !== undefined && currentUid() === 0) {
    await chown(root, uid, gid ?? uid);
    await chown(join(root, "tmp"), uid, gid ?? uid);
  }
  const mounts = config.mounts
    .map(({ hostPath, containerPath }) => ({ hostPath, at: posix.normalize(`/${containerPath}`).replace(/\/+$/, "") }))
    .sort((first, second) => first.at.length - second.at.length);
  for (const { hostPath, at } of mounts) {
    if (at === "") throw new RuntimeFailure("CreateContainerError", "the process runtime cannot mount over /");
    const outer = mounts.find((other) => at.startsWith(`${other.at}/`));
    if (outer) {
      throw new RuntimeFailure(
        "CreateContainerError",
        `mount "${at}" lies inside mount "${outer.at}": the process runtime cannot nest mounts`,
      );
    }
    const link = join(root, at);
    await mkdir(dirname(link), { recursive: true, mode: 0o755 });
    // Only `tmp` is there already, and nothing is in it yet.
    if (at === "/tmp") await rmdir(link);
    await symlink(hostPath, link);
  }
}

/**
 * Where, with what environment and as whom a program of a container runs. What the root folder holds goes before what
 * the machine has at the same path.
 *
 * @throws RuntimeFailure RunContainerError when there is no such program
 */
export async function prepareLaunch(options: LaunchOptions): Promise<Launch> {
  const { id, root, sandbox, config, command, entrypoint, path, mounting } = options;
  const env = new Map<string, string>([
    ["PATH", path],
    ["HOME", root],
    ["TMPDIR", join(root, "tmp")],
    ["HOSTNAME", sandbox.hostname],
    ["POD_IP", sandbox.podIP ?? "127.0.0.1"],
    ...config.env.map(({ name, value }) => [name, value] as const),
    ["WHERRY_ROOT", root],
    [containerMarker, id],
  ]);
  const image = await entrypoint(env);
  for (const [variable, value] of Object.entries(image?.env ?? {})) env.set(variable, value);
  if (image?.path !== undefined) env.set("PATH", `${image.path}:${env.get("PATH") ?? ""}`);
  const own = config.command.length > 0 ? config.command : (image?.argv ?? []);
  const [name = "", ...args] = command ?? [...own, ...config.args];
  const cwd = await findWorkingDir(root, config.workingDir);
  const program = await findProgram(name, { root, cwd, path: env.get("PATH") ?? "" });
  const launch = { argv: [...(await userPrefix(config)), program, ...args], cwd, env: Object.fromEntries(env) };
  // What mounts is a shell.
  return mounting.length === 0 ? launch : { ...launch, argv: [...mounting, ...keepOddNames(launch.env, launch.argv)] };
}

/** The paths at which a program finds a mount: its own where it is mounted; else the link in the root folder, and what that leads to. */
export function pathsOf(
  { hostPath, containerPath, readOnly }: Mount,
  { root, isMounted }: { readonly root: string; readonly isMounted: boolean },
): readonly { readonly path: string; readonly readOnly: boolean }[] {
  const at = posix.normalize(`/${containerPath}`).replace(/\/+$/, "");
  return (isMounted ? [at] : [join(root, at), hostPath]).map((path) => ({ path, readOnly }));
}

/** The variables of an environment that a shell drops because of their names, as an `env` command in front. */
export function keepOddNames(env: Launch["env"], argv: readonly string[]): readonly string[] {
  const odd = Object.entries(env).filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return odd.length === 0 ? argv : ["/usr/bin/env", ...odd.map(([name, value]) => `${name}=${value}`), ...argv];
}

/** A helper program of the machine as an absolute path; undefined when it is not installed. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"]) {
    if ((await problemOf(join(folder, name))) === undefined) return join(folder, name);
  }
  return undefined;
}

async function findWorkingDir(root: string, workingDir: string | undefined): Promise<string> {
  if (!workingDir || !isAbsolute(workingDir)) return root;
  for (const candidate of [join(root, workingDir), workingDir]) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isDirectory()) return candidate;
  }
  return root;
}

/** The program as a path, looked up as container runtimes do and refused in their words. */
async function findProgram(
  name: string,
  { root, cwd, path }: { readonly root: string; readonly cwd: string; readonly path: string },
): Promise<string> {
  const quoted = JSON.stringify(name);
  if (!name.includes("/")) {
    for (const folder of path.split(":")) {
      const candidate = join(isAbsolute(folder) ? folder : join(cwd, folder), name);
      if (name !== "" && (await problemOf(candidate)) === undefined) return candidate;
    }
    throw new RuntimeFailure("RunContainerError", `exec: ${quoted}: executable file not found in $PATH`);
  }
  const candidates = isAbsolute(name) ? [join(root, name), name] : [join(cwd, name)];
  let problem: string | undefined;
  for (const candidate of candidates) {
    problem = await problemOf(candidate);
    if (problem === undefined) return candidate;
    if (problem !== missing) break;
  }
  throw new RuntimeFailure(
    "RunContainerError",
    problem === missing ? `exec: ${quoted}: stat ${name}: ${missing}` : `exec: ${quoted}: ${problem}`,
  );
}

const missing = "no such file or directory";

async function problemOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (!found) return missing;
  if (found.isDirectory()) return "is a directory";
  return access(file, constants.X_OK).then(
    () => undefined,
    () => "permission denied",
  );
}

/** `setpriv` in front of a program that is to run as another user, or may gain no rights; nothing when neither is asked for. */
async function userPrefix({ user, allowPrivilegeEscalation = true }: ContainerConfig): Promise<readonly string[]> {
  const { uid, gid, supplementalGids } = user;
  const change = currentUid() === 0 && (uid !== undefined || gid !== undefined || supplementalGids.length > 0);
  if (!change && allowPrivilegeEscalation) return [];
  const setpriv = await findTool("setpriv");
  if (setpriv === undefined) {
    const member = change ? "runAsUser" : "allowPrivilegeEscalation: false";
    throw new RuntimeFailure("CreateContainerError", `${member} needs the program setpriv (util-linux)`);
  }
  const groups = supplementalGids.length > 0 ? `--groups=${supplementalGids.join(",")}` : "--clear-groups";
  return [
    setpriv,
    ...(change ? [`--reuid=${uid ?? 0}`, `--regid=${gid ?? uid ?? 0}`, groups] : []),
    ...(allowPrivilegeEscalation ? [] : ["--no-new-privs"]),
    "--",
  ];
}
