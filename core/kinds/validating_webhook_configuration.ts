import { defineKind, type Kind } from "../api/kind.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import {
  type ValidatingWebhook,
  type WebhookConfiguration,
  webhooksColumn,
  withEachWebhook,
  withWebhookDefaults,
} from "./webhook.ts";
import { checkWebhooks } from "./webhook_validation.ts";

/** Webhooks that say whether writes may go on. */
export type ValidatingWebhookConfiguration = WebhookConfiguration<ValidatingWebhook>;

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
      applyDefaults: (object) => withEachWebhook(object, withWebhookDefaults),
      validate: ({ webhooks }) => checkWebhooks(webhooks),
    },
    columns: [nameColumn, webhooksColumn, ageColumn],
  });
