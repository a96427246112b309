import type { ResourceType } from "../../api/kind.ts";
import type { Condition, KubeObject } from "../../api/meta.ts";
import type { Event } from "../../kinds/event.ts";
import type { Client } from "../client.ts";

/** Which part of Kubernetes a {@linkcode Reason} is about. */
export type Stage =
  | "deletion"
  | "owner"
  | "quota"
  | "admission"
  | "rollout"
  | "scheduling"
  | "eviction"
  | "volumes"
  | "sandbox"
  | "image"
  | "container"
  | "probe"
  | "back-off"
  | "pods"
  | "network"
  | "condition"
  | "event";

/** One link of the chain that explains the present state of an object. */
export interface Reason {
  readonly stage: Stage;
  /** What is so: one sentence, without a full stop. */
  readonly says: string;
  /** RFC 3339. */
  readonly since?: string | undefined;
  /** What stands behind it, line by line. */
  readonly details?: readonly string[] | undefined;
  /** What would help. */
  readonly remedy?: string | undefined;
}

/** Why an object is as it is. */
export interface Explanation {
  /** As `pod/web-0` or `deployment.apps/web`. */
  readonly object: string;
  readonly namespace?: string | undefined;
  /** A few words, such as `Pending` or `2 of 3 replicas are ready`. */
  readonly state: string;
  /** Whether nothing is wanting. */
  readonly isWell: boolean;
  /** The nearest cause first, then what stands above the object. */
  readonly reasons: readonly Reason[];
}

/** What explaining needs besides the object. */
export interface WhyContext {
  readonly client: Client;
  /** The resource of objects with this apiVersion and kind; undefined when the server has none. */
  resourceOf(object: { readonly apiVersion: string; readonly kind: string }): Promise<ResourceType | undefined>;
  readonly signal?: AbortSignal | undefined;
}

/** Why an object of one kind is as it is, but for what holds of all kinds. */
export type Explainer<T extends KubeObject = KubeObject> = (
  object: T,
  context: WhyContext,
) => Promise<Pick<Explanation, "state" | "isWell" | "reasons">>;

/** When an event was seen last. RFC 3339; empty when it does not say. */
export function lastSeen(one: Event): string {
  return one.lastTimestamp ?? one.series?.lastObservedTime ?? one.eventTime ?? one.metadata.creationTimestamp ?? "";
}

/** A condition in words: its message, else its reason, else its type and status. */
export function conditionText({ type, status, reason, message }: Condition): string {
  if (message) return message;
  return reason ? `${type} is ${status}: ${reason}` : `${type} is ${status}`;
}

/** `1 pod`, `3 pods`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
