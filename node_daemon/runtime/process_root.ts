import { constants } from "node:fs";
import { access, chown, mkdir, rmdir, stat, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { currentUid } from "../../core/platform/processes.ts";
import { machinePath, placeOf, placesOf, propagationProblem } from "./process_mounts.ts";
import type { MountPrefix } from "./process_namespace.ts";
import type { Entrypoint } from "./programs/scheme.ts";
import { type ContainerConfig, type Mount, RuntimeFailure, type SandboxConfig, type Ulimit } from "./runtime.ts";

/** How a program of a container is started: the same for the container itself and for exec. */
export interface Launch {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
}

/** How a container is started. */
export interface ContainerLaunch extends Launch {
  /** What its supervisor is started in. */
  readonly around: readonly string[];
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
  /** Limits of the program, and of what it starts. */
  readonly ulimits: readonly Ulimit[];
  /** What goes before the program, so that it finds its volumes at their paths. Absent: they are links in its root folder. */
  readonly mounting: MountPrefix | undefined;
}

/** Name of the variable by which the processes of a container are recognised. */
export const containerMarker = "WHERRY_CONTAINER_ID";

/**
 * Makes a container's own folder: `tmp`, and a symbolic link at the path of each mount; and beside it `volumes`, with a link
 * for each volume by its name. Links lead to where the mounts are, or else to what would be mounted.
 *
 * @throws RuntimeFailure CreateContainerError for mounts that cannot be had like that
 */
export async function makeRoot(
  root: string,
  config: ContainerConfig,
  { isMounted }: { readonly isMounted: boolean },
): Promise<void> {
  const { uid, gid } = config.user;
  await mkdir(root, { mode: 0o755 });
  await mkdir(join(root, "tmp"), { mode: 0o700 });
  if (uid !== undefined && currentUid() === 0) {
    await chown(root, uid, gid ?? uid);
    await chown(join(root, "tmp"), uid, gid ?? uid);
  }
  await mkdir(volumesOf(root), { mode: 0o755 });
  const named = new Set<string>();
  for (const { mount, at } of placesOf(config.mounts)) {
    await checkMount(mount, { isMounted });
    const target = isMounted ? at : mount.hostPath;
    const link = join(root, at);
    await mkdir(dirname(link), { recursive: true, mode: 0o755 });
    // Only `tmp` is there already, and nothing is in it yet.
    if (at === "/tmp") await rmdir(link);
    await symlink(target, link);
    if (mount.volume === undefined || named.has(mount.volume)) continue;
    named.add(mount.volume);
    await symlink(target, join(volumesOf(root), mount.volume));
  }
}

/** Where a container has its volumes by their names, whatever the machine lets it have. */
function volumesOf(root: string): string {
  return join(dirname(root), "volumes");
}

/** @throws RuntimeFailure CreateContainerError for what is asked of a mount in vain */
async function checkMount(mount: Mount, { isMounted }: { readonly isMounted: boolean }): Promise<void> {
  const { containerPath, isReadOnlyAsked, propagation = "private", recursiveReadOnly, readOnly } = mount;
  const refuse = (what: string) => {
    throw new RuntimeFailure(
      "CreateContainerError",
      `the process runtime cannot give mount "${containerPath}" ${what}`,
    );
  };
  const mayNotMount = "this node may not mount (it has to run as root, on Linux)";
  if (readOnly && recursiveReadOnly === "required") refuse("recursiveReadOnly");
  if (isReadOnlyAsked && !isMounted) refuse(`readOnly: ${mayNotMount}`);
  if (propagation !== "private" && !isMounted) refuse(`mountPropagation: ${mayNotMount}`);
  const problem = await propagationProblem(mount);
  if (problem !== undefined) throw new RuntimeFailure("CreateContainerError", problem);
}

/**
 * Where, with what environment and as whom a program of a container runs. What the root folder holds goes before what
 * the machine has at the same path.
 *
 * @throws RuntimeFailure RunContainerError when there is no such program
 */
export async function prepareLaunch(options: LaunchOptions): Promise<Launch> {
  const { id, root, sandbox, config, command, entrypoint, path, ulimits, mounting } = options;
  const env = new Map<string, string>([
    ["PATH", path],
    ["HOME", root],
    ["TMPDIR", join(root, "tmp")],
    ["HOSTNAME", sandbox.hostname],
    ["POD_IP", sandbox.podIP ?? "127.0.0.1"],
    ...config.env.map(({ name, value }) => [name, value] as const),
    ["WHERRY_ROOT", root],
    ["WHERRY_VOLUMES", volumesOf(root)],
    [containerMarker, id],
  ]);
  const image = await entrypoint(env);
  for (const [variable, value] of Object.entries(image?.env ?? {})) env.set(variable, value);
  if (image?.path !== undefined) env.set("PATH", `${image.path}:${env.get("PATH") ?? ""}`);
  const own = config.command.length > 0 ? config.command : (image?.argv ?? []);
  const [name = "", ...args] = command ?? [...own, ...config.args];
  const view: View = mounting
    ? { places: (place) => [place], onMachine: (place) => machinePath(place, config.mounts) }
    : { places: (place) => [join(root, place), place], onMachine: (place) => place };
  const cwd = await findWorkingDir(root, config.workingDir, view);
  const program = await findProgram(name, { cwd, path: env.get("PATH") ?? "", view });
  const prefix = [...(await ulimitPrefix(ulimits)), ...(await userPrefix(config))];
  const launch = { argv: [...prefix, program, ...args], cwd, env: Object.fromEntries(env) };
  if (!mounting) return launch;
  // What mounts is a shell, and begins where the machine has a folder.
  return { ...launch, cwd: root, argv: [...mounting(cwd), ...keepOddNames(launch.env, launch.argv)] };
}

/** How a program sees the machine. */
interface View {
  /** Where an absolute path may lie, most particular first. */
  places(path: string): readonly string[];
  /** Where this machine has such a place. */
  onMachine(place: string): string;
}

/** The paths at which a program finds a mount: links to it, and what they lead to. */
export function pathsOf(
  mount: Mount,
  { root, isMounted }: { readonly root: string; readonly isMounted: boolean },
): readonly { readonly path: string; readonly readOnly: boolean }[] {
  const at = placeOf(mount);
  const { volume, hostPath, readOnly } = mount;
  const byName = volume === undefined ? [] : [join(volumesOf(root), volume)];
  return [join(root, at), ...byName, isMounted ? at : hostPath].map((path) => ({ path, readOnly }));
}

/** The variables of an environment that a shell drops because of their names, as an `env` command in front. */
export function keepOddNames(env: Launch["env"], argv: readonly string[]): readonly string[] {
  const odd = Object.entries(env).filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return odd.length === 0 ? argv : ["/usr/bin/env", ...odd.map(([name, value]) => `${name}=${value}`), ...argv];
}

/** A helper program of the machine as an absolute path; undefined when it is not installed. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin"]) {
    if ((await problemOf(join(folder, name))) === undefined) return join(folder, name);
  }
  return undefined;
}

async function findWorkingDir(root: string, workingDir: string | undefined, view: View): Promise<string> {
  if (!workingDir || !isAbsolute(workingDir)) return root;
  for (const candidate of view.places(workingDir)) {
    const found = await stat(view.onMachine(candidate)).catch(() => undefined);
    if (found?.isDirectory()) return candidate;
  }
  return root;
}

/** The program as a path, looked up as container runtimes do and refused in their words. */
async function findProgram(
  name: string,
  { cwd, path, view }: { readonly cwd: string; readonly path: string; readonly view: View },
): Promise<string> {
  const quoted = JSON.stringify(name);
  if (!name.includes("/")) {
    for (const folder of path.split(":")) {
      const candidate = join(isAbsolute(folder) ? folder : join(cwd, folder), name);
      if (name !== "" && (await problemOf(view.onMachine(candidate))) === undefined) return candidate;
    }
    throw new RuntimeFailure("RunContainerError", `exec: ${quoted}: executable file not found in $PATH`);
  }
  const candidates = isAbsolute(name) ? view.places(name) : [join(cwd, name)];
  let problem: string | undefined;
  for (const candidate of candidates) {
    problem = await problemOf(view.onMachine(candidate));
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

/**
 * `prlimit` in front of a program that is to have these limits; nothing for none.
 *
 * @throws Error when there is no `prlimit`
 */
export async function ulimitPrefix(ulimits: readonly Ulimit[]): Promise<readonly string[]> {
  if (ulimits.length === 0) return [];
  const prlimit = await findTool("prlimit");
  if (prlimit === undefined) throw new Error("--default-ulimit needs the program prlimit (util-linux)");
  return [prlimit, ...ulimits.map(({ name, soft, hard }) => `--${name}=${soft}:${hard}`), "--"];
}

/** `setpriv` in front of a program that is to run as another user, with fewer capabilities, or may gain no rights; nothing when none is asked for. */
async function userPrefix(config: ContainerConfig): Promise<readonly string[]> {
  const { user, allowPrivilegeEscalation = true } = config;
  const { uid, gid, supplementalGids } = user;
  const isRoot = currentUid() === 0;
  const change = isRoot && (uid !== undefined || gid !== undefined || supplementalGids.length > 0);
  const bounds = isRoot ? capabilityBounds(config) : [];
  // Who is not root has no capabilities; to drop some is not to get them from elsewhere.
  const gainsNothing = !allowPrivilegeEscalation || (!isRoot && config.capabilities.drop.length > 0);
  if (!change && bounds.length === 0 && !gainsNothing) return [];
  const setpriv = await findTool("setpriv");
  if (setpriv === undefined) {
    const member = change ? "runAsUser" : bounds.length > 0 ? "capabilities" : "allowPrivilegeEscalation: false";
    throw new RuntimeFailure("CreateContainerError", `${member} needs the program setpriv (util-linux)`);
  }
  const groups = supplementalGids.length > 0 ? `--groups=${supplementalGids.join(",")}` : "--clear-groups";
  return [
    setpriv,
    ...bounds,
    ...(change ? [`--reuid=${uid ?? 0}`, `--regid=${gid ?? uid ?? 0}`, groups] : []),
    ...(gainsNothing ? ["--no-new-privs"] : []),
    "--",
  ];
}

/** Options of setpriv that leave out capabilities; none where all are left. */
function capabilityBounds({ capabilities: { add, drop }, privileged }: ContainerConfig): readonly string[] {
  const named = (all: readonly string[]) => all.map((name) => name.toLowerCase().replace(/^cap_/, ""));
  const kept = named(add);
  const dropped = named(drop).filter((name) => !kept.includes(name));
  if (privileged || dropped.length === 0) return [];
  const changes = dropped.includes("all")
    ? ["-all", ...kept.map((name) => `+${name}`)]
    : dropped.map((name) => `-${name}`);
  return [`--bounding-set=${changes.join(",")}`, "--inh-caps=-all"];
}
