import { goJson, type MemberOrder } from "../../core/api/go_json.ts";
import { asJson } from "../../core/api/json_object.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { formatYaml } from "../../core/api/yaml_writer.ts";
import type { FlagOf, FlagWithDefault } from "../../core/flags/flag.ts";
import type { Terminal } from "../../core/platform/terminal.ts";
import { errorMessage } from "../../core/util/log.ts";
import { type FlagValues, UsageError } from "../verb.ts";
import { qualifiedName, withoutManagedFields } from "./format.ts";

/** The flags of verbs that print whole objects. */
export const printFlags: {
  readonly output: FlagOf<"string">;
  readonly template: FlagOf<"string">;
  readonly "allow-missing-template-keys": FlagWithDefault<"boolean", true>;
  readonly "show-managed-fields": FlagOf<"boolean">;
} = {
  output: {
    type: "string",
    short: "o",
    placeholder: "format",
    description:
      "Output format: json, yaml, kyaml, name, jsonpath=..., jsonpath-file=..., go-template=..., go-template-file=...",
  },
  template: {
    type: "string",
    placeholder: "template",
    description: "Template, or the file with it, for -o go-template and -o jsonpath.",
  },
  "allow-missing-template-keys": {
    type: "boolean",
    default: true,
    description: "Ignore members that templates name and objects do not have.",
  },
  "show-managed-fields": { type: "boolean", description: "With -o json and yaml: show who owns which field." },
};

/** The values of {@linkcode printFlags}. */
export type PrintFlagValues = FlagValues<typeof printFlags>;

/**
 * Prints an object as `-o` asks; without `-o`, what was done to it: `pod/web created`.
 *
 * @param operation e.g. `created`; a dry run is said behind it
 * @throws PrintError when a template cannot be used on it
 */
export type ObjectPrinter = (object: KubeObject, operation?: string) => Promise<void>;

/** Where and how objects are printed. */
export interface PrinterOptions {
  readonly terminal: Pick<Terminal, "write">;
  /** What is said behind the operation. */
  readonly dryRun?: "client" | "server" | undefined;
  /** Whether kubectl holds them in Go's structures: JSON has the fields as those declare them, not sorted. Default: not. */
  readonly structures?: boolean;
}

/** What cannot be printed that way. */
export class PrintError extends Error {
  override readonly name = "PrintError";
}

/** A way to make text of objects; they are given in the order in which they are printed. */
export interface Format {
  print(object: KubeObject): string;
  /** What to print, besides an error, for an object that could not be printed. */
  printFailure?(object: KubeObject, error: unknown): string;
}

const templateFormats = ["go-template", "go-template-file", "template", "templatefile"];
const jsonPathFormats = ["jsonpath", "jsonpath-as-json", "jsonpath-file"];

/** What `-o` takes in every verb that prints objects, sorted. */
export const objectFormats: readonly string[] = [
  ...templateFormats,
  "json",
  ...jsonPathFormats,
  "kyaml",
  "name",
  "yaml",
].sort();

/**
 * The printer that the flags ask for. YAML documents are separated from each other.
 *
 * @throws UsageError with kubectl's words for a format or template that is none
 * @see k8s.io/cli-runtime/pkg/genericclioptions/print_flags.go
 */
export async function objectPrinter(flags: PrintFlagValues, options: PrinterOptions): Promise<ObjectPrinter> {
  const { terminal, dryRun } = options;
  if (!flags.output && !flags.template) {
    const suffix = dryRun === undefined ? "" : dryRun === "server" ? " (server dry run)" : " (dry run)";
    return (object, operation = "") =>
      terminal.write(`${qualifiedName(object)}${operation ? ` ${operation}` : ""}${suffix}\n`);
  }
  const format = await formatOf(flags, options);
  if (!format) throw unknownFormat(flags.output ?? "", objectFormats);
  return (object) => printWith(format, object, terminal);
}

/** Prints one object in a format. @throws PrintError */
export async function printWith(format: Format, object: KubeObject, terminal: Pick<Terminal, "write">): Promise<void> {
  let text: string;
  try {
    text = format.print(object);
  } catch (error) {
    const rest = format.printFailure?.(object, error);
    if (rest) await terminal.write(rest);
    throw error;
  }
  await terminal.write(text);
}

/** The error for an `-o` that names no format. */
export function unknownFormat(name: string, formats: readonly string[]): UsageError {
  return new UsageError(
    `unable to match a printer suitable for the output format ${JSON.stringify(name)}, allowed formats are: ${formats.join(",")}`,
  );
}

/** The format that `-o` and `--template` name; undefined when it is none of {@linkcode objectFormats}. @throws UsageError */
export async function formatOf(
  flags: PrintFlagValues,
  { structures = false }: Pick<PrinterOptions, "structures"> = {},
): Promise<Format | undefined> {
  const output = flags.output || (flags.template ? "go-template" : "");
  const shown = (object: KubeObject) => (flags["show-managed-fields"] ? object : withoutManagedFields(object));
  switch (output) {
    case "json": {
      const order = await memberOrder(structures);
      return { print: (object) => `${goJson(shown(object), 4, order?.(object))}\n` };
    }
    case "yaml": {
      let printed = 0;
      return { print: (object) => `${printed++ > 0 ? "---\n" : ""}${formatYaml(asJson(shown(object)))}` };
    }
    case "kyaml": {
      const { formatKyaml } = await import("../../core/api/kyaml_writer.ts");
      const order = await memberOrder(structures);
      return { print: (object) => formatKyaml(asJson(shown(object)), { order: order?.(object) }) };
    }
    case "name":
      return {
        print: (object) =>
          itemsOf(object)
            .map((one) => `${qualifiedName(one)}\n`)
            .join(""),
      };
  }
  const { name, value } = templateOf(output, flags.template);
  const isJsonPath = jsonPathFormats.includes(name);
  if (!isJsonPath && !templateFormats.includes(name)) return undefined;
  if (value === "") throw new UsageError("template format specified but no template given");
  const template = name.endsWith("file") ? await readTemplate(value) : value;
  const { goTemplateFormat, jsonPathFormat } = await import("./template_formats.ts");
  const allowMissingKeys = flags["allow-missing-template-keys"];
  return isJsonPath
    ? jsonPathFormat(template, { allowMissingKeys, asJson: name === "jsonpath-as-json" })
    : goTemplateFormat(template, { allowMissingKeys });
}

async function memberOrder(structures: boolean): Promise<((object: KubeObject) => MemberOrder) | undefined> {
  return structures ? (await import("../../core/api/protobuf/struct_order.ts")).structOrder : undefined;
}

/** `jsonpath={.kind}`: a name and a template, unless that was given with `--template`. */
export function templateOf(
  output: string,
  template: string | undefined,
): { readonly name: string; readonly value: string } {
  const equals = output.indexOf("=");
  if (template || equals < 0) return { name: output, value: template ?? "" };
  return { name: output.slice(0, equals), value: output.slice(equals + 1) };
}

async function readTemplate(path: string): Promise<string> {
  const { readTextFile } = await import("../../core/platform/files.ts");
  const text = await readTextFile(path).catch((error: unknown) => {
    throw new UsageError(`error reading --template ${path}, ${errorMessage(error)}`);
  });
  if (text === undefined)
    throw new UsageError(`error reading --template ${path}, open ${path}: no such file or directory`);
  return text;
}

/** The objects of a list, or the one that is none. */
export function itemsOf(object: KubeObject): readonly KubeObject[] {
  const { items } = object as { readonly items?: unknown };
  return Array.isArray(items) ? (items as readonly KubeObject[]) : [object];
}
