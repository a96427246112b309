#!/usr/bin/env node
// The `wherry` executable. In a checkout that was not built yet it builds first.
const { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
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
} else {
  runCompiled();
}

/**
 * Runs the bundle from code that an earlier run compiled, which takes a tenth of the time; where it may, leaves its own.
 * Only what a run uses is compiled: verbs that are used often each have their own code.
 */
function runCompiled() {
  const often = ["get", "describe", "apply", "create", "delete", "logs", "exec", "config"];
  const verb = process.argv.find((word, index) => index > 1 && often.includes(word)) ?? "other";
  const { mtimeMs, size } = statSync(bundle);
  // V8 looks at the length of the source only: the name says which one it is.
  const ofNode = `${bundle}.${process.version}-${process.arch}-`;
  const ofBundle = `${ofNode}${Math.trunc(mtimeMs)}-${size}.`;
  const path = `${ofBundle}${verb}.cache`;
  const cachedData = read(path);
  const script = new Script(readFileSync(bundle, "latin1"), { filename: bundle, cachedData });
  if (!cachedData || script.cachedDataRejected) {
    process.once("exit", () => {
      leave(path, script.createCachedData());
      removeOthers(ofNode, ofBundle);
    });
  }
  const module = { exports: {} };
  // Code that an earlier run compiled does not know how to import: this file does it for the bundle.
  const importLibrary = (path) => import(pathToFileURL(join(bundle, "..", path)).href);
  script.runInThisContext()(module.exports, require, module, bundle, join(bundle, ".."), importLibrary);
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

/** Removes what runs of earlier bundles left. */
function removeOthers(ofNode, ofBundle) {
  try {
    for (const name of readdirSync(dirname(bundle))) {
      const path = join(dirname(bundle), name);
      if (path.startsWith(ofNode) && !path.startsWith(ofBundle)) rmSync(path, { force: true });
    }
  } catch {
    // As above.
  }
}
