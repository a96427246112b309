import { expect, it } from "vitest";
import { duplicateFields } from "../../../core/api/duplicate_fields.ts";

it.each<[string, readonly string[]]>([
  ["{}", []],
  ['{"a":1,"b":{"a":2}}', []],
  ['{"a":1,"a":2}', ["a"]],
  ['{"a":1,"a":2,"a":3}', ["a"]],
  ['{"spec":{"replicas":1,"replicas":2}}', ["spec.replicas"]],
  ['{"spec":{"containers":[{"x":1},{"image":"a","name":"{\\"","image":"b"}]}}', ["spec.containers[1].image"]],
  ['{"a":["b","b"],"c":"a"}', []],
  ['{"a":1,"\\u0061":2}', ["a"]],
  ['{"a":{"x":[[1,{"y":1,"y":2}]]}}', ["a.x[0][1].y"]],
  ['{"__proto__":1,"__proto__":2}', ["__proto__"]],
])("duplicateFields() finds in %s: %j", (text, fields) => {
  expect(duplicateFields(text)).toEqual(fields);
});
