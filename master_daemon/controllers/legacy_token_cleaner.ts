import type { ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { sameVersion } from "../../core/client/preconditions.ts";
import {
  accountNameAnnotation,
  accountUidAnnotation,
  dayOf,
  invalidSinceLabel,
  isDay,
  lastUsedLabel,
  legacyTokenType,
  tokenTracking,
} from "../../core/kinds/legacy_tokens.ts";
import { configMap, pod, type Secret, type ServiceAccount, secret, serviceAccount } from "../../core/kinds/mod.ts";
import { podReferences } from "../../core/kinds/pod_references.ts";
import { unlessGone } from "./_errors.ts";
import type { Controller, ControllerContext } from "./controller.ts";

/** Options of {@linkcode legacyTokenCleaner}, named as kube-controller-manager's flag. */
export interface LegacyTokenCleanerOptions {
  /** Time for which a token may go unused. Default a year. */
  readonly legacyServiceAccountTokenCleanUpPeriodMs?: number | undefined;
}

const dayMs = 24 * 3_600_000;

/**
 * Takes tokens in secrets out of force that were made for an account by itself, as clusters before 1.24 did, and were not
 * used for a year; a year later it deletes them. Looks at each once a day.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#legacy-serviceaccount-token-cleaner
 */
export function legacyTokenCleaner(options: LegacyTokenCleanerOptions = {}): Controller {
  const { legacyServiceAccountTokenCleanUpPeriodMs: periodMs = 365 * dayMs } = options;
  return {
    name: "legacy-serviceaccount-token-cleaner-controller",
    account: "legacy-service-account-token-cleaner",
    reconciles: secret,
    // Accounts and pods are looked up; none of their changes leads anywhere.
    watches: [
      { kind: serviceAccount, keys: () => [] },
      { kind: pod, keys: () => [] },
    ],
    async reconcile(key, context) {
      const { client, clock, lister, signal } = context;
      const held = lister(secret).get(key);
      if (held?.type !== legacyTokenType || held.metadata.deletionTimestamp) return undefined;
      const plan = planLegacyToken({
        secret: held,
        account: accountOf(held, context),
        trackedSince: await trackedSince(context),
        isMounted: () => isMounted(key, context),
        periodMs,
        nowMs: clock.now(),
      });
      if (plan.type === "invalidate") {
        const { resourceVersion } = held.metadata;
        const labels = { [invalidSinceLabel]: plan.since };
        const metadata = { labels, ...(resourceVersion ? { resourceVersion } : {}) };
        await client.patch(secret, key, { type: "merge", body: { metadata } }, { signal });
      }
      if (plan.type === "delete")
        await unlessGone(client.delete(secret, key, { signal, preconditions: sameVersion(held) }));
      return { requeueAfterMs: dayMs };
    },
  };
}

/** The account whose token a secret holds. */
function accountOf({ metadata }: Secret, { lister }: ControllerContext): ServiceAccount | undefined {
  const { namespace, annotations = {} } = metadata;
  const account = lister(serviceAccount).get({ namespace, name: annotations[accountNameAnnotation] ?? "" });
  return account?.metadata.uid === annotations[accountUidAnnotation] ? account : undefined;
}

/** The first day on which uses were noted; undefined where none are. */
async function trackedSince({ client, signal }: ControllerContext): Promise<string | undefined> {
  try {
    return (await client.get(configMap, tokenTracking, { signal })).data?.["since"];
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

function isMounted({ namespace, name }: ObjectKey, { lister }: ControllerContext): boolean {
  return lister(pod)
    .list(namespace)
    .some((one) => podReferences(one).secrets.has(name));
}

/** What is known about a token in a secret. */
export interface ObservedLegacyToken {
  readonly secret: Secret;
  readonly account: ServiceAccount | undefined;
  /** Day since when uses are noted. */
  readonly trackedSince: string | undefined;
  /** Whether a pod refers to the secret. */
  isMounted(): boolean;
  /** Milliseconds for which it may go unused. */
  readonly periodMs: number;
  readonly nowMs: number;
}

/** What to do with a token in a secret. */
export type LegacyTokenPlan =
  | { readonly type: "keep" | "delete" }
  | { readonly type: "invalidate"; readonly since: string };

/** Keeps what is young, in use or not known to have been made by itself. Pure. */
export function planLegacyToken(observed: ObservedLegacyToken): LegacyTokenPlan {
  const { secret: held, account, trackedSince: since, isMounted: mounted, periodMs, nowMs } = observed;
  const { labels = {}, creationTimestamp = "", name } = held.metadata;
  // The day on which the notes began is not whole.
  if (!isDay(since) || nowMs < Date.parse(since) + dayMs + periodMs) return { type: "keep" };
  if (!(Date.parse(creationTimestamp) < nowMs - periodMs)) return { type: "keep" };
  const oldest = dayOf(nowMs - periodMs);
  const lastUsed = labels[lastUsedLabel];
  if (lastUsed !== undefined && (!isDay(lastUsed) || lastUsed >= oldest)) return { type: "keep" };
  if (!account?.secrets?.some((one) => one.name === name) || mounted()) return { type: "keep" };
  const invalidSince = labels[invalidSinceLabel];
  if (!isDay(invalidSince)) return { type: "invalidate", since: dayOf(nowMs) };
  return { type: invalidSince >= oldest ? "keep" : "delete" };
}
