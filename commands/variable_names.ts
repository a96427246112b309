import { dataKeyError } from "../core/kinds/validators.ts";

/**
 * Why `name` is no name of an environment variable on a command line: kubectl lets fewer pass there than servers do in
 * objects.
 */
export function variableNameError(name: string): string | undefined {
  if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name))
    return "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')";
  return name.startsWith(".") ? dataKeyError(name) : undefined;
}
