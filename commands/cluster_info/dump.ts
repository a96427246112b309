import { apiVersionOf } from "../../core/api/kind.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import { logs } from "../../core/client/logs.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { appendToFile, joinPath } from "../../core/platform/files.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { CommandEnv } from "../env.ts";
import { formatOf, objectFormats, printFlags, unknownFormat } from "../output/object_printer.ts";
import { allContainers } from "../pods.ts";
import { resourceNamed } from "../resource_args.ts";
import { podRunningTimeoutFlag } from "../streams/running_timeout.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";

/** Takes the text of one part of what is dumped. `name` is the path of its file, without its ending. */
type Write = (name: string, ending: string, text: string | Uint8Array) => Promise<void>;

/** What is dumped of each namespace, by resource, and what its file is called. */
const parts: readonly (readonly [resource: string, file: string])[] = [
  ["events", "events"],
  ["replicationcontrollers", "replication-controllers"],
  ["services", "services"],
  ["daemonsets", "daemonsets"],
  ["deployments", "deployments"],
  ["replicasets", "replicasets"],
  ["pods", "pods"],
];

/** Prints the state of a cluster, or writes it into files, for those who look for what is wrong. @see k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo_dump.go */
export const dump: Verb = defineVerb({
  name: "dump",
  group: "See",
  summary: "Print the objects and logs that tell what is wrong with a cluster.",
  description: "Of the nodes, and of kube-system and the present namespace unless others are named.",
  words: "[words...]",
  flags: {
    ...printFlags,
    output: { ...printFlags.output, default: "json" },
    "output-directory": {
      type: "string",
      placeholder: "path",
      description: "Write files below this folder; - prints all.",
    },
    namespaces: { type: "list", placeholder: "names", description: "Of these namespaces." },
    "all-namespaces": { type: "boolean", short: "A", description: "Of all namespaces." },
    ...podRunningTimeoutFlag("20s"),
  },
  examples: [["All namespaces, a file for each kind", "wherry cluster-info dump -A --output-directory=state"]],
  async run({ flags, env }) {
    const { output, "output-directory": folder = "" } = flags;
    const format = await formatOf(flags);
    if (!format) throw unknownFormat(output, objectFormats);
    const toFiles = folder !== "" && folder !== "-";
    const write = toFiles
      ? intoFiles(folder)
      : async (_name: string, _ending: string, text: string | Uint8Array) => await env.terminal.write(text);
    const ending = output === "json" || output === "yaml" ? `.${output}` : ".txt";
    const print = async (
      resource: string,
      namespace: string | undefined,
      file: string,
    ): Promise<readonly KubeObject[]> => {
      const list = await typedList(resource, namespace, env);
      if (output === "name") throw new UsageError(`list types are not supported by name printing: *v1.${list.kind}`);
      await write(file, ending, format.print(list));
      return list.items;
    };
    await print("nodes", undefined, "nodes");
    for (const namespace of await namespacesOf(flags, env)) {
      let pods: readonly KubeObject[] = [];
      for (const [resource, file] of parts)
        pods = await print(resource, namespace, joinPath(fileName(namespace), file));
      for (const pod of pods) await writeLogs(pod as Pod, write, env);
    }
    if (toFiles) await env.terminal.write(`Cluster info dumped to ${folder}\n`);
    return 0;
  },
});

async function namespacesOf(
  flags: { readonly namespaces: readonly string[]; readonly "all-namespaces": boolean },
  env: CommandEnv,
): Promise<readonly string[]> {
  if (flags["all-namespaces"])
    return (await typedList("namespaces", undefined, env)).items.map(({ metadata }) => metadata.name ?? "");
  const named = flags.namespaces.flatMap((text) => text.split(","));
  return named.length > 0 ? named : ["kube-system", await env.namespace()];
}

/** A list that says of itself and of each object what it is. */
async function typedList(
  word: string,
  namespace: string | undefined,
  env: CommandEnv,
): Promise<KubeObject & { readonly items: readonly KubeObject[] }> {
  const client = await env.client();
  const resource = await resourceNamed(client, word);
  const { metadata, items } = await client.list(resource, { namespace, signal: env.signal });
  const apiVersion = apiVersionOf(resource);
  const { kind } = resource;
  return {
    apiVersion,
    kind: `${kind}List`,
    metadata: metadata as KubeObject["metadata"],
    items: items.map((item) => ({ ...item, apiVersion, kind })),
  };
}

async function writeLogs(pod: Pod, write: Write, env: CommandEnv): Promise<void> {
  const { namespace = "", name = "" } = pod.metadata;
  const client = await env.client();
  const add = (text: string | Uint8Array) => write(joinPath(fileName(namespace), fileName(name), "logs"), ".txt", text);
  for (const { name: container } of allContainers(pod)) {
    const title = `logs for container ${container} of pod ${namespace}/${name} ====\n`;
    await add(`==== START ${title}`);
    try {
      for await (const chunk of logs(client, { namespace, name }, { container, signal: env.signal })) await add(chunk);
    } catch (error) {
      await add(`Request log error: ${errorMessage(error)}\n`);
    }
    env.signal.throwIfAborted();
    await add(`==== END ${title}`);
  }
}

/** Writes files below a folder, each anew. */
function intoFiles(folder: string): Write {
  const begun = new Set<string>();
  return async (name, ending, text) => {
    const path = joinPath(folder, `${name}${ending}`);
    await appendToFile(path, text, { anew: !begun.has(path) });
    begun.add(path);
  };
}

/** A name as part of a path. @throws UsageError for one that leads elsewhere: it came from a server */
function fileName(name: string): string {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) throw new UsageError(`${JSON.stringify(name)} is no name of an object`);
  return name;
}
