import type { Pod, Toleration } from "../../core/kinds/pod.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/** How long pods stay on a node that is not ready or unreachable, unless they say so themselves. */
export interface DefaultTolerationOptions {
  /** Default 300. */
  readonly notReadySeconds?: number | undefined;
  /** Default 300. */
  readonly unreachableSeconds?: number | undefined;
}

/**
 * Gives pods the tolerations that keep them on a lost node for a while.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaulttolerationseconds
 */
export function defaultTolerationSeconds(options: DefaultTolerationOptions = {}): AdmissionPlugin {
  const { notReadySeconds = 300, unreachableSeconds = 300 } = options;
  const defaults: readonly Toleration[] = [
    toleration("node.kubernetes.io/not-ready", notReadySeconds),
    toleration("node.kubernetes.io/unreachable", unreachableSeconds),
  ];
  return {
    name: "DefaultTolerationSeconds",
    operations: ["CREATE", "UPDATE"],
    async mutate({ kind, subresource, object }) {
      if (kind.group !== "" || kind.plural !== "pods" || subresource !== undefined) return object;
      const pod = object as Pod;
      const present = pod.spec?.tolerations ?? [];
      const missing = defaults.filter(({ key }) => !present.some((one) => covers(one, key)));
      if (missing.length === 0 || !pod.spec) return object;
      return { ...pod, spec: { ...pod.spec, tolerations: [...present, ...missing] } };
    },
  };
}

function toleration(key: string, tolerationSeconds: number): Toleration {
  return { key, operator: "Exists", effect: "NoExecute", tolerationSeconds };
}

function covers({ key, effect }: Toleration, taint: string | undefined): boolean {
  return (!key || key === taint) && (!effect || effect === "NoExecute");
}
