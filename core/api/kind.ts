import type { JsonObject, KubeObject } from "./meta.ts";
import type { FieldError } from "./status.ts";
import type { JsonSchemaProps } from "./structural/json_schema_props.ts";
import type { PruneResult } from "./validate_and_prune.ts";

/** Enough to address a resource over the API. Every {@linkcode Kind} is one; resources found by discovery are too. */
export interface ResourceType<T extends KubeObject = KubeObject> {
  /** API group; `""` is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: ties the type of the objects to the resource. */
  readonly objectType?: T;
}

/** Where `/scale` reads and writes, as dotted paths beginning with a dot (`.spec.replicas`). */
export interface ScalePaths {
  readonly spec: string;
  readonly status: string;
  /** Path of a selector: a LabelSelector object, a plain map, or text; served as text. */
  readonly selector?: string;
}

/** What validation needs to know besides the object. */
export interface ValidationContext {
  /** CIDR ranges that are accepted where Kubernetes forbids loopback addresses (the cluster's own ranges in loopback mode). */
  readonly localRanges: readonly string[];
  /** Address of the API server, which the endpoints of `default/kubernetes`, and no others, may have though it is a loopback one. */
  readonly apiServerAddress?: string | undefined;
  /** The subresource that is written. */
  readonly subresource?: "status" | "approval" | undefined;
}

/** Who writes, and when. */
export interface WriteContext {
  readonly user: {
    readonly username: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The subresource that is written. */
  readonly subresource?: "status" | "approval" | undefined;
}

/** What a printer cell needs to know besides the object. */
export interface ColumnContext {
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
}

/** One column of the server-side Table. @see https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables */
export interface Column<T> {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown, 1 only with `-o wide`. Default 0. */
  readonly priority?: 0 | 1;
  cell(object: T, context: ColumnContext): string | number | bigint | boolean | null;
}

/** What is particular to a kind when it is written. Pure; returns new objects, never mutates. */
export interface ResourceStrategy<T extends KubeObject = KubeObject> {
  /** Fills the defaults that Kubernetes documents. Idempotent. */
  applyDefaults(object: T): T;
  /** Last touch before a create: clears status, sets initial state. The registry handles metadata itself. */
  prepareForCreate(object: T): T;
  /** Notes on an object that is created who asks for it, and when. */
  stamp(object: T, write: WriteContext): T;
  /** Last touch before an update of the main resource: keeps status, bumps nothing (the registry bumps generation when `spec` changed). */
  prepareForUpdate(next: T, previous: T): T;
  /** Last touch before a write of `/status` or `/approval`: `next` is the stored object with the metadata and status that were sent. */
  prepareForStatusUpdate(next: T, previous: T, write: WriteContext): T;
  /** @param previous on an update what the object was: what has not changed need not be right */
  validate(object: T, context: ValidationContext, previous?: T): readonly FieldError[];
  /** What a client should know about an object that is valid. */
  warnings(object: T, previous: T | undefined): Promise<readonly string[]> | readonly string[];
  /** Checks whose code is loaded on use. Called after all others. */
  validateLate(object: T, previous: T | undefined): Promise<readonly FieldError[]> | readonly FieldError[];
  /** What may not change. Called after `validate`. */
  validateUpdate(next: T, previous: T, context: ValidationContext): readonly FieldError[];
  /** What may not change, or must hold, when `/status` is written. */
  validateStatusUpdate(next: T, previous: T, context: ValidationContext): readonly FieldError[];
  /** The values that field selectors may ask for, besides metadata.name and metadata.namespace. Keys not listed are refused with 400. */
  fields(object: T): Readonly<Record<string, string>>;
  /** Seconds that deletion waits for the owner of the object to finish (pods); undefined: deletes at once. */
  gracePeriodSeconds(object: T, requested: number | undefined): number | undefined;
}

/** A part of an object that is written by itself, like the status, at a path of its own. */
export interface PartStrategy<T extends KubeObject = KubeObject> {
  /** The stored object with that part of what was sent; `sent` has its defaults. */
  prepareForUpdate(sent: T, previous: T): T;
  /** What is wrong with it, and what may not change. */
  validateUpdate(next: T, previous: T, context: ValidationContext): readonly FieldError[];
}

/** Parts that a kind may have beside its status. */
export type PartName = "ephemeralcontainers" | "resize";

/** Objects in one version of a kind, made of those in another: in the same order, as many. */
export type Conversion = (objects: readonly KubeObject[]) => readonly KubeObject[] | Promise<readonly KubeObject[]>;

/** How a version of a kind is stored as another one. Conversions lose nothing. */
export interface StoredAs {
  /** The kind that is stored; served by itself or not. */
  readonly kind: Kind;
  readonly toStored: Conversion;
  readonly fromStored: Conversion;
}

/** What a kind that was made of a CustomResourceDefinition brings along. */
export interface CustomResource {
  /** Name of the definition. */
  readonly definition: string;
  /** The kind of lists. */
  readonly listKind: string;
  /** The structural schema of the version. */
  readonly schema: JsonSchemaProps;
}

/** One API kind: pure data and pure functions. Members are methods, so that `Kind<Pod>` is assignable to `Kind`. */
export interface Kind<T extends KubeObject = KubeObject> extends ResourceType<T> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly subresources: { readonly status?: true; readonly approval?: true; readonly scale?: ScalePaths };
  /** Definition in the OpenAPI data: pruning, merge keys, explain. E.g. `io.k8s.api.core.v1.Pod`. */
  readonly schema: string;
  /** Rejects `metadata.name`s that the kind does not allow. Returns the reason, or undefined. */
  validateName(name: string): string | undefined;
  readonly strategy: ResourceStrategy<T>;
  readonly columns: readonly Column<T>[];
  /** Reads a body as the kind's own schema has it. Absent: as the definition `schema` of the API's schema has it. */
  prune?(body: JsonObject): PruneResult;
  /** Absent: stored as it is served. */
  readonly storedAs?: StoredAs;
  /** Parts that are written by themselves, beside the status. */
  readonly parts?: { readonly [name in PartName]?: PartStrategy<T> };
  /** What can be done with the kind. Absent: everything that can be done with an object that is stored. */
  readonly verbs?: readonly string[];
  /** Told to whoever uses the kind: what to use instead, and since when. */
  readonly deprecated?: string;
  /** Told of in the older discovery documents only: for clients from before the aggregated one, who know no better version. */
  readonly hidden?: true;
  /** Made of a CustomResourceDefinition. Absent: built in. */
  readonly custom?: CustomResource;
  /** Put on an object with the first request to delete it. */
  readonly deletionFinalizers?: readonly string[];
  /**
   * How `metadata.generation` goes on. Absent: objects with a `spec` begin at 1 and count every change of what is wanted.
   * `counted`: so do those without one. `kept`: it stays 1. `none`: there is none.
   */
  readonly generation?: "counted" | "kept" | "none";
  /** A PUT of an object that is not there creates it. */
  readonly createOnUpdate?: true;
  /** Writes of `/status` change nothing else. Otherwise labels, annotations and finalizers may change with it. */
  readonly statusKeepsMetadata?: true;
  /** A PUT must say of which resourceVersion it is. */
  readonly conditionalUpdate?: true;
  /** There are many, and the server itself seldom reads them: it holds their bytes alone. */
  readonly seldomRead?: true;
}

/** What `defineKind()` takes: everything with a sensible default may be left out. */
export interface KindDefinition<T extends KubeObject>
  extends Pick<
    Kind<T>,
    | "group"
    | "version"
    | "kind"
    | "plural"
    | "namespaced"
    | "schema"
    | "prune"
    | "parts"
    | "storedAs"
    | "verbs"
    | "deprecated"
    | "hidden"
    | "custom"
    | "deletionFinalizers"
    | "generation"
    | "createOnUpdate"
    | "statusKeepsMetadata"
    | "conditionalUpdate"
    | "seldomRead"
  > {
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: Kind<T>["subresources"];
  validateName?(name: string): string | undefined;
  readonly strategy?: Partial<ResourceStrategy<T>>;
  readonly columns: readonly Column<T>[];
}

/** Fills in what a definition leaves out. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): Kind<T> {
  return {
    singular: definition.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    subresources: {},
    validateName: dnsSubdomainError,
    ...definition,
    strategy: {
      applyDefaults: (object) => object,
      prepareForCreate: (object) => object,
      stamp: (object) => object,
      prepareForUpdate: (next) => next,
      prepareForStatusUpdate: (next) => next,
      validate: () => [],
      warnings: () => [],
      validateLate: () => [],
      validateUpdate: () => [],
      validateStatusUpdate: () => [],
      fields: () => ({}),
      gracePeriodSeconds: () => undefined,
      ...definition.strategy,
    },
  };
}

/** `v1` or `group/version`. */
export function apiVersionOf({ group, version }: { readonly group: string; readonly version: string }): string {
  return group ? `${group}/${version}` : version;
}

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Why `name` is no lowercase RFC 1123 subdomain; undefined when it is. */
export function dnsSubdomainError(name: string): string | undefined {
  if (name.length > 253) return "must be no more than 253 bytes";
  if (dnsSubdomain.test(name)) return undefined;
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
}

/** Why `name` is no lowercase RFC 1123 label; undefined when it is. */
export function dnsLabelError(name: string): string | undefined {
  if (name.length > 63) return "must be no more than 63 bytes";
  if (dnsLabel.test(name)) return undefined;
  return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
}

/** Why `name` is no lowercase RFC 1035 label: what services are called. */
export function dns1035LabelError(name: string): string | undefined {
  if (name.length > 63) return "must be no more than 63 bytes";
  if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) return undefined;
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
}
