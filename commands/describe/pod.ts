import { formatLabelSelector } from "../../core/api/labels.ts";
import type { Pod, PodSpec, PodTemplateSpec, Toleration } from "../../core/kinds/pod.ts";
import { qosClass } from "../../core/kinds/pod_resources.ts";
import {
  annotationLines,
  controlledBy,
  type Describer,
  labelLines,
  metadataLines,
  multiline,
  since,
  timeText,
} from "./common.ts";
import { describeContainers, describeResources } from "./containers.ts";
import { eventLines, eventsOf } from "./events.ts";
import type { Page } from "./page.ts";
import { describeVolumes } from "./volumes.ts";

/** A pod with its containers, volumes and events. */
export const describePod: Describer = async (object, page, context) => {
  const pod = object as Pod;
  const { metadata, spec, status = {} } = pod;
  page.line(0, `Name:\t${metadata.name}`);
  page.line(0, `Namespace:\t${metadata.namespace}`);
  if (spec.priority !== undefined) page.line(0, `Priority:\t${spec.priority}`);
  if (spec.priorityClassName) page.line(0, `Priority Class Name:\t${spec.priorityClassName}`);
  if (spec.runtimeClassName) page.line(0, `Runtime Class Name:\t${spec.runtimeClassName}`);
  if (spec.serviceAccountName) page.line(0, `Service Account:\t${spec.serviceAccountName}`);
  page.line(0, `Node:\t${spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ""}` : "<none>"}`);
  if (status.startTime) page.line(0, `Start Time:\t${timeText(status.startTime)}`);
  metadataLines(page, pod);
  if (metadata.deletionTimestamp && status.phase !== "Failed" && status.phase !== "Succeeded") {
    page.line(0, `Status:\tTerminating (lasts ${since(metadata.deletionTimestamp, context)})`);
    page.line(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else {
    page.line(0, `Status:\t${status.phase ?? ""}`);
  }
  if (status.reason) page.line(0, `Reason:\t${status.reason}`);
  if (status.message) page.line(0, `Message:\t${status.message}`);
  const profile = spec.securityContext?.seccompProfile;
  if (profile) {
    page.line(0, `SeccompProfile:\t${profile.type}`);
    if (profile.type === "Localhost") page.line(0, `LocalhostProfile:\t${profile.localhostProfile ?? ""}`);
  }
  page.line(0, `IP:\t${status.podIP ?? ""}`);
  const ips = status.podIPs ?? [];
  page.line(0, ips.length === 0 ? "IPs:\t<none>" : "IPs:");
  for (const { ip } of ips) page.line(1, `IP:\t${ip}`);
  controlledBy(page, pod);
  if (status.nominatedNodeName) page.line(0, `NominatedNodeName:\t${status.nominatedNodeName}`);
  const resources = (spec as { readonly resources?: Parameters<typeof describeResources>[1] }).resources;
  if (resources) {
    page.line(0, "Resources:");
    describeResources(page, resources, 1);
  }
  const { initContainers = [], containers, ephemeralContainers = [] } = spec;
  if (initContainers.length > 0)
    describeContainers(page, "Init Containers", initContainers, { statuses: status.initContainerStatuses, pod });
  describeContainers(page, "Containers", containers, { statuses: status.containerStatuses, pod });
  if (ephemeralContainers.length > 0) {
    describeContainers(page, "Ephemeral Containers", ephemeralContainers, {
      statuses: status.ephemeralContainerStatuses,
      pod,
    });
  }
  conditions(page, pod);
  describeVolumes(page, spec.volumes);
  page.line(0, `QoS Class:\t${qosClass(pod)}`);
  labelLines(page, "Node-Selectors", spec.nodeSelector);
  tolerationLines(page, "Tolerations", spec.tolerations);
  spreadLines(page, spec.topologySpreadConstraints, "");
  if (!context.showEvents) return;
  // Of a mirror pod the kubelet tells by the hash of its manifest.
  const uid = metadata.annotations?.["kubernetes.io/config.mirror"] ?? metadata.uid;
  eventLines(page, await eventsOf({ name: metadata.name ?? "", namespace: metadata.namespace, uid }, context), context);
};

function conditions(page: Page, { spec, status }: Pod): void {
  const gates = spec.readinessGates ?? [];
  const found = status?.conditions ?? [];
  if (gates.length > 0) {
    page.line(0, "Readiness Gates:\n  Type\tStatus");
    for (const { conditionType } of gates)
      page.line(1, `${conditionType} \t${found.find(({ type }) => type === conditionType)?.status ?? "<none>"} `);
  }
  if (found.length === 0) return;
  page.line(0, "Conditions:\n  Type\tStatus");
  for (const one of found) page.line(1, `${one.type} \t${one.status} `);
}

/** What pods are made from. */
export function templateLines(page: Page, template: PodTemplateSpec | undefined): void {
  page.line(0, "Pod Template:");
  if (!template) {
    page.write(1, "<unset>");
    return;
  }
  const { metadata = {}, spec } = template;
  labelLines(page, "  Labels", metadata.labels);
  if (Object.keys(metadata.annotations ?? {}).length > 0) annotationLines(page, "  Annotations", metadata.annotations);
  if (!spec) return;
  if (spec.serviceAccountName) page.line(1, `Service Account:\t${spec.serviceAccountName}`);
  if (spec.initContainers?.length) describeContainers(page, "Init Containers", spec.initContainers, { space: "  " });
  describeContainers(page, "Containers", spec.containers, { space: "  " });
  describeVolumes(page, spec.volumes, "  ");
  spreadLines(page, spec.topologySpreadConstraints, "  ");
  if (spec.priorityClassName) page.line(1, `Priority Class Name:\t${spec.priorityClassName}`);
  labelLines(page, "  Node-Selectors", spec.nodeSelector);
  tolerationLines(page, "  Tolerations", spec.tolerations);
}

function tolerationLines(page: Page, title: string, tolerations: readonly Toleration[] = []): void {
  const lines = [...tolerations]
    .sort((a, b) => ((a.key ?? "") < (b.key ?? "") ? -1 : 1) * Number((a.key ?? "") !== (b.key ?? "")))
    .map(({ key = "", operator, value, effect, tolerationSeconds }) => {
      const exists = operator === "Exists" && !value ? `${key || effect ? " " : ""}op=Exists` : "";
      const seconds = tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`;
      return `${key}${value ? `=${value}` : ""}${effect ? `:${effect}` : ""}${exists}${seconds}`;
    });
  multiline(page, title, lines);
}

function spreadLines(page: Page, constraints: PodSpec["topologySpreadConstraints"], space: string): void {
  if (!constraints || constraints.length === 0) return;
  const lines = [...constraints]
    .sort((a, b) => (a.topologyKey < b.topologyKey ? -1 : 1))
    .map(({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }) => {
      const selector = labelSelector ? ` for selector ${formatLabelSelector(labelSelector)}` : "";
      return `${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${selector}`;
    });
  lines.forEach((line, index) => {
    page.line(0, index === 0 ? `${space}Topology Spread Constraints:\t${line}` : `${space}\t${line}`);
  });
}
