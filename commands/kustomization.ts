import { findProgram, runProgramOf } from "../core/platform/run_program.ts";
import type { CommandEnv } from "./env.ts";
import { UsageError } from "./verb.ts";

/**
 * The manifests that a kustomization makes. There is no library for it that is kept outside of Go: the `kustomize` on the
 * PATH is run, or else kubectl, which has it inside.
 *
 * @param args the folder, and flags for `kustomize build`
 * @throws UsageError with what the program said, or when there is none
 */
export async function buildKustomization(args: readonly string[], { signal }: CommandEnv): Promise<string> {
  const kustomize = findProgram("kustomize");
  const kubectl = kustomize === undefined ? findProgram("kubectl") : undefined;
  const command = kustomize ? [kustomize, "build"] : kubectl ? [kubectl, "kustomize"] : undefined;
  if (!command)
    throw new UsageError("kustomizations are built by the program kustomize, or by kubectl: neither is on the PATH");
  const { code, stdout, stderr } = await runProgramOf([...command, ...args], { signal });
  if (code !== 0) throw new UsageError(stderr.trim().replace(/^error: /i, ""));
  return stdout;
}
