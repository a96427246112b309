import { readFile } from "node:fs/promises";
import type { LoadHook, ResolveHook } from "node:module";
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

/** Node's own way; TypeScript as JavaScript: Node before 22.18 does not know it, and later ones take types out only, so that enums fail. */
export const load: LoadHook = async (url, context, next) => {
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
