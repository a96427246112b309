/**
 * Admission webhooks.
 *
 * - They are followed through the registry: a configuration counts as soon as its write is answered.
 * - Mutating ones are asked one after the other, in the order of their configurations' names; validating ones at once.
 * - Nothing here is loaded before there is a webhook.
 */
import type { ValidatingWebhook, WebhookConfiguration } from "../../../core/kinds/webhook.ts";
import type { Clock } from "../../../core/util/clock.ts";
import type { Registries, Registry } from "../../registry/registry.ts";
import type { DialService } from "./caller.ts";
import type { Configured, WebhookServices } from "./dispatch.ts";

/** What the plug-ins for webhooks need. */
export interface WebhookOptions {
  readonly registries: Registries;
  /** Made with the first webhook that is asked. */
  services(): Promise<WebhookServices>;
}

/** Makes ready to ask webhooks. Disposing closes the connections to them. */
export function openWebhooks(
  options: Omit<WebhookServices, "caller"> & { readonly clock: Clock; readonly dialService: DialService },
): WebhookOptions & AsyncDisposable {
  let made: Promise<WebhookServices> | undefined;
  const make = async (): Promise<WebhookServices> => {
    const { WebhookCaller } = await import("./caller.ts");
    return { ...options, caller: new WebhookCaller(options) };
  };
  return {
    registries: options.registries,
    services() {
      made ??= make();
      return made;
    },
    async [Symbol.asyncDispose]() {
      if (made) await (await made).caller[Symbol.asyncDispose]();
    },
  };
}

/** Every webhook that is configured, in the order of their configurations' names. */
export async function configuredWebhooks<T extends ValidatingWebhook>(
  registry: Registry<WebhookConfiguration<T>>,
): Promise<readonly Configured<T>[]> {
  if (registry.isEmpty) return [];
  const { items } = await registry.list();
  if (items.length === 0) return [];
  const named = items.map(({ key, object }) => ({ name: key.name, webhooks: object.webhooks ?? [] }));
  return named
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, webhooks }) => webhooks.map((webhook) => ({ configuration: name, webhook })));
}
