import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from "../../core/kinds/mod.ts";
import { compact } from "../../core/util/compact.ts";
import { revisionHashLabel } from "./_history.ts";
import { podFromTemplate } from "./_pod_control.ts";
import { withEntry } from "./_template_hash.ts";

const podNameLabel = "statefulset.kubernetes.io/pod-name";
const podIndexLabel = "apps.kubernetes.io/pod-index";

/** `web-3` is the pod of the set `web` with ordinal 3; undefined for other names. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const name = pod.metadata.name ?? "";
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d{0,9})$/.test(digits) && Number(digits) < 2 ** 31 ? Number(digits) : undefined;
}

/** The first ordinal of a set, and the one after its last. */
export function ordinalRange({ spec }: StatefulSet): { readonly start: number; readonly end: number } {
  const start = spec.ordinals?.start ?? 0;
  return { start, end: start + (spec.replicas ?? 1) };
}

/** The name of the revision that a pod comes from. */
export function podRevision({ metadata: { labels } }: Pod): string {
  return labels && Object.hasOwn(labels, revisionHashLabel) ? (labels[revisionHashLabel] ?? "") : "";
}

/** The pod of one ordinal. */
export function statefulPod(
  set: StatefulSet,
  {
    template,
    revision,
    ordinal,
  }: {
    readonly template: PodTemplateSpec;
    readonly revision: string;
    readonly ordinal: number;
  },
): Pod {
  const { generateName: _, ...metadata } = podFromTemplate({ ...set, spec: { ...set.spec, template } }).metadata;
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = withEntry(metadata.labels, revisionHashLabel, revision);
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name, labels }, spec: template.spec };
  const own = withIdentity(set, withStorage(set, pod, ordinal), ordinal);
  const { serviceName } = set.spec;
  return { ...own, spec: { ...own.spec, hostname: name, ...(serviceName ? { subdomain: serviceName } : {}) } };
}

/** The pod with the labels by which it is known. */
export function withIdentity(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const labels = withEntry(withEntry(pod.metadata.labels, podNameLabel, name), podIndexLabel, String(ordinal));
  return { ...pod, metadata: { ...pod.metadata, labels } };
}

/** The pod with a volume for each of its claims. */
function withStorage(set: StatefulSet, pod: Pod, ordinal: number): Pod {
  const claims = claimsOf(set, ordinal);
  if (claims.length === 0) return pod;
  const names = new Set(claims.map(({ template }) => template));
  const volumes = claims.map(({ template, claim }) => ({
    name: template,
    persistentVolumeClaim: { claimName: claim.metadata.name ?? "" },
  }));
  const others = (pod.spec.volumes ?? []).filter(({ name }) => !names.has(name));
  return { ...pod, spec: { ...pod.spec, volumes: [...volumes, ...others] } };
}

/** A claim of one pod, and the name of its template. */
export interface StatefulClaim {
  readonly template: string;
  readonly claim: PersistentVolumeClaim;
}

/** The claims of the pod of one ordinal, as they are created. */
export function claimsOf(set: StatefulSet, ordinal: number): readonly StatefulClaim[] {
  const { metadata, spec } = set;
  return (spec.volumeClaimTemplates ?? []).map((template) => {
    const { name = "", labels, annotations } = template.metadata;
    const { status: _, ...rest } = template;
    return {
      template: name,
      claim: {
        ...rest,
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: compact<PersistentVolumeClaim["metadata"]>({
          name: `${name}-${metadata.name}-${ordinal}`,
          namespace: metadata.namespace,
          labels: Object.fromEntries([
            ...Object.entries(labels ?? {}),
            ...Object.entries(spec.selector.matchLabels ?? {}),
          ]),
          annotations,
        }),
      },
    };
  });
}
