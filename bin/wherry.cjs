#!/usr/bin/env node
// The `wherry` executable. In a checkout that was not built yet it builds first.
const { existsSync, readFileSync, renameSync, statSync, writeFileSync } = require("node:fs");
const { createRequire, enableCompileCache } = require("node:module");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { Script } = require("node:vm");

const bundle = join(__dirname, "..", "dist", "wherry.cjs");
if (!existsSync(bundle)) {
  require("node:child_process").execFileSync(process.execPath, [join(__dirname, "..", "tools", "build.mjs")], {
    stdio: "inherit",
  });
}
if (process.argv[2] === "node") {
  // It runs for months on every machine: its code alone, without that of a hundred other verbs.
  void import(pathToFileURL(join(__dirname, "..", "dist", "lib", "node_daemon", "cli.js")).href);
} else if (enableCompileCache) {
  // Node 22 and later keep the compiled code between runs.
  enableCompileCache();
  require(bundle);
} else {
  runCompiled();
}

/** Runs the bundle from code that an earlier run compiled, which takes a tenth of the time; where it may, leaves its own. */
function runCompiled() {
  const { mtimeMs, size } = statSync(bundle);
  // V8 looks at the length of the source only: the name says which one it is.
  const path = `${bundle}.${process.version}-${process.arch}-${Math.trunc(mtimeMs)}-${size}.cache`;
  const cachedData = read(path);
  // Code that an earlier run compiled does not know how to import: this file does it for the bundle.
  const source = readFileSync(bundle, "latin1").replaceAll('import("./lib/', 'importLibrary("./lib/');
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname, importLibrary) {${source}\n})`,
    { filename: bundle, cachedData },
  );
  if (!cachedData || script.cachedDataRejected) process.once("exit", () => leave(path, script.createCachedData()));
  const module = { exports: {} };
  const importLibrary = (path) => import(pathToFileURL(join(bundle, "..", path)).href);
  script.runInThisContext()(module.exports, createRequire(bundle), module, bundle, join(bundle, ".."), importLibrary);
}

function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function leave(path, data) {
  try {
    writeFileSync(`${path}.${process.pid}`, data, { mode: 0o644 });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // The folder belongs to somebody else: the next run compiles too.
  }
}
