import { goText } from "../../core/api/go_value.ts";
import { asJson } from "../../core/api/json_object.ts";
import type { JsonPath } from "../../core/api/json_path.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { readTextFile } from "../../core/platform/files.ts";
import { UsageError } from "../verb.ts";
import { type Format, itemsOf } from "./object_printer.ts";
import { readPath, relaxedPath } from "./relaxed_path.ts";
import { shownSafely, tabbed } from "./tabbed.ts";

interface CustomColumn {
  readonly header: string;
  readonly path: JsonPath;
}

/**
 * The format of `-o custom-columns=NAME:.metadata.name,…` and of `-o custom-columns-file=PATH`, a file with a line of headers
 * and a line of paths.
 *
 * @throws UsageError with kubectl's words
 * @see https://kubernetes.io/docs/reference/kubectl/#custom-columns
 */
export async function customColumnsFormat(
  name: "custom-columns" | "custom-columns-file",
  value: string,
  { headers }: { readonly headers: boolean },
): Promise<Format> {
  if (value === "") throw new UsageError("custom-columns format specified but no custom columns given");
  const columns = name === "custom-columns" ? columnsOfSpec(value) : await columnsOfFile(value);
  const widths: number[] = [];
  let headersDue = headers || name === "custom-columns-file";
  return {
    print(object) {
      const rows = itemsOf(object).map((item) => columns.map(({ path }) => cellOf(path, item)));
      if (headersDue) rows.unshift(columns.map(({ header }) => header));
      headersDue = false;
      const text = rows.map((cells) => `${cells.join("\t")}\n`).join("");
      return tabbed(shownSafely(text), { padding: 3, minWidth: 6, widths });
    },
  };
}

function cellOf({ find }: JsonPath, item: KubeObject): string {
  const values = find(asJson(item));
  const texts = values.flatMap((found) => found.map(goText));
  return (values[0]?.length ?? 0) === 0 ? ["<none>", ...texts].join(",") : texts.join(",");
}

function columnsOfSpec(spec: string): readonly CustomColumn[] {
  return spec.split(",").map((part) => {
    const colon = part.indexOf(":");
    if (colon < 0) throw new UsageError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    return { header: part.slice(0, colon), path: readPath(relaxedPath(part.slice(colon + 1))) };
  });
}

async function columnsOfFile(path: string): Promise<readonly CustomColumn[]> {
  const text = await readTextFile(path);
  if (text === undefined)
    throw new UsageError(`error reading template ${path}, open ${path}: no such file or directory`);
  const [headerLine, specLine] = text.split(/\r?\n/);
  const missing = headerLine === "" && specLine === undefined ? "header" : specLine === undefined ? "spec" : undefined;
  if (missing) {
    throw new UsageError(
      `invalid template, missing ${missing} line. Expected format is one line of space separated headers, one line of space separated column specs.`,
    );
  }
  const words = (line = "") => line.split(/\s+/).filter(Boolean);
  const [headers, specs] = [words(headerLine), words(specLine)];
  if (headers.length !== specs.length)
    throw new UsageError(
      `number of headers (${headers.length}) and field specifications (${specs.length}) don't match`,
    );
  return headers.map((header, index) => ({ header, path: readPath(relaxedPath(specs[index] ?? "")) }));
}
