import type { Service } from "../../core/kinds/service.ts";

/** The cluster's own service: its variables are given to every container. */
const masterService = { namespace: "default", name: "kubernetes" };

/**
 * The variables by which containers find services without DNS: those of the pod's namespace, and always the API server's.
 *
 * @param options.enableServiceLinks false: the API server's only
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
export function serviceEnvironment(
  services: readonly Service[],
  { namespace, enableServiceLinks }: { readonly namespace: string; readonly enableServiceLinks: boolean },
): ReadonlyMap<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { name = "", namespace: home } = service.metadata;
    const { clusterIP } = service.spec ?? {};
    if (!clusterIP || clusterIP === "None") continue;
    if (home === masterService.namespace && name === masterService.name) {
      // One of the pod's own namespace goes first.
      if (!chosen.has(name)) chosen.set(name, service);
    } else if (home === namespace && enableServiceLinks) chosen.set(name, service);
  }
  const variables = new Map<string, string>();
  for (const service of [...chosen.values()].sort(byCreation)) addVariables(variables, service);
  return variables;
}

function byCreation(a: Service, b: Service): number {
  const left = a.metadata.creationTimestamp ?? "";
  const right = b.metadata.creationTimestamp ?? "";
  return left < right ? -1 : left > right ? 1 : 0;
}

function addVariables(variables: Map<string, string>, { metadata, spec }: Service): void {
  const prefix = variableName(metadata.name ?? "");
  const host = spec?.clusterIP ?? "";
  const ports = spec?.ports ?? [];
  const first = ports[0];
  if (!first) return;
  variables.set(`${prefix}_SERVICE_HOST`, host);
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name, port } of ports) {
    if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port));
  }
  for (const [index, { port, protocol = "TCP" }] of ports.entries()) {
    const address = host.includes(":") ? `[${host}]` : host;
    const url = `${protocol.toLowerCase()}://${address}:${port}`;
    if (index === 0) variables.set(`${prefix}_PORT`, url);
    const portPrefix = `${prefix}_PORT_${port}_${protocol}`;
    variables.set(portPrefix, url);
    variables.set(`${portPrefix}_PROTO`, protocol.toLowerCase());
    variables.set(`${portPrefix}_PORT`, String(port));
    variables.set(`${portPrefix}_ADDR`, host);
  }
}

function variableName(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
