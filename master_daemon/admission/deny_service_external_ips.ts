import type { Service } from "../../core/kinds/service.ts";
import { isAbout, refusal } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Refuses external addresses that a service did not have before. Off by default.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
 */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: "DenyServiceExternalIPs",
  operations: ["CREATE", "UPDATE"],
  async validate(request) {
    if (!isAbout(request, "", "services")) return;
    const before = new Set((request.previous as Service | undefined)?.spec?.externalIPs ?? []);
    const { externalIPs = [] } = (request.object as Service).spec ?? {};
    if (externalIPs.some((address) => !before.has(address)))
      throw refusal(request, "Use of external IPs is denied by admission control");
  },
};
