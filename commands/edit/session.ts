import { goJson } from "../../core/api/go_json.ts";
import { asJson, asObject, jsonEqual } from "../../core/api/json_object.ts";
import { jsonText } from "../../core/api/json_text.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { parseManifests } from "../../core/api/yaml.ts";
import { formatYaml } from "../../core/api/yaml_writer.ts";
import { removeFile } from "../../core/platform/files.ts";
import { errorMessage } from "../../core/util/log.ts";
import type { CommandEnv } from "../env.ts";
import type { LoadedTarget } from "../targets.ts";
import { UsageError } from "../verb.ts";
import { type EditedFile, editText } from "./editor.ts";

/** What is edited, and what becomes of it. */
export interface EditSession {
  readonly targets: readonly LoadedTarget[];
  readonly format: "yaml" | "json";
  /** The first lines of the file, each begins with `#`. */
  readonly heading: string;
  /** Lines end with a carriage return too. Default false */
  readonly windowsLineEndings?: boolean | undefined;
  /** Complain of a missing apiVersion or kind. */
  readonly checkTypes: boolean;
  /** Sends an object that was changed. What it throws opens the editor again, or is told with where the file is. */
  commit(edited: KubeObject, target: LoadedTarget): Promise<void>;
  /** Called for an object that was not changed while others were. */
  skip(target: LoadedTarget): Promise<void>;
}

/** First lines of a file with objects. */
export const objectHeading = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;

/**
 * Edits objects until they are saved, or the user gives up: an editor opens with them, again and with the reasons when the
 * server finds them invalid.
 *
 * @returns the exit code
 * @see k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go
 */
export async function runEditSession(session: EditSession, env: CommandEnv): Promise<number> {
  const ended = (lines: string) => (session.windowsLineEndings ? lines.replace(/\r?\n/g, "\r\n") : lines);
  const original = ended(textOf(session));
  let text = original;
  let reasons: readonly string[] = [];
  let file: EditedFile | undefined;
  for (;;) {
    const heading = session.format === "json" ? "" : session.heading + reasons.map((reason) => `${reason}#\n`).join("");
    const edited = await editText(ended(heading) + text, `.${session.format}`);
    if (file && sameContent(file.text, edited.text)) {
      tellCopy(edited, env);
      throw new UsageError("Edit cancelled, no valid changes were saved.");
    }
    if (file) await removeFile(file.path);
    file = edited;
    text = withoutComments(edited.text);
    if (sameContent(original, edited.text)) return await cancel(edited, "no changes made", env);
    if (!session.checkTypes && !/^[^\S\n]*[^#\s]/m.test(edited.text))
      return await cancel(edited, "saved file was empty", env);
    const outcome = await save(session, edited, env).catch((error: unknown) => {
      tellCopy(edited, env);
      throw error;
    });
    if (outcome.exitCode !== undefined) {
      if (outcome.exitCode === 0) await removeFile(edited.path);
      return outcome.exitCode;
    }
    ({ reasons } = outcome);
  }
}

interface Outcome {
  /** Undefined: once more. */
  readonly exitCode: number | undefined;
  readonly reasons: readonly string[];
}

async function save(session: EditSession, file: EditedFile, env: CommandEnv): Promise<Outcome> {
  let objects: readonly KubeObject[];
  try {
    objects = parseManifests(file.text, "edited-file").map((object) => asObject(object));
  } catch (error) {
    const message = errorMessage(error).replace(/^error parsing edited-file: /, "");
    if (session.checkTypes) tellInvalid(session, env);
    return again([`# The edited file had a syntax error: error parsing edited-file: ${commented(message)}\n`]);
  }
  const bare = objects.length === 0 ? {} : objects.find(({ apiVersion, kind }) => !apiVersion || !kind);
  if (session.checkTypes && bare) {
    const { resource, key } = session.targets[0] ?? {};
    tellInvalid(session, env);
    const missing = (["apiVersion", "kind"] as const)
      .filter((field) => !(bare as Partial<KubeObject>)[field])
      .map((field) => `${field} not set`);
    const list = missing.length > 1 ? `[${missing.join(", ")}]` : missing[0];
    return again([
      `# ${resourceText(resource)} "${key?.name ?? ""}" was not valid:\n# * <nil>: Invalid value: "The edited file failed validation": ${list}\n`,
    ]);
  }
  if (objects.some(({ metadata }) => !metadata?.name)) throw new UsageError("resource name may not be empty");
  const reasons: string[] = [];
  let exitCode = 0;
  for (const object of objects) {
    const target = originalOf(session.targets, object);
    if (sameObject(object, target.object)) {
      await session.skip(target);
      continue;
    }
    try {
      await session.commit(object, target);
    } catch (error) {
      if (error instanceof UsageError || env.signal.aborted) throw error;
      const name = `${resourceText(target.resource)} "${target.key.name}"`;
      if (isReason(error, "Invalid")) {
        env.terminal.warn(`error: ${name} is invalid`);
        const causes = error.status.details?.causes ?? [];
        reasons.push(
          `# ${name} was not valid:\n${causes.map(({ field, message = "" }) => `# * ${commented(`${field}: ${message}`)}\n`).join("")}`,
        );
      } else if (isReason(error, "NotFound")) {
        env.terminal.warn(`error: ${name} could not be found on the server`);
        env.terminal.warn(`The edits you made on deleted resources have been saved to "${file.path}"`);
        exitCode = 1;
      } else {
        env.terminal.warn(`error: ${name} could not be patched: ${errorMessage(error)}`);
        env.terminal.warn(`You can run \`wherry replace -f ${file.path}\` to try this update again.`);
        exitCode = 1;
      }
    }
  }
  if (exitCode !== 0) return { exitCode, reasons: [] };
  return reasons.length > 0 ? again(reasons) : { exitCode: 0, reasons: [] };
}

function tellInvalid({ targets: [first] }: EditSession, { terminal }: CommandEnv): void {
  terminal.warn(`error: ${resourceText(first?.resource)} "${first?.key.name ?? ""}" is invalid`);
}

function again(reasons: readonly string[]): Outcome {
  return { exitCode: undefined, reasons };
}

async function cancel(file: EditedFile, why: string, env: CommandEnv): Promise<number> {
  await removeFile(file.path);
  env.terminal.warn(`Edit cancelled, ${why}.`);
  return 0;
}

function tellCopy({ path }: EditedFile, { terminal }: CommandEnv): void {
  terminal.warn(`A copy of your changes has been stored to "${path}"`);
}

function resourceText(resource: LoadedTarget["resource"] | undefined): string {
  if (!resource) return "";
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

/** The object that an edited one was before: told by its uid; of one object alone it is that. */
function originalOf(targets: readonly LoadedTarget[], edited: KubeObject): LoadedTarget {
  const found = targets.find(({ object }) => object.metadata.uid === edited.metadata?.uid);
  if (!found) throw new UsageError(`no original object found for ${jsonText(edited)}`);
  return found;
}

function textOf({ targets, format }: EditSession): string {
  const objects = targets.map(({ object }) => withoutManagedFields(object));
  const [single] = objects;
  const shown =
    objects.length === 1 && single
      ? asJson(single)
      : { apiVersion: "v1", items: objects.map((object): JsonObject => asJson(object)), kind: "List", metadata: {} };
  return format === "json" ? `${jsonText(shown, 4)}\n` : formatYaml(shown);
}

/** Nobody edits these. */
export function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function sameObject(edited: KubeObject, before: KubeObject): boolean {
  return jsonEqual(asJson(edited), asJson(withoutManagedFields(before)));
}

/** Whether two texts say the same, comments aside. */
function sameContent(a: string, b: string): boolean {
  const [left, right] = [contentOf(a), contentOf(b)];
  return left === undefined || right === undefined ? withoutComments(a) === withoutComments(b) : left === right;
}

function contentOf(text: string): string | undefined {
  try {
    return goJson(parseManifests(text, "edited-file"));
  } catch {
    return undefined;
  }
}

function withoutComments(text: string): string {
  return text.replace(/^[^\S\n]*#(?!!).*(\n|$)/gm, "");
}

function commented(text: string): string {
  return text.replace(/\n(?!#)/g, "\n# ");
}
