import { formatLabelSelector } from "../../core/api/labels.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { controllerOf } from "../../core/api/meta.ts";
import type { Client } from "../../core/client/client.ts";
import type { ConfigMap, Deployment, Node, Pod, ReplicaSet, Secret, Service } from "../../core/kinds/mod.ts";
import { endpointSlice, pod, replicaSet } from "../../core/kinds/mod.ts";
import { podStatusText } from "../../core/kinds/pod_helpers.ts";
import { alignColumns, printableLines } from "../output/columns.ts";
import { labelsText } from "../output/table.ts";
import { type Field, fieldLines, section } from "./fields.ts";
import { describeContainer, describePodTemplate, describeVolume } from "./pod_template.ts";

/** What describing needs besides the object. */
export interface DescribeContext {
  readonly client: Client;
  readonly signal: AbortSignal;
}

/** Describes what is particular to a kind: fields that follow the metadata, and sections below them. */
export type Describer = (
  object: KubeObject,
  context: DescribeContext,
) => Promise<{ readonly fields: readonly Field[]; readonly sections: readonly string[] }>;

function describer<T extends KubeObject>(
  describe: (
    object: T,
    context: DescribeContext,
  ) => Promise<{ readonly fields: readonly Field[]; readonly sections: readonly string[] }>,
): Describer {
  return (object, context) => describe(object as T, context);
}

const describePod = describer<Pod>(async (object) => {
  const { spec, status = {} } = object;
  const owner = controllerOf(object);
  const statusOf = (name: string) =>
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find((one) => one.name === name);
  return {
    fields: [
      ["Service Account", spec.serviceAccountName ?? "default"],
      ["Node", spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ""}` : "<none>"],
      ["Start Time", status.startTime],
      ["Status", podStatusText(object)],
      ["Reason", status.reason],
      ["Message", status.message],
      ["IP", status.podIP ?? ""],
      ["Controlled By", owner && `${owner.kind}/${owner.name}`],
      ["QoS Class", status.qosClass],
      ["Node-Selectors", labelsText(spec.nodeSelector)],
      [
        "Tolerations",
        (spec.tolerations ?? []).map(
          ({ key = "", operator, value, effect, tolerationSeconds }) =>
            `${key}${operator === "Exists" || !value ? "" : `=${value}`}${effect ? `:${effect}` : ""} op=${operator ?? "Equal"}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`,
        ),
      ],
    ],
    sections: [
      ...(spec.initContainers?.length
        ? section(
            "Init Containers",
            spec.initContainers.flatMap((one) => describeContainer(one, statusOf(one.name))),
          )
        : []),
      ...section(
        "Containers",
        spec.containers.flatMap((one) => describeContainer(one, statusOf(one.name))),
      ),
      ...section(
        "Conditions",
        alignColumns([["Type", "Status"], ...(status.conditions ?? []).map((one) => [one.type, one.status])]),
      ),
      ...section("Volumes", (spec.volumes ?? []).flatMap(describeVolume)),
    ],
  };
});

const describeDeployment = describer<Deployment>(async ({ metadata, spec, status = {} }, { client, signal }) => {
  const { items } = await client.list(replicaSet, {
    namespace: metadata.namespace,
    labelSelector: formatLabelSelector(spec.selector),
    signal,
  });
  const owned = items.filter((rs) => controllerOf(rs)?.uid === metadata.uid && (rs.spec.replicas ?? 0) > 0);
  const { type = "RollingUpdate", rollingUpdate } = spec.strategy ?? {};
  return {
    fields: [
      ["Selector", formatLabelSelector(spec.selector)],
      [
        "Replicas",
        `${spec.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable`,
      ],
      ["StrategyType", type],
      ["MinReadySeconds", spec.minReadySeconds ?? 0],
      [
        "RollingUpdateStrategy",
        rollingUpdate && `${rollingUpdate.maxUnavailable} max unavailable, ${rollingUpdate.maxSurge} max surge`,
      ],
    ],
    sections: [
      ...describePodTemplate(spec.template),
      ...section(
        "Conditions",
        alignColumns([
          ["Type", "Status", "Reason"],
          ...(status.conditions ?? []).map((one) => [one.type, one.status, one.reason ?? ""]),
        ]),
      ),
      ...fieldLines([
        [
          "ReplicaSets",
          owned.map(
            (rs) => `${rs.metadata.name} (${rs.status?.replicas ?? 0}/${rs.spec.replicas ?? 1} replicas created)`,
          ),
        ],
      ]),
    ],
  };
});

const describeReplicaSet = describer<ReplicaSet>(async (object) => {
  const { spec, status } = object;
  const owner = controllerOf(object);
  return {
    fields: [
      ["Selector", formatLabelSelector(spec.selector)],
      ["Controlled By", owner && `${owner.kind}/${owner.name}`],
      ["Replicas", `${status?.replicas ?? 0} current / ${spec.replicas ?? 1} desired`],
      ["Ready", `${status?.readyReplicas ?? 0} / ${spec.replicas ?? 1}`],
    ],
    sections: describePodTemplate(spec.template),
  };
});

const describeService = describer<Service>(async ({ metadata, spec = {} }, { client, signal }) => {
  const { items } = await client.list(endpointSlice, {
    namespace: metadata.namespace,
    labelSelector: `kubernetes.io/service-name=${metadata.name}`,
    signal,
  });
  const ready = (name: string | undefined) =>
    items
      .flatMap((slice) => {
        const port = slice.ports?.find((one) => (one.name ?? "") === (name ?? ""))?.port;
        return slice.endpoints
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((ip) => `${ip}:${port}`));
      })
      .join(",");
  return {
    fields: [
      ["Selector", labelsText(spec.selector)],
      ["Type", spec.type],
      ["IP", spec.clusterIP],
      ...(spec.ports ?? []).flatMap((one): Field[] => [
        ["Port", `${one.name ?? "<unset>"}  ${one.port}/${one.protocol ?? "TCP"}`],
        ["TargetPort", `${one.targetPort ?? one.port}/${one.protocol ?? "TCP"}`],
        ["NodePort", one.nodePort ? `${one.name ?? "<unset>"}  ${one.nodePort}/${one.protocol ?? "TCP"}` : undefined],
        ["Endpoints", ready(one.name)],
      ]),
      ["Session Affinity", spec.sessionAffinity],
      ["External Traffic Policy", spec.externalTrafficPolicy],
      ["Internal Traffic Policy", spec.internalTrafficPolicy],
    ],
    sections: [],
  };
});

const describeNode = describer<Node>(async ({ metadata, spec = {}, status = {} }, { client, signal }) => {
  const { items } = await client.list(pod, {
    fieldSelector: `spec.nodeName=${metadata.name},status.phase!=Succeeded,status.phase!=Failed`,
    signal,
  });
  const amounts = (list: object | undefined) =>
    fieldLines(Object.entries(list ?? {}).map(([name, value]) => [name, String(value)]));
  return {
    fields: [
      ["Taints", (spec.taints ?? []).map(({ key, value, effect }) => `${key}${value ? `=${value}` : ""}:${effect}`)],
      ["Unschedulable", spec.unschedulable ?? false],
      ["PodCIDR", spec.podCIDR],
    ],
    sections: [
      ...section(
        "Conditions",
        alignColumns([
          ["Type", "Status", "LastHeartbeatTime", "Reason", "Message"],
          ...(status.conditions ?? []).map((one) => [
            one.type,
            one.status,
            one.lastHeartbeatTime ?? "",
            one.reason ?? "",
            one.message ?? "",
          ]),
        ]),
      ),
      ...section("Addresses", fieldLines((status.addresses ?? []).map(({ type, address }) => [type, address]))),
      ...section("Capacity", amounts(status.capacity)),
      ...section("Allocatable", amounts(status.allocatable)),
      ...section("System Info", amounts(status.nodeInfo)),
      ...section(
        `Non-terminated Pods (${items.length} in total)`,
        alignColumns([
          ["Namespace", "Name"],
          ...items.map((one) => [one.metadata.namespace ?? "", one.metadata.name ?? ""]),
        ]),
      ),
    ],
  };
});

const describeConfigMap = describer<ConfigMap>(async ({ data = {}, binaryData = {} }) => ({
  fields: [],
  sections: [
    ...section(
      "Data",
      Object.entries(data).flatMap(([key, value]) => [`${key}:`, "----", ...printableLines(value).split("\n"), ""]),
    ),
    ...section(
      "BinaryData",
      Object.entries(binaryData).map(([key, value]) => `${key}: ${base64Bytes(value)} bytes`),
    ),
  ],
}));

const describeSecret = describer<Secret>(async ({ type, data = {} }) => ({
  fields: [["Type", type]],
  // Sizes only: describing is not the way to read secrets.
  sections: section(
    "Data",
    Object.entries(data).map(([key, value]) => `${key}:  ${base64Bytes(value)} bytes`),
  ),
}));

function base64Bytes(text: string): number {
  return Math.floor((text.replace(/=+$/, "").length * 3) / 4);
}

/** Describers by plural and group; other kinds are shown with all their fields. */
export const describers: ReadonlyMap<string, Describer> = new Map([
  ["pods", describePod],
  ["deployments.apps", describeDeployment],
  ["replicasets.apps", describeReplicaSet],
  ["services", describeService],
  ["nodes", describeNode],
  ["configmaps", describeConfigMap],
  ["secrets", describeSecret],
]);
