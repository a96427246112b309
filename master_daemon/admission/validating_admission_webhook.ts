import { validatingWebhookConfiguration } from "../../core/kinds/validating_webhook_configuration.ts";
import { isExempt } from "./_matching.ts";
import type { AdmissionPlugin } from "./plugin.ts";
import { configuredWebhooks, type WebhookOptions } from "./webhooks/mod.ts";

/**
 * Asks the webhooks of ValidatingWebhookConfigurations.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#validatingadmissionwebhook
 */
export function validatingAdmissionWebhook(options: WebhookOptions): AdmissionPlugin {
  const registry = options.registries.for(validatingWebhookConfiguration);
  return {
    name: "ValidatingAdmissionWebhook",
    operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
    async validate(request) {
      if (isExempt(request)) return;
      const hooks = await configuredWebhooks(registry);
      if (hooks.length === 0) return;
      const [{ dispatchValidating }, services] = await Promise.all([
        import("./webhooks/dispatch.ts"),
        options.services(),
      ]);
      await dispatchValidating(hooks, request, services);
    },
  };
}
