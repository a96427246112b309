import { defineKind, type Kind } from "../api/kind.ts";
import type { LabelSelector } from "../api/labels.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, labelsText, nameColumn, templateColumns } from "./cells.ts";
import { validateDaemonSet, validateDaemonSetStatus } from "./daemon_set_validation.ts";
import type { PodTemplateSpec } from "./pod.ts";
import { defaultPodTemplate } from "./pod_defaults.ts";
import { templateWarnings } from "./pod_warnings.ts";
import { checkImmutable } from "./validators.ts";
import { withMembers } from "./with_members.ts";

/** What a daemon set is to be. */
export interface DaemonSetSpec {
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
  readonly updateStrategy?: {
    readonly type?: "RollingUpdate" | "OnDelete";
    readonly rollingUpdate?: { readonly maxUnavailable?: number | string; readonly maxSurge?: number | string };
  };
  readonly minReadySeconds?: number;
  readonly revisionHistoryLimit?: number;
}

/** How far a daemon set is. */
export interface DaemonSetStatus {
  readonly currentNumberScheduled: number;
  readonly numberMisscheduled: number;
  readonly desiredNumberScheduled: number;
  readonly numberReady: number;
  readonly observedGeneration?: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
  readonly numberUnavailable?: number;
  readonly collisionCount?: number;
  readonly conditions?: readonly Condition[];
}

/** One pod for every node that fits. @see https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/ */
export interface DaemonSet extends KubeObject {
  readonly spec: DaemonSetSpec;
  readonly status?: DaemonSetStatus;
}

const generationAnnotation = "deprecated.daemonset.template.generation";

/** The kind DaemonSet. */
export const daemonSet: Kind<DaemonSet> = defineKind<DaemonSet>({
  group: "apps",
  version: "v1",
  kind: "DaemonSet",
  plural: "daemonsets",
  namespaced: true,
  shortNames: ["ds"],
  categories: ["all"],
  schema: "io.k8s.api.apps.v1.DaemonSet",
  subresources: { status: true },
  strategy: {
    applyDefaults: (object) => ({ ...object, spec: defaultSpec(object.spec ?? {}) }),
    prepareForCreate: (object) => withTemplateGeneration({ ...object, status: emptyStatus }, 1),
    prepareForUpdate: (next, previous) => {
      const generation = templateGeneration(previous);
      const isSame = JSON.stringify(next.spec.template) === JSON.stringify(previous.spec.template);
      return withTemplateGeneration(next, isSame ? generation : generation + 1);
    },
    warnings: ({ spec }, previous) => templateWarnings(spec.template, previous?.spec.template),
    validate: validateDaemonSet,
    validateUpdate: (next, previous) => checkImmutable("spec.selector", next.spec.selector, previous.spec.selector),
    validateStatusUpdate: validateDaemonSetStatus,
  },
  columns: [
    nameColumn,
    count("Desired", "Nodes that should run a pod.", "desiredNumberScheduled"),
    count("Current", "Nodes that run a pod.", "currentNumberScheduled"),
    count("Ready", "Nodes whose pod is ready.", "numberReady"),
    count("Up-to-date", "Nodes whose pod has the wanted template.", "updatedNumberScheduled"),
    count("Available", "Nodes whose pod has been ready for minReadySeconds.", "numberAvailable"),
    {
      name: "Node Selector",
      type: "string",
      description: "Labels of the nodes that pods are for.",
      cell: ({ spec }) => labelsText(spec.template.spec.nodeSelector),
    },
    ageColumn,
    ...templateColumns<DaemonSet>("daemon set", ({ spec }) => spec),
  ],
});

const emptyStatus: DaemonSetStatus = {
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  desiredNumberScheduled: 0,
  numberReady: 0,
};

function count(name: string, description: string, member: keyof DaemonSetStatus): Kind<DaemonSet>["columns"][number] {
  return { name, type: "integer", description, cell: ({ status }) => Number(status?.[member] ?? 0) };
}

function defaultSpec(spec: DaemonSetSpec): DaemonSetSpec {
  const { rollingUpdate } = spec.updateStrategy ?? {};
  const type = spec.updateStrategy?.type || "RollingUpdate";
  return withMembers(spec, {
    template: defaultPodTemplate(spec.template),
    updateStrategy: withMembers(
      { ...spec.updateStrategy, type },
      {
        rollingUpdate: type === "RollingUpdate" ? { maxUnavailable: 1, maxSurge: 0, ...rollingUpdate } : rollingUpdate,
      },
    ),
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
  });
}

/** How often the template has changed: in apps/v1 it is told by an annotation only. */
function templateGeneration({ metadata }: DaemonSet): number {
  return Number.parseInt(metadata.annotations?.[generationAnnotation] ?? "1", 10) || 1;
}

function withTemplateGeneration(object: DaemonSet, generation: number): DaemonSet {
  const annotations = { ...object.metadata.annotations, [generationAnnotation]: String(generation) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}
