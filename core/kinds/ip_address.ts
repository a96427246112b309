import { addressText } from "../api/ip_address.ts";
import { defineKind, dnsSubdomainError, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { fieldError } from "../api/status.ts";
import { pathSegmentError } from "../api/validate_meta.ts";
import { addressError, parseAddress } from "./addresses.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkImmutable, checkOptional, checkRequired } from "./validators.ts";

/** Who has an address that was given out; the name is the address. */
export interface IPAddress extends KubeObject {
  readonly spec?: {
    readonly parentRef?: {
      readonly group?: string;
      readonly resource: string;
      readonly namespace?: string;
      readonly name: string;
    };
  };
}

/** The kind IPAddress. */
export const ipAddress: Kind<IPAddress> = defineKind<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  namespaced: false,
  shortNames: ["ip"],
  schema: "io.k8s.api.networking.v1.IPAddress",
  generation: "none",
  validateName: nameError,
  strategy: {
    validate: ({ spec }) => {
      const field = "spec.parentRef";
      const ref = spec?.parentRef;
      if (!ref) return [fieldError.required(field)];
      return [
        ...checkOptional(`${field}.group`, ref.group, dnsSubdomainError),
        ...checkRequired(`${field}.resource`, ref.resource, pathSegmentError),
        ...checkRequired(`${field}.name`, ref.name, pathSegmentError),
        ...checkOptional(`${field}.namespace`, ref.namespace, pathSegmentError),
      ];
    },
    validateUpdate: (next, previous) =>
      checkImmutable("spec.parentRef", next.spec?.parentRef, previous.spec?.parentRef),
  },
  columns: [
    nameColumn,
    {
      name: "ParentRef",
      type: "string",
      description: "Who has the address.",
      cell: ({ spec }) => {
        const ref = spec?.parentRef;
        if (!ref) return "<none>";
        const resource = ref.group ? `${ref.resource}.${ref.group}` : ref.resource;
        return [resource.toLowerCase(), ...(ref.namespace ? [ref.namespace] : []), ref.name].join("/");
      },
    },
    ageColumn,
  ],
});

/** Why `name` is no name: an address has one text, so that nobody has it twice. */
function nameError(name: string): string | undefined {
  const bytes = parseAddress(name);
  const text = bytes && addressText(bytes);
  return addressError(name) ?? (text === name ? undefined : `must be in canonical form (${JSON.stringify(text)})`);
}
