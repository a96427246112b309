/**
 * What has a say in writes, in order.
 *
 * - Plug-ins that change run first, each on what the one before made; then defaults and validation; then those that judge.
 * - A plug-in that reserves something gives it back when the write does not happen (`AdmissionRequest.onSettled`).
 */
import type { KubeObject } from "../../core/api/meta.ts";
import type { Registries } from "../registry/registry.ts";
import { type DefaultTolerationOptions, defaultTolerationSeconds } from "./default_toleration_seconds.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./plugin.ts";
import type { ServiceAddresses } from "./service_addresses.ts";

/** What the plug-ins need. */
export interface AdmissionOptions {
  readonly registries: Registries;
  readonly serviceAddresses: ServiceAddresses;
  readonly tolerations?: DefaultTolerationOptions | undefined;
}

/** Every plug-in, in the order they are asked. */
export function admissionPlugins({
  registries,
  serviceAddresses,
  tolerations,
}: AdmissionOptions): readonly AdmissionPlugin[] {
  return [namespaceLifecycle({ registries }), defaultTolerationSeconds(tolerations), serviceAddresses.plugin];
}

/** The object as the plug-ins want it. @throws StatusError when one refuses */
export async function mutate(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest & { readonly object: KubeObject },
): Promise<KubeObject> {
  let { object } = request;
  for (const plugin of plugins)
    if (plugin.mutate && plugin.operations.includes(request.operation))
      object = await plugin.mutate({ ...request, object });
  return object;
}

/** @throws StatusError when a plug-in refuses */
export async function validate(plugins: readonly AdmissionPlugin[], request: AdmissionRequest): Promise<void> {
  for (const plugin of plugins)
    if (plugin.validate && plugin.operations.includes(request.operation)) await plugin.validate(request);
}
