import { relaxedPath } from "../output/relaxed_path.ts";
import { UsageError } from "../verb.ts";

/** The path of `--sort-by` of a table: what is no simple path is taken as it is. */
export function sortPath(text: string): string {
  try {
    return relaxedPath(text);
  } catch (error) {
    if (error instanceof UsageError) return text;
    throw error;
  }
}
