import { defineKind, type Kind } from "../api/kind.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { parseRange } from "./addresses.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import type { FieldErrors } from "./validators.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** Ranges that services get their addresses from. */
export interface ServiceCIDR extends KubeObject {
  readonly spec?: { readonly cidrs?: readonly string[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const field = "spec.cidrs";

/** The kind ServiceCIDR. */
export const serviceCidr: Kind<ServiceCIDR> = defineKind<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  schema: "io.k8s.api.networking.v1.ServiceCIDR",
  generation: "none",
  subresources: { status: true },
  strategy: {
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: ({ spec }) => checkRanges(spec?.cidrs ?? []),
    validateUpdate: (next, previous) => checkKept(next.spec?.cidrs ?? [], previous.spec?.cidrs ?? []),
  },
  columns: [
    nameColumn,
    {
      name: "CIDRs",
      type: "string",
      description: "The ranges.",
      cell: ({ spec }) => (spec?.cidrs ?? []).join(","),
    },
    ageColumn,
  ],
});

function checkRanges(ranges: readonly string[]): FieldErrors {
  if (ranges.length === 0) return [fieldError.required(field, "at least one CIDR required")];
  if (ranges.length > 2) return [fieldError.invalid(field, { cidrs: ranges }, "may only hold up to 2 values")];
  const [first, second] = ranges.map((range) => parseRange(range)?.bytes.length);
  const detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
  return [
    ...ranges.flatMap((range, index) =>
      parseRange(range)
        ? []
        : [
            fieldError.invalid(
              `${field}[${index}]`,
              range,
              "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            ),
          ],
    ),
    ...(first !== undefined && first === second ? [fieldError.invalid(field, ranges, detail)] : []),
  ];
}

/** A second range may be added; nothing else changes. */
function checkKept(next: readonly string[], previous: readonly string[]): FieldErrors {
  const grows = previous.length === 1 && next.length === 2;
  if (next.length !== previous.length && !grows) return [fieldError.invalid(field, next, "field is immutable")];
  return previous.flatMap((range, index) =>
    next[index] === range ? [] : [fieldError.invalid(`${field}[${index}]`, next[index] ?? "", "field is immutable")],
  );
}
