import type { StoredAs } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from "../../core/kinds/custom_resource_definition.ts";
import { storageVersionOf } from "../../core/kinds/custom_resource_definition.ts";
import { storedKind } from "./custom_kind.ts";
import { pruneStored, schemaOf, withDefaults } from "./custom_schema.ts";

/** Makes objects of one version out of objects of others: as many, in the same order. */
export type Converter = (objects: readonly KubeObject[], apiVersion: string) => Promise<readonly KubeObject[]>;

/** Changes nothing but the version. */
export const relabel: Converter = async (objects, apiVersion) =>
  objects.map((object) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion }));

/**
 * How a version of a definition is stored. Objects stay in the store as they were written, whatever was the version for
 * that then; what is read gets the defaults of the version it is stored in, and loses what the version asked for does not know.
 *
 * @throws RangeError for a definition without a version to store in
 */
export function storageOf(
  definition: CustomResourceDefinition,
  version: CustomResourceDefinitionVersion,
  convert: Converter,
): StoredAs {
  const { spec } = definition;
  const storage = storageVersionOf(definition);
  if (!storage) throw new RangeError("Cannot store custom resources: no version is marked as storage version");
  const apiVersion = (name: string) => `${spec.group}/${name}`;
  const byApiVersion = new Map(spec.versions.map((one) => [apiVersion(one.name), one]));

  function known(object: KubeObject): CustomResourceDefinitionVersion {
    const found = byApiVersion.get(object.apiVersion);
    if (found) return found;
    throw StatusError.internal(`request to convert CR from an invalid group/version: ${object.apiVersion}`);
  }

  async function converted(
    objects: readonly KubeObject[],
    to: CustomResourceDefinitionVersion,
  ): Promise<readonly KubeObject[]> {
    const target = apiVersion(to.name);
    const others = objects.filter((object) => object.apiVersion !== target);
    if (others.length === 0) return objects;
    const results = await convert(others, target);
    const made = new Map(others.map((object, index) => [object, results[index] ?? object]));
    return objects.map((object) => {
      const result = made.get(object);
      return result ? pruneStored(result, schemaOf(to)) : object;
    });
  }

  return {
    kind: storedKind(definition, storage.name),
    toStored: (objects) => converted(objects, storage),
    async fromStored(objects) {
      const read = objects.map((object) => {
        const schema = schemaOf(known(object));
        return withDefaults(pruneStored(object, schema), schema);
      });
      return converted(read, version);
    },
  };
}
