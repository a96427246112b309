import { defineKind, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import { type ValidatingWebhook, withWebhookDefaults } from "./webhook.ts";
import { checkWebhooks } from "./webhook_validation.ts";

/** Webhooks that say whether writes may go on. */
export interface ValidatingWebhookConfiguration extends KubeObject {
  readonly webhooks?: readonly ValidatingWebhook[];
}

/** The kind ValidatingWebhookConfiguration. */
export const validatingWebhookConfiguration: Kind<ValidatingWebhookConfiguration> =
  defineKind<ValidatingWebhookConfiguration>({
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    namespaced: false,
    categories: ["api-extensions"],
    schema: "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration",
    generation: "counted",
    conditionalUpdate: true,
    strategy: {
      applyDefaults: (object) =>
        object.webhooks ? { ...object, webhooks: object.webhooks.map(withWebhookDefaults) } : object,
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
