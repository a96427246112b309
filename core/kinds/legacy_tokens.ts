import { timestamp } from "../util/clock.ts";

/** Type of secrets that hold a ServiceAccount's token without end. */
export const legacyTokenType = "kubernetes.io/service-account-token";
/** Annotation of such a secret with the name of its account. */
export const accountNameAnnotation = "kubernetes.io/service-account.name";
/** Annotation of such a secret with the uid of its account. */
export const accountUidAnnotation = "kubernetes.io/service-account.uid";
/** Label of such a secret with the day on which its token was last shown. */
export const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
/** Label of such a secret whose token is believed no more, with the day since when. */
export const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";
/** The ConfigMap whose `since` tells from which day on {@linkcode lastUsedLabel} is kept. */
export const tokenTracking: { readonly namespace: string; readonly name: string } = {
  namespace: "kube-system",
  name: "kube-apiserver-legacy-service-account-token-tracking",
};

/** The day (UTC) of a time in milliseconds since the epoch, as labels have it: `2026-01-31`. */
export function dayOf(ms: number): string {
  return timestamp({ now: () => ms }).slice(0, "2026-01-31".length);
}

/** Whether a text is a day as {@linkcode dayOf} writes it. */
export function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && Number.isFinite(Date.parse(text));
}
