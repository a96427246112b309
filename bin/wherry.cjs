#!/usr/bin/env node
// The `wherry` executable. In a checkout that was not built yet it builds first.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const bundle = join(__dirname, "..", "dist", "wherry.cjs");
if (!existsSync(bundle)) {
  require("node:child_process").execFileSync(process.execPath, [join(__dirname, "..", "tools", "build.mjs")], {
    stdio: "inherit",
  });
}
// Node 22 and later keep the compiled code between runs.
require("node:module").enableCompileCache?.();
require(bundle);
