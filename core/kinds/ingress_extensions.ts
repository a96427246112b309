import type { Kind } from "../api/kind.ts";
import { betaIngress, type IngressV1Beta1 } from "./ingress_v1beta1.ts";

/** The kind Ingress of extensions/v1beta1: kubectl up to 1.21 prunes with it. */
export const ingressExtensions: Kind<IngressV1Beta1> = betaIngress("extensions", "v1.14+, unavailable in v1.22+");
