import { asObject } from "../../../core/api/json_object.ts";
import { dnsLabelError, dnsSubdomainError } from "../../../core/api/kind.ts";
import { type JsonObject, type KubeObject, keyOf, keyText } from "../../../core/api/meta.ts";
import { parseManifests } from "../../../core/api/yaml.ts";
import { type Pod, pod as podKind } from "../../../core/kinds/pod.ts";
import { isMirror } from "../../../core/kinds/pod_helpers.ts";
import { podReferences } from "../../../core/kinds/pod_references.ts";
import { sha256 } from "../../../core/platform/hash.ts";
import { errorMessage } from "../../../core/util/log.ts";

/** On pods of a node's own: which kind of source they are from. */
export const configSource = "kubernetes.io/config.source";
/** On pods of a node's own: what they were made from; another hash is another pod. */
export const configHash = "kubernetes.io/config.hash";

/** Where pods come from besides the API. */
export type SourceName = "file" | "http" | "server";

/** Whether a pod is this node's own. */
export function isStatic({ metadata }: Pick<KubeObject, "metadata">): boolean {
  return Object.hasOwn(metadata.annotations ?? {}, configSource) && !isMirror({ metadata });
}

/** What {@linkcode readStaticPods} needs to know besides the text. */
export interface StaticPodOptions {
  readonly source: SourceName;
  /** Name of the file or address, for messages; also part of what a pod is. */
  readonly from: string;
  readonly nodeName: string;
}

/**
 * The pods of a manifest as a node runs them: in YAML or JSON, one or several, lists taken apart. A pod is named after the
 * node, too, and has a uid that is made from its content: what is changed is another pod.
 *
 * @throws SyntaxError for what is no manifest; Error for what is no pod, or one that refers to objects of the API
 * @see k8s.io/kubernetes/pkg/kubelet/config/common.go
 */
export function readStaticPods(text: string, options: StaticPodOptions): readonly Pod[] {
  return parseManifests(text, options.from).map((object) => staticPod(object, options));
}

function staticPod(object: JsonObject, { source, from, nodeName }: StaticPodOptions): Pod {
  const given = asObject<Pod>(object);
  if (given.apiVersion !== "v1" || given.kind !== "Pod")
    throw new Error(`Cannot run what is no pod: ${from} has a ${given.apiVersion ?? "?"} ${given.kind ?? "object"}`);
  const { name, namespace = "default", labels, annotations } = given.metadata ?? {};
  const problem = dnsSubdomainError(name ?? "") ?? dnsLabelError(namespace);
  if (!name || problem !== undefined) throw new Error(`Cannot run a pod of this name: ${from}: ${problem}`);
  const hash = sha256(JSON.stringify([nodeName, from, object])).slice(0, 32);
  const named: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${name}-${nodeName.toLowerCase()}`,
      namespace,
      uid: hash,
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [configSource]: source, [configHash]: hash },
    },
    spec: {
      ...given.spec,
      nodeName,
      // It is the node's own: no taint drives it out.
      tolerations: [...(given.spec?.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }],
    },
  };
  return checked(podKind.strategy.applyDefaults(named), from);
}

function checked(pod: Pod, from: string): Pod {
  const { name } = pod.metadata;
  const [error] = podKind.strategy.validate(pod, { localRanges: [] });
  if (error) throw new Error(`Cannot run pod ${name} of ${from}: ${error.field}: ${error.message}`);
  const { secrets, configMaps, persistentVolumeClaims, resourceClaims, serviceAccount } = podReferences(pod);
  const references: readonly (readonly [string, boolean])[] = [
    ["secrets", secrets.size > 0],
    ["configmaps", configMaps.size > 0],
    ["persistentvolumeclaims", persistentVolumeClaims.size > 0],
    ["resourceclaims", resourceClaims.size > 0],
    ["serviceaccounts", serviceAccount !== undefined],
  ];
  const what = references.find(([, has]) => has)?.[0];
  if (what !== undefined) throw new Error(`Cannot run pod ${name} of ${from}: a static pod may not reference ${what}`);
  return pod;
}

/** The pods without those of a name that one before them has. */
export function withoutDuplicates(pods: readonly Pod[], onDuplicate: (pod: Pod) => void): readonly Pod[] {
  const byName = new Map<string, Pod>();
  for (const pod of pods) {
    const name = keyText(keyOf(pod));
    if (byName.has(name)) onDuplicate(pod);
    else byName.set(name, pod);
  }
  return [...byName.values()];
}

/** The pods of several texts; of those of one name the first stays. What cannot be read is told and left out. */
export function collectPods(
  texts: Iterable<readonly [from: string, text: string]>,
  {
    onProblem,
    ...options
  }: Omit<StaticPodOptions, "from"> & { readonly onProblem: (message: string, duplicate?: Pod) => void },
): readonly Pod[] {
  const froms = new Map<Pod, string>();
  for (const [from, text] of texts) {
    try {
      for (const pod of readStaticPods(text, { ...options, from })) froms.set(pod, from);
    } catch (error) {
      onProblem(errorMessage(error));
    }
  }
  return withoutDuplicates([...froms.keys()], (pod) => {
    const name = keyText(keyOf(pod));
    onProblem(`Cannot run pod ${name} of ${froms.get(pod)}: there is another of that name`, pod);
  });
}
