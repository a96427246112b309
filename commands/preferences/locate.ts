import { joinPath } from "../../core/platform/files.ts";
import { environmentVariable, homeDirectory } from "../../core/platform/process.ts";
import { goBoolean } from "../../core/util/go_boolean.ts";

/** Where preferences may lie. */
export interface KubercPath {
  readonly path: string;
  /** Whether the user named it, so that it must be there. */
  readonly explicit: boolean;
}

/**
 * The file with the user's preferences: what the flag says, $KUBERC, ~/.kube/kuberc; undefined when there are to be none.
 *
 * @param given the value of `--kuberc`
 * @throws Error with kubectl's words when it is both named and switched off
 */
export function locateKuberc(given: string | undefined): KubercPath | undefined {
  const variable = environmentVariable("KUBERC") ?? "";
  if (goBoolean(environmentVariable("KUBECTL_KUBERC") ?? "") === false) return undefined;
  if (variable === "off") {
    if (given) throw new Error("disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive");
    return undefined;
  }
  const path = given || variable;
  return path ? { path, explicit: true } : { path: joinPath(homeDirectory(), ".kube", "kuberc"), explicit: false };
}

/** The value of `--kuberc` on a command line of which nothing else is known yet. @throws Error when it has none */
export function kubercFlag(args: readonly string[]): string | undefined {
  for (const [index, word] of args.entries()) {
    if (word === "--") return undefined;
    const value = word === "--kuberc" ? (args[index + 1] ?? "") : /^--kuberc=(.*)$/s.exec(word)?.[1];
    if (value === "") throw new Error("kuberc file is not found");
    if (value !== undefined) return value;
  }
  return undefined;
}
