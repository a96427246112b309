import { goJson } from "../../core/api/go_json.ts";
import { parseGoTemplate, TemplateError } from "../../core/api/go_template.ts";
import { goQuote, goSyntax, goText } from "../../core/api/go_value.ts";
import { asJson } from "../../core/api/json_object.ts";
import { parseJsonPath } from "../../core/api/json_path.ts";
import { errorMessage } from "../../core/util/log.ts";
import { UsageError } from "../verb.ts";
import { type Format, PrintError } from "./object_printer.ts";

/** The format of `-o jsonpath`. @throws UsageError for a template that cannot be read */
export function jsonPathFormat(
  template: string,
  options: { readonly allowMissingKeys: boolean; readonly asJson: boolean },
): Format {
  const path = readable("jsonpath", template, () => parseJsonPath(template, options));
  return {
    print(object) {
      try {
        return options.asJson ? path.printJson(asJson(object)) : path.print(asJson(object));
      } catch (error) {
        const reason = errorMessage(error);
        throw new PrintError(
          `error executing jsonpath ${goQuote(template)}: Error executing template: ${reason}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(asJson(object))}\n\n`,
        );
      }
    },
  };
}

/** The format of `-o go-template`. @throws UsageError for a template that cannot be read */
export function goTemplateFormat(template: string, options: { readonly allowMissingKeys: boolean }): Format {
  const { print } = readable("template", template, () => parseGoTemplate(template, options));
  return {
    print(object) {
      try {
        return print(asJson(object));
      } catch (error) {
        throw new PrintError(`error executing template ${goQuote(template)}: ${errorMessage(error)}`, { cause: error });
      }
    },
    // kubectl shows on standard output what it had by then, and what it worked on.
    printFailure(object, { cause }: PrintError) {
      const partial = cause instanceof TemplateError ? cause.partial : "";
      return `${partial}Error executing template: ${errorMessage(cause)}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\traw data was:\n\t\t${goJson(object)}\n\tobject given to template engine was:\n\t\t${goText(asJson(object))}\n\n`;
    },
  };
}

function readable<T>(what: string, template: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`error parsing ${what} ${template}, ${errorMessage(error)}`);
  }
}
