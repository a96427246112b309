// Reads what vitest's JSON reporter wrote.
//   results.mjs again FILE      the test files to run once more by themselves: those that failed, if they are few
//   results.mjs report FILE...  counts, and last of all, where a log's end shows it, each test that failed with its error
import { readFileSync } from "node:fs";

/** More failures than these have one cause. */
const mostFiles = 3;

const [, , what, ...paths] = process.argv;
if (what === "again") {
  const files = new Set(failuresOf(paths[0]).map(({ file }) => file));
  if (files.size <= mostFiles) for (const file of files) console.log(file);
} else {
  let passed = 0;
  let failed = 0;
  const told = [];
  for (const path of paths) {
    const again = read(`${path}.again`) && new Set(failuresOf(`${path}.again`).map(({ test }) => test));
    const failures = failuresOf(path);
    for (const { file, test, error } of failures) {
      const isUnsteady = again !== undefined && !again.has(test);
      if (!isUnsteady) failed++;
      told.push(`${isUnsteady ? "UNSTEADY (passed by itself)" : "FAILED"} ${file} > ${test}\n${error.slice(0, 2000)}`);
    }
    const { numPassedTests, success } = read(path) ?? { numPassedTests: 0, success: false };
    passed += numPassedTests;
    if (!success && failures.length === 0) failed++;
  }
  console.log(`${passed} passed, ${failed} failed`);
  for (const text of told) console.log(text);
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** A file that could not be read as tests counts as one failure. */
function failuresOf(path) {
  return (read(path)?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const file = name.replace(`${process.cwd()}/`, "");
    const tests = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && tests.length === 0) return [{ file, test: "(the file itself)", error: message }];
    return tests.map(({ fullName, failureMessages }) => ({ file, test: fullName, error: failureMessages.join("\n") }));
  });
}
