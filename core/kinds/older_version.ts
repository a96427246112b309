import type { Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/meta.ts";

/** How a version of a kind differs from the one that is stored. */
export interface OlderVersion<T extends KubeObject, S extends KubeObject> {
  readonly version: string;
  /** Definition in the OpenAPI data; default: that of the stored version. */
  readonly schema?: string;
  /** For old clients only: not among what newer ones discover. */
  readonly hidden?: true;
  readonly deprecated?: string;
  toStored(object: T): S;
  fromStored(object: S): T;
}

/**
 * A version of a kind that is stored as another: defaults, checks, fields and columns are those of the stored one, through
 * conversions that lose nothing.
 */
export function olderVersion<T extends KubeObject, S extends KubeObject>(
  kind: Kind<S>,
  { version, schema = kind.schema, hidden, deprecated, toStored, fromStored }: OlderVersion<T, S>,
): Kind<T> {
  // What speaks of objects goes through the conversions; all the rest is the stored version's.
  const { strategy, columns, parts: _parts, objectType: _objectType, ...shared } = kind;
  return {
    ...shared,
    version,
    schema,
    ...(hidden ? { hidden } : {}),
    ...(deprecated === undefined ? {} : { deprecated }),
    strategy: {
      applyDefaults: (object) => fromStored(strategy.applyDefaults(toStored(object))),
      prepareForCreate: (object) => fromStored(strategy.prepareForCreate(toStored(object))),
      stamp: (object, write) => fromStored(strategy.stamp(toStored(object), write)),
      prepareForStatusUpdate: (next, previous, write) =>
        fromStored(strategy.prepareForStatusUpdate(toStored(next), toStored(previous), write)),
      prepareForUpdate: (next, previous) => fromStored(strategy.prepareForUpdate(toStored(next), toStored(previous))),
      validate: (object, context, previous) =>
        strategy.validate(toStored(object), context, previous && toStored(previous)),
      warnings: (object, previous) => strategy.warnings(toStored(object), previous && toStored(previous)),
      validateLate: (object, previous) => strategy.validateLate(toStored(object), previous && toStored(previous)),
      validateUpdate: (next, previous, context) => strategy.validateUpdate(toStored(next), toStored(previous), context),
      validateStatusUpdate: (next, previous, context) =>
        strategy.validateStatusUpdate(toStored(next), toStored(previous), context),
      fields: (object) => strategy.fields(toStored(object)),
      gracePeriodSeconds: (object, requested) => strategy.gracePeriodSeconds(toStored(object), requested),
    },
    columns: columns.map((column) => ({
      ...column,
      cell: (object, context) => column.cell(toStored(object), context),
    })),
    storedAs: {
      kind,
      toStored: (objects) => objects.map((object) => toStored(object as T)),
      fromStored: (objects) => objects.map((object) => fromStored(object as S)),
    },
  };
}
