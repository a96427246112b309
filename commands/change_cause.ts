import type { ResourceType } from "../core/api/kind.ts";
import type { JsonObject, KubeObject, StringMap } from "../core/api/meta.ts";
import { keyOf } from "../core/api/meta.ts";
import type { Client, Patch, WriteCallOptions } from "../core/client/client.ts";
import type { FlagOf } from "../core/flags/flag.ts";
import type { ParsedArguments } from "./arguments.ts";

/** Annotation with the command line that changed an object; `rollout history` shows it. */
export const changeCauseAnnotation = "kubernetes.io/change-cause";

/** `--record`, which kubectl has deprecated for years and many a manual still names. */
export const recordFlag: { readonly record: FlagOf<"boolean"> } = {
  record: {
    type: "boolean",
    hidden: true,
    description: "Deprecated: note this command line as the cause of the change.",
  },
};

/** What kubectl says whenever the flag is there. */
export const recordDeprecation = "Flag --record has been deprecated, --record will be removed in the future";

const secretFlags: ReadonlySet<string> = new Set(["token", "password"]);

/** The command line as it is noted; undefined where that is not wanted. @see k8s.io/kubectl/pkg/cmd/util ParseCommandArguments */
export function changeCauseOf({ path, flags, words, literal }: ParsedArguments): string | undefined {
  if (!flags.some(({ name, value }) => name === "record" && value === "true")) return undefined;
  const given = flags.map(({ name, value }) => `--${name}=${secretFlags.has(name) ? "CLASSIFIED" : value}`);
  return ["wherry", ...path.map(({ name }) => name), ...words, ...literal, ...given].join(" ");
}

/** What can note the cause of its change: an object, or the template of pods. */
interface HasAnnotations {
  readonly metadata?: { readonly annotations?: StringMap };
}

/** The object with the cause of its change noted. */
export function withChangeCause<T extends HasAnnotations>(object: T, cause: string): T {
  const annotations = { ...object.metadata?.annotations, [changeCauseAnnotation]: cause };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** A client that notes the cause in whatever it makes and changes. */
export function recordingClient(client: Client, cause: string): Client {
  const note = { metadata: { annotations: { [changeCauseAnnotation]: cause } } };
  const recording: Pick<Client, "create" | "update" | "patch"> = {
    create: (kind, object, options) =>
      client.create(kind, options?.subresource ? object : withChangeCause(object, cause), options),
    async update<T extends KubeObject>(kind: ResourceType<T>, object: T, options: WriteCallOptions = {}) {
      if (!options.subresource) return await client.update(kind, withChangeCause(object, cause), options);
      const updated = await client.update(kind, object, options);
      await client.patch(kind, keyOf(object), { type: "merge", body: note }, { ...options, subresource: undefined });
      return updated;
    },
    async patch(kind, key, patch, options = {}) {
      const together = options.subresource ? undefined : withNote(patch, note.metadata.annotations);
      if (together) return await client.patch(kind, key, together, options);
      const patched = await client.patch(kind, key, patch, options);
      const { force: _, ...write } = options;
      const noted = await client.patch(kind, key, { type: "merge", body: note }, { ...write, subresource: undefined });
      return options.subresource ? patched : noted;
    },
  };
  return new Proxy(client, {
    get(target, name) {
      if (Object.hasOwn(recording, name)) return Reflect.get(recording, name);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/**
 * The patch with annotations beside what it changes; undefined for one that is a list of steps. What is applied is whole: who
 * applies notes the cause in it.
 */
function withNote(patch: Patch, added: JsonObject): Patch | undefined {
  if (patch.type === "json") return undefined;
  if (patch.type === "apply") return patch;
  const metadata = (patch.body["metadata"] ?? {}) as JsonObject;
  const annotations = { ...(metadata["annotations"] as JsonObject | undefined), ...added };
  return { ...patch, body: { ...patch.body, metadata: { ...metadata, annotations } } };
}
