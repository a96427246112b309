import { ConnectionError } from "../core/client/connection_error.ts";
import { readBody } from "../core/client/transport.ts";
import { kubernetesVersion } from "../core/version.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Prints the versions of this program and of the server. */
export const versionVerb: Verb = defineVerb({
  name: "version",
  group: "Settings",
  summary: "Show the versions of this program and of the server.",
  flags: { client: { type: "boolean", description: "Do not ask the server." } },
  async run({ flags, env }) {
    const { major, minor, patch } = kubernetesVersion;
    await env.terminal.write(`Client Version: v${env.version} (Kubernetes v${major}.${minor}.${patch})\n`);
    if (flags.client) return 0;
    try {
      const client = await env.client();
      const { body } = await client.raw(
        { method: "GET", path: "/version", headers: { accept: "application/json" } },
        { signal: env.signal },
      );
      const { gitVersion } = JSON.parse(new TextDecoder().decode(await readBody(body, 65_536))) as {
        readonly gitVersion?: string;
      };
      await env.terminal.write(`Server Version: ${gitVersion}\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      env.terminal.warn(error.message);
      return 1;
    }
  },
});
