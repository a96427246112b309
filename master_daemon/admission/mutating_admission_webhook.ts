import type { KubeObject } from "../../core/api/meta.ts";
import { mutatingWebhookConfiguration } from "../../core/kinds/mutating_webhook_configuration.ts";
import { isExempt } from "./_matching.ts";
import { firstRound } from "./_reinvocations.ts";
import type { AdmissionPlugin, AdmissionRequest, MutatingRounds } from "./plugin.ts";
import { configuredWebhooks, type WebhookOptions } from "./webhooks/mod.ts";

/**
 * Asks the webhooks of MutatingWebhookConfigurations.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#mutatingadmissionwebhook
 */
export function mutatingAdmissionWebhook(options: WebhookOptions): AdmissionPlugin {
  const registry = options.registries.for(mutatingWebhookConfiguration);
  async function ask(
    request: AdmissionRequest & { readonly rounds?: MutatingRounds },
  ): Promise<KubeObject | undefined> {
    if (isExempt(request)) return request.object;
    const hooks = await configuredWebhooks(registry);
    if (hooks.length === 0) return request.object;
    const [{ dispatchMutating }, services] = await Promise.all([import("./webhooks/dispatch.ts"), options.services()]);
    return dispatchMutating(hooks, request, request.rounds ?? firstRound(), services);
  }

  return {
    name: "MutatingAdmissionWebhook",
    operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
    mutate: async (request) => (await ask(request)) ?? request.object,
    // What has no object to change is shown to them all the same.
    async validate(request) {
      if (request.operation === "DELETE" || request.operation === "CONNECT") await ask(request);
    },
  };
}
