import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { type MutatingWebhook, withWebhookDefaults } from "./webhook.ts";
import { checkWebhooks } from "./webhook_validation.ts";

/** Webhooks that may change what is written. */
export interface MutatingWebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly MutatingWebhook[];
}

/** The kind MutatingWebhookConfiguration. */
export const mutatingWebhookConfiguration: Kind<MutatingWebhookConfiguration> =
  defineKind<MutatingWebhookConfiguration>({
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    namespaced: false,
    categories: ["api-extensions"],
    schema: "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
    generation: "counted",
    conditionalUpdate: true,
    strategy: {
      applyDefaults: (object) =>
        object.webhooks ? { ...object, webhooks: object.webhooks.map(withDefaults) } : object,
      validate: ({ webhooks }) => checkWebhooks(webhooks),
    },
    columns: [
      nameColumn,
      {
        name: "Webhooks",
        type: "integer",
        description: "How many webhooks are configured.",
        cell: ({ webhooks = [] }) => webhooks.length,
      },
      ageColumn,
    ],
  });

function withDefaults(webhook: MutatingWebhook): MutatingWebhook {
  return { ...withWebhookDefaults(webhook), reinvocationPolicy: webhook.reinvocationPolicy ?? "Never" };
}
