import type { UserInfo } from "../../../core/client/transport.ts";
import type { APIService } from "../../../core/kinds/api_service.ts";
import type { CertificateAndKey } from "../../../core/platform/certificates.ts";
import { serviceBackend } from "../proxy/backends.ts";
import type { Backend } from "../proxy/http_proxy.ts";
import type { Services } from "../services.ts";

/** What reaching other servers takes. */
export interface BackendServices {
  readonly services: Pick<Services, "registries" | "nodes" | "random">;
  /** The certificate by which this server proves that it may say who a user is. */
  frontProxyClient(): Promise<CertificateAndKey>;
}

/**
 * The server behind an APIService.
 *
 * @throws StatusError ServiceUnavailable when there is none
 */
export async function remoteBackend(
  { services, frontProxyClient }: BackendServices,
  { spec }: APIService,
  signal: AbortSignal,
): Promise<Backend> {
  const { namespace = "", name = "", port = 443 } = spec.service ?? {};
  const [{ dial, host }, client] = await Promise.all([
    serviceBackend({ services, route: { namespace }, signal }, { scheme: "https", name, port: String(port) }),
    frontProxyClient(),
  ]);
  return {
    dial,
    host,
    tls: {
      serverName: `${name}.${namespace}.svc`,
      authority: spec.caBundle ? atob(spec.caBundle) : undefined,
      verify: spec.insecureSkipTLSVerify !== true,
      client,
    },
  };
}

/**
 * Who asks, as the other server is told.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
 */
export function remoteUserHeaders({
  username,
  uid,
  groups,
  extra = {},
}: UserInfo): Readonly<Record<string, string | readonly string[]>> {
  return {
    "x-remote-user": username,
    ...(uid ? { "x-remote-uid": uid } : {}),
    ...(groups.length > 0 ? { "x-remote-group": groups } : {}),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`, values]),
    ),
  };
}
