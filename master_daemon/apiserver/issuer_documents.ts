import type { JsonObject } from "../../core/api/meta.ts";
import type { ApiResponse } from "../../core/client/transport.ts";
import type { ServiceAccountTokens } from "../authentication/service_account_tokens.ts";

/** Documents by which others verify ServiceAccount tokens. */
export interface IssuerDocuments {
  /** Undefined for a path that is none of its own. */
  respond(segments: readonly string[]): Promise<ApiResponse | undefined>;
}

/**
 * Serves `/.well-known/openid-configuration` and the keys that it leads to.
 *
 * @param options.jwksUri where the keys are found
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
 */
export function issuerDocuments({
  tokens,
  jwksUri,
}: {
  readonly tokens: ServiceAccountTokens;
  readonly jwksUri: () => string;
}): IssuerDocuments {
  return {
    async respond(segments) {
      const path = segments.join("/");
      if (path === ".well-known/openid-configuration") {
        const keys = await tokens.keySet();
        return cached("application/json", {
          issuer: tokens.issuers[0] ?? "",
          jwks_uri: jwksUri(),
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => String(alg)))].sort(),
        });
      }
      return path === "openid/v1/jwks"
        ? cached("application/jwk-set+json", { keys: await tokens.keySet() })
        : undefined;
    },
  };
}

function cached(type: string, body: JsonObject): ApiResponse {
  const headers = { "content-type": type, "cache-control": "public, max-age=3600" };
  return { status: 200, headers, body: new TextEncoder().encode(JSON.stringify(body)) };
}
