import { readJsonText } from "../core/api/json_text.ts";
import type { JsonObject } from "../core/api/meta.ts";
import { type DiscoveredResource, UnknownResourceError } from "../core/client/discovery.ts";
import { readStatusError } from "../core/client/read_status_error.ts";
import { type ApiResponse, readBody } from "../core/client/transport.ts";
import type { CommandEnv } from "./env.ts";
import { shownSafely } from "./output/tabbed.ts";
import { resourceNamed } from "./resource_args.ts";
import { defineVerb, PlainError, UsageError, type Verb } from "./verb.ts";

/** Says what the fields of objects are for, from what the server says of itself. */
export const explain: Verb = defineVerb({
  name: "explain",
  group: "See",
  summary: "Say what the fields of a kind are for.",
  words: "[type...]",
  flags: {
    recursive: { type: "boolean", short: "R", description: "The fields of fields too, without what they are for." },
    "max-depth": {
      type: "number",
      default: 0,
      placeholder: "n",
      description: "With --recursive: so many levels; 0 is all.",
    },
    "api-version": { type: "string", placeholder: "version", description: "As this group/version has it." },
    output: {
      type: "string",
      short: "o",
      default: "plaintext",
      placeholder: "format",
      description: "plaintext or plaintext-openapiv2.",
    },
  },
  examples: [["A container's ports", "wherry explain pod.spec.containers.ports"]],
  async run({ flags, words, env }) {
    const [word, ...more] = words;
    if (word === undefined) {
      throw new UsageError(
        'You must specify the type of resource to explain. Use "wherry api-resources" for a complete list of supported resources.',
      );
    }
    if (more.length > 0) throw new UsageError("We accept only this format: explain RESOURCE");
    if (flags["max-depth"] > 0 && !flags.recursive) throw new UsageError("--max-depth requires --recursive");
    if (flags["max-depth"] < 0) throw new UsageError("--max-depth must be non-negative");
    if (!["plaintext", "plaintext-openapiv2"].includes(flags.output))
      throw new UsageError(`unrecognized format: ${flags.output}`);
    const [type = "", ...rest] = word.replace(/\.$/, "").split(".");
    const { resource, path } = await resourceAndPath(type, rest, Boolean(flags["api-version"]), env);
    const [group, version] = flags["api-version"]
      ? parseVersion(flags["api-version"])
      : [resource.group, resource.version];
    if (flags.output === "plaintext-openapiv2") {
      const { explanationV2 } = await import("./explain/explanation_v2.ts");
      const response = await openDocument("/openapi/v2", env);
      const request = { group, version, kind: resource.kind, path, recursive: flags.recursive };
      await env.terminal.write(shownSafely(explanationV2(await readDocument(response), request)));
      return 0;
    }
    const document = await versionDocument(group, version, resource, env);
    const { explanation } = await import("./explain/explanation.ts");
    const { head, body } = explanation(document, {
      group,
      version,
      plural: resource.plural,
      path,
      recursive: flags.recursive,
      maxDepth: flags["max-depth"],
    });
    await env.terminal.write(shownSafely(head + (body ?? "")));
    if (body === undefined) throw new UsageError(`field "${path.at(-1)}" does not exist`);
    return 0;
  },
});

/** `deployments.apps.spec` names a group, `pod.spec` a field: the longest name of a resource counts. */
async function resourceAndPath(
  type: string,
  rest: readonly string[],
  plain: boolean,
  env: CommandEnv,
): Promise<{ readonly resource: DiscoveredResource; readonly path: readonly string[] }> {
  const client = await env.client();
  if (!plain && rest.length > 0) {
    for (let length = rest.length; length > 0; length--) {
      const name = [type, ...rest.slice(0, length)].join(".");
      const resource = await resourceNamed(client, name).catch(() => undefined);
      if (resource) return { resource, path: rest.slice(length) };
    }
  }
  try {
    return { resource: await resourceNamed(client, type), path: rest };
  } catch (error) {
    throw error instanceof UnknownResourceError ? new PlainError(error.message) : error;
  }
}

function parseVersion(text: string): readonly [group: string, version: string] {
  const [first = "", second, ...more] = text.split("/");
  if (more.length > 0) throw new UsageError(`unexpected GroupVersion string: ${text}`);
  return second === undefined ? ["", first] : [first, second];
}

async function versionDocument(
  group: string,
  version: string,
  { plural }: DiscoveredResource,
  env: CommandEnv,
): Promise<JsonObject> {
  const response = await openDocument(
    group ? `/openapi/v3/apis/${group}/${version}` : `/openapi/v3/api/${version}`,
    env,
  );
  if (response.status === 404) {
    throw new UsageError(
      `couldn't find resource for "${group ? `${group}/` : "/"}${version}, Resource=${plural}"`.replace('"//', '"/'),
    );
  }
  return await readDocument(response);
}

async function openDocument(path: string, env: CommandEnv): Promise<ApiResponse> {
  const client = await env.client();
  return await client.raw({ method: "GET", path, headers: { accept: "application/json" } }, { signal: env.signal });
}

async function readDocument(response: ApiResponse): Promise<JsonObject> {
  if (response.status !== 200) throw await readStatusError(response, 1024 * 1024);
  return readJsonText(new TextDecoder().decode(await readBody(response.body, 64 * 1024 * 1024))) as JsonObject;
}
