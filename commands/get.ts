import type { KubeObject } from "../core/api/meta.ts";
import { readStatusError } from "../core/client/read_status_error.ts";
import type { CommandEnv } from "./env.ts";
import { getFlags } from "./get/flags.ts";
import type { GetFlags } from "./get/requests.ts";
import { namesManifests } from "./manifests.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Prints objects, as a table that the server makes or whole. */
export const get: Verb = defineVerb({
  name: "get",
  group: "See",
  summary: "Show one or many objects.",
  words: "[type] [names...]",
  flags: getFlags,
  examples: [
    ["Pods with their nodes and addresses", "wherry get pods -o wide"],
    ["Follow a deployment", "wherry get deploy web -w"],
    ["What a script needs of one", "wherry get pod web -o jsonpath='{.status.podIP}'"],
    ["Everything in the namespace, custom resources too", "wherry get everything"],
    ["The values of a secret", "wherry get secret password --decode"],
  ],
  async run({ flags, words, env }) {
    if (flags.raw !== undefined) {
      await printRaw(flags.raw, words, flags, env);
      return 0;
    }
    const watches = flags.watch || flags["watch-only"];
    checkFlags(flags, watches);
    if (words.length === 0 && !namesManifests(flags)) throw missingType(env);
    if (watches && flags["sort-by"]) {
      env.terminal.warn(
        flags.watch
          ? "warning: --watch requested, --sort-by will be ignored for watch events received"
          : "warning: --watch-only requested, --sort-by will be ignored",
      );
    }
    const [{ planRequests }, { getFormat }] = await Promise.all([
      import("./get/requests.ts"),
      import("./get/objects.ts"),
    ]);
    const format = flags.decode ? await decoded() : await getFormat(flags);
    const requests =
      words.length === 1 && words[0] === "everything"
        ? await (await import("./get/everything.ts")).planEverything(flags, env)
        : await planRequests(words, flags, env);
    if (watches) await (await import("./get/watch.ts")).watchObjects(requests, format, flags, env);
    else if (format) await (await import("./get/objects.ts")).printObjects(requests, format, flags, env);
    else await (await import("./get/tables.ts")).printTables(requests, flags, env);
    return 0;
  },
});

async function decoded(): Promise<{ print(object: KubeObject): string }> {
  return (await import("./get/decode.ts")).secretFormat;
}

/** @see k8s.io/kubectl/pkg/cmd/get/get.go Validate */
function checkFlags(flags: GetFlags, watches: boolean): void {
  const { output = "" } = flags;
  if (flags["show-labels"] && output !== "" && output !== "wide")
    throw new UsageError(`--show-labels option cannot be used with ${output} printer`);
  if (!["auto", "always", "never"].includes(flags.color ?? "auto"))
    throw new UsageError(`--color is always, never or auto, not ${JSON.stringify(flags.color)}`);
  if (flags["output-watch-events"] && !watches)
    throw new UsageError("--output-watch-events option can only be used with --watch or --watch-only");
}

function missingType({ terminal }: CommandEnv): UsageError {
  terminal.warn(
    'You must specify the type of resource to get. Use "wherry api-resources" for a complete list of supported resources.\n',
  );
  return new UsageError(
    "Required resource not specified.\nUse \"wherry explain <resource>\" for a detailed description of that resource (e.g. wherry explain pods).\nSee 'wherry get -h' for help and examples",
  );
}

async function printRaw(path: string, words: readonly string[], flags: GetFlags, env: CommandEnv): Promise<void> {
  if (words.length > 0) throw new UsageError("arguments may not be passed when --raw is specified");
  if (flags.watch || flags["watch-only"] || flags.selector) {
    throw new UsageError(
      "--raw may not be specified with other flags that filter the server request or alter the output",
    );
  }
  if (flags.output) throw new UsageError("--raw and --output are mutually exclusive");
  if (!path.startsWith("/") && !/^https?:\/\//.test(path))
    throw new UsageError(`--raw must be a valid URL path: parse ${JSON.stringify(path)}: invalid URI for request`);
  const client = await env.client();
  const url = path.startsWith("/") ? path : `${new URL(path).pathname}${new URL(path).search}`;
  const response = await client.raw({ method: "GET", path: url, headers: {} }, { signal: env.signal });
  if (response.status < 200 || response.status > 299) throw await readStatusError(response, 1024 * 1024);
  if (response.body instanceof Uint8Array) await env.terminal.write(response.body);
  else for await (const chunk of response.body) await env.terminal.write(chunk);
}
