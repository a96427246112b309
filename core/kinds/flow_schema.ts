import { defineKind, type Kind } from "../api/kind.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkFlowConditions, checkFlowSchema } from "./flow_validation.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** Somebody whose requests a schema is about; `*` stands for everybody. */
export interface FlowSubject {
  readonly kind: string;
  readonly user?: { readonly name?: string };
  readonly group?: { readonly name?: string };
  readonly serviceAccount?: { readonly name?: string; readonly namespace?: string };
}

/** Which requests of which subjects. */
export interface FlowRule {
  readonly subjects?: readonly FlowSubject[];
  readonly resourceRules?: readonly {
    readonly verbs?: readonly string[];
    readonly apiGroups?: readonly string[];
    readonly resources?: readonly string[];
    readonly namespaces?: readonly string[];
    readonly clusterScope?: boolean;
  }[];
  readonly nonResourceRules?: readonly {
    readonly verbs?: readonly string[];
    readonly nonResourceURLs?: readonly string[];
  }[];
}

/** Which requests are served at which priority level. @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/ */
export interface FlowSchema extends KubeObject {
  readonly spec: {
    readonly priorityLevelConfiguration: { readonly name?: string };
    readonly matchingPrecedence?: number;
    readonly distinguisherMethod?: { readonly type?: "ByUser" | "ByNamespace" };
    readonly rules?: readonly FlowRule[];
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** The kind FlowSchema. */
export const flowSchema: Kind<FlowSchema> = defineKind<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  namespaced: false,
  schema: "io.k8s.api.flowcontrol.v1.FlowSchema",
  subresources: { status: true },
  statusKeepsMetadata: true,
  strategy: {
    applyDefaults: (object) => ({
      ...object,
      spec: { ...object.spec, matchingPrecedence: object.spec?.matchingPrecedence || 1000 },
    }),
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: checkFlowSchema,
    validateStatusUpdate: ({ status }) => checkFlowConditions(status?.conditions ?? []),
  },
  columns: [
    nameColumn,
    {
      name: "PriorityLevel",
      type: "string",
      description: "The level that its requests are served at.",
      cell: ({ spec }) => spec.priorityLevelConfiguration.name ?? "",
    },
    {
      name: "MatchingPrecedence",
      type: "integer",
      description: "Which schema is tried first: the lowest number.",
      cell: ({ spec }) => spec.matchingPrecedence ?? 0,
    },
    {
      name: "DistinguisherMethod",
      type: "string",
      description: "What tells its flows apart.",
      cell: ({ spec }) => spec.distinguisherMethod?.type ?? "<none>",
    },
    ageColumn,
    {
      name: "MissingPL",
      type: "string",
      description: "Whether the level is missing.",
      cell: ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
    },
  ],
});
