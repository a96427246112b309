import type { Container, Pod } from "../../core/kinds/pod.ts";
import type { ServiceAccount } from "../../core/kinds/service_account.ts";

const annotation = "kubernetes.io/enforce-mountable-secrets";
const trueTexts: readonly string[] = ["1", "t", "T", "TRUE", "true", "True"];

/**
 * Which secret a pod may not use, because its account is annotated and does not name it; undefined when all is well.
 *
 * @see https://kubernetes.io/docs/concepts/security/service-accounts/#enforce-mountable-secrets
 */
export function secretProblem(account: ServiceAccount, { spec }: Pod): string | undefined {
  if (!trueTexts.includes(account.metadata.annotations?.[annotation] ?? "")) return undefined;
  const { name: accountName = "" } = account.metadata;
  const mountable = new Set((account.secrets ?? []).map(({ name }) => name));
  const why = `is not allowed because service account ${accountName} does not reference that secret`;
  for (const { secret } of spec.volumes ?? [])
    if (secret && !mountable.has(secret.secretName))
      return `volume with secret.secretName="${secret.secretName ?? ""}" ${why}`;
  const lists = [
    ["init container", spec.initContainers ?? []],
    ["container", spec.containers],
    ["ephemeral container", spec.ephemeralContainers ?? []],
  ] as const;
  for (const [what, containers] of lists) {
    for (const container of containers) {
      const problem = containerProblem(container, mountable);
      if (problem !== undefined) return `${what} ${container.name} with ${problem} ${why}`;
    }
  }
  const pullable = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries())
    if (!pullable.has(name))
      return `imagePullSecrets[${index}].name="${name ?? ""}" is not allowed because service account ${accountName} does not reference that imagePullSecret`;
  return undefined;
}

function containerProblem(
  { env = [], envFrom = [] }: Container,
  mountable: ReadonlySet<string | undefined>,
): string | undefined {
  for (const { name, valueFrom } of env) {
    const secret = valueFrom?.secretKeyRef;
    if (secret && !mountable.has(secret.name))
      return `envVar ${name} referencing secret.secretName="${secret.name ?? ""}"`;
  }
  for (const { secretRef } of envFrom)
    if (secretRef && !mountable.has(secretRef.name))
      return `envFrom referencing secret.secretName="${secretRef.name ?? ""}"`;
  return undefined;
}
