import type { Ingress } from "../../core/kinds/ingress.ts";
import { ingressClass as ingressClassKind } from "../../core/kinds/ingress_class.ts";
import type { Registries } from "../registry/registry.ts";
import { defaultClassName } from "./_default_class.ts";
import { isAbout } from "./_requests.ts";
import type { AdmissionPlugin } from "./plugin.ts";

/**
 * Gives Ingresses that name no class the default one, if there is one.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
 */
export function defaultIngressClass({ registries }: { readonly registries: Registries }): AdmissionPlugin {
  const classes = registries.for(ingressClassKind);
  return {
    name: "DefaultIngressClass",
    operations: ["CREATE"],
    async mutate(request) {
      if (!isAbout(request, "networking.k8s.io", "ingresses")) return request.object;
      const ingress = request.object as Ingress;
      const isClassed =
        ingress.spec?.ingressClassName !== undefined ||
        ingress.metadata.annotations?.["kubernetes.io/ingress.class"] !== undefined;
      if (isClassed) return ingress;
      const ingressClassName = await defaultClassName(
        classes,
        ({ metadata }) => metadata.annotations?.["ingressclass.kubernetes.io/is-default-class"] === "true",
      );
      return ingressClassName === undefined ? ingress : { ...ingress, spec: { ...ingress.spec, ingressClassName } };
    },
  };
}
