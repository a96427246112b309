import { jsonText, readJsonText } from "../core/api/json_text.ts";
import type { Json } from "../core/api/meta.ts";
import { formatYaml } from "../core/api/yaml_writer.ts";
import { ConnectionError } from "../core/client/connection_error.ts";
import { readBody } from "../core/client/transport.ts";
import { gitCommit, gitVersion, kubernetesVersion } from "../core/version.ts";
import type { CommandEnv } from "./env.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";

/** Prints the versions of this program and of the server. */
export const versionVerb: Verb = defineVerb({
  name: "version",
  group: "Settings",
  summary: "Show the versions of this program and of the server.",
  words: "[args...]",
  flags: {
    client: { type: "boolean", description: "Do not ask the server." },
    output: { type: "string", short: "o", placeholder: "format", description: "json or yaml." },
  },
  examples: [
    ["This program's alone", "wherry version --client"],
    ["Both, for a script", "wherry version -o json"],
  ],
  async run({ flags, words, env }) {
    if (words.length > 0) throw new UsageError(`extra arguments: [${words.join(" ")}]`);
    const { output = "" } = flags;
    if (!["", "json", "yaml"].includes(output)) throw new UsageError("--output must be 'yaml' or 'json'");
    let server: Json | undefined;
    let failure: unknown;
    if (!flags.client) {
      try {
        server = await serverVersion(env);
      } catch (error) {
        failure = error;
      }
    }
    const { major, minor, patch } = kubernetesVersion;
    if (output === "") {
      await env.terminal.write(`Client Version: v${env.version} (Kubernetes v${major}.${minor}.${patch})\n`);
      if (server !== undefined)
        await env.terminal.write(`Server Version: ${(server as { readonly gitVersion?: string }).gitVersion}\n`);
    } else {
      const versions = {
        clientVersion: {
          major: String(major),
          minor: String(minor),
          gitVersion,
          gitCommit,
        },
        ...(server === undefined ? {} : { serverVersion: server }),
      };
      await env.terminal.write(`${output === "json" ? jsonText(versions, 2) : formatYaml(versions)}\n`);
    }
    if (failure === undefined) return 0;
    if (!(failure instanceof ConnectionError)) throw failure;
    env.terminal.warn(failure.message);
    return 1;
  },
});

/** What the server says of its version. @throws ConnectionError, StatusError */
export async function serverVersion(env: CommandEnv): Promise<Json> {
  const client = await env.client();
  const { body } = await client.raw(
    { method: "GET", path: "/version", headers: { accept: "application/json" } },
    { signal: env.signal },
  );
  return readJsonText(new TextDecoder().decode(await readBody(body, 65_536)));
}
