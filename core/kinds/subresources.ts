/** Types of the subresources: what is sent to `/scale`, `/binding` and `/eviction`, and with a DELETE. */
import type { Kind } from "../api/kind.ts";
import { type LabelSelector, selectorFromObject } from "../api/labels.ts";
import type { KubeObject } from "../api/meta.ts";
import { compact } from "../util/compact.ts";
import type { ObjectReference } from "./endpoints.ts";

/** How many there are and how many there should be. @see https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/horizontal-pod-autoscaler-v1/ */
export interface Scale extends KubeObject {
  readonly apiVersion: "autoscaling/v1";
  readonly kind: "Scale";
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly replicas: number;
    /** A label selector as text. */
    readonly selector?: string;
  };
}

/** Puts a pod on a node. */
export interface Binding extends KubeObject {
  readonly target: ObjectReference;
}

/** What to do about the dependents of a deleted object. */
export type PropagationPolicy = "Background" | "Foreground" | "Orphan";

/** How to delete. */
export interface DeleteOptions {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly orphanDependents?: boolean;
  readonly propagationPolicy?: PropagationPolicy;
  readonly dryRun?: readonly string[];
}

/** Asks for a pod to be deleted if its disruption budgets allow. */
export interface Eviction extends KubeObject {
  readonly deleteOptions?: DeleteOptions;
}

/**
 * The scale of an object, read through the paths that its kind declares.
 *
 * @throws RangeError for a kind without a scale
 */
export function scaleOf(kind: Kind, object: KubeObject): Scale {
  const { spec, status, selector } = pathsOf(kind);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const text = selector === undefined ? "" : selectorText(read(object, selector));
  return {
    apiVersion: "autoscaling/v1",
    kind: "Scale",
    metadata: compact({ name, namespace, uid, resourceVersion, creationTimestamp }),
    spec: { replicas: numberAt(object, spec) },
    status: { replicas: numberAt(object, status), ...(text ? { selector: text } : {}) },
  };
}

/**
 * The object with the wanted number of a scale. A resourceVersion in the scale is taken along, so that a stale one is
 * refused.
 *
 * @throws RangeError for a kind without a scale
 */
export function applyScale<T extends KubeObject>(kind: Kind<T>, object: T, scale: Scale): T {
  const { resourceVersion } = scale.metadata;
  const scaled = write(object, pathsOf(kind).spec.split(".").slice(1), scale.spec?.replicas ?? 0) as T;
  return resourceVersion ? { ...scaled, metadata: { ...scaled.metadata, resourceVersion } } : scaled;
}

function pathsOf(kind: Kind): NonNullable<Kind["subresources"]["scale"]> {
  const { scale } = kind.subresources;
  if (!scale) throw new RangeError(`Cannot scale ${kind.plural}: they have no scale subresource`);
  return scale;
}

function read(object: unknown, path: string): unknown {
  let value = object;
  for (const member of path.split(".").slice(1)) value = memberOf(value, member);
  return value;
}

function memberOf(value: unknown, member: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, member)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[member];
}

function numberAt(object: KubeObject, path: string): number {
  const value = read(object, path);
  return typeof value === "number" ? value : 0;
}

function write(object: unknown, path: readonly string[], value: number): unknown {
  const [member, ...rest] = path;
  if (member === undefined) return value;
  const copy = typeof object === "object" && object !== null ? object : {};
  return { ...copy, [member]: write(memberOf(copy, member), rest, value) };
}

/** A selector as text, whether it is a LabelSelector, a plain map or text already. */
function selectorText(selector: unknown): string {
  if (typeof selector === "string") return selector;
  if (typeof selector !== "object" || selector === null) return "";
  const isSelector = Object.hasOwn(selector, "matchLabels") || Object.hasOwn(selector, "matchExpressions");
  return selectorFromObject((isSelector ? selector : { matchLabels: selector }) as LabelSelector).toString();
}
