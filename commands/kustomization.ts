import { captureProgram, findProgram } from "../core/platform/programs.ts";
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
  const kustomize = await findProgram("kustomize");
  const program = kustomize ?? (await findProgram("kubectl"));
  if (program === undefined)
    throw new UsageError("kustomizations are built by the program kustomize, or by kubectl: neither is on the PATH");
  const verb = kustomize === undefined ? "kustomize" : "build";
  const { code, stdout, stderr } = await captureProgram(program, [verb, ...args], { signal, keepErrors: true });
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0)
    throw new UsageError(
      text(stderr)
        .trim()
        .replace(/^error: /i, ""),
    );
  return text(stdout);
}
