import { joinPath, resolvePath } from "../core/platform/files.ts";
import { stateDirectory } from "../core/platform/process.ts";
import { alignColumns } from "./output/columns.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

const dataDir = {
  type: "string",
  placeholder: "path",
  description: "Data folder of the master; default that of `wherry master`.",
} as const;

/** What the words of a verb name. @throws UsageError when there are more or fewer */
function onePath(words: readonly string[], what: string): string {
  const [path, more] = words;
  if (path === undefined) throw new UsageError(`${what} is missing`);
  if (more !== undefined) throw new UsageError(`unexpected argument ${more}`);
  return resolvePath(path);
}

const verify: Verb = defineVerb({
  name: "verify",
  group: "Daemons",
  summary: "Read all of a store, or of a snapshot, and hold it against its checksums.",
  description:
    "Changes nothing; the master may be running. What is damaged is named with its offset; the exit code is 1.",
  words: "[path]",
  flags: { "data-dir": dataDir },
  examples: [
    ["A master's store", "wherry store verify --data-dir /var/lib/wherry/master"],
    ["A snapshot", "wherry store verify monday.snapshot"],
  ],
  async run({ flags, words, env }) {
    const path = words.length > 0 ? onePath(words, "path") : resolvePath(flags["data-dir"] ?? stateDirectory("master"));
    const { readStore } = await import("../master_daemon/store/backup.ts");
    const { items, revision, oldest, unfinishedBytes, path: found } = await readStore(path);
    const counts = new Map<string, number>();
    let bytes = 0;
    for (const { key, value } of items) {
      const resource = /^\/registry\/([^/]+\/[^/]+)\//.exec(key)?.[1] ?? key;
      counts.set(resource, (counts.get(resource) ?? 0) + 1);
      bytes += value.length;
    }
    const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([resource, count]) => [resource, String(count)]);
    await env.terminal.write(
      [
        `${found}: whole`,
        `revision ${revision}; watches resume after ${oldest}; ${items.length} objects, ${bytes} bytes`,
        ...(unfinishedBytes > 0 ? [`${unfinishedBytes} bytes at the end are of a write that was never answered`] : []),
        ...alignColumns([["RESOURCE", "OBJECTS"], ...rows]),
        "",
      ].join("\n"),
    );
    return 0;
  },
});

const snapshot: Verb = defineVerb({
  name: "snapshot",
  group: "Daemons",
  summary: "Put everything that a store holds now into one file.",
  description: "The master may be running: what was answered before is in the file. Certificates and keys are not.",
  words: "<file>",
  flags: { "data-dir": dataDir },
  examples: [["A backup by the day", "wherry store snapshot --data-dir /var/lib/wherry/master monday.snapshot"]],
  async run({ flags, words, env }) {
    const file = onePath(words, "file");
    const { exportStore } = await import("../master_daemon/store/backup.ts");
    const { items, revision } = await exportStore(resolvePath(flags["data-dir"] ?? stateDirectory("master")), file);
    await env.terminal.write(`${items.length} objects at revision ${revision} are in ${file}\n`);
    return 0;
  },
});

const restore: Verb = defineVerb({
  name: "restore",
  group: "Daemons",
  summary: "Make a store out of a file of `wherry store snapshot`, in a folder that has none.",
  description:
    "The revision is raised, so that no resourceVersion that was given out after the snapshot comes again with other contents; watches of before begin anew.",
  words: "<file>",
  flags: {
    "data-dir": dataDir,
    "bump-revision": {
      type: "number",
      default: 1_000_000_000,
      placeholder: "n",
      description: "What is added to the snapshot's revision.",
    },
  },
  examples: [["Into a new folder", "wherry store restore monday.snapshot --data-dir /var/lib/wherry/master"]],
  async run({ flags, words, env }) {
    const file = onePath(words, "file");
    const folder = joinPath(resolvePath(flags["data-dir"] ?? stateDirectory("master")), "store");
    const { restoreStore } = await import("../master_daemon/store/backup.ts");
    const { items, revision } = await restoreStore(file, folder, { bump: flags["bump-revision"] });
    await env.terminal.write(`${items.length} objects are in ${folder}, at revision ${revision}\n`);
    return 0;
  },
});

/** Looks after the files in which a master keeps everything. */
export const store: Verb = defineVerb({
  name: "store",
  group: "Daemons",
  summary: "Verify, save and restore a master's store.",
  flags: {},
  verbs: [verify, snapshot, restore],
});
