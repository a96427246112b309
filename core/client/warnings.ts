import type { ApiResponse } from "./transport.ts";

const maxWarnings = 100;

/**
 * The texts of an answer's `Warning` headers: `299 - "text"`, several to a line or one each.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7234#section-5.5
 */
export function warningTexts(headers: ApiResponse["headers"]): readonly string[] {
  const value = headers["warning"];
  if (value === undefined) return [];
  const texts: string[] = [];
  for (const line of typeof value === "string" ? [value] : value) {
    for (const match of line.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)) {
      if (texts.length === maxWarnings) return texts;
      texts.push((match[1] ?? "").replace(/\\(.)/g, "$1"));
    }
  }
  return texts;
}
