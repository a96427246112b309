import { defineKind, type Kind } from "../api/kind.ts";
import { validateLabelSelector } from "../api/label_validation.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";
import { type FieldError, fieldError } from "../api/status.ts";
import { inRange, parseRange } from "./addresses.ts";
import { ageColumn, nameColumn, selectorText } from "./cells.ts";
import { check, checkAll, checkOneOf, type FieldErrors, portNameErrors, portNumberError } from "./validators.ts";

/** Who traffic may come from, or go to. */
export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

/** A port, or a range of ports. */
export interface NetworkPolicyPort {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}

/** Which traffic pods may have. @see https://kubernetes.io/docs/concepts/services-networking/network-policies/ */
export interface NetworkPolicy extends KubeObject {
  readonly spec?: {
    readonly podSelector?: LabelSelector;
    readonly policyTypes?: readonly ("Ingress" | "Egress")[];
    readonly ingress?: readonly {
      readonly from?: readonly NetworkPolicyPeer[];
      readonly ports?: readonly NetworkPolicyPort[];
    }[];
    readonly egress?: readonly {
      readonly to?: readonly NetworkPolicyPeer[];
      readonly ports?: readonly NetworkPolicyPort[];
    }[];
  };
}

const rangeError = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/** The kind NetworkPolicy. */
export const networkPolicy: Kind<NetworkPolicy> = defineKind<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  namespaced: true,
  shortNames: ["netpol"],
  schema: "io.k8s.api.networking.v1.NetworkPolicy",
  strategy: { applyDefaults: withDefaults, validate: checkPolicy },
  columns: [
    nameColumn,
    {
      name: "Pod-Selector",
      type: "string",
      description: "Which pods it is about.",
      cell: ({ spec }) => selectorText(spec?.podSelector),
    },
    ageColumn,
  ],
});

function withDefaults(object: NetworkPolicy): NetworkPolicy {
  const { spec = {} } = object;
  const { policyTypes = [], ingress, egress } = spec;
  const implied: readonly ("Ingress" | "Egress")[] = egress && egress.length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  return {
    ...object,
    spec: {
      ...spec,
      podSelector: spec.podSelector ?? {},
      ...(ingress ? { ingress: ingress.map(withProtocols) } : {}),
      ...(egress ? { egress: egress.map(withProtocols) } : {}),
      policyTypes: policyTypes.length > 0 ? policyTypes : implied,
    },
  };
}

function withProtocols<T extends { readonly ports?: readonly NetworkPolicyPort[] }>(rule: T): T {
  if (!rule.ports) return rule;
  return { ...rule, ports: rule.ports.map((port) => ({ ...port, protocol: port.protocol ?? "TCP" })) };
}

function checkPolicy({ spec = {} }: NetworkPolicy): FieldErrors {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = spec;
  const errors: FieldError[] = [
    ...validateLabelSelector(podSelector, "spec.podSelector"),
    ...ingress.flatMap(({ ports = [], from = [] }, index) => [
      ...ports.flatMap((port, at) => checkPort(port, `spec.ingress[${index}].ports[${at}]`)),
      ...from.flatMap((peer, at) => checkPeer(peer, `spec.ingress[${index}].from[${at}]`)),
    ]),
    ...egress.flatMap(({ ports = [], to = [] }, index) => [
      ...ports.flatMap((port, at) => checkPort(port, `spec.egress[${index}].ports[${at}]`)),
      ...to.flatMap((peer, at) => checkPeer(peer, `spec.egress[${index}].to[${at}]`)),
    ]),
  ];
  if (policyTypes.length > 2)
    return [
      ...errors,
      fieldError.invalid("spec.policyTypes", policyTypes, "may not specify more than two policyTypes"),
    ];
  return [
    ...errors,
    ...policyTypes.flatMap((type, index) => checkOneOf(`spec.policyTypes[${index}]`, type, ["Ingress", "Egress"])),
  ];
}

function checkPort({ protocol, port, endPort }: NetworkPolicyPort, field: string): FieldErrors {
  const errors: FieldError[] = [...checkOneOf(`${field}.protocol`, protocol, ["TCP", "UDP", "SCTP"])];
  const refuseEnd = (reason: string) =>
    endPort === undefined ? [] : [fieldError.invalid(`${field}.endPort`, endPort, reason)];
  if (port === undefined) return [...errors, ...refuseEnd("may not be specified when `port` is not specified")];
  if (typeof port === "string")
    return [
      ...errors,
      ...refuseEnd("may not be specified when `port` is non-numeric"),
      ...checkAll(`${field}.port`, port, portNameErrors(port)),
    ];
  errors.push(...check(`${field}.port`, port, portNumberError(port)));
  if (endPort === undefined) return errors;
  if (endPort < port) errors.push(...refuseEnd("must be greater than or equal to `port`"));
  return [...errors, ...check(`${field}.endPort`, endPort, portNumberError(endPort))];
}

function checkPeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, field: string): FieldErrors {
  if (!podSelector && !namespaceSelector && !ipBlock) return [fieldError.required(field, "must specify a peer")];
  return [
    ...validateLabelSelector(podSelector, `${field}.podSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...(ipBlock ? checkBlock(ipBlock, `${field}.ipBlock`) : []),
    ...(ipBlock && (podSelector || namespaceSelector)
      ? [fieldError.forbidden(field, "may not specify both ipBlock and another peer")]
      : []),
  ];
}

function checkBlock({ cidr, except = [] }: NonNullable<NetworkPolicyPeer["ipBlock"]>, field: string): FieldErrors {
  if (!cidr) return [fieldError.required(`${field}.cidr`)];
  const range = parseRange(cidr);
  if (!range) return [fieldError.invalid(`${field}.cidr`, cidr, rangeError)];
  return except.flatMap((text, index) => {
    const at = `${field}.except[${index}]`;
    const hole = parseRange(text);
    if (!hole) return [fieldError.invalid(at, text, rangeError)];
    const isInside = inRange(hole.bytes, range) && hole.prefix > range.prefix;
    return isInside ? [] : [fieldError.invalid(at, text, "must be a strict subset of `cidr`")];
  });
}
