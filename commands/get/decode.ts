import type { KubeObject } from "../../core/api/meta.ts";
import type { Secret } from "../../core/kinds/secret.ts";
import { type Format, itemsOf } from "../output/object_printer.ts";
import { UsageError } from "../verb.ts";

/** Prints what secrets hold, decoded: `key: value` a line, the lines of a longer text below its key. Bytes that are no text stay encoded. */
export const secretFormat: Format = { print: (object) => itemsOf(object).map(secretText).join("---\n") };

function secretText(object: KubeObject, _index: number, { length }: readonly KubeObject[]): string {
  if (object.kind !== "Secret") throw new UsageError(`--decode is for secrets, not for ${object.kind}`);
  const { data = {}, metadata } = object as Secret;
  const lines = Object.entries(data)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, encoded]) => {
      const text = decode(encoded);
      if (text === undefined) return `${key} (base64): ${encoded}\n`;
      if (!text.includes("\n")) return `${key}: ${text}\n`;
      return `${key}: |\n${text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => `  ${line}\n`)
        .join("")}`;
    });
  return `${length > 1 ? `# ${metadata.name}\n` : ""}${lines.join("")}`;
}

function decode(encoded: string): string | undefined {
  const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[^\P{Cc}\n\t\r]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
