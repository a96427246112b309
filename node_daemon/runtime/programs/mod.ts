/**
 * Programs as images of the process runtime: `npm:PACKAGE[@VERSION]`, `deno:MODULE`, `file:PATH`.
 *
 * - Names are refused unless they are of the one form that their scheme takes: they come from whoever may make pods.
 * - Fetching runs nothing of what is fetched; that happens in the container only, as its user and within its limits.
 * - To add a scheme: a file beside this, and a line in `schemes`.
 */
import { denoPrograms } from "./deno.ts";
import { filePrograms } from "./file.ts";
import { invalidName } from "./invalid_name.ts";
import { npmPrograms } from "./npm.ts";
import type { ProgramScheme } from "./scheme.ts";

const schemes: readonly ProgramScheme[] = [npmPrograms, denoPrograms, filePrograms];

const maxNameLength = 1024;

/** An image that is a program. */
export interface ProgramReference {
  readonly scheme: ProgramScheme;
  /** What stands behind the scheme. */
  readonly name: string;
}

/**
 * The program that an image's name, or its id, means; undefined for an image that is only a name.
 *
 * @throws RuntimeFailure InvalidImageName
 */
export function programOf(image: string): ProgramReference | undefined {
  const scheme = schemes.find((one) => image.startsWith(`${one.scheme}:`));
  if (!scheme) return undefined;
  const name = image.slice(scheme.scheme.length + 1);
  if (name.length > maxNameLength) throw invalidName(image.slice(0, 100), "is too long");
  scheme.check(name);
  return { scheme, name };
}
