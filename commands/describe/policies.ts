import { compareText } from "../../core/api/go_value.ts";
import { formatLabelSelector } from "../../core/api/labels.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { canonicalQuantity } from "../../core/api/quantity.ts";
import { durationText } from "../../core/api/table.ts";
import type { CertificateSigningRequest } from "../../core/kinds/certificate_signing_request.ts";
import { type LimitRange, limitRange } from "../../core/kinds/limit_range.ts";
import type { Namespace } from "../../core/kinds/namespace.ts";
import type { ResourceList } from "../../core/kinds/pod.ts";
import type { PodDisruptionBudget } from "../../core/kinds/pod_disruption_budget.ts";
import type { PriorityClass } from "../../core/kinds/priority_class.ts";
import type { PolicyRule, RoleRef, Subject } from "../../core/kinds/rbac.ts";
import { type ResourceQuota, resourceQuota } from "../../core/kinds/resource_quota.ts";
import { labelsText } from "../output/table.ts";
import { type Describer, metadataLines, nameLines, sortedEntries, timeText } from "./common.ts";
import { describeEvents } from "./events.ts";
import type { Page } from "./page.ts";

/** How many pods may be taken away. */
export const describePodDisruptionBudget: Describer = async (object, page, context) => {
  const { spec, status } = object as PodDisruptionBudget;
  nameLines(page, object);
  if (spec?.minAvailable !== undefined) page.line(0, `Min available:\t${spec.minAvailable}`);
  else if (spec?.maxUnavailable !== undefined) page.line(0, `Max unavailable:\t${spec.maxUnavailable}`);
  page.line(0, `Selector:\t${spec?.selector ? formatLabelSelector(spec.selector) : "<unset>"}`);
  page.line(0, "Status:");
  page.line(2, `Allowed disruptions:\t${status?.disruptionsAllowed ?? 0}`);
  page.line(2, `Current:\t${status?.currentHealthy ?? 0}`);
  page.line(2, `Desired:\t${status?.desiredHealthy ?? 0}`);
  page.line(2, `Total:\t${status?.expectedPods ?? 0}`);
  await describeEvents(page, object, context);
};

/** How much pods matter. */
export const describePriorityClass: Describer = async (object, page, context) => {
  const { metadata, value, globalDefault, preemptionPolicy, description } = object as PriorityClass;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Value:\t${value}`);
  page.line(0, `GlobalDefault:\t${globalDefault ?? false}`);
  page.line(0, `PreemptionPolicy:\t${preemptionPolicy ?? ""}`);
  page.line(0, `Description:\t${description ?? ""}`);
  page.line(0, `Annotations:\t${labelsText(metadata.annotations)}`);
  await describeEvents(page, object, context);
};

const rangeHeader = "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio";
const rangeRule = "----\t--------\t---\t---\t---------------\t-------------\t-----------------------";

/** What pods and containers may take. */
export const describeLimitRange: Describer = async (object, page) => {
  nameLines(page, object);
  page.line(0, rangeHeader);
  page.line(0, rangeRule);
  rangeLines(page, object as LimitRange, "");
};

function rangeLines(page: Page, { spec }: LimitRange, prefix: string): void {
  for (const item of spec?.limits ?? []) {
    const lists = [item.min, item.max, item.defaultRequest, item.default, item.maxLimitRequestRatio];
    const names = [...new Set(lists.flatMap((list) => Object.keys(list ?? {})))].sort();
    for (const name of names)
      page.line(0, `${prefix}${[item.type, name, ...lists.map((list) => amount(list, name))].join("\t")}`);
  }
}

function amount(list: ResourceList | undefined, name: string): string {
  const found = list?.[name];
  return found === undefined ? "-" : canonicalQuantity(found);
}

const scopeTexts: Readonly<Record<string, string>> = {
  Terminating:
    "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.",
  NotTerminating:
    "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.",
  BestEffort:
    "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
  NotBestEffort:
    "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.",
};

/** How much a namespace may have. */
export const describeResourceQuota: Describer = async (object, page) => {
  const { spec, status } = object as ResourceQuota;
  nameLines(page, object);
  scopeLines(page, 0, spec?.scopes, " * ");
  page.line(0, "Resource\tUsed\tHard");
  page.line(0, "--------\t----\t----");
  for (const [name, hard] of sortedEntries(status?.hard))
    page.line(0, `${name}\t${usedText(status?.used, name)}\t${canonicalQuantity(hard)}`);
};

function usedText(used: ResourceList | undefined, name: string): string {
  return canonicalQuantity(used?.[name] ?? "0");
}

function scopeLines(page: Page, level: number, scopes: readonly string[] | undefined, bullet: string): void {
  if (!scopes || scopes.length === 0) return;
  const sorted = [...scopes].sort();
  page.line(level, `Scopes:\t${sorted.join(", ")}`);
  for (const scope of sorted) if (Object.hasOwn(scopeTexts, scope)) page.line(level, `${bullet}${scopeTexts[scope]}`);
}

/** A namespace with its quotas and limits. */
export const describeNamespace: Describer = async (object, page, { client, signal }) => {
  const { metadata, status } = object as Namespace;
  page.line(0, `Name:\t${metadata.name}`);
  metadataLines(page, object);
  page.line(0, `Status:\t${status?.phase ?? ""}`);
  const conditions = status?.conditions ?? [];
  if (conditions.length > 0) {
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t------------------\t------\t-------");
    for (const one of conditions)
      page.line(
        1,
        `${one.type}\t${one.status}\t${timeText(one.lastTransitionTime)}\t${one.reason ?? ""}\t${one.message ?? ""}`,
      );
  }
  const where = { namespace: metadata.name, signal };
  const [quotas, ranges] = await Promise.all([client.list(resourceQuota, where), client.list(limitRange, where)]);
  page.line(0, "");
  if (quotas.items.length === 0) page.line(0, "No resource quota.");
  else page.line(0, "Resource Quotas");
  for (const {
    metadata: { name },
    spec,
    status,
  } of quotas.items) {
    page.line(1, `Name:\t${name}`);
    scopeLines(page, 1, spec?.scopes, "* ");
    page.line(1, "Resource\tUsed\tHard");
    page.line(1, "--------\t---\t---");
    for (const [resource, hard] of sortedEntries(status?.hard))
      page.line(1, `${resource}\t${usedText(status?.used, resource)}\t${canonicalQuantity(hard)}`);
  }
  page.line(0, "");
  if (ranges.items.length === 0) {
    page.line(0, "No LimitRange resource.");
    return;
  }
  page.line(0, `Resource Limits\n ${rangeHeader}`);
  page.line(0, ` ${rangeRule}`);
  for (const range of ranges.items) rangeLines(page, range, " ");
};

/** What a role allows. */
export const describeRole: Describer = async (object, page) => {
  const { rules } = object as KubeObject & { readonly rules?: readonly PolicyRule[] | null };
  page.line(0, `Name:\t${object.metadata.name}`);
  metadataLines(page, object);
  page.line(0, "PolicyRule:");
  page.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
  page.line(1, "---------\t-----------------\t--------------\t-----");
  for (const { resource, urls, names, verbs } of compactRules(rules ?? []))
    page.line(1, `${resource}\t[${urls.join(" ")}]\t[${names.join(" ")}]\t[${verbs.join(" ")}]`);
};

interface SimpleRule {
  readonly resource: string;
  readonly urls: readonly string[];
  readonly names: readonly string[];
  readonly verbs: readonly string[];
}

/** What a rule is about: one resource, one of its objects or one path. */
interface RuleSubject {
  readonly group: string;
  readonly resource: string;
  readonly name: string;
  readonly url: string;
}

/** One rule for each resource, path and name, with all verbs that the rules give for it. */
function compactRules(rules: readonly PolicyRule[]): readonly SimpleRule[] {
  const found = new Map<string, { readonly subject: RuleSubject; readonly verbs: Set<string> }>();
  for (const rule of rules) {
    for (const subject of subjectsOf(rule)) {
      const key = JSON.stringify(subject);
      const known = found.get(key) ?? { subject, verbs: new Set() };
      for (const verb of rule.verbs) known.verbs.add(verb);
      found.set(key, known);
    }
  }
  return [...found.values()]
    .map(({ subject, verbs }) => ({ subject, verbs: [...verbs] }))
    .sort((a, b) => compareText(sortKey(a.subject, a.verbs), sortKey(b.subject, b.verbs)))
    .map(({ subject: { group, resource, name, url }, verbs }) => {
      const [plural = "", part] = resource.split("/");
      return {
        resource: `${plural}${group ? `.${group}` : ""}${part ? `/${part}` : ""}`,
        urls: url ? [url] : [],
        names: name ? [name] : [],
        verbs,
      };
    });
}

function subjectsOf({
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): readonly RuleSubject[] {
  const names = resourceNames.length === 0 ? [""] : resourceNames;
  return [
    ...apiGroups.flatMap((group) =>
      resources.flatMap((resource) => names.map((name) => ({ group, resource, name, url: "" }))),
    ),
    ...nonResourceURLs.map((url) => ({ group: "", resource: "", name: "", url })),
  ];
}

/** Rules are in the order of how Go prints them. */
function sortKey({ group, resource, name, url }: RuleSubject, verbs: readonly string[]): string {
  const groups = resource ? group : "";
  return `Verbs:[${verbs.join(" ")}],APIGroups:[${groups}],Resources:[${resource}],ResourceNames:[${name}],NonResourceURLs:[${url}]`;
}

/** Who is given a role. */
export const describeBinding: Describer = async (object, page) => {
  const { roleRef, subjects } = object as KubeObject & {
    readonly roleRef: RoleRef;
    readonly subjects?: readonly Subject[] | null;
  };
  page.line(0, `Name:\t${object.metadata.name}`);
  metadataLines(page, object);
  page.line(0, "Role:");
  page.line(1, `Kind:\t${roleRef.kind}`);
  page.line(1, `Name:\t${roleRef.name}`);
  page.line(0, "Subjects:");
  page.line(1, "Kind\tName\tNamespace");
  page.line(1, "----\t----\t---------");
  for (const { kind, name, namespace = "" } of subjects ?? []) page.line(1, `${kind}\t${name}\t${namespace}`);
};

/** A request for a certificate. */
export const describeCertificateSigningRequest: Describer = async (object, page, context) => {
  const { metadata, spec, status } = object as CertificateSigningRequest;
  const { readCertificateRequest } = await import("../../core/platform/certificate_request.ts");
  const request = readCertificateRequest(atob(spec.request));
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Labels:\t${labelsText(metadata.labels)}`);
  page.line(0, `Annotations:\t${labelsText(metadata.annotations)}`);
  page.line(0, `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`);
  page.line(0, `Requesting User:\t${spec.username ?? ""}`);
  if (spec.signerName) page.line(0, `Signer:\t${spec.signerName}`);
  if (spec.expirationSeconds !== undefined)
    page.line(0, `Requested Duration:\t${durationText(spec.expirationSeconds * 1000)}`);
  page.line(0, `Status:\t${certificateStatus(status)}`);
  page.line(0, "Subject:");
  page.line(0, `\tCommon Name:\t${request.commonName}`);
  page.line(0, "\tSerial Number:\t");
  listLines(page, "Organization", request.organizations);
  const { dnsNames, emailAddresses, uris, ipAddresses } = request;
  if (dnsNames.length + emailAddresses.length + uris.length + ipAddresses.length > 0) {
    page.line(0, "Subject Alternative Names:");
    listLines(page, "DNS Names", dnsNames);
    listLines(page, "Email Addresses", emailAddresses);
    listLines(page, "URIs", uris);
    listLines(page, "IP Addresses", ipAddresses);
  }
  await describeEvents(page, object, context);
};

function listLines(page: Page, title: string, values: readonly string[]): void {
  values.forEach((value, index) => {
    page.line(0, `\t${index === 0 ? `${title}:` : ""}\t${value}`);
  });
}

function certificateStatus(status: CertificateSigningRequest["status"]): string {
  const types = (status?.conditions ?? []).map(({ type }) => type);
  const words = [
    types.includes("Denied") ? "Denied" : types.includes("Approved") ? "Approved" : "Pending",
    ...(types.includes("Failed") ? ["Failed"] : []),
    ...(status?.certificate ? ["Issued"] : []),
  ];
  return words.join(",");
}
