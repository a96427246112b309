import { pathToFileURL } from "node:url";

/**
 * Imports a TypeScript file of the user's. Deno does so by itself; for Node there are hooks (`script_hooks.ts`) that make
 * it JavaScript, and find this package for scripts that have none of their own.
 *
 * @throws whatever the file throws
 */
export async function importScript(path: string): Promise<unknown> {
  if (!("Deno" in globalThis)) {
    const { register } = await import("node:module");
    // This file and the hooks are both sources, or both built.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    register(`./script_hooks.${extension}`, import.meta.url);
  }
  return await import(pathToFileURL(path).href);
}
