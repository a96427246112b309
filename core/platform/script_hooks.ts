import { readFile } from "node:fs/promises";
import type { LoadHook, ResolveHook } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What Node asks when it imports for a script: this file runs in a thread of Node's own. */

/** Where this package is: a script that lies outside of any package finds it nevertheless. */
const library = new URL(import.meta.url.endsWith(".ts") ? "../../mod.ts" : "../../mod.js", import.meta.url).href;

/** Node's own way; for `wherry`, when that finds nothing, this package. */
export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (specifier !== "wherry") throw error;
    return { url: library, shortCircuit: true };
  }
};

/** Node's own way; TypeScript without its types where Node does not know it (before 22.18). */
export const load: LoadHook = async (url, context, next) => {
  if ("typescript" in process.features && process.features.typescript) return await next(url, context);
  if (!/^file:[^?#]*\.m?ts([?#]|$)/.test(url)) return await next(url, context);
  const path = fileURLToPath(url);
  const [{ transform }, text] = await Promise.all([import("sucrase"), readFile(path, "utf8")]);
  // As Node and the compiler's verbatimModuleSyntax have it: what is imported as a type says so.
  const { code } = transform(text, {
    transforms: ["typescript"],
    disableESTransforms: true,
    keepUnusedImports: true,
    filePath: path,
  });
  return { format: "module", source: code, shortCircuit: true };
};
