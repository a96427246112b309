import { formatLabelSelector } from "../../api/labels.ts";
import { pod, type Service } from "../../kinds/mod.ts";
import { isPodReady, isPodTerminal } from "../../kinds/pod_helpers.ts";
import { counted, type Explainer, type Reason } from "./explanation.ts";

/** Why a Service reaches nobody, or whom it reaches. */
export const explainService: Explainer<Service> = async (service, { client, signal }) => {
  const { namespace, name = "" } = service.metadata;
  const { selector, type = "ClusterIP", externalName, ports = [] } = service.spec ?? {};
  if (type === "ExternalName")
    return { state: `stands for ${externalName}`, isWell: externalName !== undefined, reasons: [] };
  if (!selector || Object.keys(selector).length === 0) {
    const says = "it has no selector: somebody else has to write its EndpointSlices";
    return { state: "without a selector", isWell: true, reasons: [{ stage: "network", says }] };
  }
  const labelSelector = formatLabelSelector({ matchLabels: selector });
  const { items } = await client.list(pod, { namespace, labelSelector, signal });
  const present = items.filter((one) => !isPodTerminal(one));
  const ready = present.filter(isPodReady);
  const reasons: Reason[] = [];
  if (present.length === 0) {
    reasons.push({
      stage: "network",
      says: `no pod has the labels ${labelSelector}`,
      remedy: "compare the service's selector with the labels of the pods",
    });
  } else if (ready.length < present.length) {
    const first = present.find((one) => !isPodReady(one))?.metadata.name ?? "";
    reasons.push({
      stage: "pods",
      says: `${present.length - ready.length} of ${counted(present.length, "pod")} with its labels are not ready`,
      remedy: `wherry why pod/${first}`,
    });
  }
  for (const { name: port = "", targetPort } of ports) {
    if (typeof targetPort !== "string" || present.length === 0) continue;
    const has = present.some(({ spec }) =>
      spec.containers.some((container) => container.ports?.some((one) => one.name === targetPort)),
    );
    if (!has)
      reasons.push({
        stage: "network",
        says: `none of its pods has a port named ${targetPort}${port && `, which its port ${port} leads to`}`,
      });
  }
  if (type === "LoadBalancer" && !service.status?.loadBalancer?.ingress?.length)
    reasons.push({
      stage: "network",
      says: "no load balancer has been given to it yet: its node ports work all the same",
    });
  const isWell = ready.length > 0 && reasons.every(({ stage }) => stage === "pods");
  return {
    state: `leads to ${counted(ready.length, "ready pod")}`,
    isWell,
    reasons: reasons.length === 0 && !isWell ? [{ stage: "network", says: `nobody serves ${name}` }] : reasons,
  };
};
