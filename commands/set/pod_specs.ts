import { asJson, asObject, isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { createStrategicPatch } from "../../core/api/patch/mod.ts";
import { schemaOf } from "../../core/client/apply.ts";
import type { FlagOf } from "../../core/flags/flag.ts";
import type { Container, PodSpec } from "../../core/kinds/pod.ts";
import { errorMessage } from "../../core/util/log.ts";
import { throwAll } from "../all_errors.ts";
import type { CommandEnv } from "../env.ts";
import { manifestFlags } from "../manifests.ts";
import { objectPrinter, type PrintFlagValues, printFlags } from "../output/object_printer.ts";
import { findTargets, type LoadedTarget } from "../targets.ts";
import { UsageError } from "../verb.ts";
import { dryRunFlag, dryRunOf, fieldManagerFlag, selectorFlags, structPrinterOptions } from "../write_flags.ts";

/** The flags that every verb of `set` has. */
export const setFlags: typeof manifestFlags &
  typeof printFlags &
  typeof dryRunFlag &
  ReturnType<typeof fieldManagerFlag> & {
    readonly selector: FlagOf<"string">;
    readonly all: FlagOf<"boolean">;
    readonly local: FlagOf<"boolean">;
  } = {
  ...manifestFlags,
  ...printFlags,
  ...dryRunFlag,
  ...fieldManagerFlag("kubectl-set"),
  selector: selectorFlags.selector,
  all: { type: "boolean", description: "All objects of the type in the namespace." },
  local: { type: "boolean", description: "Change what the files say, and ask no server." },
};

/** The values of {@linkcode setFlags}. */
export type SetValues = PrintFlagValues & {
  readonly filename: readonly string[];
  readonly kustomize: string | undefined;
  readonly recursive: boolean;
  readonly "dry-run": string;
  readonly "field-manager": string;
  readonly selector: string | undefined;
  readonly all: boolean;
  readonly local: boolean;
};

/** A change of objects. */
export interface SetChange {
  readonly words: readonly string[];
  /** What is said to have been done. */
  readonly operation: string;
  /** The object as it is to be; the same object for no change. @throws what is told behind the object's name */
  change(object: KubeObject): KubeObject | Promise<KubeObject>;
  /** What stands before a refusal of the server. */
  readonly failure: string;
  /** Looks at the rest of the command line, once the objects are found. @throws UsageError */
  validate?(): void;
  /** What changing found wrong, besides. */
  readonly errors?: readonly unknown[];
  /** Whether an object that does not change is told all the same. */
  readonly tellsUnchanged?: boolean;
}

/** Finds the objects, changes each and tells it. @throws what failed, at the end */
export async function changeObjects(flags: SetValues, request: SetChange, env: CommandEnv): Promise<void> {
  const dryRun = dryRunOf(flags, env);
  const { local, all, selector } = flags;
  if (local && request.words.length > 0)
    throw new UsageError(
      "error: you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'",
    );
  const print = await objectPrinter(flags, structPrinterOptions(dryRun, env));
  const targets = await findTargets({ words: request.words, manifests: flags, selector, typeAlone: all, local }, env);
  // As in kubectl, nothing is changed before all are found.
  const found: LoadedTarget[] = [];
  await targets.visitLoaded(async (target) => void found.push(target), { latest: true });
  request.validate?.();
  const errors: unknown[] = [];
  for (const target of found) {
    const { resource, key, object } = target;
    const name = `${resource.plural || resource.kind.toLowerCase()}/${key.name}`;
    let changed: KubeObject;
    try {
      changed = await request.change(object);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      errors.push(new UsageError(`error: ${name} ${error.message}`));
      continue;
    }
    const before = asJson(object);
    const body = createStrategicPatch(before, asJson(changed), before, schemaOf(object.apiVersion, object.kind));
    if (Object.keys(body).length === 0 && !request.tellsUnchanged) continue;
    if (local || dryRun === "client") {
      await print(changed, request.operation);
      continue;
    }
    try {
      await print(await sendChange(target, body, flags, env), request.operation);
    } catch (error) {
      errors.push(request.failure ? new UsageError(`${request.failure}${errorMessage(error)}`) : error);
    }
  }
  throwAll([...(request.errors ?? []), ...errors]);
}

/** Sends the patch of an object. @returns the object as it is then */
export async function sendChange(
  { resource, key }: LoadedTarget,
  body: JsonObject,
  flags: Pick<SetValues, "dry-run" | "field-manager">,
  env: CommandEnv,
): Promise<KubeObject> {
  const client = await env.client();
  const patch = { type: "strategic", body } as const;
  return await client.patch(resource, key, patch, {
    dryRun: flags["dry-run"] === "server",
    fieldManager: flags["field-manager"],
    signal: env.signal,
  });
}

/** Where a kind keeps the pods' spec. */
const specPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  PodTemplate: ["template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};
const templateKinds: ReadonlySet<string> = new Set([
  "ReplicationController",
  "Deployment",
  "DaemonSet",
  "ReplicaSet",
  "StatefulSet",
  "Job",
]);

/** The object with its pods' spec changed. @throws UsageError for a kind that has none */
export function withPodSpec(object: KubeObject, change: (spec: PodSpec) => PodSpec): KubeObject {
  const path = Object.hasOwn(specPaths, object.kind)
    ? specPaths[object.kind]
    : templateKinds.has(object.kind)
      ? ["spec", "template", "spec"]
      : undefined;
  if (!path) throw new UsageError(`the object is not a pod or does not have a pod template: ${typeText(object)}`);
  const at = (value: JsonObject, [member, ...rest]: readonly string[]): JsonObject => {
    if (member === undefined) return asJson(change(value as unknown as PodSpec));
    const inner = value[member];
    return { ...value, [member]: at(isJsonObject(inner) ? inner : {}, rest) };
  };
  return asObject(at(asJson(object), path));
}

/** A kind as Go names its type. */
function typeText({ apiVersion, kind }: KubeObject): string {
  return `*${apiVersion.split("/").at(-1)}.${kind}`;
}

/** The spec with those containers changed whose name fits the pattern; undefined when there are none. */
export function changeContainers(
  spec: PodSpec,
  pattern: string,
  change: (container: Container) => Container,
): PodSpec | undefined {
  const { containers, initContainers } = spec;
  const fits = ({ name }: Container) => matchesPattern(name, pattern);
  if (!containers.some(fits) && !initContainers?.some(fits)) return undefined;
  const changed = (list: readonly Container[]) => list.map((one) => (fits(one) ? change(one) : one));
  return {
    ...spec,
    containers: changed(containers),
    ...(initContainers ? { initContainers: changed(initContainers) } : {}),
  };
}

/** Whether a name fits a pattern in which `*` stands for anything. */
function matchesPattern(name: string, pattern: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  const last = rest.pop() ?? "";
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
