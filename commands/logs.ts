import type { Client } from "../core/client/client.ts";
import { logs as podLogs } from "../core/client/logs.ts";
import { type Pod, pod } from "../core/kinds/pod.ts";
import { parseDuration } from "./durations.ts";
import type { CommandEnv } from "./env.ts";
import { podOf } from "./pods.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Prints what containers wrote. */
export const logs: Verb = defineVerb({
  name: "logs",
  group: "Look inside",
  summary: "Print what containers wrote.",
  words: "[pod] [container]",
  flags: {
    container: { type: "string", short: "c", placeholder: "name", description: "Container of the pod." },
    "all-containers": { type: "boolean", description: "All containers of the pods." },
    follow: { type: "boolean", short: "f", description: "Go on until the container ends." },
    previous: { type: "boolean", short: "p", description: "Of the container's run before this one." },
    timestamps: { type: "boolean", description: "Begin each line with its time." },
    tail: { type: "number", placeholder: "lines", description: "Only the last lines; default all, 10 with -l." },
    since: { type: "string", placeholder: "duration", description: "Only what is not older, e.g. 5m." },
    "since-time": {
      type: "string",
      placeholder: "time",
      description: "Only what is not older than this RFC 3339 time.",
    },
    "limit-bytes": { type: "number", placeholder: "n", description: "Bytes at most." },
    selector: { type: "string", short: "l", placeholder: "labels", description: "Of all pods with these labels." },
    prefix: { type: "boolean", description: "Begin each line with its pod and container." },
  },
  examples: [
    ["Follow a pod", "wherry logs -f web-5d9c7b9f4-x2x7k"],
    ["One of a deployment's pods", "wherry logs deploy/web"],
  ],
  async run({ flags, words, env }) {
    const client = await env.client();
    const [target, container = flags.container] = words;
    if ((target === undefined) === (flags.selector === undefined))
      throw new UsageError("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]' or a selector");
    const pods =
      flags.selector === undefined
        ? [await podOf(client, target ?? "", env, { tell: true })]
        : await selected(client, flags.selector, env);
    const options = {
      follow: flags.follow,
      previous: flags.previous,
      timestamps: flags.timestamps,
      tailLines: flags.tail ?? (flags.selector === undefined ? undefined : 10),
      sinceSeconds: flags.since === undefined ? undefined : Math.max(1, Math.ceil(parseDuration(flags.since) / 1000)),
      sinceTime: flags["since-time"],
      limitBytes: flags["limit-bytes"],
      signal: env.signal,
    };
    const sources = pods.flatMap((one) =>
      containersOf(one, container, flags["all-containers"], env).map((name) => ({ one, name })),
    );
    if (flags.selector !== undefined && sources.length === 0)
      env.terminal.warn(`No resources found in ${await env.namespace()} namespace.`);
    const print = async ({ one, name }: (typeof sources)[number]) => {
      const { namespace, name: podName = "" } = one.metadata;
      const prefix = flags.prefix ? `[pod/${podName}/${name}] ` : "";
      for await (const chunk of podLogs(client, { namespace, name: podName }, { ...options, container: name })) {
        await env.terminal.write(prefix ? prefixed(chunk, prefix) : chunk);
      }
    };
    if (flags.follow) await Promise.all(sources.map(print));
    else for (const source of sources) await print(source);
    return 0;
  },
});

async function selected(client: Client, labelSelector: string, env: CommandEnv): Promise<readonly Pod[]> {
  return (await client.list(pod, { namespace: await env.namespace(), labelSelector, signal: env.signal })).items;
}

/** Annotation that names the container people mean when they name none. */
const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container";

function containersOf(
  { spec, metadata }: Pod,
  wanted: string | undefined,
  all: boolean,
  env: CommandEnv,
): readonly string[] {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  if (all) return names;
  if (wanted !== undefined) return [wanted];
  const preset = metadata.annotations?.[defaultContainerAnnotation];
  if (preset !== undefined && names.includes(preset)) return [preset];
  const [first] = spec.containers;
  if (spec.containers.length > 1) env.terminal.warn(`Defaulted container "${first?.name}" out of: ${names.join(", ")}`);
  return first ? [first.name] : [];
}

function prefixed(chunk: Uint8Array, prefix: string): string {
  const text = new TextDecoder().decode(chunk);
  const lines = text.endsWith("\n") ? text.slice(0, -1) : text;
  return `${lines.replace(/^/gm, prefix)}\n`;
}
