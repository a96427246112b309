import { defineKind, type Kind } from "../api/kind.ts";
import type { Condition, KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { checkFlowConditions, checkPriorityLevel } from "./flow_validation.ts";
import { withoutStatus, withStatusOf } from "./with_status.ts";

/** How requests wait for their turn. */
export interface QueuingConfiguration {
  readonly queues?: number;
  readonly handSize?: number;
  readonly queueLengthLimit?: number;
}

/** How many requests of a level are served at the same time, and what becomes of more. */
export interface PriorityLevelConfiguration extends KubeObject {
  readonly spec: {
    readonly type: "Limited" | "Exempt";
    readonly limited?: {
      readonly nominalConcurrencyShares?: number;
      readonly limitResponse?: { readonly type?: "Queue" | "Reject"; readonly queuing?: QueuingConfiguration };
      readonly lendablePercent?: number;
      readonly borrowingLimitPercent?: number;
    };
    readonly exempt?: { readonly nominalConcurrencyShares?: number; readonly lendablePercent?: number };
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** The kind PriorityLevelConfiguration. */
export const priorityLevelConfiguration: Kind<PriorityLevelConfiguration> = defineKind<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  namespaced: false,
  schema: "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration",
  subresources: { status: true },
  statusKeepsMetadata: true,
  strategy: {
    applyDefaults: withDefaults,
    prepareForCreate: withoutStatus,
    prepareForUpdate: (next, previous) => withStatusOf(previous, next),
    validate: checkPriorityLevel,
    validateStatusUpdate: ({ status }) => checkFlowConditions(status?.conditions ?? []),
  },
  columns: [
    nameColumn,
    { name: "Type", type: "string", description: "Limited or exempt.", cell: ({ spec }) => spec.type },
    {
      name: "NominalConcurrencyShares",
      type: "string",
      description: "The level's part of all requests that are served at the same time.",
      cell: ({ spec }) => numberText(spec.limited?.nominalConcurrencyShares ?? spec.exempt?.nominalConcurrencyShares),
    },
    {
      name: "Queues",
      type: "string",
      description: "How many queues there are.",
      cell: ({ spec }) => numberText(spec.limited?.limitResponse?.queuing?.queues),
    },
    {
      name: "HandSize",
      type: "string",
      description: "How many queues a flow may use.",
      cell: ({ spec }) => numberText(spec.limited?.limitResponse?.queuing?.handSize),
    },
    {
      name: "QueueLengthLimit",
      type: "string",
      description: "How many requests may wait in a queue.",
      cell: ({ spec }) => numberText(spec.limited?.limitResponse?.queuing?.queueLengthLimit),
    },
    ageColumn,
  ],
});

function numberText(value: number | undefined): string | number {
  return value ?? "<none>";
}

function withDefaults(object: PriorityLevelConfiguration): PriorityLevelConfiguration {
  const { spec } = object;
  const { limited, exempt } = spec ?? {};
  const queuing = limited?.limitResponse?.queuing;
  return {
    ...object,
    spec: {
      ...spec,
      ...(limited
        ? {
            limited: {
              ...limited,
              nominalConcurrencyShares: limited.nominalConcurrencyShares ?? 30,
              lendablePercent: limited.lendablePercent ?? 0,
              ...(queuing ? { limitResponse: { ...limited.limitResponse, queuing: withQueues(queuing) } } : {}),
            },
          }
        : {}),
      ...(exempt
        ? {
            exempt: {
              ...exempt,
              nominalConcurrencyShares: exempt.nominalConcurrencyShares ?? 0,
              lendablePercent: exempt.lendablePercent ?? 0,
            },
          }
        : {}),
    },
  };
}

function withQueues({ queues, handSize, queueLengthLimit }: QueuingConfiguration): QueuingConfiguration {
  return { queues: queues || 64, handSize: handSize || 8, queueLengthLimit: queueLengthLimit || 50 };
}
