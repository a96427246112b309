import { type JsonPath, parseJsonPath } from "../../core/api/json_path.ts";
import { errorMessage } from "../../core/util/log.ts";
import { UsageError } from "../verb.ts";

/**
 * The JSONPath in braces that `name.x`, `.name.x`, `{name.x}` and `{.name.x}` all mean.
 *
 * @throws UsageError with kubectl's words for anything else
 */
export function relaxedPath(text: string): string {
  if (text === "") return "";
  const [, braced, bare] = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(text) ?? [];
  const path = braced ?? bare;
  if (path === undefined) {
    throw new UsageError(
      "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'",
    );
  }
  return `{.${path}}`;
}

/** A path in braces, ready to be used; what is missing is not found. @throws UsageError for one that cannot be read */
export function readPath(path: string): JsonPath {
  try {
    return parseJsonPath(path, { allowMissingKeys: true });
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}
