import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, extname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(import.meta.url);

/** The path of another benchmark's module, built or not, as this one is. */
export function moduleNamed(name: string): string {
  // Built with others, this code stands in a folder of shared pieces.
  const folder = dirname(here);
  return join(folder.endsWith("chunks") ? join(folder, "..", "bench") : folder, `${name}${extname(here)}`);
}

/** The folder of the checkout, or of the package. */
export function rootFolder(): string {
  return here.includes(`${join("dist", "lib")}`)
    ? here.slice(0, here.lastIndexOf(join("dist", "lib")))
    : join(dirname(here), "..");
}

/** Runs a program to its end and gives what it printed. @throws Error when it fails */
export async function output(
  command: readonly string[],
  { env = {} }: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`Cannot run ${program} ${args.join(" ")}: ${errors.trim()}`);
  return text;
}

/** Whether a program is on this machine. */
export async function isInstalled(program: string): Promise<boolean> {
  return await output(["sh", "-c", `command -v ${program}`]).then(
    () => true,
    () => false,
  );
}

/** Runs a module of the benchmarks in a process of its own; it prints one line of JSON. */
export async function inFreshProcess<T>(name: string, args: readonly string[] = []): Promise<T> {
  return JSON.parse(await output([process.execPath, moduleNamed(name), ...args])) as T;
}
