import { formatLabelSelector } from "../../api/labels.ts";
import { type Pod, pod, type Service } from "../../kinds/mod.ts";
import { isPodReady, isPodTerminal } from "../../kinds/pod_helpers.ts";
import { counted, type Explainer, type Reason } from "./explanation.ts";
import { explainPod } from "./pod.ts";

/** Why a Service reaches nobody, or whom it reaches. */
export const explainService: Explainer<Service> = async (service, context) => {
  const { namespace, name = "" } = service.metadata;
  const { selector, type = "ClusterIP", externalName, ports = [] } = service.spec ?? {};
  if (type === "ExternalName")
    return { state: `stands for ${externalName}`, isWell: externalName !== undefined, reasons: [] };
  if (!selector || Object.keys(selector).length === 0) {
    const says = "it has no selector: somebody else has to write its EndpointSlices";
    return { state: "without a selector", isWell: true, reasons: [{ stage: "network", says }] };
  }
  const labelSelector = formatLabelSelector({ matchLabels: selector });
  const { client, signal } = context;
  const { items } = await client.list(pod, { namespace, labelSelector, signal });
  const present = items.filter((one) => !isPodTerminal(one));
  const ready = present.filter(isPodReady);
  const unready = present.find((one) => !isPodReady(one));
  const reasons: Reason[] = [];
  if (present.length === 0) {
    const all = (await client.list(pod, { namespace, signal })).items.filter((one) => !isPodTerminal(one));
    reasons.push({
      stage: "network",
      says: `no pod has the labels ${labelSelector}`,
      details: nearMisses(selector, all),
      remedy: "compare the service's selector with the labels of the pods",
    });
  } else if (unready) {
    const { reasons: causes } = await explainPod(unready, context);
    const name = `pod/${unready.metadata.name ?? ""}`;
    const [cause] = causes;
    reasons.push({
      stage: "pods",
      says: `${present.length - ready.length} of ${counted(present.length, "pod")} with its labels are not ready`,
      details: cause ? [`${name}: ${cause.says}`] : [],
      remedy: `wherry why ${name}`,
    });
  }
  reasons.push(...ports.flatMap((port) => namedPortReason(port, present) ?? []));
  if (type === "LoadBalancer" && !service.status?.loadBalancer?.ingress?.length)
    reasons.push({
      stage: "network",
      says: "no load balancer has been given to it yet: its node ports work all the same",
    });
  const isWell = ready.length > 0 && reasons.every(({ stage }) => stage === "pods");
  const nobody: readonly Reason[] =
    reasons.length === 0 && !isWell ? [{ stage: "network", says: `nobody serves ${name}` }] : [];
  const hints = ports.flatMap((port) => portHint(port, present) ?? []);
  return {
    state: `leads to ${counted(ready.length, "ready pod")}`,
    isWell,
    reasons: [...reasons, ...nobody, ...hints],
  };
};

/** Labels of a selector that no pod has, though some have the others. */
function nearMisses(selector: Readonly<Record<string, string>>, pods: readonly Pod[]): readonly string[] {
  return Object.entries(selector).flatMap(([name, value]) => {
    const others = Object.entries(selector).filter(([other]) => other !== name);
    const close = pods.filter(({ metadata: { labels = {} } }) => others.every(([key, text]) => labels[key] === text));
    if (others.length === 0 || close.length === 0) return [];
    const values = [...new Set(close.map(({ metadata }) => metadata.labels?.[name] ?? "none"))];
    return [`${counted(close.length, "pod")} would do, but for ${name}: ${values.join(", ")}, not ${value}`];
  });
}

type Port = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];
type ContainerPort = NonNullable<Pod["spec"]["containers"][number]["ports"]>[number];

/** That no pod has the port that one leads to by its name. */
function namedPortReason({ name = "", port, targetPort }: Port, pods: readonly Pod[]): Reason | undefined {
  const declared = declaredPorts(pods);
  if (typeof targetPort !== "string" || pods.length === 0 || declared.some((one) => one.name === targetPort))
    return undefined;
  const says = `none of its pods has a port named ${targetPort}, which its port ${name || port} leads to`;
  return { stage: "network", says, ...(declared.length > 0 ? { remedy: portRemedy(declared) } : {}) };
}

/** Ports need not be declared: where some are and this one is not, it may be the wrong one. */
function portHint({ name = "", port, targetPort = port }: Port, pods: readonly Pod[]): Reason | undefined {
  const declared = declaredPorts(pods);
  if (typeof targetPort === "string" || declared.length === 0) return undefined;
  if (declared.some(({ containerPort }) => containerPort === targetPort)) return undefined;
  const says = `none of its pods declares the port ${targetPort}, which its port ${name || port} leads to`;
  return { stage: "network", says, remedy: `if nothing answers, ${portRemedy(declared)}` };
}

function declaredPorts(pods: readonly Pod[]): readonly ContainerPort[] {
  return pods.flatMap(({ spec }) => spec.containers.flatMap(({ ports = [] }) => ports));
}

function portRemedy(declared: readonly ContainerPort[]): string {
  return `set targetPort to one of: ${[...new Set(declared.map(({ name, containerPort }) => name ?? containerPort))].join(", ")}`;
}
