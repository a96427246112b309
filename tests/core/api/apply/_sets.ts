import fc from "fast-check";
import type { FieldSet, FieldSetBuilder } from "../../../../core/api/apply/field_set.ts";
import { emptySet, selfElement } from "../../../../core/api/apply/field_set.ts";

/** A set of fields as the dumbest thing that can be one: the text of each path. */
export type PathTexts = ReadonlySet<string>;

const elements = ["f:a", "f:b", "f:c", 'k:{"name":"x"}', 'k:{"name":"y"}', 'v:"z"', "i:0"];

/** A path of few elements, so that paths meet. */
export const arbitraryPath: fc.Arbitrary<readonly string[]> = fc.array(fc.constantFrom(...elements), {
  minLength: 1,
  maxLength: 4,
});

export const arbitraryPaths: fc.Arbitrary<readonly (readonly string[])[]> = fc.array(arbitraryPath, { maxLength: 8 });

/** The set of some paths, put together by hand. */
export function setOf(paths: readonly (readonly string[])[]): FieldSet {
  const tree = new Map<string, { member: boolean; below: Tree }>();
  for (const path of paths) {
    let at: Tree = tree;
    for (const [index, element] of path.entries()) {
      const node = at.get(element) ?? { member: false, below: new Map() };
      if (index === path.length - 1) node.member = true;
      at.set(element, node);
      at = node.below;
    }
  }
  return write(tree);
}

type Tree = Map<string, { member: boolean; below: Tree }>;

function write(tree: Tree): FieldSet {
  const set: FieldSetBuilder = {};
  for (const [element, { member, below }] of tree) {
    const node: FieldSetBuilder = member && below.size > 0 ? { [selfElement]: emptySet } : {};
    set[element] = Object.assign(node, write(below));
  }
  return set;
}

/** Paths as texts that can be compared. */
export function texts(paths: readonly (readonly string[])[]): PathTexts {
  return new Set(paths.map((path) => JSON.stringify(path)));
}
