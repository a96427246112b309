// Builds dist/: the command line as one CommonJS file that starts fast, the library and the daemons as ES modules that
// it loads when they are needed, and the schema of the API. Does nothing that is already up to date.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, promises, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { generateSchema } from "./gen_schema.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const sources = [
  "cli.ts",
  "mod.ts",
  "bench",
  "cluster",
  "commands",
  "core",
  "master_daemon",
  "node_daemon",
  "npm",
  "tools",
  "package.json",
];
/** Bundled CommonJS asks for Node's own modules by it. */
const requireOfModules =
  'import { createRequire as createRequireOf } from "node:module";\nconst require = createRequireOf(import.meta.url);';
const stamp = join(dist, ".built");
/** The same code as ES modules, of which only what is used is bundled. */
const readsFast = {
  sucrase: join(root, "node_modules", "sucrase", "dist", "esm", "index.js"),
  yaml: join(root, "node_modules", "yaml", "browser", "dist", "index.js"),
};

// What is built is as new as the sources were before: one that changes meanwhile is built the next time.
const newestSource = String(newest(sources.map((name) => join(root, name))));
if (process.argv.includes("--force") || newestSource !== textOf(stamp)) {
  rmSync(stamp, { force: true });
  await buildAll();
  writeFileSync(stamp, newestSource);
}

async function buildAll() {
  mkdirSync(dist, { recursive: true });
  const schema = join(dist, "k8s-schema.json.gz");
  if (modified(join(root, "tools", "gen_schema.mjs")) > modified(schema)) await generateSchema(schema);

  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20.18",
    logLevel: "warning",
    logOverride: { "empty-import-meta": "silent" },
    legalComments: "none",
    define: { WHERRY_GIT_COMMIT: JSON.stringify(gitCommit()) },
  };
  const entries = new Set();
  rmSync(join(dist, "lib"), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: ["cli.ts"],
    outfile: "dist/wherry.cjs",
    format: "cjs",
    minify: true,
    keepNames: true,
    alias: readsFast,
    // Only daemons speak through it.
    external: ["undici"],
    // bin/wherry.cjs calls it: as it stands it needs no copy.
    banner: { js: "(function (exports, require, module, __filename, __dirname, importLibrary) {" },
    footer: { js: "})" },
    plugins: [loadServersLazily(entries), loadPromisesLazily()],
  });
  const library = {
    ...common,
    outdir: "dist/lib",
    format: "esm",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    external: ["dockerode", "undici", "ws"],
    alias: readsFast,
  };
  const ofKinds = [...entries].filter((path) => path.startsWith("core/kinds/"));
  const most = ["mod.ts", "cluster/start_cluster.ts", "master_daemon/main.ts", ...ofKinds];
  // The stand-ins of JSR packages are ours and not on npm: they are bundled.
  await build({ ...library, entryPoints: namedByPath(most), plugins: [bundleWorkspaces(), keepTogether()] });
  const small = [...entries].filter((path) => !most.includes(path));
  await build({ ...library, entryPoints: namedByPath(small), plugins: [bundleWorkspaces()] });
  // The node daemon is to be small: its code, and what it needs of others'.
  await build({
    ...library,
    entryPoints: { "node_daemon/cli": "cli.ts" },
    minify: true,
    keepNames: true,
    external: [],
    banner: { js: requireOfModules },
    plugins: [bundleWorkspaces(), takeOnlyThePool(), takeOnlyTheEngine(), takeOnlyTheVerb("node")],
  });
  await build({ ...library, entryPoints: namedByPath(benches()), plugins: [bundleWorkspaces(), useLibrary()] });
  for (const path of [join(dist, "wherry.cjs"), ...filesIn(join(dist, "lib"))]) keepInOneByte(path);
  importByHand(join(dist, "wherry.cjs"));
}

/** Node holds a source in one byte for each character, unless there is one that needs two: esbuild leaves those in regular expressions. */
function keepInOneByte(path) {
  const text = readFileSync(path, "utf8");
  const ascii = text.replace(/[^\0-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (ascii !== text) writeFileSync(path, ascii);
}

/** Code that is kept compiled cannot import by itself: bin/wherry.cjs gives it a function for what lies in the library. */
function importByHand(path) {
  const text = readFileSync(path, "latin1").replaceAll('import("./lib/', 'importLibrary("./lib/');
  const [left] = text.match(/(?<![\w$.])import\("[^"]*"/) ?? [];
  if (left) throw new Error(`${left}) in ${path} would fail: import it at the top, or from the library`);
  writeFileSync(path, text, "latin1");
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The commit of these sources; empty when they are no checkout (one that they happen to lie in does not count). */
function gitCommit() {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(root) },
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}

/**
 * Turns the command line's imports of daemons into run-time imports of the library build, and of what kinds load when a
 * server needs it (the checks of custom resource definitions bring two libraries along), and of what imports users'
 * scripts; notes which ones there are.
 */
function loadServersLazily(entries) {
  const take = (path, resolveDir) => {
    const entry = relative(root, join(resolveDir, path)).split(sep).join("/");
    entries.add(entry);
    return { path: `./lib/${entry.replace(/\.ts$/, ".js")}`, external: true };
  };
  return {
    name: "load-servers-lazily",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\// }, ({ path, resolveDir, kind }) =>
        kind === "dynamic-import" && resolveDir === join(root, "core", "kinds") ? take(path, resolveDir) : undefined,
      );
      // Code that is kept compiled cannot import what lies elsewhere: what imports users' scripts is loaded as a module.
      onResolve({ filter: /\/core\/platform\/import_script\.ts$/ }, ({ path, resolveDir }) => {
        entries.add("core/platform/script_hooks.ts");
        return take(path, resolveDir);
      });
      onResolve({ filter: /\/(master_daemon|node_daemon|cluster)\// }, ({ path, resolveDir, kind }) => {
        if (kind !== "dynamic-import") return { errors: [{ text: `commands may load ${path} only with import()` }] };
        return take(path, resolveDir);
      });
    },
  };
}

/** Node's file system by promises takes longer to load than most verbs take to run: it is loaded with its first use. */
function loadPromisesLazily() {
  const functions = Object.keys(promises).filter((name) => typeof promises[name] === "function");
  const wrappers = functions.map((name) => `export const ${name} = (...args) => promises.${name}(...args);`);
  const contents = ['import { promises } from "node:fs";', ...wrappers].join("\n");
  return {
    name: "load-promises-lazily",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:fs\/promises$/ }, ({ path }) => ({ path, namespace: "lazy", sideEffects: false }));
      onLoad({ filter: /.*/, namespace: "lazy" }, () => ({ contents }));
    },
  };
}

/** Of undici's many parts the pool alone: less to hold in memory. */
function takeOnlyThePool() {
  return {
    name: "take-only-the-pool",
    setup({ onResolve }) {
      onResolve({ filter: /^undici$/ }, () => ({ path: join(root, "tools", "undici_pool.mjs") }));
    },
  };
}

/** Of dockerode's ways to an engine, those that are taken: sockets; not SSH, nor the sessions of builds. */
function takeOnlyTheEngine() {
  return {
    name: "take-only-the-engine",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs)$/ }, ({ path }) => ({
        path,
        namespace: "left",
      }));
      onLoad({ filter: /.*/, namespace: "left" }, () => ({ contents: "module.exports = {};" }));
    },
  };
}

/** A program of one verb. */
function takeOnlyTheVerb(name) {
  return {
    name: "take-only-the-verb",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\// }, ({ path, importer }) =>
        importer === join(root, "commands", "mod.ts") && path !== `./${name}.ts` && path !== "./verb.ts"
          ? { path, external: true }
          : undefined,
      );
    },
  };
}

/**
 * What these programs need at once goes into one file, what they may load later into files beside it. Left alone, esbuild
 * makes a file for each set of entries that share a module: sixty, which take Node longer to find than to read. So every
 * entry, and every module that is loaded later, imports the library as well.
 */
function keepTogether() {
  const outside = new Set();
  return {
    name: "keep-together",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\.ts$/ }, ({ path, resolveDir, kind }) => {
        if (kind !== "import-statement") outside.add(join(resolveDir, path));
      });
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!outside.has(path)) return undefined;
        return {
          contents: `${readFileSync(path, "utf8")}\nimport ${JSON.stringify(join(root, "mod.ts"))};`,
          loader: "ts",
        };
      });
    },
  };
}

/** Benchmarks measure the library that users get: no copy of it. */
function useLibrary() {
  return {
    name: "use-library",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.\/mod\.ts$/ }, () => ({ path: "../mod.js", external: true }));
    },
  };
}

function bundleWorkspaces() {
  const folders = new Map([
    ["@cliffy/command", "npm/cliffy-command/mod.ts"],
    ["@std/cli", "npm/std-cli/mod.ts"],
    ["@std/yaml", "npm/std-yaml/mod.ts"],
  ]);
  return {
    name: "bundle-workspaces",
    setup({ onResolve }) {
      onResolve({ filter: /^@(cliffy|std)\// }, ({ path }) => {
        const file = folders.get(path);
        return file ? { path: join(root, file) } : undefined;
      });
    },
  };
}

/** Entry points that keep their places. */
function namedByPath(paths) {
  return Object.fromEntries(paths.map((path) => [path.replace(/\.ts$/, ""), path]));
}

function benches() {
  if (!existsSync(join(root, "bench"))) return [];
  return readdirSync(join(root, "bench"))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `bench/${name}`);
}

function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    if (statSync(path).isDirectory()) {
      latest = Math.max(
        latest,
        newest(
          readdirSync(path)
            .filter((name) => name !== "node_modules")
            .map((name) => join(path, name)),
        ),
      );
    } else {
      latest = Math.max(latest, modified(path));
    }
  }
  return latest;
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}
