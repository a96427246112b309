import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** The map of the house (docs/architecture.md) as a test: who may import whom, what is said where, what is registered once. */

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folders = ["core", "commands", "master_daemon", "node_daemon", "cluster", "npm"];
const files = [...folders.flatMap((folder) => walk(join(root, folder))), join(root, "mod.ts"), join(root, "cli.ts")]
  .filter((path) => path.endsWith(".ts"))
  .map((path) => ({ path: relative(root, path), text: readFileSync(path, "utf8") }));

/** Folder to the folders it may import, most particular first. A folder may always import itself. */
const mayImport: readonly (readonly [string, readonly string[]])[] = [
  ["core/util", []],
  ["core/platform", ["core/util"]],
  ["core/api", ["core/util", "core/platform"]],
  ["core/kinds", ["core/api", "core/cel", "core/util"]],
  ["core/cel", ["core/kinds", "core/api", "core/util"]],
  ["core/flags", []],
  ["core/version.ts", []],
  ["core/client", ["core/kinds", "core/api", "core/util", "core/platform"]],
  ["commands", ["core"]],
  ["master_daemon/store", ["core/api", "core/util", "core/platform"]],
  ["master_daemon/registry", ["core", "master_daemon/store"]],
  ["master_daemon/authorization", ["core", "master_daemon/registry"]],
  ["master_daemon/authentication", ["core", "master_daemon/registry", "master_daemon/authorization"]],
  ["master_daemon/apiextensions", ["core", "master_daemon/registry"]],
  ["master_daemon/admission", ["core", "master_daemon/registry", "master_daemon/authorization"]],
  [
    "master_daemon/apiserver",
    [
      "core",
      "master_daemon/registry",
      "master_daemon/admission",
      "master_daemon/authentication",
      "master_daemon/authorization",
    ],
  ],
  ["master_daemon/controllers", ["core"]],
  ["master_daemon/scheduler", ["core"]],
  ["master_daemon", ["core", "master_daemon"]],
  ["node_daemon/runtime", ["core"]],
  ["node_daemon/kubelet", ["core", "node_daemon/runtime/runtime.ts"]],
  ["node_daemon/proxy", ["core"]],
  ["node_daemon/dns", ["core"]],
  ["node_daemon", ["core", "node_daemon"]],
  ["cluster", ["core", "master_daemon", "node_daemon"]],
  ["npm", []],
  ["mod.ts", ["core", "cluster"]],
  ["cli.ts", ["core", "commands"]],
];

/** Packages and the only places that import them. */
const homes: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^undici$/, ["core/client", "core/platform", "master_daemon/store"]],
  [/^ws$/, ["core/client", "master_daemon/apiserver"]],
  [/^re2js$/, ["core/api", "core/cel"]],
  [/^@marcbachmann\/cel-js$/, ["core/cel"]],
  [/^sucrase$/, ["core/platform"]],
  [/^yaml$/, ["core/api", "npm/std-yaml"]],
  [/^dockerode$/, ["node_daemon/runtime"]],
  [/^@peculiar\/x509$/, ["core/platform"]],
  [/^jose$/, ["master_daemon/authentication"]],
  [/^@cliffy\//, ["commands", "cli.ts"]],
  [/^@std\/yaml$/, ["node_daemon/proxy", "core/client", "cluster"]],
  [/^@std\/cli$/, ["commands", "cli.ts"]],
  [
    /^node:/,
    [
      "core/platform",
      "master_daemon/store",
      "master_daemon/apiserver",
      "node_daemon/runtime",
      "node_daemon/kubelet",
      "node_daemon/proxy",
      "node_daemon/dns",
      "cluster",
    ],
  ],
];

/** What is written in one place only, and what to use elsewhere. */
const bans: readonly { readonly pattern: RegExp; readonly instead: string; readonly allowedIn: RegExp }[] = [
  { pattern: /\bDate\.now\(|\bnew Date\(\)/, instead: "a Clock", allowedIn: /^core\/platform\// },
  { pattern: /\bMath\.random\b/, instead: "an injected Random", allowedIn: /^core\/platform\// },
  {
    pattern: /(?<!\.)\bset(Timeout|Interval)\(/,
    instead: "Clock.schedule() or Clock.sleep()",
    allowedIn: /^core\/platform\//,
  },
  { pattern: /(?<![.\w"'`/])process\.\w/, instead: "core/platform", allowedIn: /^core\/platform\// },
  { pattern: /(?<![.\w"'`/])Deno\.\w/, instead: "core/platform", allowedIn: /^core\/platform\// },
  { pattern: /^export default\b/m, instead: "a named export", allowedIn: /^$/ },
  { pattern: /\bas any\b|\w\??: any\b(?! that)|<any>/, instead: "a type, or unknown", allowedIn: /^$/ },
  { pattern: /@ts-(ignore|expect-error|nocheck)/, instead: "a typed way", allowedIn: /^$/ },
  { pattern: /\bTODO\b|\bFIXME\b/, instead: "an issue", allowedIn: /^$/ },
  { pattern: /\bconsole\.\w+\(/, instead: "a Logger, or the command's output", allowedIn: /^(core\/platform|npm)\// },
];

/** Folders of plug-ins: every file stands exactly once in the folder's mod.ts (helpers are named there as not plug-ins). */
const plugins: readonly { readonly folder: string; readonly helpers: readonly string[]; readonly pattern?: RegExp }[] =
  [
    // Beside the kinds stand what several of them share: a kind is what defines one.
    { folder: "core/kinds", helpers: [], pattern: /= defineKind</ },
    { folder: "commands", helpers: [], pattern: /^export const \w+: Verb = /m },
    { folder: "node_daemon/proxy/balancers", helpers: ["balancer.ts"] },
    { folder: "node_daemon/runtime/programs", helpers: [], pattern: /: ProgramScheme = {/ },
    { folder: "master_daemon/scheduler/plugins", helpers: [] },
    { folder: "master_daemon/admission", helpers: ["plugin.ts"] },
    { folder: "master_daemon/apiserver/virtual", helpers: ["virtual_resource.ts"] },
    { folder: "master_daemon/controllers", helpers: ["controller.ts", "runner.ts"] },
  ];

describe("house", () => {
  it("imports only what the map of the house allows", () => {
    const wrong: string[] = [];
    for (const { path, text } of files) {
      const rule = mayImport.find(([folder]) => path === folder || path.startsWith(`${folder}/`));
      if (!rule) {
        wrong.push(`${path}: its folder is not on the map`);
        continue;
      }
      const [own, allowed] = rule;
      for (const { specifier, lazy } of importsOf(text)) {
        if (!specifier.startsWith(".")) continue;
        const target = join(dirname(path), specifier);
        // The commands that are daemons load them only when they are run; types are gone by then.
        if (lazy && own === "commands" && /^(master_daemon|node_daemon|cluster)\//.test(target)) continue;
        if (![own, ...allowed].some((folder) => target === folder || target.startsWith(`${folder}/`)))
          wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("has no files that load each other in a circle", () => {
    const loads = new Map(
      files.map(({ path, text }) => {
        const eager = importsOf(text).filter(({ specifier, lazy }) => !lazy && specifier.startsWith("."));
        return [path, eager.map(({ specifier }) => join(dirname(path), specifier))];
      }),
    );
    // Whoever loads nothing of what is left, or is loaded by none of it, is in no circle.
    const left = new Set(loads.keys());
    for (let before = 0; before !== left.size; ) {
      before = left.size;
      for (const path of left) if (!loads.get(path)?.some((target) => left.has(target))) left.delete(path);
      const loaded = new Set([...left].flatMap((path) => loads.get(path) ?? []));
      for (const path of left) if (!loaded.has(path)) left.delete(path);
    }
    expect([...left]).toEqual([]);
  });

  it("imports each package only in its home", () => {
    const wrong: string[] = [];
    for (const { path, text } of files) {
      for (const { specifier } of importsOf(text)) {
        if (specifier.startsWith(".")) continue;
        const home = homes.find(([pattern]) => pattern.test(specifier));
        if (!home) wrong.push(`${path} imports ${specifier}, which has no home`);
        else if (!home[1].some((folder) => path === folder || path.startsWith(`${folder}/`)))
          wrong.push(`${path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each(bans)("does not contain $pattern outside its place: use $instead", ({ pattern, allowedIn }) => {
    const found = files
      .filter(({ path, text }) => !allowedIn.test(path) && pattern.test(withoutComments(text)))
      .map(({ path }) => path);
    expect(found).toEqual([]);
  });

  it.each(plugins)("registers every plug-in of $folder once", ({ folder, helpers, pattern = / / }) => {
    const registered = importsOf(readFileSync(join(root, folder, "mod.ts"), "utf8")).map(({ specifier }) =>
      specifier.replace("./", ""),
    );
    const missing = readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".ts") && name !== "mod.ts" && !name.startsWith("_") && !helpers.includes(name))
      .filter((name) => pattern.test(readFileSync(join(root, folder, name), "utf8")) && !registered.includes(name));
    expect(missing).toEqual([]);
  });

  it("has a header of one sentence on every exported function, class and interface", () => {
    const bare: string[] = [];
    for (const { path, text } of files) {
      if (path.startsWith("core/kinds/") || path.startsWith("npm/")) continue;
      const lines = text.split("\n");
      lines.forEach((line, index) => {
        if (!/^export (async )?(function|class|interface)\b/.test(line)) return;
        // The further signatures of an overloaded function share the first one's header.
        const above = lines[index - 1] ?? "";
        if (!/\*\/\s*$/.test(above) && !/^export (async )?function/.test(above)) bare.push(`${path}:${index + 1}`);
      });
    }
    expect(bare).toEqual([]);
  });
});

function walk(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name !== "node_modules")
    .flatMap((name) => walk(join(path, name)));
}

function importsOf(text: string): { specifier: string; lazy: boolean }[] {
  const code = withoutComments(text);
  const eager = [
    ...code.matchAll(/^\s*(?:import|export)\b[^;"'`]*?\bfrom\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']/gm),
  ];
  const lazy = [...code.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g)];
  return [
    ...eager.map((match) => ({
      specifier: match[1] ?? match[2] ?? "",
      lazy: /^\s*(import|export) type\b/.test(match[0]),
    })),
    ...lazy.map((match) => ({ specifier: match[1] ?? "", lazy: true })),
  ];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}
