import { environmentVariable } from "../core/platform/process.ts";
import { captureProgram, findProgram, findPrograms, type ProgramResult } from "../core/platform/programs.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

/** Tells a program called kubectl that is this one from kubectl: whoever has it set was asked by itself. */
const asksKubectl = "WHERRY_ASKS_KUBECTL";
const noKustomize = "kustomizations are built by the program kustomize, or by kubectl: neither is on the PATH";

/**
 * The manifests that a kustomization makes. There is no library for it that is kept outside of Go: the `kustomize` on the
 * PATH is run, or else kubectl, which has it inside. A kubectl that is this program under another name is passed over.
 *
 * @param args the folder, and flags for `kustomize build`
 * @throws UsageError with what the program said, or when there is none
 */
export async function buildKustomization(args: readonly string[], { signal, terminal }: CommandEnv): Promise<string> {
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const { code, stdout, stderr } = await run(args, signal);
  if (code !== 0) throw new UsageError(plain(text(stderr).trim()));
  // It warns of what is going out of use.
  if (stderr.length > 0) await terminal.writeError(stderr);
  return text(stdout);
}

/** What the program said, without what it, or its log, puts in front. */
function plain(complaint: string): string {
  const quoted = /^E\d{4} .*\] "command failed" err="((?:[^"\\]|\\.)*)"$/.exec(complaint)?.[1];
  return quoted === undefined
    ? complaint.replace(/^error: /i, "")
    : quoted.replace(/\\(.)/g, (_escape, letter: string) => (letter === "n" ? "\n" : letter));
}

async function run(args: readonly string[], signal: AbortSignal): Promise<ProgramResult> {
  const kustomize = await findProgram("kustomize");
  if (kustomize !== undefined) return await captureProgram(kustomize, ["build", ...args], { signal, keepErrors: true });
  if (environmentVariable(asksKubectl)) throw new UsageError(noKustomize);
  const env = { [asksKubectl]: "1" };
  for await (const kubectl of findPrograms("kubectl")) {
    const result = await captureProgram(kubectl, ["kustomize", ...args], { signal, keepErrors: true, env });
    if (!new TextDecoder().decode(result.stderr).includes(noKustomize)) return result;
  }
  throw new UsageError(noKustomize);
}
