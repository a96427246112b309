import { asObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { StatusError } from "../../core/api/status.ts";
import { serviceAccount } from "../../core/kinds/service_account.ts";
import { parseDuration } from "../durations.ts";
import { objectPrinter, printFlags } from "../output/object_printer.ts";
import { defineVerb, UsageError, type Verb } from "../verb.ts";
import { structPrinterOptions } from "../write_flags.ts";
import { listFlag, textFlag } from "./generator.ts";

const boundKinds = ["Node", "Pod", "Secret"];

/** Asks for a token of a service account. */
export const createToken: Verb = defineVerb({
  name: "token",
  group: "Change",
  summary: "Request a token of a service account, and print it.",
  words: "[name...]",
  takesCommand: true,
  flags: {
    ...printFlags,
    audience: listFlag("Who is to accept the token; may be repeated. Default: the API server.", "name"),
    duration: {
      type: "duration",
      placeholder: "duration",
      description: "How long it is to be good, e.g. 1h. Default: as the server likes.",
    },
    "bound-object-kind": textFlag("Kind of the object with which the token ends: Node, Pod or Secret.", "kind"),
    "bound-object-name": textFlag("Name of that object.", "name"),
    "bound-object-uid": textFlag("Uid of that object. Default: the one that is there.", "uid"),
  },
  examples: [["A token for ten minutes", "wherry create token builder --duration=10m"]],
  async run({ flags, words, env }) {
    const [name, ...more] = words;
    if (name === undefined || more.length > 0)
      throw new UsageError(
        `exactly one NAME is required, got ${words.length}\nSee 'wherry create token -h' for help and examples`,
      );
    const durationMs = flags.duration === undefined ? 0 : parseDuration(flags.duration);
    if (durationMs < 0) throw new UsageError("--duration must be greater than or equal to 0");
    if (durationMs % 1000 !== 0) throw new UsageError("--duration cannot be expressed in units less than seconds");
    if (flags.audience.includes("")) throw new UsageError("--audience must not be an empty string");
    const boundObjectRef = boundObject(flags);
    const request = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: { name, namespace: await env.namespace() },
      spec: {
        audiences: flags.audience.length > 0 ? flags.audience : null,
        expirationSeconds: durationMs > 0 ? durationMs / 1000 : null,
        boundObjectRef,
      },
    };
    const client = await env.client();
    let answer: KubeObject;
    try {
      answer = await client.create(serviceAccount, asObject(request), { subresource: "token", signal: env.signal });
    } catch (error) {
      if (error instanceof StatusError) throw new UsageError(`failed to create token: ${error.message}`);
      throw error;
    }
    const token = (answer as { readonly status?: { readonly token?: string } }).status?.token;
    if (!token) throw new UsageError("failed to create token: no token in server response");
    if (flags.output || flags.template)
      await (await objectPrinter(flags, structPrinterOptions("none", env)))(answer, "created");
    else await env.terminal.write(env.terminal.outputIsTerminal ? `${token}\n` : token);
    return 0;
  },
});

function boundObject(flags: {
  readonly "bound-object-kind": string | undefined;
  readonly "bound-object-name": string | undefined;
  readonly "bound-object-uid": string | undefined;
}): JsonObject | null {
  const { "bound-object-kind": kind, "bound-object-name": name, "bound-object-uid": uid } = flags;
  if (!kind) {
    if (name) throw new UsageError("--bound-object-name can only be set if --bound-object-kind is provided");
    if (uid) throw new UsageError("--bound-object-uid can only be set if --bound-object-kind is provided");
    return null;
  }
  if (!boundKinds.includes(kind))
    throw new UsageError(`supported --bound-object-kind values are ${boundKinds.join(", ")}`);
  if (!name) throw new UsageError("--bound-object-name is required if --bound-object-kind is provided");
  return { apiVersion: "v1", kind, name, ...(uid ? { uid } : {}) };
}
