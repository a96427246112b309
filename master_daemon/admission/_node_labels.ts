/** Labels among Kubernetes' own that a kubelet may set. @see k8s.io/kubelet/pkg/apis/well_known_labels.go */
const kubeletLabels: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/instance-type",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);
const kubeletDomains = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const restrictedDomain = "node-restriction.kubernetes.io";

/** Those of some changed labels that a node must not change by itself. */
export function forbiddenLabels(changed: readonly string[]): readonly string[] {
  return changed.filter((label) => {
    const slash = label.indexOf("/");
    const domain = slash < 0 ? "" : label.slice(0, slash);
    if (isBelow(domain, restrictedDomain)) return true;
    const isKubernetes = isBelow(domain, "kubernetes.io") || isBelow(domain, "k8s.io");
    return isKubernetes && !kubeletLabels.has(label) && !kubeletDomains.some((one) => isBelow(domain, one));
  });
}

function isBelow(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}
