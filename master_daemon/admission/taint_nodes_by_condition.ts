import type { Node, Taint } from "../../core/kinds/node.ts";
import { isAbout } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

/**
 * Taints new nodes, so that nothing is scheduled to them before they are known to be ready.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition
 */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  operations: ["CREATE"],
  async mutate(request) {
    if (!isAbout(request, "", "nodes")) return request.object;
    const node = request.object as Node;
    const { taints = [] } = node.spec ?? {};
    if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return node;
    return { ...node, spec: { ...node.spec, taints: [...taints, notReady] } };
  },
};
