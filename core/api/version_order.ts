const kubeVersion = /^v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?$/;
const stages = ["alpha", "beta", ""];

/**
 * Orders versions of an API as clients should prefer them: `v2`, `v1`, `v1beta2`, `v1beta1`, `v1alpha1`, and then what is
 * no Kubernetes version, by name.
 *
 * @returns less than 0 when `a` comes first
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const [left, right] = [kubeVersion.exec(a), kubeVersion.exec(b)];
  if (!left || !right) {
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : 1;
  }
  const stage = (found: RegExpExecArray) => stages.indexOf(found[2] ?? "");
  return (
    stage(right) - stage(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0)
  );
}
