import { type FieldError, fieldError } from "../../core/api/status.ts";
import type { ServiceSpec } from "../../core/kinds/service.ts";
import { type AddressFamily, familyOf } from "./_address_pool.ts";

/** What a service asks for, before and now. */
export interface FamilyQuestion {
  readonly spec: ServiceSpec;
  /** Of an update. */
  readonly previous: ServiceSpec | undefined;
  /** Those of the cluster, the usual one first. */
  readonly configured: readonly AddressFamily[];
}

/** Families, and the addresses that are kept. */
export type Families = Required<Pick<ServiceSpec, "ipFamilies" | "ipFamilyPolicy">> & {
  readonly clusterIPs: readonly string[];
};

/**
 * The families that a service is of, and which of its addresses it keeps: one without a policy is of one family; one
 * that prefers or needs both gets the second where the cluster has it. Whoever writes the endpoints of a headless service
 * without a selector may write them of both, whatever the cluster has.
 *
 * @returns what is wrong with the question instead, when something is
 * @see k8s.io/kubernetes/pkg/registry/core/service/storage/alloc.go, initIPFamilyFields
 */
export function familiesOf({ spec, previous, configured }: FamilyQuestion): Families | readonly FieldError[] {
  const { clusterIP, selector = {} } = spec;
  const asked = spec.clusterIPs?.length ? spec.clusterIPs : clusterIP ? [clusterIP] : [];
  const isFree = asked[0] === "None" && Object.keys(selector).length === 0;
  const ipFamilyPolicy =
    spec.ipFamilyPolicy ?? previous?.ipFamilyPolicy ?? (isFree ? "RequireDualStack" : "SingleStack");
  const kept = keptOf(spec, { previous, asked, ipFamilyPolicy });
  const errors = [...tooMany(kept, ipFamilyPolicy), ...tooFew(kept, { previous, ipFamilyPolicy })];
  const inferred = kept.clusterIPs[0] === "None" ? [] : kept.clusterIPs.slice(kept.ipFamilies.length).map(familyOf);
  for (const [index, family] of inferred.entries())
    if (!configured.includes(family))
      errors.push(
        fieldError.invalid(
          `spec.clusterIPs[${kept.ipFamilies.length + index}]`,
          kept.clusterIPs,
          `${family} is not configured on this cluster`,
        ),
      );
  if (errors.length > 0) return errors;
  const named = [...kept.ipFamilies, ...inferred];
  const wantsBoth = ipFamilyPolicy !== "SingleStack";
  if (isFree) return { ...kept, ipFamilyPolicy, ipFamilies: completed(named, configured, wantsBoth) };
  errors.push(...notConfigured(named, ipFamilyPolicy, configured));
  if (errors.length > 0) return errors;
  // What a cluster has learnt since changes no service that only prefers both.
  const isAsBefore = ipFamilyPolicy === "PreferDualStack" && isSame(spec, previous);
  const ipFamilies = completed(named, configured, wantsBoth && configured.length > 1 && !isAsBefore);
  return { ...kept, ipFamilyPolicy, ipFamilies };
}

/** Addresses and families, of which those of the second family go when there is to be one alone. */
function keptOf(
  { ipFamilies = [] }: ServiceSpec,
  {
    previous,
    asked,
    ipFamilyPolicy,
  }: Pick<FamilyQuestion, "previous"> & { readonly asked: readonly string[]; readonly ipFamilyPolicy: string },
): Omit<Families, "ipFamilyPolicy"> {
  const isSingle = ipFamilyPolicy === "SingleStack" && previous !== undefined;
  return {
    clusterIPs: isSingle && isEqual(asked, previous.clusterIPs) ? asked.slice(0, 1) : asked,
    ipFamilies: isSingle && isEqual(ipFamilies, previous.ipFamilies) ? ipFamilies.slice(0, 1) : ipFamilies,
  };
}

function tooMany({ clusterIPs, ipFamilies }: Omit<Families, "ipFamilyPolicy">, policy: string): FieldError[] {
  if (policy !== "SingleStack") return [];
  const wrong = (what: string) =>
    fieldError.invalid(
      "spec.ipFamilyPolicy",
      policy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(clusterIPs.length === 2 ? [wrong("cluster IPs")] : []),
    ...(ipFamilies.length === 2 ? [wrong("IP families")] : []),
  ];
}

/** The second of either goes only when it is said that there is to be one alone. */
function tooFew(
  { clusterIPs, ipFamilies }: Omit<Families, "ipFamilyPolicy">,
  { previous, ipFamilyPolicy }: Pick<FamilyQuestion, "previous"> & { readonly ipFamilyPolicy: string },
): readonly FieldError[] {
  if (ipFamilyPolicy === "SingleStack") return [];
  const isReduced = (after: readonly string[], before: readonly string[] = []) =>
    after.length === 1 && before.length === 2;
  const wrong = (what: string) =>
    fieldError.invalid("spec.ipFamilyPolicy", ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`);
  return [
    ...(isReduced(clusterIPs, previous?.clusterIPs) ? [wrong("cluster IP")] : []),
    ...(isReduced(ipFamilies, previous?.ipFamilies) ? [wrong("IP family")] : []),
  ];
}

function notConfigured(
  named: readonly AddressFamily[],
  policy: string,
  configured: readonly AddressFamily[],
): readonly FieldError[] {
  const detail = "this cluster is not configured for dual-stack services";
  const needsBoth = policy === "RequireDualStack" && configured.length < 2;
  return [
    ...(needsBoth ? [fieldError.invalid("spec.ipFamilyPolicy", policy, detail)] : []),
    ...named.flatMap((family, index) =>
      configured.includes(family)
        ? []
        : [fieldError.invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster")],
    ),
  ];
}

/** At least the usual family; both when that is wanted. */
function completed(
  named: readonly AddressFamily[],
  [usual = "IPv4"]: readonly AddressFamily[],
  isBoth: boolean,
): readonly AddressFamily[] {
  const [first = usual, ...rest] = named;
  if (rest.length > 0 || !isBoth) return [first, ...rest];
  return [first, first === "IPv4" ? "IPv6" : "IPv4"];
}

function isSame(spec: ServiceSpec, previous: ServiceSpec | undefined): boolean {
  return (
    previous?.ipFamilyPolicy === "PreferDualStack" &&
    isEqual(spec.clusterIPs, previous.clusterIPs) &&
    isEqual(spec.ipFamilies, previous.ipFamilies)
  );
}

function isEqual(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
