import { readdirSync, realpathSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import {
  kubectl,
  losesOutput,
  type Result,
  type Running,
  run,
  start,
  temporaryFolder,
  wherry,
} from "../e2e/harness.ts";

/** A kubectl on this machine. */
export interface Kubectl {
  /** File name, such as `kubectl.1.28`. */
  readonly name: string;
  readonly path: string;
  /** Minor version that the file name says; the machine's own `kubectl` counts as the newest. */
  readonly minor: number;
}

/**
 * The machine's kubectl, and the versions that lie beside it or in the folder WHERRY_KUBECTLS (`tools/kubectls.sh`), newest
 * first. Empty without kubectl.
 */
export const kubectls: readonly Kubectl[] = kubectl ? findKubectls(kubectl) : [];

function findKubectls(path: string): Kubectl[] {
  const folders = [dirname(realpathSync(path)), process.env["WHERRY_KUBECTLS"] ?? ""].filter((folder) => folder !== "");
  const versions = folders.flatMap((folder) =>
    readdirSync(folder).flatMap((name): Kubectl[] => {
      const minor = /^kubectl\.1\.(\d+)$/.exec(name)?.[1];
      return minor ? [{ name, path: join(folder, name), minor: Number(minor) }] : [];
    }),
  );
  const own = { name: basename(path), path, minor: Number.POSITIVE_INFINITY };
  return [own, ...versions.sort((a, b) => b.minor - a.minor)];
}

/** Those that say which version they are, newest first; the machine's own, which may only choose one of them, where there is no other. */
export const versions: readonly Kubectl[] = kubectls.length > 1 ? kubectls.slice(1) : kubectls;

/**
 * One kubectl of each group that speaks alike: watch lists, SPDY or WebSockets, discovery, validation. Newest first. On Deno the
 * newest and the oldest: what they say to the server is told on Node, and here whether it can be heard.
 */
export const dialects: readonly Kubectl[] = newestUpTo(
  "Deno" in globalThis ? [Number.POSITIVE_INFINITY, 20] : [Number.POSITIVE_INFINITY, 36, 32, 30, 28, 20],
);

function newestUpTo(minors: readonly number[]): readonly Kubectl[] {
  return [...new Set(minors.flatMap((newest) => versions.find(({ minor }) => minor <= newest) ?? []))];
}

/** For kubectl: short as its calls are, what a collection of garbage frees is not worth the time of two cores that it takes. */
export const kubectlEnv: Readonly<Record<string, string>> = { GOGC: "800" };

/** How one command is run. */
export interface CallOptions {
  /** Namespace; `default` otherwise. */
  readonly namespace?: string;
  /** Standard input: text, or an object to send as JSON. */
  readonly input?: string | object;
  readonly env?: Record<string, string>;
  /** Which kubectl; the machine's own otherwise. */
  readonly client?: Kubectl;
}

/** A built wherry that runs, and real kubectl to speak to it. */
export interface Interop extends AsyncDisposable {
  readonly url: string;
  /** Folder for the test's files. */
  readonly folder: string;
  /** Environment that leads programs to the cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** The daemon's own output so far. */
  daemonOutput(): string;
  /** The whole command line of a call. */
  command(args: readonly string[], options?: CallOptions): string[];
  /** Runs kubectl to its end. */
  kubectl(args: readonly string[], options?: CallOptions): Promise<Result>;
  /** Its standard output. @throws Error with what it printed when it fails */
  ok(args: readonly string[], options?: CallOptions): Promise<string>;
  /** What it says on standard error. @throws Error when it does not fail */
  fails(args: readonly string[], options?: CallOptions): Promise<string>;
  /** Starts a kubectl that stays. */
  start(args: readonly string[], options?: CallOptions): Running;
  /** Makes a namespace of the test's own. */
  namespace(name: string): Promise<string>;
  /** Writes a file into the folder. @returns its path */
  file(name: string, content: string | object): string;
}

/** Starts `wherry up` on the process runtime with folders, ports and a kubeconfig of its own. */
export async function startInterop(): Promise<Interop> {
  const folder = temporaryFolder();
  const config = join(folder.path, "config");
  const daemon = start(
    // biome-ignore format: a command line
    [...wherry, "up", "--container-runtime", "process", "--data-dir", join(folder.path, "data"), "--kubeconfig", config, "--secure-port", "0"],
    { env: { HOME: folder.path } },
  );
  const dispose = async () => {
    await daemon[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  };
  const [, url = ""] = await daemon.printed(/is ready at (\S+) /).catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  const env = { HOME: folder.path, KUBECONFIG: config, ...kubectlEnv };

  const own = kubectls[0] ?? { name: "kubectl", path: "kubectl", minor: 0 };
  const command = (args: readonly string[], { client = own, namespace }: CallOptions = {}) => [
    client.path,
    `--cache-dir=${join(folder.path, "cache", client.name)}`,
    ...(namespace ? [`--namespace=${namespace}`] : []),
    ...args,
  ];
  const call = async (args: readonly string[], options: CallOptions = {}): Promise<Result> => {
    const result = await run(command(args, options), { env: { ...env, ...options.env }, input: text(options.input) });
    return args[0] === "exec" && losesOutput.test(result.stderr) ? await call(args, options) : result;
  };
  const ok = async (args: readonly string[], options: CallOptions = {}) => {
    const { code, stdout, stderr } = await call(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    return stdout;
  };
  return {
    url,
    folder: folder.path,
    env,
    daemonOutput: daemon.output,
    command,
    kubectl: call,
    ok,
    async fails(args, options) {
      const { code, stdout, stderr } = await call(args, options);
      if (code === 0) throw new Error(`kubectl ${args.join(" ")} did not fail:\n${stdout}${stderr}`);
      return stderr.replace(/^WARNING: version difference .*\n/m, "");
    },
    start: (args, options = {}) => start(command(args, options), { env: { ...env, ...options.env } }),
    async namespace(name) {
      await ok(["create", "-f", "-"], { input: { apiVersion: "v1", kind: "Namespace", metadata: { name } } });
      return name;
    },
    file(name, content) {
      const path = join(folder.path, name);
      writeFileSync(path, text(content), { mode: name.endsWith(".sh") ? 0o700 : 0o600 });
      return path;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function text(content: string | object = ""): string {
  return typeof content === "string" ? content : JSON.stringify(content);
}

/** Manifest of a pod that runs a line of shell. Its shell ends at once when it is told to. */
export function shellPod(name: string, script: string, spec: object = {}, labels: Record<string, string> = {}): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec: { containers: [shell(script)], ...spec } };
}

/** Manifest of a Deployment whose pods run a line of shell, with label `app` and the name of the Deployment. */
export function shellDeployment(name: string, script: string, replicas = 2): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [shell(script)] } },
    },
  };
}

function shell(script: string): object {
  return { name: "main", image: "shell:1", command: ["sh", "-c", script] };
}

/** A line of shell that stays until it is told to end. */
export const stay = "trap 'exit 0' TERM; while :; do sleep 60 & wait $!; done";
/** Stays, and says so first. */
export const sayAndStay = (word: string): string => `echo ${word}; ${stay}`;

/** The object that kubectl prints with `-o json`. */
export function parse(stdout: string): KubectlObject {
  return JSON.parse(stdout) as KubectlObject;
}

/** What tests look at in an object. */
export interface KubectlObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly ownerReferences?: readonly unknown[];
  };
  readonly spec: Record<string, unknown>;
  readonly status?: Record<string, unknown>;
  readonly data?: Record<string, string>;
  readonly items?: readonly KubectlObject[];
}

/** The table of a `get`, row by row, split where two or more blanks stand. */
export function rows(stdout: string): string[][] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.trim().split(/ {2,}/));
}
