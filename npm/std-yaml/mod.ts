/**
 * Stand-in for `@std/yaml` in the npm build, which cannot depend on JSR packages: the part of its API that wherry uses.
 */
import { parse as parseYaml, stringify as stringifyYaml } from "yaml";

/** Reads one YAML 1.2 document. @throws SyntaxError for text that is no YAML */
export function parse(content: string): unknown {
  try {
    return parseYaml(content, { maxAliasCount: 100 }) ?? null;
  } catch (error) {
    throw new SyntaxError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Writes one YAML document. */
export function stringify(data: unknown): string {
  return stringifyYaml(data);
}
