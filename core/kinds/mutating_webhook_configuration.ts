import { defineKind, type Kind } from "../api/kind.ts";
import { ageColumn, nameColumn } from "./cells.ts";
import {
  type MutatingWebhook,
  type WebhookConfiguration,
  webhooksColumn,
  withEachWebhook,
  withWebhookDefaults,
} from "./webhook.ts";
import { checkWebhooks } from "./webhook_validation.ts";

/** Webhooks that may change what is written. */
export type MutatingWebhookConfiguration = WebhookConfiguration<MutatingWebhook>;

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
      applyDefaults: (object) => withEachWebhook(object, withDefaults),
      validate: ({ webhooks }) => checkWebhooks(webhooks),
    },
    columns: [nameColumn, webhooksColumn, ageColumn],
  });

function withDefaults(webhook: MutatingWebhook): MutatingWebhook {
  return { ...withWebhookDefaults(webhook), reinvocationPolicy: webhook.reinvocationPolicy ?? "Never" };
}
