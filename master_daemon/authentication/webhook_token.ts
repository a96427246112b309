import { isJsonObject } from "../../core/api/json_object.ts";
import type { Json, JsonObject } from "../../core/api/meta.ts";
import type { KubeconfigWebhook } from "../../core/client/kubeconfig_webhook.ts";
import type { UserInfo } from "../../core/client/transport.ts";
import { sha256 } from "../../core/platform/hash.ts";
import type { Clock } from "../../core/util/clock.ts";
import { ExpiringCache } from "../../core/util/expiring_cache.ts";
import { errorMessage, type Logger } from "../../core/util/log.ts";
import type { Authenticator, TokenUser } from "./authenticator.ts";

/** Options of {@linkcode webhookTokenAuthenticator}. */
export interface WebhookTokenOptions {
  readonly webhook: KubeconfigWebhook;
  readonly version: "v1" | "v1beta1";
  /** Milliseconds for which answers are remembered. */
  readonly cacheTtlMs: number;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Logger;
}

/** What the webhook says of a token. */
type Answer = { readonly known: TokenUser | undefined; readonly error?: string };

const maxRemembered = 4096;

/**
 * Has a server outside tell whom a token stands for: `--authentication-token-webhook-config-file`.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication
 */
export function webhookTokenAuthenticator(options: WebhookTokenOptions): Authenticator {
  const { webhook, version, cacheTtlMs, clock, log } = options;
  // By digest: tokens are not kept.
  const remembered = new ExpiringCache<Answer>({ maxEntries: maxRemembered, clock });
  const asking = new Map<string, Promise<Answer>>();

  async function ask(token: string, audiences: readonly string[]): Promise<Answer> {
    const spec = { token, ...(audiences.length > 0 ? { audiences } : {}) };
    const review = { kind: "TokenReview", apiVersion: `authentication.k8s.io/${version}`, metadata: {}, spec };
    try {
      const status = (await webhook.post(review))?.["status"];
      return answerOf(status !== undefined && isJsonObject(status) ? status : {}, audiences);
    } catch (error) {
      log.error("Cannot ask the authentication webhook", { error: errorMessage(error) });
      throw error;
    }
  }

  return {
    name: "webhook",
    async authenticateToken(token, audiences) {
      const key = sha256(JSON.stringify([token, ...audiences]));
      let answer = remembered.get(key);
      if (!answer) {
        // Many requests with one token are one question.
        const question = asking.get(key) ?? ask(token, audiences).finally(() => asking.delete(key));
        asking.set(key, question);
        answer = await question;
        remembered.set(key, answer, cacheTtlMs);
      }
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.known;
    },
  };
}

function answerOf(status: JsonObject, wanted: readonly string[]): Answer {
  const audiences = texts(status["audiences"]);
  const matching = audiences.filter((audience) => wanted.includes(audience));
  if (audiences.length > 0 && wanted.length > 0 && matching.length === 0) return { known: undefined };
  if (status["authenticated"] !== true) {
    const error = status["error"];
    return typeof error === "string" && error !== "" ? { known: undefined, error } : { known: undefined };
  }
  const user = userOf(status["user"]);
  return { known: user && { user, ...(audiences.length > 0 ? { audiences: matching } : {}) } };
}

function userOf(user: Json | undefined): UserInfo | undefined {
  if (user === undefined || !isJsonObject(user)) return undefined;
  const { username, uid, extra } = user;
  if (typeof username !== "string" || username === "") return undefined;
  const entries = Object.entries(extra !== undefined && isJsonObject(extra) ? extra : {});
  return {
    username,
    ...(typeof uid === "string" && uid !== "" ? { uid } : {}),
    groups: texts(user["groups"]),
    ...(entries.length > 0 ? { extra: Object.fromEntries(entries.map(([key, value]) => [key, texts(value)])) } : {}),
  };
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}
