import { formatLabelSelector } from "../../core/api/labels.ts";
import type { IngressClass } from "../../core/kinds/ingress_class.ts";
import type { IPAddress } from "../../core/kinds/ip_address.ts";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../../core/kinds/network_policy.ts";
import type { ServiceCIDR } from "../../core/kinds/service_cidr.ts";
import { type Describer, metadataLines, nameLines, timeText } from "./common.ts";
import { describeEvents } from "./events.ts";
import type { Page } from "./page.ts";

/** Which pods may speak with which. */
export const describeNetworkPolicy: Describer = async (object, page) => {
  const { metadata, spec = {} } = object as NetworkPolicy;
  nameLines(page, object);
  page.line(0, `Created on:\t${createdText(metadata.creationTimestamp)}`);
  metadataLines(page, object);
  page.line(0, "Spec:");
  page.write(1, "PodSelector: ");
  const { podSelector, policyTypes } = spec;
  const everyPod = !podSelector?.matchExpressions?.length && Object.keys(podSelector?.matchLabels ?? {}).length === 0;
  page.line(
    2,
    everyPod
      ? "<none> (Allowing the specific traffic to all pods in this namespace)"
      : formatLabelSelector(podSelector),
  );
  if (policyTypes?.includes("Ingress")) {
    page.line(1, "Allowing ingress traffic:");
    const rules = (spec.ingress ?? []).map(({ ports, from }) => ({ ports, peers: from }));
    ruleLines(page, rules, { title: "From", isolated: "ingress", open: "source" });
  } else page.line(1, "Not affecting ingress traffic");
  if (policyTypes?.includes("Egress")) {
    page.line(1, "Allowing egress traffic:");
    const rules = (spec.egress ?? []).map(({ ports, to }) => ({ ports, peers: to }));
    ruleLines(page, rules, { title: "To", isolated: "egress", open: "destination" });
  } else page.line(1, "Not affecting egress traffic");
  page.line(1, `Policy Types: ${policyTypes?.join(", ") || "<none>"}`);
};

/** As Go prints a time: `2006-01-02 15:04:05 -0700 MST`. */
function createdText(timestamp: string | undefined): string {
  const at = new Date(timestamp ?? "");
  if (Number.isNaN(at.getTime())) return "<unknown>";
  const [, offset = "+0000"] = / ([-+]\d{4})$/.exec(timeText(timestamp)) ?? [];
  const two = (value: number) => String(value).padStart(2, "0");
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const zone = offset === "+0000" ? "UTC" : (/\(([A-Z]+)\)/.exec(at.toString())?.[1] ?? offset.replace(/00$/, ""));
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${offset} ${zone}`;
}

const indent = "    ";
/** Who or what is not restricted. */
const all = "any";

function ruleLines(
  page: Page,
  rules: readonly {
    readonly ports: readonly NetworkPolicyPort[] | undefined;
    readonly peers: readonly NetworkPolicyPeer[] | undefined;
  }[],
  words: { readonly title: "From" | "To"; readonly isolated: string; readonly open: string },
): void {
  if (rules.length === 0)
    page.line(0, `${indent}<none> (Selected pods are isolated for ${words.isolated} connectivity)`);
  rules.forEach(({ ports = [], peers = [] }, index) => {
    if (ports.length === 0) page.line(0, `${indent}To Port: <${all}> (traffic allowed to all ports)`);
    for (const { port, endPort, protocol = "TCP" } of ports) {
      const shown = port ?? "<nil>";
      page.line(
        0,
        endPort === undefined
          ? `${indent}To Port: ${shown}/${protocol}`
          : `${indent}To Port Range: ${shown}-${endPort}/${protocol}`,
      );
    }
    if (peers.length === 0) page.line(0, `${indent}${words.title}: <${all}> (traffic not restricted by ${words.open})`);
    for (const peer of peers) {
      page.line(0, `${indent}${words.title}:`);
      peerLines(page, peer);
    }
    if (index < rules.length - 1) page.line(0, `${indent}----------`);
  });
}

function peerLines(page: Page, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): void {
  if (namespaceSelector) page.line(1, `${indent}NamespaceSelector: ${formatLabelSelector(namespaceSelector)}`);
  if (podSelector) page.line(1, `${indent}PodSelector: ${formatLabelSelector(podSelector)}`);
  if (podSelector || namespaceSelector || !ipBlock) return;
  page.line(1, `${indent}IPBlock:`);
  page.line(2, `${indent}CIDR: ${ipBlock.cidr}`);
  page.line(2, `${indent}Except: ${(ipBlock.except ?? []).join(", ")}`);
}

/** Who makes ingresses work. */
export const describeIngressClass: Describer = async (object, page, context) => {
  const { metadata, spec } = object as IngressClass;
  page.line(0, `Name:\t${metadata.name}`);
  metadataLines(page, object);
  page.line(0, `Controller:\t${spec?.controller ?? ""}`);
  const parameters = spec?.parameters;
  if (parameters) {
    page.line(0, "Parameters:");
    if (parameters.apiGroup !== undefined) page.line(1, `APIGroup:\t${parameters.apiGroup}`);
    page.line(1, `Kind:\t${parameters.kind}`);
    page.line(1, `Name:\t${parameters.name}`);
  }
  await describeEvents(page, object, context);
};

/** Addresses for services. */
export const describeServiceCidr: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as ServiceCIDR;
  page.line(0, `Name:\t${metadata.name}`);
  metadataLines(page, object);
  page.line(0, `CIDRs:\t${(spec?.cidrs ?? []).join(", ")}`);
  const conditions = status?.conditions ?? [];
  if (conditions.length > 0) {
    page.line(0, "Status:");
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t------------------\t------\t-------");
    for (const { type, status, lastTransitionTime, reason = "", message = "" } of conditions)
      page.line(1, `${type}\t${status}\t${timeText(lastTransitionTime)}\t${reason}\t${message}`);
  }
  await describeEvents(page, object, context);
};

/** An address that a service has. */
export const describeIpAddress: Describer = async (object, page, context) => {
  const { metadata, spec } = object as IPAddress;
  page.line(0, `Name:\t${metadata.name}`);
  metadataLines(page, object);
  const parent = spec?.parentRef;
  if (parent) {
    page.line(0, "Parent Reference:");
    page.line(1, `Group:\t${parent.group ?? ""}`);
    page.line(1, `Resource:\t${parent.resource ?? ""}`);
    page.line(1, `Namespace:\t${parent.namespace ?? ""}`);
    page.line(1, `Name:\t${parent.name ?? ""}`);
  }
  await describeEvents(page, object, context);
};
