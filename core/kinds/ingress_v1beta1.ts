import type { Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";
import { compact } from "../util/compact.ts";
import { type Ingress, type IngressBackend, type IngressPath, ingress } from "./ingress.ts";
import { olderVersion } from "./older_version.ts";

/** A backend as it was before v1. */
interface BetaBackend {
  readonly serviceName?: string;
  readonly servicePort?: number | string;
  readonly resource?: IngressBackend["resource"];
}

/** An ingress as it was before v1. */
export interface IngressV1Beta1 extends KubeObject {
  readonly spec?: {
    readonly ingressClassName?: string;
    readonly backend?: BetaBackend;
    readonly tls?: NonNullable<Ingress["spec"]>["tls"];
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: {
        readonly paths?: readonly {
          readonly path?: string;
          readonly pathType?: IngressPath["pathType"];
          readonly backend: BetaBackend;
        }[];
      };
    }[];
  };
  readonly status?: NonNullable<Ingress["status"]>;
}

/** The kind Ingress of networking.k8s.io/v1beta1: what kubectl up to 1.21 may ask for. */
export const ingressV1Beta1: Kind<IngressV1Beta1> = betaIngress("networking.k8s.io", "v1.19+, unavailable in v1.22+");

/** Ingress as it was before v1, in a group that had it then. */
export function betaIngress(group: string, since: string): Kind<IngressV1Beta1> {
  const apiVersion = `${group}/v1beta1`;
  const older = olderVersion<IngressV1Beta1, Ingress>(ingress, {
    version: "v1beta1",
    // Nothing describes its fields any more: they are read through the conversion to v1.
    schema: `io.k8s.api.${group.split(".", 1)[0]}.v1beta1.Ingress`,
    hidden: true,
    deprecated: `${apiVersion} Ingress is deprecated in ${since}; use networking.k8s.io/v1 Ingress`,
    toStored: (object) => withPathTypes(toV1(object)),
    fromStored: (object) => fromV1(object, apiVersion),
  });
  return { ...older, group };
}

/** Before v1 a path's type could be left out. */
function withPathTypes(object: Ingress): Ingress {
  const { spec } = object;
  if (!spec?.rules) return object;
  const rules = spec.rules.map((rule) => {
    if (!rule.http?.paths) return rule;
    const paths = rule.http.paths.map((path) => ({
      ...path,
      pathType: path.pathType ?? ("ImplementationSpecific" as const),
    }));
    return { ...rule, http: { ...rule.http, paths } };
  });
  return { ...object, spec: { ...spec, rules } };
}

function toV1({ spec, ...object }: IngressV1Beta1): Ingress {
  const head = { ...object, apiVersion: "networking.k8s.io/v1", kind: "Ingress" };
  if (!spec) return head;
  const { ingressClassName, backend, tls, rules } = spec;
  return {
    ...head,
    spec: compact<NonNullable<Ingress["spec"]>>({
      ingressClassName,
      defaultBackend: backend && backendToV1(backend),
      tls,
      rules: rules?.map((rule) => ({
        ...rule,
        ...(rule.http?.paths
          ? { http: { paths: rule.http.paths.map((path) => ({ ...path, backend: backendToV1(path.backend ?? {}) })) } }
          : {}),
      })) as NonNullable<Ingress["spec"]>["rules"],
    }),
  };
}

function backendToV1({ serviceName, servicePort, resource }: BetaBackend): IngressBackend {
  if (serviceName === undefined && servicePort === undefined) return resource ? { resource } : {};
  const port = typeof servicePort === "string" ? { name: servicePort } : { number: servicePort ?? 0 };
  return { service: { name: serviceName ?? "", port }, ...(resource ? { resource } : {}) };
}

function fromV1({ spec, ...object }: Ingress, apiVersion: string): IngressV1Beta1 {
  const head = { ...object, apiVersion, kind: "Ingress" };
  if (!spec) return head;
  const { ingressClassName, defaultBackend, tls, rules } = spec;
  return {
    ...head,
    spec: compact<NonNullable<IngressV1Beta1["spec"]>>({
      ingressClassName,
      backend: defaultBackend && backendFromV1(defaultBackend),
      tls,
      rules: rules?.map((rule) => ({
        ...rule,
        ...(rule.http?.paths
          ? { http: { paths: rule.http.paths.map((path) => ({ ...path, backend: backendFromV1(path.backend) })) } }
          : {}),
      })) as NonNullable<IngressV1Beta1["spec"]>["rules"],
    }),
  };
}

function backendFromV1({ service, resource }: IngressBackend): BetaBackend {
  const { name, number } = service?.port ?? {};
  return compact<BetaBackend>({ serviceName: service?.name, servicePort: name ?? number, resource });
}
