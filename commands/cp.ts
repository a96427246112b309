import { isFolder } from "../core/platform/files.ts";
import { parseFileSpec } from "./cp/file_spec.ts";
import { copyFromPod } from "./cp/from_pod.ts";
import { RemoteCommand } from "./cp/remote_command.ts";
import { copyToPod } from "./cp/to_pod.ts";
import type { CommandEnv } from "./env.ts";
import { bytesText, withProgress } from "./progress.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Copies files and folders to and from containers. */
export const cp: Verb = defineVerb({
  name: "cp",
  group: "Look inside",
  summary: "Copy files to and from a container.",
  description:
    "One of the two is [namespace/]pod:path, the other a local path. The container needs the program tar. Symbolic links are not copied out of it.",
  words: "[paths...]",
  flags: {
    container: { type: "string", short: "c", placeholder: "name", description: "Container of the pod." },
    "no-preserve": { type: "boolean", description: "Do not keep owner and permissions in the container." },
    retries: {
      type: "number",
      default: 0,
      placeholder: "n",
      description: "How often a copy from a container is resumed; below 0 without end.",
    },
  },
  examples: [
    ["A folder into a container", "wherry cp ./site web:/srv/site"],
    ["A file out of one of several", "wherry cp prod/web:/var/log/app.log app.log -c main"],
  ],
  async run({ flags, words, env }) {
    const [from, to, ...more] = words;
    if (from === undefined || to === undefined || more.length > 0)
      throw new UsageError("source and destination are required");
    const [source, destination] = [parseFileSpec(from), parseFileSpec(to)];
    if (source.pod && destination.pod) throw new UsageError("one of src or dest must be a local file specification");
    if (!source.path || !destination.path) throw new UsageError("filepath can not be empty");
    const pod = source.pod ?? destination.pod;
    if (!pod) throw new UsageError("one of src or dest must be a remote file specification");
    if (destination.pod && (await isFolder(source.path)) === undefined)
      throw new UsageError(`${source.path} doesn't exist in local filesystem`);
    const remote = await RemoteCommand.in(pod, flags.container, source.pod ? onOutput(env) : env);
    const paths = { from: source.path, to: destination.path };
    return await withProgress(env, async ({ show }) => {
      let copied = 0;
      const onBytes = (bytes: number) => {
        copied += bytes;
        show(`${paths.from}: ${bytesText(copied)} copied`);
      };
      if (source.pod) return await copyFromPod(remote, { ...flags, ...paths, onBytes }, env);
      return await copyToPod(remote, { ...paths, noPreserve: flags["no-preserve"], onBytes }, env);
    });
  },
});

/** As kubectl does: what is said of a copy out of a container stands on standard output. */
function onOutput(env: CommandEnv): CommandEnv {
  const { terminal } = env;
  return { ...env, terminal: { ...terminal, warn: (line) => void terminal.write(`${line}\n`) } };
}
